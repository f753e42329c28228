"""Sums of operators that are one operator: RepVGG's three branches are a convolution.

In: the parts of a sum between which no element stands that bends values. Out: the sum without the
parts that another one holds, which is one operator where only one is left:

    local 3×3 + point + identity → local 3×3        (the spans of W add up: span(A) + span(B))

A class without normalisation and rank is closed under addition of its own static weights: numbers
add up to numbers, and a predictor ends in a bias for each orbit. As functions the sum and what is
left are one class; as parametrisations they differ, and are trained apart. What stands between the
parts is not known here: whoever reads a body knows it.
"""

from __future__ import annotations

from collections.abc import Iterable

from relgraph.algebra.operator import Frame, Operator
from relgraph.relations.composite import composed
from relgraph.relations.node import Node
from relgraph.relations.order import compare


def added(parts: Iterable[Node]) -> Node:
    """The node of a sum: the parts that no other holds, the first of equal ones."""
    found = list(parts)
    at = 0
    while at < len(found):
        others = (*found[:at], *found[at + 1 :])
        if any(_holds(other, found[at]) for other in others):
            del found[at]
        else:
            at += 1
    return composed("sum", found)


def _holds(outer: Node, inner: Node) -> bool:
    """Whether the outer class plus the inner one is the outer one."""
    if not (isinstance(outer, Operator) and isinstance(inner, Operator)):
        return False
    closed = outer.weight.normalize == "none" and outer.weight.source != "fixed"
    ranked = outer.space.rank is not None or outer.channel.rank is not None
    if not closed or ranked or outer.frame != Frame():
        return False
    numbers = inner.weight.source in ("static", "fixed")
    return numbers and compare(outer, inner, instances=True).direction in ("down", "equal")
