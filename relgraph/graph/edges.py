"""What an edge is besides its words: which way it goes in the order, and what weights do along it.

In: two nodes that an edit joins. Out: facts, computed when asked for and remembered, since a graph
has many edges and a question is about few.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from relgraph.relations.node import Node
from relgraph.relations.order import compare
from relgraph.relations.relation import Direction
from relgraph.relations.weights import CarriageKind, carries


@dataclass(frozen=True)
class EdgeFacts:
    """`direction` from the first node to the second, and why; `weights` is what becomes of trained
    weights on the way, and why; `sizes` are the maps and widths on which the order was tried."""

    direction: Direction
    why: str
    weights: CarriageKind
    carried: str
    sizes: tuple[str, ...] = ()


@lru_cache(maxsize=1 << 16)
def facts(a: Node, b: Node, instances: bool = False) -> EdgeFacts:
    """The facts of the edge from `a` to `b`: of families where both are some, unless they are
    asked about as `instances` with just these numbers."""
    compared, carriage = compare(a, b, instances), carries(a, b, instances)
    return EdgeFacts(
        compared.direction, compared.reason, carriage.kind, carriage.reason, compared.sizes
    )
