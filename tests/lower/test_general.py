"""The general lowering means what the oracle says where it is composed, in a frame, with tokens and
at its edges; for the families by themselves see `test_every_family`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import pytest
import torch
from torch import nn

from relgraph.algebra.families import connection, families, framed
from relgraph.algebra.geometry import out_grid
from relgraph.algebra.operator import (
    BiasShare,
    Channel,
    Operator,
    Predictor,
    Space,
    Weight,
)
from relgraph.algebra.parameters import parameters
from relgraph.lower import candidates
from relgraph.lower.general import lower_general
from relgraph.lower.module import in_reading_order
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
    named,
    node,
    randomize,
)
from tests.support import build, run_definitions


def _framed_slice() -> Iterator[Operator]:
    """Every 61st family, inside each frame in turn and with each bias."""
    biases = itertools.cycle(get_args(BiasShare))
    for index, operator in enumerate(families()[::61]):
        inside = list(framed(operator))[index % 4]
        yield replace(inside, bias=next(biases))


def _check(at: Connect) -> nn.Module:
    made = assert_equals_oracle(at, lower_general(at))
    found = {name: tuple(p.shape) for name, p in made.named_parameters()}
    assert found == {p.name: p.shape for p in parameters(at.connection)}
    return made


def test_framed_families_equal_the_oracle() -> None:
    for operator in _framed_slice():
        at = named(connection(operator))
        assert_composes(_check(at), at)


def test_one_name_means_one_text() -> None:
    operators = [*families()[::37], *_framed_slice()]
    definitions = [lower_general(named(connection(o))).definition for o in operators]
    assert len(in_reading_order([d for d in definitions if d is not None])) > 100


PAIR = Weight("pair", "softmax")
HEADS = Channel("separate", share="heads", heads=2)
LOCAL = Space("local", (3, 3))
NORMED = Predictor(2, True, "batch_norm")
SPECIAL: dict[str, Connect] = {
    "tokens, pair": node(Operator(Space("full"), HEADS, PAIR), 4, (2, 3), tokens=2),
    "tokens, absolute": node(
        Operator(Space("full"), HEADS, replace(PAIR, position="absolute")), 4, (2, 3), tokens=1
    ),
    "tokens, pooled": node(
        Operator(Space("full"), HEADS, Weight("pooled", predictor=NORMED)), 4, (2, 3), tokens=1
    ),
    "tokens, own numbers": node(
        Operator(Space("point"), Channel("full"), bias="both"), 4, (2, 3), tokens=2
    ),
    "tokens, average": node(
        Operator(Space("full"), HEADS, Weight("fixed", fixed="average")), 4, (2, 3), tokens=2
    ),
    "a vector": node(Operator(Space("point"), HEADS), 4, None),
    "a gate": node(Operator(Space("point", share="positions"), HEADS, Weight("pooled")), 4, (2, 3)),
    "to another map": node(Operator(Space("full"), HEADS), 4, (2, 3), out_grid=(5, 1)),
    "hidden, without norm": node(
        Operator(LOCAL, HEADS, Weight("center", predictor=Predictor(2, False, "none", "gelu"))),
        4,
        (4, 5),
    ),
    "windows larger than the map": node(
        Operator(Space("window", (3, 4), share="positions", shift=(1, 1)), HEADS), 4, (2, 8)
    ),
    "one ring": node(
        Operator(Space("window", (2, 4), share="positions", border="wrap", shift=(1, 1)), HEADS),
        4,
        (4, 4),
    ),
    "a stripe that covers the map": node(
        Operator(Space("stripe", (2, 1), share="windows", border="wrap", shift=(1, 0)), HEADS),
        4,
        (2, 3),
    ),
    "one place": node(Operator(LOCAL, HEADS, PAIR, "none"), 4, (1, 1)),
    "no slot at all": node(
        Operator(Space("local", (1, 1), padding=(1, 1), border="mask"), HEADS, PAIR, "none"),
        4,
        (2, 2),
        out_grid=(4, 4),
    ),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_cases_equal_the_oracle(name: str) -> None:
    at = SPECIAL[name]
    assert_composes(_check(at), at)


@pytest.mark.parametrize("name", SPECIAL)
def test_compiles_exports_and_resets(name: str) -> None:
    at = SPECIAL[name]
    lowered = lower_general(at)
    made = randomize(build(lowered)).eval()
    assert_compiles(made, at)
    assert_exports(made, at)
    assert_survives_meta(lowered, at)
    assert_runs_in_bfloat16(lowered, at)


@pytest.mark.parametrize("source", ["pooled", "center"])
def test_batch_norm_trains_on_the_batch(source: str) -> None:
    weight = Weight(source, predictor=NORMED)  # type: ignore[arg-type]
    at = node(Operator(LOCAL, HEADS, weight), 4, (4, 5))
    assert_equals_oracle(at, lower_general(at), training=True)


SIZES: dict[str, tuple[Space, Weight]] = {
    "offsets": (Space("local", (3, 2), share="positions", border="mask"), Weight("center")),
    "steps": (Space("local", (3, 3), (2, 2), share="positions"), Weight("static", "softmax")),
    "windows": (Space("window", (2, 3), shift=(1, 1), share="windows"), Weight()),
    "offsets in windows": (Space("window", (2, 3), share="positions"), Weight("pooled")),
    "pairs": (Space("axial"), PAIR),
    "moved stripes": (Space("stripe", (2, 1), border="wrap", shift=(1, 0), share="all"), Weight()),
    "pairs in stripes": (Space("stripe", (2, 1), border="mask"), PAIR),
}


@pytest.mark.parametrize("name", SIZES)
def test_takes_another_size(name: str) -> None:
    space, weight = SIZES[name]
    operator = Operator(space, HEADS, weight)
    made = build(lower_general(node(operator, 4, (4, 6), out_grid=out_grid(space, (4, 6)))))
    there = node(operator, 4, (6, 9), out_grid=out_grid(space, (6, 9)))
    assert_equals_oracle(there, lower_general(there), module=randomize(made))


ONE = Space("window", (2, 3), shift=(1, 2))
STRIPE = Space("stripe", (2, 1), shift=(1, 0), share="all")
# On (2, 3), where each is built, one block covers the map; on (4, 12) blocks move.
VOID: dict[str, tuple[Space, Weight]] = {
    "offsets": (replace(ONE, share="positions", border="mask"), Weight("static", "softmax")),
    "places": (replace(ONE, share="windows"), Weight("pooled")),
    "one value, wrapped": (replace(ONE, share="all", border="wrap"), Weight()),
    "places, wrapped": (replace(ONE, share="windows", border="wrap"), Weight("center")),
    "pairs with an offset": (replace(ONE, border="mask"), replace(PAIR, position="relative")),
    "pairs": (replace(ONE, border="zero"), Weight("pair", "sigmoid")),
    "averages": (replace(ONE, border="mask"), Weight("fixed", fixed="average")),
    "averages, larger than the map": (
        replace(ONE, size=(4, 6), shift=(3, 5), border="mask"),
        Weight("fixed", fixed="average"),
    ),
    "pairs, larger than the map": (replace(ONE, size=(2, 6), border="mask"), PAIR),
    "one value, padded": (replace(ONE, size=(3, 5), share="all", pad=True), Weight()),
    "stripes": (STRIPE, Weight()),
    "stripes, wrapped": (replace(STRIPE, size=(4, 1), border="wrap"), Weight("pooled")),
    "columns of pairs": (
        Space("stripe", (1, 4), shift=(0, 3), along="columns", border="mask"),
        PAIR,
    ),
}


@pytest.mark.parametrize("name", VOID)
def test_shifts_that_are_void_where_it_was_built_move_on_larger_maps(name: str) -> None:
    space, weight = VOID[name]
    operator = Operator(space, HEADS, weight)
    for _, built in candidates(node(operator, 4, (2, 3))):
        there = node(operator, 4, (4, 12))
        assert_equals_oracle(there, built, module=randomize(build(built)))


def test_refuses_an_impossible_size() -> None:
    made = build(lower_general(node(Operator(LOCAL, HEADS), 4, (4, 6))))
    with pytest.raises(ValueError, match=r"built for a map \(4, 6\), found \(5, 6\)"):
        made(torch.zeros(1, 4, 5, 6))
    windows = Operator(Space("window", (2, 3), share="windows"), HEADS)
    with pytest.raises(ValueError, match="blocks of 2 must divide the map, found 5"):
        build(lower_general(node(windows, 4, (4, 6))))(torch.zeros(1, 4, 5, 6))


def test_keys_of_a_reduced_map() -> None:
    operator = Operator(Space("full"), HEADS, replace(PAIR, position="absolute"), "none")
    at = node(operator, 4, (4, 6))
    body = Scope(input=at.input, output=Shape(4, (2, 3)), name="mixer", role="reduce", body=())
    at = replace(at, connection=replace(at.connection, key_grid=(2, 3)), reduce=body)
    lowered = lower_general(at)
    assert lowered.definition is not None
    constructor = vars(run_definitions([lowered.definition]))[lowered.constructor]
    pool = nn.AvgPool2d(2)
    sizes = {"map_size": (4, 6), "key_size": (2, 3)}
    made = randomize(constructor(**{**dict(lowered.arguments), **sizes}, reduce=pool))
    x = draw(at.input)
    keys = flat(pool(laid_out(x, at.input)), "map")
    expected = oracle.connect(at.connection, dict(made.named_parameters()), x, keys)
    calls: list[int] = []
    pool.register_forward_hook(lambda *_: calls.append(1))
    assert_close(flat(made(laid_out(x, at.input)), "map"), expected, "output")
    assert len(calls) == 1, "keys and values read what was reduced once"
    assert_composes(made, at)


def test_stands_behind_every_fast_form() -> None:
    """The general form is a candidate of every atom, the last one, and never the only opinion."""
    for operator in families()[::97]:
        names = [name for name, _ in candidates(named(connection(operator)))]
        assert names[-1] == "general"


def test_fast_forms_have_its_parameters() -> None:
    """A checkpoint moves between all lowerings of a connection, and gives the same values."""
    compared = 0
    for operator in families()[::5]:
        at = named(connection(operator))
        *fast, (_, general) = candidates(at)
        for _, lowered in fast:
            expected = randomize(build(general)).eval()
            made = build(lowered).double().eval()
            made.load_state_dict(expected.state_dict())
            x = laid_out(draw(at.input), at.input)
            assert_close(made(x), expected(x), f"{lowered}")
            compared += 1
    assert compared > 10
