"""What was measured of one linear map: frozen values with their evidence.

Nothing here is rounded into a claim: a property that could not be decided has no value, and its
evidence says what was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from relgraph.algebra.operator import Operator

NOTHING = 1e-12
ENDLESS = 1e300


def size(gap: float) -> str:
    """A difference in one digit; what rounding leaves is told as less than 1e-12, since its digits
    are the machine's; of a weight that was nothing before, that it is more than any number."""
    if not gap < ENDLESS:
        return "more than any number"
    return f"{gap:.1g}" if gap > NOTHING else "less than 1e-12"


@dataclass(frozen=True)
class Property:
    """One property: what it is, in words, or undecided; and the numbers that say so."""

    name: str
    found: str
    evidence: str = ""
    decided: bool = True

    def to_json(self) -> dict[str, object]:
        """The same as plain data; what is undecided has no value."""
        found = self.found if self.decided else None
        return {"property": self.name, "found": found, "evidence": self.evidence}


@dataclass(frozen=True)
class Measured:
    """The point of one linear map. `operator` is the point, or the nearest one where a property is
    none of the algebra's; `exact` tells that every property is the algebra's and that the oracle's
    support and sharing of the operator are the measured ones. `remarks` tell what no property says.
    """

    operator: Operator
    properties: tuple[Property, ...]
    exact: bool
    proof: str
    differs: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
