"""Matrices between axes: the optimum over the entries of W, exact where the algebra says ≤."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from relgraph.algebra import orbits
from relgraph.algebra.families import connection, families
from relgraph.algebra.operator import Channel, Connection, Operator, Space
from relgraph.algebra.tables import AxisTable, channel_table, space_table
from relgraph.transfer.axes import Axis, channel_axis, slot_axis, slots, space_axis, transition

PLACES = 24


@cache
def spaces() -> tuple[Connection, ...]:
    """One connection for every static space of the algebra."""
    found: dict[Space, Connection] = {}
    for operator in families():
        if operator.weight.source == "static" and operator.weight.normalize == "none":
            found.setdefault(operator.space, connection(operator))
    return tuple(found.values())


def dense(axis: Axis, entries: int) -> Tensor:
    """B: how often each orbit reaches each entry."""
    matrix = torch.zeros(entries, axis.orbits, dtype=torch.float64)
    ones = torch.ones(len(axis.entry), dtype=torch.float64)
    return matrix.index_put((axis.entry, axis.orbit), ones, accumulate=True)


def listed(table: AxisTable) -> list[tuple[int, int]]:
    return sorted((o * table.inputs + i, t) for o, row in enumerate(table.rows) for i, t in row)


def pairs(count: int) -> list[tuple[Connection, Connection]]:
    """Pairs of spaces with the same outputs, the same ones every time."""
    every = [(a, b) for a in spaces() for b in spaces() if a.out_grid == b.out_grid]
    return random.Random(7).sample(every, count)


def test_entries_are_those_of_the_algebra() -> None:
    # Of maps that are not completed: there the algebra lists more than the map, an axis does not.
    for one in (space for space in spaces() if not space.operator.space.pad):
        axis, table = space_axis(one), space_table(one)
        entries = sorted(zip(axis.entry.tolist(), axis.orbit.tolist(), strict=True))
        assert entries == listed(table), one.operator.space
        assert axis.orbits == table.orbits, one.operator.space


def test_the_matrix_is_the_pseudoinverse_times_the_source() -> None:
    for source, target in pairs(150):
        one, other = space_axis(source), space_axis(target)
        a, b = dense(one, PLACES**2), dense(other, PLACES**2)
        best = torch.linalg.lstsq(b, a, driver="gelsd").solution
        found = transition(one, other)
        torch.testing.assert_close(b @ found.matrix.to_dense(), b @ best, rtol=0, atol=1e-10)
        assert found.exact == bool((b @ best - a).abs().max() < 1e-9)


def test_exact_is_what_the_algebra_calls_a_special_case() -> None:
    known = 0
    for source, target in pairs(250):
        if source.operator.space.pad or target.operator.space.pad:
            continue
        below = orbits.orbits(space_table(target)).contains(orbits.orbits(space_table(source)))
        assert transition(space_axis(source), space_axis(target)).exact == below
        known += below
    assert known > 5, "some of the pairs are ordered"


CHANNELS = (
    Channel("full"),
    Channel("groups", groups=2),
    Channel("groups", groups=4),
    Channel("groups", groups=2, share="all"),
    Channel("groups", groups=4, share="all"),
    Channel("separate"),
    Channel("separate", share="heads", heads=2),
    Channel("separate", share="heads", heads=4),
    Channel("separate", share="all"),
    Channel("local", size=3),
    Channel("local", size=3, share="all"),
    Channel("local", size=4, share="all"),
)


@pytest.mark.parametrize("one", CHANNELS)
@pytest.mark.parametrize("other", CHANNELS)
def test_channels(one: Channel, other: Channel) -> None:
    ends = [Connection(Operator(channel=c), 8, 8, (2, 2), (2, 2)) for c in (one, other)]
    a, b = (dense(channel_axis(end), 64) for end in ends)
    found = transition(channel_axis(ends[0]), channel_axis(ends[1]))
    best = torch.linalg.pinv(b) @ a
    torch.testing.assert_close(found.matrix.to_dense(), best, rtol=0, atol=1e-12)
    classes = [orbits.orbits(channel_table(end)) for end in ends]
    assert found.exact == classes[1].contains(classes[0])


def test_what_is_absent_counts_as_zero_and_under_a_softmax_not_at_all() -> None:
    small, large = (
        Connection(Operator(Space("local", size=(k, k), share="all")), 1, 1, (4, 6), (4, 6))
        for k in (1, 3)
    )
    axes = space_axis(small), space_axis(large)
    counted = transition(*axes).matrix.to_dense()
    absent = transition(*axes, logits=True).matrix.to_dense()
    live = len(axes[1].entry)
    torch.testing.assert_close(counted, torch.full((1, 1), 24 / live, dtype=torch.float64))
    assert absent.tolist() == [[1.0]]
    assert not transition(*axes).exact


def test_orbits_that_meet_nothing_of_the_source_are_told() -> None:
    ends = [
        Connection(Operator(Space("local", size=(k, k), share="positions")), 1, 1, (6, 6), (6, 6))
        for k in (3, 5)
    ]
    covered = transition(*(space_axis(end) for end in ends)).covered
    assert covered.view(5, 5)[1:4, 1:4].all()
    assert int(covered.sum()) == 9


def test_slots_of_a_softmax_include_empty_ones() -> None:
    operator = Operator(Space("local", size=(3, 3), share="positions"))
    one = Connection(operator, 1, 1, (4, 6), (4, 6))
    masked = replace(one, operator=replace(operator, space=replace(operator.space, border="mask")))
    assert len(slot_axis(one).entry) == 24 * 9
    assert len(slot_axis(masked).entry) == len(space_axis(one).entry)
    assert bool(slots(one)[1].all()) and not bool(slots(masked)[1].all())
