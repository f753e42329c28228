"""Keys and values that heads share, beside every other word of attention: all forms of each mean
what the oracle says, and have the parameters of the closed form."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torch import nn

from relgraph.algebra.cost import macs
from relgraph.algebra.operator import Channel, Frame, Operator, Space, Weight
from relgraph.algebra.parameters import parameters
from relgraph.algebra.rules import check
from relgraph.lower import candidates
from relgraph.lower.module import Module
from relgraph.program import Connect, Scope, Shape
from relgraph.verify import oracle
from relgraph.verify.oracle_counts import multiply_adds
from tests.lower.against_oracle import (
    assert_close,
    assert_compiles,
    assert_composes,
    assert_equals_oracle,
    assert_exports,
    assert_survives_meta,
    draw,
    flat,
    laid_out,
    node,
    randomize,
)
from tests.support import build, run_definitions

HEADS = Channel("separate", share="heads", heads=4)
OWN = Channel("separate")
FULL = Space("full", border="mask")
WINDOW = Space("window", (2, 3), shift=(1, 1), border="mask")
HALO = Space("window", (2, 2), halo=(1, 0), border="mask")
LOCAL = Space("local", (3, 3), border="mask")
FRAME = Frame(value=True, output=True)
PAIR = Weight("pair", "softmax", kv_heads=2)
ONE = replace(PAIR, kv_heads=1)
KEYLESS = replace(PAIR, key_bias=False)
NETWORK = replace(KEYLESS, position="continuous", hidden=5)
TURNED = replace(KEYLESS, position="rotary")
LINEAR = Weight("pair", "l1", score="relu", kv_heads=2)


def _at(
    space: Space,
    weight: Weight,
    channel: Channel = HEADS,
    frame: Frame = FRAME,
    tokens: int = 0,
) -> Connect:
    """Heads of two channels, or of four where they are turned, on a map of 4 × 6."""
    dim = 16 if weight.position == "rotary" else 8
    return node(Operator(space, channel, weight, "none", frame), dim, (4, 6), tokens=tokens)


CROSSED: dict[str, Connect] = {
    "no bias of keys": _at(FULL, KEYLESS),
    "no bias of keys, tokens": _at(FULL, replace(KEYLESS, kv_heads=1), tokens=2),
    "no biases": _at(FULL, replace(PAIR, qkv_bias=False), frame=Frame(True, True, False, False)),
    "relative": _at(WINDOW, replace(PAIR, position="relative")),
    "absolute": _at(FULL, replace(PAIR, position="absolute")),
    "absolute, cosine": _at(FULL, replace(PAIR, position="absolute", score="cosine")),
    "continuous": _at(FULL, NETWORK),
    "continuous, cosine": _at(WINDOW, replace(NETWORK, score="cosine")),
    "rotary": _at(FULL, replace(TURNED, key_bias=True)),
    "rotary, tokens": _at(FULL, replace(TURNED, kv_heads=1), tokens=2),
    "rotary, cosine": _at(WINDOW, replace(TURNED, score="cosine")),
    "rotary, taps": _at(LOCAL, TURNED),
    "cosine": _at(FULL, replace(PAIR, score="cosine")),
    "relu features": _at(FULL, LINEAR),
    "elu features, no bias of keys": _at(FULL, replace(LINEAR, score="elu", key_bias=False)),
    "halo": _at(HALO, replace(PAIR, position="relative")),
    "halo, cosine, no bias of keys": _at(HALO, replace(KEYLESS, kv_heads=1, score="cosine")),
    "cross, sigmoid": _at(Space("axial", border="mask"), replace(KEYLESS, normalize="sigmoid")),
    "talking heads": _at(FULL, replace(PAIR, talking_heads="both")),
    "talking heads, windows": _at(WINDOW, replace(NETWORK, kv_heads=1, talking_heads="weights")),
    "talking heads, halo": _at(HALO, replace(KEYLESS, talking_heads="logits")),
    "no values": _at(FULL, KEYLESS, frame=Frame()),
    "no values, one key": _at(LOCAL, ONE, frame=Frame(output=True)),
    "heads of one channel": _at(WINDOW, replace(KEYLESS, position="absolute"), OWN),
    "heads of one channel, one key": _at(FULL, ONE, OWN),
}


@pytest.mark.parametrize("name", CROSSED)
def test_every_form_equals_the_oracle(name: str) -> None:
    at = CROSSED[name]
    assert not check(at.connection.operator)
    for form, lowered in candidates(at):
        assert lowered.definition is not None
        assert max(map(len, lowered.definition.text.splitlines())) <= 100, form
        assert "with  " not in lowered.definition.text, form
        made = assert_equals_oracle(at, lowered)
        assert_composes(made, at)
        found = {path: tuple(p.shape) for path, p in made.named_parameters()}
        assert found == {p.name: p.shape for p in parameters(at.connection)}, form
    assert macs(at.connection) == multiply_adds(at.connection)


FAST = {
    "talking heads": "TalkingHeadsGroupedQueryAttention2d",
    "no bias of keys": "KeylessGroupedQueryAttention2d",
    "no bias of keys, tokens": "KeylessGroupedQueryAttention",
    "continuous": "KeylessGroupedQueryContinuousAttention2d",
    "continuous, cosine": "KeylessGroupedQueryContinuousCosineWindowAttention",
    "rotary, tokens": "KeylessGroupedQueryRotaryAttention",
    "rotary, cosine": "KeylessGroupedQueryRotaryCosineWindowAttention",
}


@pytest.mark.parametrize("name", FAST)
def test_a_fast_form_takes_it(name: str) -> None:
    _, lowered = candidates(CROSSED[name])[0]
    assert lowered.constructor.rpartition(".")[2] == FAST[name]


@pytest.mark.parametrize("name", ["no bias of keys, tokens", "rotary, cosine"])
def test_compiles_exports_and_resets(name: str) -> None:
    at = CROSSED[name]
    _, lowered = candidates(at)[0]
    made = randomize(build(lowered))
    assert_compiles(made, at)
    assert_exports(made, at)
    assert_survives_meta(lowered, at)


POOL = nn.AvgPool2d(2)
REDUCED = {
    "plain": PAIR,
    "one key": replace(ONE, qkv_bias=False),
    "no bias of keys": KEYLESS,
    "cosine": replace(PAIR, score="cosine"),
    "talking heads": replace(ONE, talking_heads="both"),
    "absolute": replace(KEYLESS, position="absolute"),
    "relu features": LINEAR,
}


@pytest.mark.parametrize("values", [True, False])
@pytest.mark.parametrize("name", REDUCED)
def test_keys_of_a_reduced_map(name: str, values: bool) -> None:
    at = _at(FULL, REDUCED[name], frame=replace(FRAME, value=values))
    body = Scope(
        input=at.input, output=Shape(8, (2, 3)), attr="reduce", name="mixer", role="reduce", body=()
    )
    at = replace(at, connection=replace(at.connection, key_grid=(2, 3)), reduce=body)
    x = draw(at.input)
    keys = flat(POOL(laid_out(x, at.input)), "map")
    for form, lowered in candidates(at):
        made = _with_reduction(lowered)
        tensors = dict(made.named_parameters())
        expected = {p.name: p.shape for p in parameters(at.connection)}
        assert {n: tuple(t.shape) for n, t in tensors.items()} == expected, form
        found = flat(made(laid_out(x, at.input)), "map")
        assert_close(found, oracle.connect(at.connection, tensors, x, keys), form)
        assert_composes(made, at)
    assert macs(at.connection) == multiply_adds(at.connection)


def _with_reduction(lowered: Module) -> nn.Module:
    """The module as an enclosing class makes it, which adds the argument `reduce` and map sizes."""
    assert lowered.definition is not None
    constructor = vars(run_definitions([lowered.definition]))[lowered.constructor]
    sizes = {"map_size": (4, 6), "key_size": (2, 3)}
    arguments = {name: sizes.get(name, value) for name, value in lowered.arguments}
    return randomize(constructor(**arguments, reduce=POOL))
