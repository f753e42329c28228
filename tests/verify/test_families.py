"""Every kind of connection passes its own proof: emitted by whatever lowering it gets, measured at
the small size that the proof chooses. A slice of all families; RELGRAPH_ALL_FAMILIES runs them all.
"""

from __future__ import annotations

import os

import pytest
import torch
from torch import nn

from relgraph.algebra.families import connection, families
from relgraph.algebra.operator import Operator
from relgraph.lower import lower
from relgraph.lower.module import Module
from relgraph.program import Connect, Shape
from relgraph.verify.connections import Kind, check_kind
from relgraph.verify.shrink import shrunk
from tests.support import run_definitions

ALL = tuple(families())
# Coprime to the enumeration's periods, so that a slice has something of every property.
STEP = 1 if os.environ.get("RELGRAPH_ALL_FAMILIES") else 149


def made(operator: Operator) -> Kind:
    """The kind of one connection, its class emitted."""
    one = connection(operator)
    node = Connect(
        name="core",
        attr="core",
        connection=one,
        input=Shape(one.in_channels, one.in_grid),
        output=Shape(one.out_channels, one.out_grid),
    )
    lowered = lower(node)
    assert isinstance(lowered, Module)
    if lowered.definition is None:
        cls = getattr(nn, lowered.constructor.removeprefix("nn."))
    else:
        cls = getattr(run_definitions([lowered.definition]), lowered.constructor)
    return Kind(cls, shrunk(node), ("core",), node)


@pytest.mark.parametrize("operator", ALL[::STEP], ids=lambda one: one.weight.source)
def test_every_property_of_a_family_is_measured(operator: Operator) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    try:
        checks = tuple(check_kind(nn.Module(), made(operator)))
    finally:
        torch.set_default_dtype(before)
    assert {"composition", "values", "connectivity", "dynamism"} <= {c.name for c in checks}
    assert [check for check in checks if not check.ok] == []


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
    assert small.in_channels <= 4
    assert (small.in_channels == small.out_channels) == (before.in_channels == before.out_channels)
    assert small.operator.space.connect == before.operator.space.connect
    assert any(small.operator.space.shift) == any(before.operator.space.shift)
    assert small.operator.weight.source == before.operator.weight.source
    assert small.operator.channel.connect == before.operator.channel.connect
