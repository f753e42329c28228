"""One canonical form ⇒ one class of functions; for static atoms also the other way round."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from relgraph.algebra.canonical import REWRITES, canonical
from relgraph.algebra.families import connection
from relgraph.algebra.fit import misfits
from relgraph.algebra.geometry import out_grid
from relgraph.algebra.operator import (
    Border,
    Channel,
    Connection,
    Frame,
    Operator,
    Predictor,
    Rank,
    Size,
    Space,
    SpaceShare,
    Weight,
)
from relgraph.algebra.orbits import static_class
from relgraph.algebra.parameters import parameters
from relgraph.algebra.rules import check
from relgraph.verify import oracle

# Generic maps: larger than every size below; blocks need maps that they divide, strides do not.
DIVISIBLE: Size = (6, 12)
RAGGED: Size = (7, 9)
SHARES: tuple[SpaceShare, ...] = ("none", "windows", "positions", "all")


def spaces() -> Iterator[Space]:
    """Every static space at small numbers, many of them the same in other words."""
    blocks = [
        Space("window", size=size, shift=shift)
        for size in ((1, 1), (2, 2), (3, 2))
        for shift in ((0, 0), (1, 0), (2, 2))
    ]
    blocks += [
        Space("window", size=size, halo=halo)
        for size in ((1, 1), (2, 2), (1, 2))
        for halo in ((1, 1), (0, 1))
    ]
    blocks += [Space("grid", size=size) for size in ((1, 1), (2, 2), (3, 1))]
    blocks += [Space("stripe", size=(2, n), shift=(s, 0)) for n in (1, 2) for s in (0, 1, 2)]
    stencils = [
        Space("local", size=size, dilation=dilation, padding=padding, stride=stride)
        for size in ((1, 1), (2, 2), (3, 3), (1, 3))
        for dilation in ((1, 1), (1, 2))
        for padding in ("half", "same_tf", (0, 0), (1, 1))
        for stride in ((1, 1), (2, 2))
    ]
    points = [
        Space("point", size=(1, 1)),
        Space("point", size=(3, 3)),
        Space("point", padding=(0, 0)),
    ]
    overlapping = [
        Space("outlook", size=size, step=step)
        for size in ((1, 1), (2, 2), (3, 2), (1, 3))
        for step in ((1, 1), (2, 1))
    ]
    for space in (
        *blocks,
        *overlapping,
        *stencils,
        *points,
        Space("full", size=(2, 2)),
        Space("full"),
    ):
        for share in SHARES:
            yield from (replace(space, share=share, border=border) for border in borders(space))


def borders(space: Space) -> tuple[Border, ...]:
    return ("zero", "mask", "wrap")


def maps(operator: Operator) -> tuple[Size, ...]:
    """The maps that the operator fits."""
    return tuple(m for m in (DIVISIBLE, RAGGED) if not misfits(connection(operator, m)))


@cache
def operators() -> tuple[Operator, ...]:
    """Those that are consistent and fit at least the divisible map."""
    found = [Operator(space, Channel("separate", share="all")) for space in spaces()]
    return tuple(o for o in found if not check(o) and DIVISIBLE in maps(o))


@cache
def key(operator: Operator) -> object:
    """The class of the operator's matrices on all maps, independent of its spelling."""
    found = []
    for grid in maps(operator):
        at = Connection(operator, 1, 1, grid, out_grid(operator.space, grid))
        orbits = static_class(at).space
        found.append((at.out_grid, frozenset(orbits.reached)))
    return tuple(found)


def test_canonical_forms_are_canonical() -> None:
    for operator in operators():
        once = canonical(operator).operator
        assert not check(once)
        assert canonical(once).operator == once
        assert canonical(once).notes == ()


