"""Which spaces and which channels lie in which others: what was found by hand comes out."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from relgraph.algebra.geometry import out_grid
from relgraph.algebra.operator import (
    Channel,
    Connection,
    Operator,
    Rank,
    Size,
    Space,
    SpaceConnect,
    SpaceShare,
)
from relgraph.algebra.orbits import Orbits, orbits
from relgraph.algebra.tables import space_table
from relgraph.relations.node import core
from relgraph.relations.order import compare, direction
from relgraph.relations.within import channel_within, space_within
from tests.relations.spaces import local, window

SIDES = {"local": (3, 5), "window": (2, 3), "grid": (2, 3), "stripe": (1, 2)}
PARTITIONS = ("window", "stripe", "grid")


def sized(connect: SpaceConnect, share: SpaceShare, numbers: dict[str, int]) -> Space:
    n = numbers.get(connect, 1)
    return Space(connect, (n, 1) if connect == "stripe" else (n, n), share=share)


def kinds() -> list[tuple[SpaceConnect, SpaceShare]]:
    connects: tuple[SpaceConnect, ...] = (
        "point", "window", "stripe", "grid", "full", "local", "axial",
    )  # fmt: skip
    shares: tuple[SpaceShare, ...] = ("none", "windows", "positions")
    return [
        (connect, share)
        for connect, share in itertools.product(connects, shares)
        if share != "windows" or connect in PARTITIONS
    ]


def verdict(one: tuple[SpaceConnect, SpaceShare], other: tuple[SpaceConnect, SpaceShare]) -> str:
    """Over all numbers: whether one way always holds, sometimes any, or never."""
    forward, backward = [], []
    for values in itertools.product(*SIDES.values()):
        numbers = dict(zip(SIDES, values, strict=True))
        a, b = sized(*one, numbers), sized(*other, numbers)
        forward.append(space_within(a, b))
        backward.append(space_within(b, a))
    if all(forward) or all(backward):
        return "always"
    return "depends" if any(forward + backward) else "never"


def test_single_edits_over_space() -> None:
    """58 pairs that differ in one property: 33 always ordered, 6 by their numbers, 19 never."""
    pairs = [
        (a, b) for a, b in itertools.combinations(kinds(), 2) if (a[0] == b[0]) != (a[1] == b[1])
    ]
    found = {pair: verdict(*pair) for pair in pairs}
    assert Counter(found.values()) == {"always": 33, "depends": 6, "never": 19}
    depends = {frozenset(pair) for pair, said in found.items() if said == "depends"}
    assert depends == {
        frozenset((("window", "none"), ("local", "none"))),
        frozenset((("stripe", "positions"), ("full", "positions"))),
        frozenset((("window", "none"), ("stripe", "none"))),
        frozenset((("window", "windows"), ("stripe", "windows"))),
        frozenset((("stripe", "none"), ("axial", "none"))),
        frozenset((("stripe", "positions"), ("axial", "positions"))),
    }


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        (window(2), local(3, "none"), True),  # k ≥ 2w − 1
        (window(3), local(3, "none"), False),
        (window(3), local(5, "none"), True),
        (local(3), local(5), True),
        (local(3, d=2), local(5), True),
        (local(3, d=2), local(3), False),
        (window(3), window(6), True),
        (window(2), window(3), False),
        (window(2, "windows"), window(4, "windows"), True),
        (window(2, "positions"), window(4, "positions"), False),
        (window(4), window(4, shift=2), False),
        (window(7), Space("full"), True),
        (Space("stripe", (1, 1)), Space("axial"), True),
        (Space("stripe", (2, 1)), Space("axial"), False),
        (Space("stripe", (1, 2), along="columns"), Space("stripe", (2, 1)), False),
        (local(3), replace(local(3), stride=(2, 2)), False),
        (local(3), replace(local(3), border="wrap"), False),
        (Space("point", share="positions"), window(2, "positions"), True),
        (Space("point", share="none"), local(3), False),
    ],
)
def test_numbers_decide(inner: Space, outer: Space, expected: bool) -> None:
    assert space_within(inner, outer) is expected
    assert not space_within(outer, inner)


def test_the_chain_over_channels() -> None:
    full, separate = Channel(), Channel("separate")
    two, four = (Channel("groups", groups=n) for n in (2, 4))
    tied_two, tied_four = (replace(c, share="all") for c in (two, four))
    heads = [Channel("separate", share="heads", heads=n) for n in (2, 4)]
    every = Channel("separate", share="all")
    for chain in (
        (every, heads[0], heads[1], separate, four, two, full),
        (tied_four, four),
        (tied_four, tied_two, two),
        (every, tied_four),
    ):
        for inner, outer in itertools.combinations(chain, 2):
            assert channel_within(inner, outer)
            assert not channel_within(outer, inner)
    for one, other in ((four, tied_two), (tied_two, separate), (tied_two, heads[0])):
        assert not channel_within(one, other)
        assert not channel_within(other, one)


# A map that the small sizes divide and are smaller than, not square.
GRID: Size = (4, 8)
SMALL = tuple(
    Space(connect, size, dilation=dilation, shift=shift, share=share)
    for connect, size, dilation, shift in (
        ("point", (1, 1), (1, 1), (0, 0)),
        ("local", (3, 3), (1, 1), (0, 0)),
        ("local", (1, 3), (1, 1), (0, 0)),
        ("local", (3, 3), (1, 2), (0, 0)),
        ("local", (2, 2), (1, 1), (0, 0)),
        ("window", (2, 2), (1, 1), (0, 0)),
        ("window", (2, 2), (1, 1), (1, 1)),
        ("window", (2, 4), (1, 1), (0, 0)),
        ("stripe", (2, 1), (1, 1), (0, 0)),
        ("grid", (2, 2), (1, 1), (0, 0)),
        ("full", (1, 1), (1, 1), (0, 0)),
        ("axial", (1, 1), (1, 1), (0, 0)),
    )
    for share in ("none", "windows", "positions", "all")
    if share != "windows" or connect in PARTITIONS
)


@cache
def on_a_map(space: Space) -> Orbits:
    operator = Operator(space, Channel("separate"), bias="none")
    return orbits(space_table(Connection(operator, 1, 1, GRID, out_grid(space, GRID))))


@pytest.mark.parametrize("inner", SMALL, ids=range(len(SMALL)))
def test_rows_and_columns_are_compared_as_whole_maps_would_be(inner: Space) -> None:
    """The product law: every pair of small spaces on one whole map. What holds on all maps holds on
    this one; what holds on this one may be a coincidence of its size, and the few are known."""
    for outer in SMALL:
        whole = on_a_map(outer).contains(on_a_map(inner))
        if space_within(inner, outer) != whole:
            assert whole
            assert _coincides(inner, outer)


def _coincides(inner: Space, outer: Space) -> bool:
    """Windows of half the height, or stripes, that meet each place of an orbit once on this map."""
    return "grid" in (inner.connect, outer.connect) or inner.shift != (0, 0)


def pyramid(share: SpaceShare = "positions") -> Space:
    return replace(local(3, share), rank=Rank("scales", (2,)))


def test_a_convolution_lies_in_its_pyramid_and_not_the_other_way() -> None:
    conv = core(Operator(local(3)))
    found = compare(conv, core(Operator(pyramid())))
    assert found.direction == "up"
    assert not space_within(pyramid(), local(9))
    assert space_within(pyramid(), Space("full"))
    assert space_within(pyramid(), local(7, "none"))
    assert not space_within(pyramid(), local(5, "none"))


def test_the_span_of_a_pyramid_says_the_same() -> None:
    """The coarse part written out on a map: its entries are phases of a cell, no offsets."""
    grid, coarse = (8, 8), (4, 4)
    table = space_table(Connection(Operator(local(3)), 1, 1, coarse, coarse))
    cell = [y // 2 * 4 + x // 2 for y in range(8) for x in range(8)]
    fine = orbits(space_table(Connection(Operator(local(3)), 1, 1, grid, grid)))
    lifted: dict[int, list[tuple[tuple[int, int], int]]] = {}
    for o, i in itertools.product(range(64), repeat=2):
        for read, orbit in table.rows[cell[o]]:
            if read == cell[i]:
                lifted.setdefault(orbit, []).append(((o, i), 1))
    span = Orbits((*fine.reached, *(tuple(entries) for entries in lifted.values())))

    def holds(space: Space) -> bool:
        operator = Operator(space)
        return orbits(space_table(Connection(operator, 1, 1, grid, grid))).contains(span)

    assert span.contains(fine)
    assert [holds(local(k)) for k in (3, 5, 7)] == [False] * 3
    assert [holds(local(k, "none")) for k in (5, 7)] == [False, True]


def test_ranks() -> None:
    full, separate = Space("full"), Channel("separate")
    for word, numbers in (("reduce", (2,)), ("tokens", (2,)), ("separable", ())):
        low = core(Operator(replace(full, rank=Rank(word, numbers)), separate))  # type: ignore[arg-type]
        assert direction(core(Operator(full, separate)), low) == "down"
    few, many = (replace(full, rank=Rank("tokens", (n,))) for n in (2, 4))
    assert space_within(few, many) and not space_within(many, few)
    fine, coarse = (replace(full, rank=Rank("reduce", (n,))) for n in (2, 4))
    assert space_within(coarse, fine) and not space_within(fine, coarse)
    narrow, wide = (Channel(rank=Rank("inner", (n,))) for n in (2, 4))
    assert channel_within(narrow, wide) and not channel_within(wide, narrow)
    assert channel_within(wide, Channel())
    assert not channel_within(wide, Channel("groups", groups=2)), "points around read all channels"
    kernel = replace(local(3), rank=Rank("separable"))
    assert space_within(Space("point", share="positions"), kernel)
    assert not space_within(replace(local(3), size=(5, 5)), kernel)
