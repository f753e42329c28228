"""Budgets: how many parameters and multiply-adds a variant may have.

In: numbers as people write them (`25M`, `4.5G`). Out: limits, and how far a cost is from them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

from relgraph.assemble.cost import Cost
from relgraph.errors import Problem, RelgraphError
from relgraph.graph.questions.answer import short

Measure: TypeAlias = Literal["parameters", "macs"]
MEASURES: tuple[Measure, ...] = ("parameters", "macs")
UNITS: Mapping[str, int] = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgGtT]?)")
_SAID = {"parameters": "parameters", "macs": "multiply-adds"}


def amount(text: str) -> int:
    """The number that `25M` or `4.5G` means; k, M, G and T count thousands. Raises RelgraphError.

    >>> amount("4.5G")
    4500000000
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise RelgraphError(
            Problem("bad-amount", repr(text), "a number with k, M, G or T", "as in 25M or 4.5G")
        )
    units = {unit.lower(): size for unit, size in UNITS.items()}
    return int(Fraction(found[1]) * units[found[2].lower()])


def measured(cost: Cost, measure: Measure) -> int:
    """The parameters or the multiply-adds of a cost."""
    return cost.parameters if measure == "parameters" else cost.macs


@dataclass(frozen=True)
class Limit:
    """The most (or the least) that a variant may have of a measure."""

    measure: Measure
    value: int
    least: bool = False

    def excess(self, cost: Cost) -> float:
        """How far beyond the limit the cost is, as a fraction of it; 0 where it meets it."""
        beyond = measured(cost, self.measure) - self.value
        return max(0.0, (-beyond if self.least else beyond) / max(self.value, 1))

    @property
    def words(self) -> str:
        """`at most 25M parameters`."""
        way = "at least" if self.least else "at most"
        return f"{way} {short(self.value)} {_SAID[self.measure]}"


@dataclass(frozen=True)
class Budget:
    """Limits that hold together."""

    limits: tuple[Limit, ...] = ()

    def excess(self, cost: Cost) -> float:
        """The largest excess of any limit; 0 where all are met."""
        return max((limit.excess(cost) for limit in self.limits), default=0.0)

    @property
    def words(self) -> str:
        """All limits in words."""
        return " and ".join(limit.words for limit in self.limits)


def nothing_meets(budget: Budget, costs: Iterable[tuple[str, Cost]]) -> RelgraphError:
    """No variant is within the budget: which one is the closest."""
    ranked = sorted(costs, key=lambda one: (budget.excess(one[1]), one[0]))
    name, cost = ranked[0]
    return RelgraphError(
        Problem(
            "over-budget",
            f"none of {len(ranked):,} variants has {budget.words}",
            f"the closest, {name}, has {cost.parameters:,} parameters and {cost.macs:,} "
            "multiply-adds",
            "allow more, take more --steps, or other --relation, --axis, --stages",
        )
    )
