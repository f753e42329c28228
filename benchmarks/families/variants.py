"""Where a fast form applies: families with the numbers, frames and biases that forms ask for.

In: the families without rank words. Out: every variant of them, as wide at its output as at its
input, that some form but the general one accepts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import get_args

from relgraph.algebra.families import GRID, connection, families, framed
from relgraph.algebra.operator import BiasShare, Connection, Operator, Predictor, Size, Weight
from relgraph.algebra.rules import check
from relgraph.lower.table import CONNECTIONS
from relgraph.program import node_of

PREDICTORS = (None, Predictor(2, True, "batch_norm"), Predictor(2, False, "none"))
EXTENTS = (1, 3)


@cache
def fast_variants() -> tuple[Operator, ...]:
    """All of them, each once, in a fixed order."""
    return tuple(dict.fromkeys(one for family in families() for one in accepted(family)))


def accepted(family: Operator) -> Iterator[Operator]:
    """Of one family."""
    for one in _variants(family):
        if fast_forms(square(one)) and not check(one):
            yield one


def fast_forms(at: Connection) -> list[str]:
    """The forms that accept a connection, without the general one."""
    return [row.name for row in CONNECTIONS[:-1] if row.accepts(node_of(at))]


def square(operator: Operator, grid: Size = GRID) -> Connection:
    """The connection of an operator with as many channels at both ends."""
    at = connection(operator, grid)
    return replace(at, out_channels=at.in_channels)


def _variants(family: Operator) -> Iterator[Operator]:
    for weight in _weights(family.weight):
        core = replace(family, weight=weight)
        for inside, bias in itertools.product((core, *framed(core)), get_args(BiasShare)):
            yield replace(inside, bias=bias)


def _weights(weight: Weight) -> Iterator[Weight]:
    if weight.source == "pooled":
        yield from (replace(weight, predictor=one) for one in PREDICTORS)
    elif weight.source == "center":
        for extent, one in itertools.product(EXTENTS, PREDICTORS):
            yield replace(weight, extent=extent, predictor=one)
    elif weight.source == "pair":
        yield from (replace(weight, qkv_bias=biased) for biased in (True, False))
    else:
        yield weight
