"""A rule of consistency: what an operator must not be, and why.

In: nothing. Out: the value that a row of a table of rules is. Which rows there are is not known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from relgraph.algebra.operator import Operator

Kind = Literal["E", "U"]


@dataclass(frozen=True)
class Rule:
    """`breaks` tells whether an operator contradicts itself; `properties` are the two paths that
    do, the one to change first."""

    number: int
    properties: tuple[str, str]
    breaks: Callable[[Operator], bool]
    reason: str
    kind: Kind = "E"
