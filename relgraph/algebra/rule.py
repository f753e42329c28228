"""A rule of consistency as a value, and what breaks it.

In: nothing. Out: the two types that the tables of rules are made of. Which rules there are is not
known here.
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


@dataclass(frozen=True)
class Violation:
    """A rule that an operator breaks: its number, the two properties by path, and why."""

    rule: int
    properties: tuple[str, str]
    reason: str
    kind: Kind
