"""Windows that overlap: their tables by the sum that defines them, their classes, their costs."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from relgraph.algebra import cost, geometry
from relgraph.algebra.canonical import canonical
from relgraph.algebra.describe import describe
from relgraph.algebra.equation import equation
from relgraph.algebra.fit import cautions
from relgraph.algebra.operator import (
    Border,
    Channel,
    Connection,
    Operator,
    Size,
    Space,
    Weight,
)
from relgraph.algebra.orbits import StaticClass, static_class
from relgraph.algebra.parameters import parameters
from relgraph.algebra.rules import check
from relgraph.algebra.tables import space_table

TIED = Channel("separate", share="all")


def outlook(size: Size = (3, 3), step: Size = (1, 1), border: Border = "zero") -> Space:
    return Space("outlook", size, share="windows", border=border, step=step)


def at(space: Space, grid: Size, weight: Weight | None = None) -> Connection:
    return Connection(Operator(space, TIED, weight or Weight(), "none"), 4, 4, grid, grid)


def of(space: Space, grid: Size) -> StaticClass:
    return static_class(at(space, grid))


def by_definition(size: Size, step: Size, grid: Size) -> Counter[tuple[int, int, int]]:
    """How often orbit (o − p, i − p) reaches the entry (o, i), one window p after the other."""
    reach = [range(-((k - 1) // 2), k // 2 + 1) for k in size]
    places = list(itertools.product(*reach))
    found: Counter[tuple[int, int, int]] = Counter()
    for p in itertools.product(*(range(0, n, s) for n, s in zip(grid, step, strict=True))):
        for (a, out), (b, read) in itertools.product(enumerate(places), repeat=2):
            spots = [(p[0] + y, p[1] + x) for y, x in (out, read)]
            if all(0 <= y < grid[0] and 0 <= x < grid[1] for y, x in spots):
                o, i = (y * grid[1] + x for y, x in spots)
                found[o, i, a * len(places) + b] += 1
    return found


@pytest.mark.parametrize(
    ("size", "step", "grid"),
    [
        ((3, 3), (1, 1), (4, 5)),
        ((3, 3), (2, 2), (5, 4)),
        ((2, 3), (1, 2), (3, 5)),
        ((4, 1), (3, 1), (7, 2)),
        ((5, 5), (2, 3), (2, 3)),
    ],
)
def test_tables_are_the_sum_over_windows(size: Size, step: Size, grid: Size) -> None:
    table = space_table(at(outlook(size, step), grid))
    mine = Counter((o, i, orbit) for o, row in enumerate(table.rows) for i, orbit in row)
    assert mine == by_definition(size, step, grid)
    assert table.orbits == (size[0] * size[1]) ** 2
    assert all(table.rows), "every place lies in some window"


def test_an_outlooker_of_size_3_reaches_25_positions() -> None:
    found = of(outlook(), (7, 8))
    reached = Counter(o for o, _ in found.space.support())
    assert max(reached.values()) == 25
    assert found.count == 81
    assert not found.space.is_partition


def test_a_static_outlook_is_a_span_of_its_own() -> None:
    """Several pairs of places make one entry, so there are fewer directions than numbers; kernels
    of twice its reach lie in it, and it in those that share nothing."""
    grid = (7, 8)
    mine = of(outlook(), grid)
    assert mine.dimension() == 49
    wide = Space("local", (5, 5), share="positions")
    assert of(wide, grid) <= mine
    assert not mine <= of(wide, grid)
    assert mine <= of(Space("local", (5, 5)), grid)
    assert not of(Space("local", (7, 7), share="positions"), grid) <= mine


def test_windows_that_do_not_overlap_are_windows() -> None:
    apart = Operator(outlook((2, 2), (2, 2)), TIED)
    form = canonical(apart)
    assert (form.operator.space.connect, len(form.notes)) == ("window", 1)
    assert of(apart.space, (4, 6)).equals(of(form.operator.space, (4, 6)))


def test_weights_read_at_a_window_s_centre_stay_there() -> None:
    apart = Operator(outlook((2, 2), (2, 2)), TIED, Weight("center"))
    assert canonical(apart).operator == apart
    one = Operator(outlook((1, 1)), TIED, Weight("center"))
    assert canonical(one).operator.space.connect == "point"


@pytest.mark.parametrize(("size", "step"), [(3, 2), (3, 3), (4, 3), (1, 1), (2, 3), (5, 4)])
def test_windows_that_leave_places_out_are_refused(size: int, step: int) -> None:
    space = outlook((size, size), (step, step))
    whole = []
    for length in range(1, 13):
        starts = geometry.block_starts(space, (length, length), 0)
        inside = {first + j for first in starts for j in range(size)}
        whole.append(inside >= set(range(length)))
    assert (check(Operator(space, TIED)) == ()) == all(whole)


def test_what_it_costs() -> None:
    """Windows at the border cost as much as others; weights are predicted once for each window."""
    grid, channels = (7, 9), 4
    static, center = (at(outlook((3, 3), (2, 2)), grid, w) for w in (Weight(), Weight("center")))
    windows = 4 * 5
    assert geometry.window_grid(static.operator.space, grid) == (4, 5)
    assert cost.core_macs(static) == windows * 81 * channels
    assert cost.predictor_macs(center) == windows * channels * 81
    assert {p.name: p.shape for p in parameters(center)} == {
        "expand.weight": (81, channels),
        "expand.bias": (81,),
    }


def test_a_window_beyond_the_map_is_warned_of() -> None:
    assert [c.code for c in cautions(at(outlook((7, 7)), (3, 9)))] == ["kernel-beyond-map"]
    assert cautions(at(outlook((5, 5)), (3, 9))) == ()


def test_it_is_said_in_words() -> None:
    soft = Operator(outlook((3, 3), (2, 2)), TIED, Weight("center", "softmax"), "none")
    assert describe(soft) == (
        "overlapping windows 3×3, one every 2×2 over space, zeros outside, shared by all blocks; "
        "own channel only, shared by all channels; dynamic, predicted from the feature (of means "
        "over 2×2) at each window's centre, softmax"
    )
    assert equation(soft) == (
        "y[o, c] = Σ_{p: o ∈ N(p)} Σ_{i ∈ N(p)} softmax_i(W[o−p, i−p](x[p])) · x[i, c], "
        "N(p) = 3×3 around p, p every 2×2, x averaged there"
    )
