"""Every kind of connection passes its own proof: emitted by whatever lowering it gets, measured at
the small size that the proof chooses. A slice of all families; RELGRAPH_ALL_FAMILIES runs them all.
"""

from __future__ import annotations

import os

import pytest
import torch

from relgraph.algebra.families import connection, families
from relgraph.algebra.operator import Operator
from relgraph.program import Connect, Shape
from relgraph.verify.alone import check_connection
from relgraph.verify.shrink import shrunk

ALL = tuple(families())
# Coprime to the enumeration's periods, so that a slice has something of every property.
STEP = 1 if os.environ.get("RELGRAPH_ALL_FAMILIES") else 149


@pytest.mark.parametrize("operator", ALL[::STEP], ids=lambda one: one.weight.source)
def test_every_property_of_a_family_is_measured(operator: Operator) -> None:
    torch.set_num_threads(1)
    checks = check_connection(connection(operator))
    names = {check.name for check in checks}
    assert {"composition", "values", "connectivity", "dynamism", "shifts"} <= names
    assert [check for check in checks if not check.ok] == []


def test_a_named_lowering_is_the_one_that_is_proved() -> None:
    operator = next(one for one in ALL if one.space.connect == "local")
    fast, general = (check_connection(connection(operator), row) for row in (None, "general"))
    assert [one.name for one in fast] == [one.name for one in general]
    with pytest.raises(KeyError):
        check_connection(connection(operator), "pooled depth-wise")


@pytest.mark.parametrize("operator", ALL[:: STEP // 4 or 1], ids=lambda one: one.space.connect)
def test_the_small_size_keeps_the_structure(operator: Operator) -> None:
    before = connection(operator)
    node = Connect(
        name="core",
        connection=before,
        input=Shape(before.in_channels, before.in_grid),
        output=Shape(before.out_channels, before.out_grid),
    )
    small = shrunk(node).connection
    assert small.in_channels <= (8 if operator.weight.position == "rotary" else 4)
    assert (small.in_channels == small.out_channels) == (before.in_channels == before.out_channels)
    assert small.operator.space.connect == before.operator.space.connect
    assert any(small.operator.space.shift) == any(before.operator.space.shift)
    assert small.operator.weight.source == before.operator.weight.source
    assert small.operator.channel.connect == before.operator.channel.connect
