"""The table that chooses: one row per lowering, the first whose guard accepts a node is taken.

A row is a name, a guard (does this lowering mean exactly what the node says?) and a build. Fast
forms stand before the general ones, which accept everything; a family is one file beside this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from relgraph.lower import conv, pointwise
from relgraph.lower.module import Lowered
from relgraph.program import Connect, Element

N = TypeVar("N", Connect, Element)


@dataclass(frozen=True)
class Pattern(Generic[N]):
    """One row: `build` may be called where `accepts` says yes, and only there."""

    name: str
    accepts: Callable[[N], bool]
    build: Callable[[N], Lowered]


CONNECTIONS: tuple[Pattern[Connect], ...] = (
    Pattern("pointwise", pointwise.accepts_pointwise, pointwise.lower_pointwise),
    Pattern("conv", conv.accepts_conv, conv.lower_conv),
)

ELEMENTS: tuple[Pattern[Element], ...] = ()
