"""Neighbouring linear items as one: a product of factors that no operator of its own stands for.

In: aligned items and what became of each. Out: stretches of them that are one linear map on either
side, as two operators, so that a whole can go into factors and factors into a whole: `conv` into
`depthwise_conv, pointwise`, or `conv, batch_norm` into `conv`. It knows no tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relgraph.program import Body, Connect, Element, Node, Scope
from relgraph.transfer.align import Pair
from relgraph.transfer.layer import TOGETHER
from relgraph.transfer.linear import AFFINE
from relgraph.transfer.neutral import PASSING
from relgraph.transfer.projection import Operators
from relgraph.verify.values import join

_IDLE = PASSING | {"affine", "batch_norm", "scale"}


@dataclass(frozen=True)
class Run:
    """Aligned items from `first` up to `end` that are one linear map on either side. `idle`
    are norms and scales of the target, set to do nothing: its factors take in the source's."""

    first: int
    end: int
    source: Operators
    target: Operators
    idle: Body


def runs(pairs: Sequence[Pair], exact: Sequence[bool]) -> list[list[Run]]:
    """For each stretch of which something is lost, item by item, what could be one map: the
    smallest first."""
    found = []
    first = 0
    while first < len(pairs):
        end = first
        while end < len(pairs) and all(_is_linear(node) for node in pairs[end]):
            end += 1
        found.append(_within(pairs, exact, first, end))
        first = max(end, first + 1)
    return [several for several in found if several]


def _within(pairs: Sequence[Pair], exact: Sequence[bool], first: int, end: int) -> list[Run]:
    """Around what is lost or alone, with neighbours or without, in the linear stretch."""
    odd = [at for at in range(first, end) if not exact[at] or None in pairs[at]]
    if all(exact[first:end]):
        return []
    low, high = odd[0], odd[-1] + 1
    wider = (low, high), (low - 1, high), (low, high + 1), (low - 1, high + 1), (first, end)
    inside = dict.fromkeys(ends for ends in wider if first <= ends[0] and ends[1] <= end)
    made = (_run(pairs, *ends) for ends in inside)
    return [run for run in made if run is not None]


def _is_linear(node: Node | None) -> bool:
    if isinstance(node, Connect):
        return node.connection.operator.weight.source == "static" and node.reduce is None
    if isinstance(node, Scope):
        return node.role == "operator" and all(_is_linear(inner) for inner in node.body)
    return node is None or (isinstance(node, Element) and node.word in AFFINE)


def _run(pairs: Sequence[Pair], first: int, end: int) -> Run | None:
    """The stretch as one map of each side, if one of them has an item that the other lacks."""
    if not any(None in pair for pair in pairs[first:end]):
        return None
    source = tuple(one for one, _ in pairs[first:end] if one is not None)
    there = tuple(other for _, other in pairs[first:end] if other is not None)
    idle = tuple(node for node in there if isinstance(node, Element) and node.word in _IDLE)
    target = tuple(node for node in there if node not in idle)
    if not _has_operator(source) or not _has_operator(target):
        return None
    return Run(first, end, _as_one(source), _as_one(target), idle)


def _has_operator(body: Body) -> bool:
    return any(isinstance(node, Connect | Scope) for node in body)


def _as_one(body: Body) -> Operators:
    """One item as it is, several as the body of a class that has no name of its own."""
    (first, *_), last = body, body[-1]
    if len(body) == 1 and isinstance(first, Connect | Scope):
        return first
    name = " → ".join(_said(node) for node in body if not _is_passing(node))
    return Scope(input=first.input, output=last.output, name=name, role="operator", body=body)


def _is_passing(node: Node) -> bool:
    return isinstance(node, Element) and node.word in PASSING


def _said(node: Node) -> str:
    if isinstance(node, Element):
        return node.word
    return node.name if isinstance(node, Connect | Scope) else ""


def path_of(path: str, node: Operators) -> str:
    """Where an item stands; of several without a class around them all of their paths."""
    if node.attr or isinstance(node, Connect):
        return join(path, node.attr)
    parts = [inner.attr or _said(inner) for inner in node.body if not _is_passing(inner)]
    return TOGETHER.join(join(path, part) for part in parts)