def test_one_form_is_one_class_and_one_class_one_form() -> None:
    """Both directions for static atoms, exhaustively: over 800 spellings."""
    by_form: dict[Operator, set[object]] = {}
    by_class: dict[object, set[Operator]] = {}
    for operator in operators():
        form = canonical(operator).operator
        by_form.setdefault(form, set()).add(key(operator))
        by_class.setdefault(key(operator), set()).add(form)
    assert len(operators()) > 800
    assert [form for form, keys in by_form.items() if len(keys) > 1] == []
    assert [forms for forms in by_class.values() if len(forms) > 1] == []


def test_widths_settle_groups_and_heads() -> None:
    local = Space("local", (3, 3), share="positions")
    for channel, expected in (
        (Channel("groups", groups=4), Channel("separate")),
        (Channel("groups", groups=4, share="all"), Channel("separate", share="all")),
        (Channel("separate", share="heads", heads=4), Channel("separate")),
        (Channel("separate", share="heads", heads=1), Channel("separate", share="all")),
        (Channel("groups", groups=1), Channel("full")),
        (Channel("groups", groups=1, share="all"), Channel("full")),
        (Channel("groups", groups=2, heads=3), Channel("groups", groups=2)),
    ):
        operator = Operator(local, channel)
        form = canonical(operator, 4, 4).operator
        assert form.channel == expected
        before, after = (Connection(o, 4, 4, (3, 4), (3, 4)) for o in (operator, form))
        assert static_class(before).equals(static_class(after))


def test_groups_of_unknown_widths_stay() -> None:
    operator = Operator(Space("local", (3, 3), share="positions"), Channel("groups", groups=4))
    assert canonical(operator).operator == operator
    assert canonical(operator, 4, 8).operator == operator


def outputs(operator: Operator, grid: Size = (4, 6)) -> torch.Tensor:
    """The oracle's output with the same random parameters for the same shapes."""
    at, generator = connection(operator, grid), torch.Generator().manual_seed(1)
    tensors = {
        p.name: torch.randn(p.shape, generator=generator, dtype=torch.float64)
        for p in parameters(at)
    }
    x = torch.randn(2, grid[0] * grid[1], 4, generator=generator, dtype=torch.float64)
    return oracle.connect(at, tensors, x)


