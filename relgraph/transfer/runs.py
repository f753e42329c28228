"""Neighbouring linear items as one: a product of factors that no operator of its own stands for.

In: aligned items and what became of each. Out: stretches of them that are one linear map on either
side, as two operators, so that a whole can go into factors and factors into a whole: `conv` into
`depthwise_conv, pointwise`, or `conv, batch_norm` into `conv`. It knows no tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from torch import Tensor

from relgraph.assemble.elements import ACTIVATIONS
from relgraph.assemble.naming import NORMS
from relgraph.program import Body, Branches, Connect, Element, Node, Residual, Scope, Split
from relgraph.transfer.align import Pair
from relgraph.transfer.carried import Tensors
from relgraph.transfer.enclosing import enclosed
from relgraph.transfer.layer import TOGETHER
from relgraph.transfer.linear import AFFINE
from relgraph.transfer.neutral import PASSING
from relgraph.transfer.projection import Operators
from relgraph.verify.values import join, under

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


def bent(pairs: Sequence[Pair], exact: Sequence[bool]) -> list[Run]:
    """Stretches in which what was one linear map is several layers with norms or activations
    between them that are new: no W has such factors."""
    found: list[Run] = []
    first = 0
    while first < len(pairs):
        end = first
        while end < len(pairs) and (_is_flat(pairs[end]) or _bends(pairs[end])):
            end += 1
        if not all(exact[first:end]):
            found += _around_elements(pairs, first, end)
        first = max(end, first + 1)
    return found


def _is_flat(pair: Pair) -> bool:
    return all(_is_linear(node) for node in pair)


def _bends(pair: Pair) -> bool:
    """An element that is new and not linear."""
    node = pair[1]
    if pair[0] is not None or not isinstance(node, Element) or node.word in AFFINE:
        return False
    return node.word in ACTIVATIONS or node.word in NORMS


def _around_elements(pairs: Sequence[Pair], first: int, end: int) -> Iterator[Run]:
    """From the first layer of the target to its last, if something bends between them."""
    layers = [at for at in range(first, end) if isinstance(pairs[at][1], Connect | Scope)]
    if not layers:
        return
    low, high = layers[0], layers[-1] + 1
    source = tuple(_items(one for one, _ in pairs[low:high]))
    target = tuple(_items(other for _, other in pairs[low:high]))
    if any(map(_bends, pairs[low:high])) and _has_operator(source):
        yield Run(low, high, _as_one(source), _as_one(target), ())


def _is_linear(node: Node | None) -> bool:
    if isinstance(node, Connect):
        return node.connection.operator.weight.source == "static" and node.reduce is None
    if isinstance(node, Scope):
        one = node.role == "operator" or bool(enclosed(node))
        return one and all(_is_linear(inner) for inner in node.body)
    if isinstance(node, Branches):
        return node.combine == "sum" and all(map(_is_linear, chain(*node.branches)))
    return node is None or (isinstance(node, Element) and node.word in AFFINE)


def _run(pairs: Sequence[Pair], first: int, end: int) -> Run | None:
    """The stretch as one map of each side, if one of them has an item that the other lacks."""
    if not any(_is_uneven(pair) for pair in pairs[first:end]):
        return None
    source = tuple(_items(one for one, _ in pairs[first:end]))
    there = tuple(_items(other for _, other in pairs[first:end]))
    idle = tuple(node for node in there if isinstance(node, Element) and node.word in _IDLE)
    target = tuple(node for node in there if node not in idle)
    if not _has_operator(source) or not _has_operator(target):
        return None
    return Run(first, end, _as_one(source), _as_one(target), idle)


def _is_uneven(pair: Pair) -> bool:
    """Whether one side has an item more, or one of another structure."""
    return None in pair or isinstance(pair[0], Branches) != isinstance(pair[1], Branches)


def _items(nodes: Iterable[Node | None]) -> Iterator[Node]:
    for node in nodes:
        if node is not None:
            yield from enclosed(node) or (node,)


def _has_operator(body: Body) -> bool:
    return any(isinstance(node, Connect | Scope | Branches) for node in body)


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
    if isinstance(node, Branches):
        return f"{node.combine} of {len(node.branches)}"
    return node.name if isinstance(node, Connect | Scope) else ""


def entering(path: str, node: Operators) -> str:
    """Where what enters an item is known: of several without a class around them the first one's
    place; nowhere if that is written inline."""
    if node.attr or isinstance(node, Connect):
        return join(path, node.attr)
    first = next((inner for inner in node.body if not _is_passing(inner)), None)
    return join(path, first.attr) if first is not None and first.attr else ""


def inside(node: Operators, tensors: Tensors, path: str) -> dict[str, Tensor]:
    """The tensors of an item by their names inside it, of several without a class those of each."""
    own = under(tensors, join(path, node.attr))
    if node.attr or isinstance(node, Connect):
        return own
    names = {attr for inner in node.body for attr in _attrs(inner)}
    return {name: t for name, t in own.items() if any(name.startswith(f"{a}.") for a in names)}


def _attrs(node: Node) -> Iterator[str]:
    """The names of an item, or of the items inside one that is written inline."""
    if node.attr:
        yield node.attr
    elif isinstance(node, Branches | Split):
        for inner in chain(*node.branches):
            yield from _attrs(inner)
    elif isinstance(node, Scope | Residual):
        for inner in node.body:
            yield from _attrs(inner)


def path_of(path: str, node: Operators) -> str:
    """Where an item stands; of several without a class around them all of their paths."""
    if node.attr or isinstance(node, Connect):
        return join(path, node.attr)
    parts = [inner.attr or _said(inner) for inner in node.body if not _is_passing(inner)]
    return TOGETHER.join(join(path, part) for part in parts)
