"""The algebra's tables and the oracle's, written apart, say the same of every space and channel."""

from __future__ import annotations

from functools import cache

import pytest

from relgraph.algebra import geometry
from relgraph.algebra.families import connection, families
from relgraph.algebra.operator import Channel, Connection, Operator, Size, Space
from relgraph.algebra.tables import AxisTable, channel_table, space_table
from relgraph.verify import oracle_channels, oracle_tables


@cache
def spaces() -> list[Space]:
    """Every space of a family."""
    return sorted({operator.space for operator in families()}, key=repr)


def of_oracle(at: Connection) -> tuple[list[list[tuple[int, int]]], int]:
    """The oracle's space table as rows of (input, orbit), empty slots left out."""
    table = oracle_tables.table(oracle_tables.completed_connection(at))
    rows: dict[int, list[tuple[int, int]]] = {}
    orbits = table.orbit.expand(len(table.outputs), -1, -1).tolist()
    blocks = zip(table.outputs.tolist(), table.inputs.tolist(), orbits, strict=True)
    for outputs, inputs, orbit in blocks:
        for a, output in enumerate(outputs):
            if output >= 0:
                row = [(i, t) for i, t in zip(inputs, orbit[a], strict=True) if i >= 0]
                rows.setdefault(output, []).extend(row)  # windows of an outlook overlap
    return [rows[o] for o in sorted(rows)], table.orbits


def same(mine: AxisTable, at: Connection) -> None:
    rows, orbits = of_oracle(at)
    assert [list(row) for row in mine.rows] == rows
    assert mine.orbits == orbits


@pytest.mark.parametrize("grid", [(4, 6), (6, 12)])
def test_space_tables(grid: Size) -> None:
    for space in spaces():
        at = connection(Operator(space, Channel("separate")), grid)
        same(space_table(at), at)


@pytest.mark.parametrize("share", ["none", "all"])
def test_extra_tokens_stand_in_front(share: str) -> None:
    for connect in ("full", "point"):
        space = Space(connect, share=share)  # type: ignore[arg-type]
        at = connection(Operator(space, Channel("separate")), (2, 3), tokens=2)
        same(space_table(at), at)
        assert len(space_table(at).rows) == 8


def test_reduced_keys_and_other_ends() -> None:
    operator = Operator(Space("full"), Channel("separate"))
    for at in (
        Connection(operator, 4, 4, (4, 6), (4, 6), key_grid=(2, 3)),
        Connection(operator, 4, 4, (4, 6), (5, 1)),
    ):
        same(space_table(at), at)


def test_channel_tables() -> None:
    for channel in {operator.channel for operator in families()}:
        at = connection(Operator(Space(share="positions"), channel))
        units = oracle_channels.channel_orbits(at).tolist()
        expected = [[(c, u) for c, u in enumerate(row) if u >= 0] for row in units]
        assert [list(row) for row in channel_table(at).rows] == expected


def test_a_block_that_covers_an_axis_is_a_ring_under_wrap() -> None:
    space = Space("stripe", size=(2, 1), share="positions", border="wrap")
    at = connection(Operator(space, Channel("separate")))
    assert space_table(at).orbits == 3 * 6
    assert geometry.offset_counts(space, (4, 6)) == (3, 6)
    same(space_table(at), at)