SOFTMAX = Weight("pooled", normalize="softmax")
SOFT_PAIRS = Weight("pair", "softmax")
TWO_KEYS = Weight("pair", "softmax", kv_heads=2)
ASIDE = Weight("fixed", fixed="shift", offset=(0, -1))
SAME = [
    (
        Operator(Space("full"), Channel("separate", share="heads", heads=2), TWO_KEYS),
        Operator(Space("full"), Channel("separate", share="heads", heads=2), SOFT_PAIRS),
    ),
    (
        Operator(Space("local", (3, 3), border="mask"), Channel("separate"), Weight("center")),
        Operator(Space("local", (3, 3), border="zero"), Channel("separate"), Weight("center")),
    ),
    (
        Operator(Space("window", (2, 3), border="zero"), Channel("separate"), SOFTMAX),
        Operator(Space("window", (2, 3), border="mask"), Channel("separate"), SOFTMAX),
    ),
    (
        Operator(Space("grid", (2, 3), border="wrap"), Channel("separate"), SOFTMAX),
        Operator(Space("grid", (2, 3), border="mask"), Channel("separate"), SOFTMAX),
    ),
    (
        Operator(
            Space("local", (3, 3), (2, 2)), Channel("separate"), Weight("fixed", fixed="identity")
        ),
        Operator(
            Space("point", stride=(2, 2)), Channel("separate"), Weight("fixed", fixed="identity")
        ),
    ),
    (
        Operator(
            Space("local", (3, 3), share="all"),
            Channel("separate"),
            Weight("fixed", fixed="average"),
        ),
        Operator(Space("local", (3, 3)), Channel("separate"), Weight("fixed", fixed="average")),
    ),
    (
        Operator(Space("local", (4, 5), border="mask"), Channel("separate"), ASIDE),
        Operator(Space("local", (1, 3), share="positions"), Channel("separate"), ASIDE),
    ),
    (
        Operator(
            Space("local", (3, 3)), Channel("separate"), Weight("fixed", fixed="shift"), "none"
        ),
        Operator(Space(), Channel("separate"), Weight("fixed", fixed="identity"), "none"),
    ),
    (
        Operator(
            Space("outlook", (2, 2), share="windows", step=(2, 2)), Channel("separate"), SOFTMAX
        ),
        Operator(Space("window", (2, 2), share="windows"), Channel("separate"), SOFTMAX),
    ),
    (
        Operator(
            Space("full"), Channel("separate"), Weight("pooled", predictor=Predictor()), "none"
        ),
        Operator(Space("full"), Channel("separate"), Weight("pooled", qkv_bias=False), "none"),
    ),
    (
        Operator(Space("full"), Channel("separate"), frame=Frame(value_bias=False)),
        Operator(Space("full"), Channel("separate")),
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_rewrites_of_other_sources_keep_the_function(one: Operator, other: Operator) -> None:
    assert canonical(one).operator == canonical(other).operator
    torch.testing.assert_close(outputs(one), outputs(other), rtol=0, atol=1e-13)


DIFFERENT = [
    (Space("local", (3, 3), border="mask"), Space("local", (3, 3), border="zero")),
    (
        Space("window", (2, 3), shift=(1, 1), border="mask"),
        Space("window", (2, 3), shift=(1, 1), border="zero"),
    ),
    (
        Space("grid", (2, 3), share="positions", border="wrap"),
        Space("grid", (2, 3), share="positions", border="mask"),
    ),
    (
        Space("outlook", (3, 3), share="windows", border="mask"),
        Space("outlook", (3, 3), share="windows", border="zero"),
    ),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_a_softmax_tells_apart_stays_apart(one: Space, other: Space) -> None:
    forms = [canonical(Operator(s, Channel("separate"), SOFTMAX)).operator for s in (one, other)]
    assert forms[0] != forms[1]


def test_scales_of_a_block_are_inside_it() -> None:
    rank = Rank("scales", (2,))
    form = canonical(Operator(Space("full", rank=rank), Channel("separate")))
    assert form.operator.space.rank is None
    assert "already inside" in form.notes[0]
    local = Operator(Space("local", (3, 3), share="positions", rank=rank))
    assert canonical(local).operator == local


def test_a_squashed_number_is_a_number() -> None:
    operator = Operator(Space("full"), Channel("separate"), Weight(normalize="sigmoid"))
    form = canonical(operator)
    assert form.operator.weight == Weight()
    assert len(form.notes) == 1


def test_every_rewrite_is_reached() -> None:
    extra = [o for pair in SAME for o in pair]
    extra += [Operator(Space("full", rank=Rank("scales", (2,))), Channel("separate"))]
    extra += [Operator(Space("full"), Channel("separate"), Weight(normalize="sigmoid"))]
    extra += [Operator(channel=Channel("groups", groups=1))]
    noted = {note for o in itertools.chain(operators(), extra) for note in canonical(o).notes}
    assert noted == {note for note, _ in REWRITES}


channel_kinds = st.sampled_from(
    [Channel("full"), Channel("groups", groups=2), Channel("separate", share="heads", heads=2)]
)
weights = st.builds(
    Weight,
    source=st.sampled_from(["static", "fixed", "pooled", "center", "pair"]),
    normalize=st.sampled_from(["none", "softmax", "sigmoid", "l1"]),
    position=st.sampled_from(["none", "relative", "absolute"]),
    fixed=st.sampled_from(["average", "identity"]),
    qkv_bias=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(set(spaces()), key=repr)), channel_kinds, weights, st.booleans())
def test_rewriting_ends_and_stays_consistent(
    space: Space, channel: Channel, weight: Weight, value: bool
) -> None:
    weight = replace(weight, fixed=weight.fixed if weight.source == "fixed" else None)
    operator = Operator(space, channel, weight, "none", Frame(value=value, value_bias=False))
    if check(operator):
        return
    form = canonical(operator, 4, 4).operator
    assert canonical(form, 4, 4).operator == form
    assert not check(form)
