"""Attention, windowed, global and reduced: emitted modules mean what the oracle says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from relgraph.algebra.operator import (
    HIDDEN,
    Channel,
    Frame,
    Operator,
    Size,
    Space,
    Talking,
    Weight,
)
from relgraph.algebra.parameters import parameters
from relgraph.lower import attention
from relgraph.lower.module import Module, in_reading_order
from relgraph.program import Connect, Scope, Shape
from relgraph.verify import oracle
from tests.lower.against_oracle import (
    assert_close,
    assert_compiles,
    assert_composes,
    assert_equals_oracle,
    assert_exports,
    assert_runs_in_bfloat16,
    assert_survives_meta,
    draw,
    flat,
    laid_out,
    node,
    randomize,
)
from tests.support import build, run_definitions

FRAME = Frame(value=True, output=True)
HEADS = Channel("separate", share="heads", heads=2)


def _pair(space: Space, position: str = "none", *, bias: bool = True) -> Operator:
    weight = Weight("pair", "softmax", position, qkv_bias=bias)  # type: ignore[arg-type]
    frame = Frame(True, True, bias, bias)
    return Operator(space, HEADS, weight, "none", frame)


def _window(shift: Size = (0, 0), position: str = "relative", **more: object) -> Operator:
    space = Space("window", (2, 3), shift=shift, **{"border": "mask", **more})  # type: ignore[arg-type]
    return _pair(space, position)


def _network(operator: Operator, *, keyless: bool = False) -> Operator:
    """With few hidden units (as far as it has any), and perhaps keys without a bias."""
    hidden = 5 if operator.weight.position == "continuous" else HIDDEN
    weight = replace(operator.weight, hidden=hidden, key_bias=not keyless)
    return replace(operator, weight=weight)


def _cosine(operator: Operator) -> Operator:
    return replace(operator, weight=replace(operator.weight, score="cosine"))


def _features(operator: Operator, score: str, normalize: str = "l1") -> Operator:
    weight = replace(operator.weight, score=score, normalize=normalize)  # type: ignore[arg-type]
    return replace(operator, weight=weight)


def _shared(operator: Operator, runs: int = 1) -> Operator:
    weight = replace(operator.weight, kv_heads=runs)
    return replace(operator, channel=replace(operator.channel, heads=4), weight=weight)


def _talking(operator: Operator, how: Talking = "both") -> Operator:
    return replace(operator, weight=replace(operator.weight, talking_heads=how))


FULL = Space("full", border="mask")
NODES: dict[str, Connect] = {
    "map": node(_pair(FULL), 6, (3, 4)),
    "without biases": node(_pair(FULL, bias=False), 6, (3, 4)),
    "one place": node(_pair(FULL), 6, (1, 1)),
    "tokens": node(_pair(FULL), 6, (3, 4), tokens=2),
    "relative": node(_pair(FULL, "relative"), 6, (3, 4)),
    "absolute": node(_pair(FULL, "absolute"), 6, (3, 4)),
    "window": node(_window(), 6, (4, 9)),
    "shifted": node(_window((1, 1)), 6, (4, 9)),
    "shifted by rows": node(_window((1, 0)), 6, (4, 9)),
    "shifted by more than a window": node(_window((3, 5)), 6, (4, 9)),
    "as wide as the map": node(_window((1, 1)), 6, (4, 3)),
    "larger than the map": node(_window((1, 1)), 6, (4, 2)),
    "wrapped": node(_window((1, 2), border="wrap"), 6, (4, 9)),
    "padded": node(_window((1, 2), pad=True), 6, (5, 7)),
    "padded and wrapped": node(_window((1, 2), pad=True, border="wrap"), 6, (5, 7)),
    "without position": node(_window((1, 1), "none"), 6, (4, 9)),
    "without position or shift": node(_window(position="none"), 6, (4, 9)),
    "without position, wrapped": node(_window((1, 1), "none", border="wrap"), 6, (4, 9)),
    "without position, larger": node(_window((1, 1), "none"), 6, (1, 2)),
    "without position, larger, padded": node(_window((1, 2), "none", pad=True), 6, (1, 2)),
    "cosine": node(_cosine(_pair(FULL)), 6, (3, 4)),
    "cosine, tokens": node(_cosine(_pair(FULL, bias=False)), 6, (3, 4), tokens=2),
    "cosine, relative": node(_cosine(_pair(FULL, "relative")), 6, (3, 4)),
    "cosine, absolute": node(_cosine(_pair(FULL, "absolute")), 6, (3, 4)),
    "cosine, window without position": node(_cosine(_window((1, 1), "none")), 6, (4, 9)),
    "one key for all heads": node(_shared(_pair(FULL)), 8, (3, 4), tokens=2),
    "one key for two heads": node(_shared(_pair(FULL, "relative"), 2), 8, (3, 4)),
    "one key for two heads, shifted": node(_shared(_window((1, 1)), 2), 8, (4, 9)),
    "one key for two heads, cosine": node(_cosine(_shared(_window((1, 1)), 2)), 8, (4, 9)),
    "one key for all heads, relu features": node(
        _shared(_features(_pair(FULL), "relu")), 8, (3, 4)
    ),
    "relu features": node(_features(_pair(FULL), "relu"), 6, (3, 4)),
    "elu features, tokens": node(_features(_pair(FULL), "elu"), 6, (3, 4), tokens=2),
    "relu features, no sum": node(_features(_pair(FULL, bias=False), "relu", "none"), 6, (3, 4)),
    "cosine, window": node(_cosine(_window()), 6, (4, 9)),
    "cosine, shifted": node(_cosine(_window((1, 1))), 6, (4, 9)),
    "cosine, padded and wrapped": node(
        _cosine(_window((1, 2), pad=True, border="wrap")), 6, (5, 7)
    ),
    "continuous": node(_network(_pair(FULL, "continuous"), keyless=True), 6, (3, 4)),
    "continuous, window": node(_network(_window((0, 0), "continuous")), 6, (4, 9)),
    "continuous, larger": node(_network(_window((1, 2), "continuous", pad=True)), 6, (1, 2)),
    "continuous, cosine, shifted": node(
        _cosine(_network(_window((1, 1), "continuous"), keyless=True)), 6, (4, 9)
    ),
    "talking heads, tokens": node(_talking(_pair(FULL, bias=False)), 6, (3, 4), tokens=2),
    "talking heads, shifted": node(_talking(_window((1, 1))), 6, (4, 9)),
    "rotary": node(_pair(FULL, "rotary"), 8, (3, 4)),
    "rotary, tokens": node(_network(_pair(FULL, "rotary"), keyless=True), 8, (3, 4), tokens=2),
    "rotary, cosine, shifted": node(_cosine(_window((1, 1), "rotary")), 8, (4, 9)),
    "rotary, wrapped": node(_window((1, 1), "rotary", border="wrap", pad=True), 8, (5, 8)),
}

TALKING: dict[str, Connect] = {
    "on a map": node(_talking(_pair(FULL)), 6, (3, 4)),
    "logits alone": node(_talking(_pair(FULL, "relative"), "logits"), 6, (3, 4)),
    "weights alone": node(_talking(_pair(FULL), "weights"), 6, (3, 4), tokens=1),
    "cosine": node(_talking(_cosine(_pair(FULL, "absolute"))), 6, (3, 4)),
    "logits of windows": node(_talking(_window((1, 1)), "logits"), 6, (4, 9)),
    "without position": node(_talking(_window((1, 1), "none"), "weights"), 6, (4, 9)),
    "wrapped, continuous": node(
        _talking(_network(_window((1, 2), "continuous", border="wrap"))), 6, (4, 9)
    ),
    "rotary, padded": node(_talking(_window((1, 1), "rotary", pad=True)), 8, (5, 8)),
}


def _lower(at: Connect) -> Module:
    if attention.accepts_attention(at):
        return attention.lower_attention(at)
    assert attention.accepts_window_attention(at)
    return attention.lower_window_attention(at)


@pytest.mark.parametrize("name", [*NODES, *TALKING])
def test_equals_the_oracle(name: str) -> None:
    at = {**NODES, **TALKING}[name]
    made = assert_equals_oracle(at, _lower(at))
    assert_composes(made, at)
    found = {name: tuple(p.shape) for name, p in made.named_parameters()}
    assert found == {p.name: p.shape for p in parameters(at.connection)}


@pytest.mark.parametrize("name", NODES)
def test_compiles_exports_and_resets(name: str) -> None:
    at = NODES[name]
    lowered = _lower(at)
    made = randomize(build(lowered))
    assert_compiles(made, at)
    assert_exports(made, at)
    assert_survives_meta(lowered, at)
    assert_runs_in_bfloat16(lowered, at)


SMALLER = {
    "map": (5, 2),
    "tokens": (5, 2),
    "relative": (2, 4),
    "window": (6, 3),
    "shifted": (6, 12),
    "padded": (4, 8),
    "wrapped": (8, 6),
    "cosine": (5, 2),
    "cosine, shifted": (6, 12),
    "continuous": (5, 3),
    "continuous, larger": (6, 5),
    "continuous, cosine, shifted": (2, 3),
    "talking heads, tokens": (5, 2),
    "talking heads, shifted": (6, 12),
    "rotary": (2, 5),
    "rotary, cosine, shifted": (6, 6),
    "without position": (2, 9),
    "without position, larger": (4, 6),
    "without position, larger, padded": (5, 7),
}


@pytest.mark.parametrize("name", SMALLER)
def test_takes_another_size(name: str) -> None:
    """A module built for one map means the same operator on another."""
    at = NODES[name]
    made = randomize(build(_lower(at)))
    moved = _at_size(at, SMALLER[name])
    if name == "relative":  # only the offsets that the smaller map has
        made_there = randomize(build(_lower(moved)))
        _share_offsets(made, made_there, at, moved)
        x = laid_out(draw(moved.input), moved.input)
        assert_close(made(x), made_there(x), "smaller map")
        return
    assert_equals_oracle(moved, _lower(moved), module=made)


def _at_size(at: Connect, grid: Size) -> Connect:
    tokens = len(at.input.tokens)
    return node(at.connection.operator, at.input.channels, grid, tokens=tokens)


def _share_offsets(large: nn.Module, small: nn.Module, at: Connect, moved: Connect) -> None:
    """Give `small` the projections of `large` and the middle of its table of offsets."""
    state = large.state_dict()
    (h, w), (h2, w2) = at.input.grid or (1, 1), moved.input.grid or (1, 1)
    table = state["relative_position_bias_table"].view(2 * h - 1, 2 * w - 1, -1)
    table = table[h - h2 : h + h2 - 1, w - w2 : w + w2 - 1]
    state["relative_position_bias_table"] = table.flatten(0, 1)
    small.load_state_dict(state)


def test_a_window_that_covers_another_map_sees_all_of_it() -> None:
    at = NODES["shifted"]
    made = randomize(build(_lower(at)))
    covered = node(_window((0, 0)), 6, (2, 3))
    assert_equals_oracle(covered, _lower(covered), module=made)


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("shifted", (5, 9), "windows 2 x 3 must divide the map, found 5 x 9"),
        ("relative", (4, 4), r"position bias for maps up to \(3, 4\), found \(4, 4\)"),
        ("absolute", (3, 3), r"position bias for \(3, 4\), found \(3, 3\)"),
    ],
)
def test_refuses_an_impossible_size(name: str, size: Size, said: str) -> None:
    made = build(_lower(NODES[name]))
    with pytest.raises(ValueError, match=said):
        made(torch.zeros(1, 6, *size))


def test_sizes_share_a_class() -> None:
    """Definitions of one name have one text, whatever the sizes, shifts and biases."""
    definitions = [d for d in (_lower(at).definition for at in NODES.values()) if d is not None]
    assert len({d.name for d in in_reading_order(definitions)}) >= 8


def test_gradients_do_not_need_an_explicit_softmax() -> None:
    """Training and inference take two paths; in float64 they agree to rounding."""
    at = NODES["shifted"]
    made = randomize(build(_lower(at)))
    x = laid_out(draw(at.input), at.input)
    trained = made(x).detach()
    with torch.no_grad():
        assert_close(made(x), trained, "fused")


REDUCTION = nn.AvgPool2d(2)


def _reduced_node(grid: Size = (4, 6), *, bias: bool = True) -> Connect:
    """Keys on the map averaged over 2 x 2; the lowering takes any body."""
    at = node(_pair(FULL, bias=bias), 6, grid)
    keys = (grid[0] // 2, grid[1] // 2)
    body = Scope(
        input=at.input, output=Shape(6, keys), attr="reduce", name="mixer", role="reduce", body=()
    )
    return replace(at, connection=replace(at.connection, key_grid=keys), reduce=body)


def _with_reduction(lowered: Module) -> nn.Module:
    """The module as an enclosing class makes it, which adds the argument `reduce`."""
    assert lowered.definition is not None
    constructor = vars(run_definitions([lowered.definition]))[lowered.constructor]
    made = constructor(**dict(lowered.arguments), reduce=REDUCTION)
    assert isinstance(made, nn.Module)
    return made


@pytest.mark.parametrize("bias", [True, False])
def test_reduced_attention_equals_the_oracle(bias: bool) -> None:
    at = _reduced_node(bias=bias)
    assert attention.accepts_reduced_attention(at)
    assert not attention.accepts_attention(at)
    made = randomize(_with_reduction(attention.lower_reduced_attention(at)))
    x = draw(at.input).requires_grad_()
    keys = flat(REDUCTION(laid_out(x, at.input)), "map")
    tensors = dict(made.named_parameters())
    assert {n: tuple(t.shape) for n, t in tensors.items()} == {
        p.name: p.shape for p in parameters(at.connection)
    }
    expected = oracle.connect(at.connection, tensors, x, keys)
    found = flat(made(laid_out(x, at.input)), "map")
    assert_close(found, expected, "output")
    upstream = torch.randn(expected.shape, dtype=expected.dtype)
    ours = torch.autograd.grad(found, [x, *tensors.values()], upstream)
    theirs = torch.autograd.grad(expected, [x, *tensors.values()], upstream)
    for name, mine, other in zip(["x", *tensors], ours, theirs, strict=True):
        assert_close(mine, other, f"gradient of {name}")


def test_reduced_attention_compiles_exports_and_composes() -> None:
    at = _reduced_node()
    made = randomize(_with_reduction(attention.lower_reduced_attention(at)))
    assert_composes(made, at)
    assert_compiles(made, at)
    assert_exports(made, at)
