"""Shortest paths on a closed graph: found from both ends, counted without being listed.

In: a `RelationGraph` and the places of two nodes. Out: the length, how many shortest paths there
are, and the paths themselves, lazily, in the table's order. Equivalent orders of edits that commute
are paths of their own here; who prints them says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from relgraph.graph.model import RelationGraph

_Neighbours = Callable[[int], Iterable[int]]


@dataclass(frozen=True)
class Shortest:
    """All shortest paths from one node to another: `layers[k]` has the nodes on them that are k
    edits from the first, each with those that follow it in the next layer."""

    layers: tuple[Mapping[int, tuple[int, ...]], ...]

    @property
    def length(self) -> int:
        """The number of edits."""
        return len(self.layers) - 1

    @cached_property
    def count(self) -> int:
        """How many shortest paths there are."""
        ways = dict.fromkeys(self.layers[-1], 1)
        for layer in reversed(self.layers[:-1]):
            ways = {at: sum(ways[n] for n in following) for at, following in layer.items()}
        return sum(ways.values())

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        """The paths, each as the places of its nodes."""
        yield from self._from(0, next(iter(self.layers[0])))

    def _from(self, depth: int, at: int) -> Iterator[tuple[int, ...]]:
        if depth == self.length:
            yield (at,)
            return
        for following in self.layers[depth][at]:
            for rest in self._from(depth + 1, following):
                yield (at, *rest)


def shortest(graph: RelationGraph, source: int, target: int) -> Shortest | None:
    """All shortest paths between two places; None where no path leads there."""
    ahead = _Side(graph.successors, source)
    behind = _Side(graph.predecessors.__getitem__, target)
    while not ahead.known.keys() & behind.frontier:
        side = min(ahead, behind, key=lambda one: len(one.frontier))
        side.grow()
        if not side.frontier:
            return None
    layers = [*_front(graph, ahead, behind), *_rear(graph, ahead, behind)]
    return Shortest(tuple(_linked(graph, layers)))


class _Side:
    """One of the two searches: every node within `depth` edits, and those that are just as far."""

    def __init__(self, neighbours: _Neighbours, start: int) -> None:
        self.neighbours = neighbours
        self.known: dict[int, int] = {start: 0}
        self.frontier: dict[int, None] = {start: None}
        self.depth = 0

    def grow(self) -> None:
        """One edit further."""
        self.depth += 1
        found: dict[int, None] = {}
        for at in self.frontier:
            for other in self.neighbours(at):
                if other not in self.known:
                    self.known[other] = self.depth
                    found[other] = None
        self.frontier = found


def _front(graph: RelationGraph, ahead: _Side, behind: _Side) -> list[dict[int, None]]:
    """The layers up to where the searches met. Every shortest path has exactly one node that is
    as far from the source as the search went, and as near to the target as the other one did."""
    layer = {at: None for at in ahead.frontier if behind.known.get(at) == behind.depth}
    layers = [layer]
    for depth in reversed(range(ahead.depth)):
        before = (p for at in layer for p in graph.predecessors[at])
        layer = {at: None for at in before if ahead.known.get(at) == depth}
        layers.append(layer)
    return layers[::-1]


def _rear(graph: RelationGraph, ahead: _Side, behind: _Side) -> list[dict[int, None]]:
    """The layers after it."""
    layer = {at: None for at in ahead.frontier if behind.known.get(at) == behind.depth}
    layers = []
    for left in reversed(range(behind.depth)):
        following = (n for at in layer for n in graph.successors(at))
        layer = {at: None for at in following if behind.known.get(at) == left}
        layers.append(layer)
    return layers


def _linked(
    graph: RelationGraph, layers: list[dict[int, None]]
) -> Iterator[Mapping[int, tuple[int, ...]]]:
    for layer, following in zip(layers, [*layers[1:], {}], strict=True):
        yield {at: tuple(n for n in graph.successors(at) if n in following) for at in layer}


def distances(
    start: Iterable[int], neighbours: _Neighbours, within: int | None = None
) -> dict[int, int]:
    """How many edits each node is from the nearest of `start`, nearest first; no more than `within`
    edits are followed."""
    known = dict.fromkeys(start, 0)
    frontier = list(known)
    depth = 0
    while frontier and depth != within:
        depth += 1
        found: list[int] = []
        for at in frontier:
            for other in neighbours(at):
                if other not in known:
                    known[other] = depth
                    found.append(other)
        frontier = found
    return known
