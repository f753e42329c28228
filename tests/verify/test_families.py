"""A connection by itself is proved at a small size that says what it says; that every family passes
is asked in `tests/lower/test_every_family.py`.
"""

from __future__ import annotations

import pytest

from relgraph.algebra.families import connection, families
from relgraph.algebra.operator import Operator
from relgraph.program import node_of
from relgraph.verify.alone import check_connection
from relgraph.verify.shrink import shrunk


def test_a_named_lowering_is_the_one_that_is_proved() -> None:
    operator = next(one for one in families() if one.space.connect == "local")
    fast, general = (check_connection(connection(operator), row) for row in (None, "general"))
    assert [one.name for one in fast] == [one.name for one in general]
    with pytest.raises(KeyError):
        check_connection(connection(operator), "pooled depth-wise")


def test_the_small_size_keeps_the_structure() -> None:
    for operator in families()[::37]:
        before = connection(operator)
        small = shrunk(node_of(before)).connection
        assert small.in_channels <= (8 if operator.weight.position == "rotary" else 4), operator
        mixed = before.in_channels != before.out_channels
        assert (small.in_channels != small.out_channels) == mixed, operator
        assert _structure(small.operator) == _structure(operator)


def _structure(operator: Operator) -> tuple[str, bool, str, str]:
    space = operator.space
    moved = any(space.shift)
    return space.connect, moved, operator.weight.source, operator.channel.connect
