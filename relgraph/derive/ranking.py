"""In which order variants are told, and which are the first that `--top` takes.

In: variants and what the original costs. Out: a key to sort them by. Few edits come first. Of as
many, edits in all places come before those that only some stages take, and then those whose cost is
nearest to the original's: what differs between models of one cost is the edit, and what costs half
as much is smaller besides. A variant of which nothing that was edited mixes positions any more is
an ablation and not a competitor, and comes after the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

from relgraph.assemble.cost import Cost
from relgraph.derive.answer import Variant

Rank: TypeAlias = Literal["distance", "parameters", "macs"]
_DIGITS = 3
"""Costs that differ by less than a thousandth count as one, and the cheaper comes first."""


def by(rank: Rank, original: Cost) -> Callable[[Variant], tuple[object, ...]]:
    """The key that sorts variants of an original."""

    def key(variant: Variant) -> tuple[object, ...]:
        macs, parameters, steps = variant.cost.macs, variant.cost.parameters, len(variant.steps)
        if rank == "macs":
            return (macs, parameters, steps, variant.name)
        if rank == "parameters":
            return (parameters, macs, steps, variant.name)
        away, partly = apart(variant.cost, original), any(step.stages for step in variant.steps)
        return (steps, not variant.mixes, partly, away, parameters, macs, variant.name)

    return key


def apart(cost: Cost, original: Cost) -> float:
    """How far two costs are from each other: the logarithm of the ratio of parameters or of
    multiply-adds, whichever is further from none."""
    ratios = (cost.parameters / original.parameters, cost.macs / original.macs)
    return round(max(abs(math.log(ratio)) for ratio in ratios), _DIGITS)
