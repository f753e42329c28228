"""Equality, order and dimension of static classes: measured claims of the algebra, recomputed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from relgraph.algebra import geometry
from relgraph.algebra.operator import Channel, Connection, Operator, Size, Space, SpaceShare
from relgraph.algebra.orbits import Orbits, StaticClass, orbits, static_class
from relgraph.algebra.tables import AxisTable, channel_table, space_table

SEPARATE = Channel("separate")


def of(space: Space, grid: Size = (6, 6)) -> Orbits:
    out = geometry.out_grid(space, grid)
    return orbits(space_table(Connection(Operator(space, SEPARATE), 1, 1, grid, out)))


def channels(channel: Channel, c: int = 8, d: int = 8) -> Orbits:
    return orbits(channel_table(Connection(Operator(channel=channel), c, d, (1, 1), (1, 1))))


def local(k: int, share: SpaceShare = "positions", **more: Any) -> Space:
    return Space("local", size=(k, k), share=share, **more)


def window(n: int, share: SpaceShare = "none", **more: Any) -> Space:
    return Space("window", size=(n, n), share=share, **more)


def below(a: Orbits, b: Orbits) -> bool:
    return b.contains(a)


def equal(a: Orbits, b: Orbits) -> bool:
    return a.contains(b) and b.contains(a)


def incomparable(a: Orbits, b: Orbits) -> bool:
    return not a.contains(b) and not b.contains(a)


# Equalities


def test_channel_coincidences() -> None:
    groups = channels(Channel("groups", groups=8))
    assert equal(groups, channels(SEPARATE))
    assert equal(channels(Channel("groups", groups=1)), channels(Channel("full")))
    shared = Channel("groups", groups=8, share="all")
    assert equal(channels(shared), channels(Channel("separate", share="all")))
    heads = [channels(Channel("separate", share="heads", heads=h)) for h in (1, 8)]
    assert equal(heads[0], channels(Channel("separate", share="all")))
    assert equal(heads[1], channels(SEPARATE))


def test_blocks_of_one_place_are_points() -> None:
    for share in ("none", "positions"):
        point = of(Space("point", share=share))
        assert equal(of(window(1, share)), point)
        assert equal(of(Space("grid", size=(1, 1), share=share)), point)
        assert equal(of(local(1, share, dilation=(2, 2))), point)
    assert equal(of(window(1, "windows")), of(Space("point", share="positions")))


def test_blocks_of_the_whole_map_are_full() -> None:
    full = of(Space("full"))
    for space in (window(6), Space("stripe", size=(6, 1)), Space("grid", size=(6, 6))):
        assert equal(of(space), full)
        assert equal(of(replace(space, share="windows")), full)


@pytest.mark.parametrize("grid", [(4, 4), (3, 5)])
def test_offsets_on_the_whole_map(grid: Size) -> None:
    """Toeplitz with zeros outside, circulant on a ring."""
    big = 2 * max(grid) - 1
    toeplitz = of(Space("full", share="positions"), grid)
    assert toeplitz.count == (2 * grid[0] - 1) * (2 * grid[1] - 1)
    assert equal(of(local(big), grid), toeplitz)
    circulant = of(Space("full", share="positions", border="wrap"), grid)
    assert circulant.count == grid[0] * grid[1]
    assert equal(of(local(max(grid), border="wrap"), grid), circulant)


def test_coincidences_of_sizes() -> None:
    assert equal(of(local(3, dilation=(6, 6))), of(Space("point", share="positions")))
    for share in ("none", "positions"):
        assert equal(
            of(local(5, share, dilation=(2, 2))), of(Space("grid", size=(3, 3), share=share))
        )
    assert equal(of(local(11)), of(local(13)))
    assert of(local(13)).count == 121


# Order


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        (local(3), local(5)),
        (local(3, dilation=(2, 2)), local(5)),
        (local(3), local(3, "none")),
        (local(3, "all"), local(3)),
        (window(2), window(6)),
        (window(3), window(6)),
        (window(2, "windows"), window(2)),
        (window(2, "positions"), window(2, "windows")),
        (window(3, "none"), local(5, "none")),
        (window(3), Space("stripe", size=(3, 1))),
        (window(3, "windows"), Space("stripe", size=(3, 1), share="windows")),
        (Space("axial", share="positions"), Space("full", share="positions")),
        (local(3), Space("full", share="positions")),
        (Space("full", share="positions"), Space("full")),
        (Space("stripe", size=(1, 1), share="positions"), Space("axial", share="positions")),
        (Space("point", share="positions"), window(3, "positions")),
    ],
)
def test_strictly_below(lower: Space, upper: Space) -> None:
    assert below(of(lower), of(upper))
    assert not below(of(upper), of(lower))


def test_windows_share_below_larger_windows_only_by_place() -> None:
    assert below(of(window(2, "windows"), (4, 8)), of(window(4, "windows"), (4, 8)))
    assert not below(of(window(2, "positions"), (4, 8)), of(window(4, "positions"), (4, 8)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (window(2), window(3)),
        (window(3), local(3, "none")),
        (local(3), window(3, "positions")),
        (local(3), Space("axial", share="positions")),
        (Space("stripe", size=(2, 1), share="positions"), local(3)),
    ],
)
def test_incomparable(one: Space, other: Space) -> None:
    assert incomparable(of(one), of(other))


def test_a_border_is_part_of_the_operator() -> None:
    assert incomparable(of(local(3)), of(local(3, border="wrap")))
    assert incomparable(of(window(3, shift=(1, 1))), of(window(3)))


def test_the_order_of_channels() -> None:
    chain = [
        Channel("separate", share="all"),
        Channel("separate", share="heads", heads=2),
        Channel("separate", share="heads", heads=4),
        SEPARATE,
        Channel("groups", groups=4),
        Channel("groups", groups=2),
        Channel("full"),
    ]
    for lower, upper in itertools.pairwise([channels(channel) for channel in chain]):
        assert below(lower, upper)
        assert not below(upper, lower)
    tied = channels(Channel("groups", groups=2, share="all"))
    assert incomparable(channels(Channel("groups", groups=4)), tied)
    assert incomparable(SEPARATE_8, tied)
    assert below(channels(Channel("separate", share="all")), tied)
    assert below(channels(Channel("groups", groups=4, share="all")), tied)


SEPARATE_8 = channels(SEPARATE)


# Spans


@pytest.mark.parametrize(
    ("space", "stored", "dimension"),
    [
        (local(7, border="wrap"), 49, 20),
        (local(3, border="clamp"), 9, 9),
        (local(7, border="reflect"), 49, 42),
    ],
)
def test_entries_reached_twice(space: Space, stored: int, dimension: int) -> None:
    found = of(space, (4, 5))
    assert not found.is_partition
    assert (found.count, found.dimension()) == (stored, dimension)


def matrix(*axes: Orbits) -> np.ndarray:
    """Orbits as columns over all entries that any of them reaches."""
    entries = sorted(set().union(*(axis.support() for axis in axes)))
    at = {entry: row for row, entry in enumerate(entries)}
    columns = [orbit for axis in axes for orbit in axis.reached]
    made = np.zeros((len(entries), len(columns)))
    for column, orbit in enumerate(columns):
        for entry, times in orbit:
            made[at[entry], column] = times
    return made


def rank(*axes: Orbits) -> int:
    return int(np.linalg.matrix_rank(matrix(*axes)))


def test_order_and_dimension_are_those_of_column_spaces() -> None:
    """Partitions, entries reached twice that are still entries of their own (`none`), and spans."""
    spaces = [
        *(local(k, border=border) for k in (3, 7) for border in ("zero", "wrap", "reflect")),
        *(local(5, share, border="clamp") for share in ("none", "positions", "all")),
        *(window(2, share) for share in ("none", "windows", "positions")),
        Space("full"),
        Space("axial", share="positions", border="reflect"),
    ]
    found = [of(space, (2, 4)) for space in spaces]
    for a, b in itertools.product(found, found):
        assert a.dimension() == rank(a)
        assert a.contains(b) == (rank(a, b) == rank(a))


def test_spans_of_any_whole_numbers() -> None:
    draw = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        a = spanned(draw.integers(0, 3, (6, draw.integers(1, 5))))
        mixed = matrix(a)[:, :1] + 2 * matrix(a)[:, -1:]
        b = spanned(mixed if draw.random() < 0.3 else draw.integers(0, 3, (6, 1)))
        held += a.contains(b)
        assert a.contains(b) == (rank(a, b) == rank(a))
        assert a.dimension() == rank(a)
    assert 20 < held < 180


def spanned(columns: np.ndarray) -> Orbits:
    """Orbits that reach the first entries of a row, as often as the columns say."""
    columns = columns[:, columns.any(axis=0)]
    return Orbits(
        tuple(
            tuple(((0, at), int(times)) for at, times in enumerate(column) if times)
            for column in columns.T
        )
    )


def test_a_ring_reached_twice_contains_the_circulant() -> None:
    circulant = of(Space("full", share="positions", border="wrap"), (4, 5))
    assert equal(of(local(7, border="wrap"), (4, 5)), circulant)


# The product law


def joint(space: AxisTable, channel: AxisTable) -> set[frozenset[tuple[int, int, int, int]]]:
    """The orbits of W[o, d, i, c], entry by entry."""
    found: dict[tuple[int, int], set[tuple[int, int, int, int]]] = {}
    for o, row in enumerate(space.rows):
        for d, units in enumerate(channel.rows):
            for (i, s), (c, u) in itertools.product(row, units):
                found.setdefault((s, u), set()).add((o, d, i, c))
    return {frozenset(orbit) for orbit in found.values()}


def test_the_axes_multiply() -> None:
    spaces = [Space("point"), local(3), local(3, "none"), window(2, "windows", shift=(1, 0))]
    kinds = [Channel("full"), SEPARATE, Channel("groups", groups=2, share="all")]
    cases = []
    for space, channel in itertools.product(spaces, kinds):
        at = Connection(Operator(space, channel), 4, 4, (2, 4), (2, 4))
        cases.append((static_class(at), joint(space_table(at), channel_table(at))))
    for found, orbit_sets in cases:
        assert found.count == found.dimension() == len(orbit_sets)
    for (a, whole), (b, other) in itertools.product(cases, cases):
        at_entry = {entry: orbit for orbit in other for entry in orbit}
        union = all(e in at_entry and at_entry[e] <= orbit for orbit in whole for e in orbit)
        assert (a <= b) == union
        assert a.equals(b) == (whole == other)


def test_a_class_is_its_own_bound() -> None:
    found = static_class(Connection(Operator(local(3)), 4, 6, (4, 4), (4, 4)))
    assert isinstance(found, StaticClass)
    assert found <= found
    assert found.count == 9 * 24
