"""Paths of edits between two nodes, without a graph: only what can lie on a shortest path is made.

In: two nodes and the numbers that edits may write. Out: all shortest paths, counted, and the first
of them in the order of the table. `derivation` is the first path from `mlp`, which every operator
with default borders has; it knows no specs, so it says the same whatever specs there are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from relgraph.algebra.operator import Operator, Space
from relgraph.errors import Problem, RelgraphError
from relgraph.relations.distance import apart, at_least
from relgraph.relations.families import family
from relgraph.relations.node import Composite, Node, bare, core
from relgraph.relations.numbers import GENERIC, OVERLAP, VARIANTS, Numbers
from relgraph.relations.relation import Edit
from relgraph.relations.table import edits
from relgraph.relations.weight import default_border

MLP = core(Operator(Space("full")))
LISTED = 64
"""Paths that are written out where nobody asks for more."""
MET = 1_000
"""Terms that a search may meet. Operators between two others are fewer; parts of terms multiply."""


@dataclass(frozen=True)
class Paths:
    """All shortest paths: how many there are, and the first of them. No path: count 0."""

    count: int
    listed: tuple[tuple[Edit, ...], ...]

    @property
    def ways(self) -> tuple[tuple[tuple[Edit, ...], ...], ...]:
        """The listed paths of the same edits together. First come those that seldom change where
        values come from, since a long way round by static weights forgets what was learned; then
        those of most orders, whose edits change each a property of its own."""
        groups: dict[frozenset[str], list[tuple[Edit, ...]]] = {}
        for one in self.listed:
            groups.setdefault(frozenset(edit.words for edit in one), []).append(one)
        return tuple(map(tuple, sorted(groups.values(), key=_roundabout)))


_SOURCES = frozenset(("make dynamic", "freeze", "learn", "change source"))


def _roundabout(way: Sequence[tuple[Edit, ...]]) -> tuple[int, int]:
    return sum(edit.relation in _SOURCES for edit in way[0]), -len(way)


def path(a: Node, b: Node, numbers: Numbers = GENERIC) -> tuple[tuple[Edit, ...], ...]:
    """The first shortest edit sequences from a to b; one empty sequence if they are equal, none if
    no edits with these numbers lead from one to the other."""
    return paths(a, b, numbers).listed


def paths(
    a: Node, b: Node, numbers: Numbers = GENERIC, frames: bool = False, limit: int = LISTED
) -> Paths:
    """All shortest edit sequences from a to b, of which at most `limit` are listed.

    Raises RelgraphError where too many terms lie between two of which one is a term.
    """
    least = apart(a, b, frames)
    for length in itertools.count(int(least)) if least < math.inf else ():
        search = _Search(a, b, numbers, frames, length)
        if search.found:
            return Paths(search.count(), search.first(limit))
        if not search.cut:
            return Paths(0, ())
    return Paths(0, ())


@lru_cache(maxsize=1 << 12)
def derivation(node: Node) -> tuple[Edit, ...] | None:
    """The edits by which `mlp` becomes the node's family, its frame aside: the first of `path`,
    without a look at the others. None for a term: its parts have one each.

    A border that is not the default is no edit: the family with the default one is derived.
    """
    goal = family(node)
    if not isinstance(goal, Operator):
        return None
    goal = _with_default_border(bare(goal))
    numbers = _with_variants(goal)
    for length in itertools.count(at_least(MLP, goal)):  # every such family can be reached
        found = _first(MLP, goal, length, set(), numbers)
        if found is not None:
            return found
    raise AssertionError


def _with_variants(goal: Operator) -> Numbers:
    """Generic numbers, and the variants that the goal has: without them no edit would write it."""
    words = {name: getattr(goal.weight, _WRITTEN.get(name, name)) for name in VARIANTS}
    offset = (goal.weight.offset,) if goal.weight.fixed == "shift" else ()
    missing = {
        name: value
        for name, value in words.items()
        if value in VARIANTS[name] and value not in getattr(GENERIC, name)
    }
    outlook = (OVERLAP,) if goal.space.connect == "outlook" else ()
    wider: dict[str, Any] = {n: (*getattr(GENERIC, n), value) for n, value in missing.items()}
    halo = tuple(dict.fromkeys((*GENERIC.halo, goal.space.halo)))
    keys = tuple(dict.fromkeys((*GENERIC.keys, goal.weight.kv_heads)))
    band = (goal.channel.size,) if goal.channel.connect == "local" else GENERIC.band
    own: dict[str, Any] = {
        "offset": offset,
        "halo": halo,
        "keys": keys,
        "band": band,
        "outlook": outlook,
    }
    return replace(GENERIC, **wider, **own)


_WRITTEN = {
    "normal": "normalize",
    "scores": "score",
    "positions": "position",
    "talking": "talking_heads",
    "sources": "source",
}
"""Kinds of variants that a weight has under another name."""


def _with_default_border(operator: Operator) -> Operator:
    border = default_border(operator.weight.normalize)
    counted = operator.weight.source == "fixed" and operator.space.border == "mask"
    if counted or operator.space.border == border:
        return operator
    return core(replace(operator, space=replace(operator.space, border=border)))


def _first(
    node: Node, goal: Node, left: int, dead: set[object], numbers: Numbers
) -> tuple[Edit, ...] | None:
    """Depth first in the order of the table, where the bound leaves hope; `dead` are the nodes with
    the number of edits that do not suffice from there."""
    if node == goal:
        return ()
    for edit in edits(node, numbers):
        at = (edit.target, left - 1)
        if apart(edit.target, goal) < left and at not in dead:
            rest = _first(edit.target, goal, left - 1, dead, numbers)
            if rest is not None:
                return (edit, *rest)
    dead.add((node, left))
    return None


def _refuse_too_many(a: Node, b: Node, met: int) -> None:
    terms = isinstance(a, Composite) or isinstance(b, Composite)
    if terms and met > MET:
        raise RelgraphError(
            Problem(
                "path-too-long",
                f"more than {MET:,} terms were met on the way from one to the other",
                "terms that fewer edits join",
                "ask about their parts",
            )
        )


class _Search:
    """Layers of nodes, each one edit after the last, that may lie on a path of this length: their
    distance and what is left at least are no more. `cut` tells whether any were left out."""

    def __init__(self, a: Node, b: Node, numbers: Numbers, frames: bool, length: int) -> None:
        self._goal, self._length, self.cut = b, length, False
        self._numbers, self._frames = numbers, frames
        self._layers: list[dict[Node, list[Node]]] = [{a: []}]  # each node with those before it
        self._seen = {a}
        while self._layers[-1] and not self.found:
            self._layers.append(self._next_layer())

    @property
    def found(self) -> bool:
        """Whether the goal stands in the last layer."""
        return self._goal in self._layers[-1]

    def _edits(self, node: Node) -> tuple[Edit, ...]:
        return edits(node, self._numbers, self._frames)

    def _next_layer(self) -> dict[Node, list[Node]]:
        layer: dict[Node, list[Node]] = {}
        left = self._length - len(self._layers)
        for node in self._layers[-1]:
            _refuse_too_many(node, self._goal, len(self._seen) + len(layer))
            for edit in self._edits(node):
                target = edit.target
                if target in layer:
                    layer[target].append(node)
                elif target not in self._seen:
                    bound = apart(target, self._goal, self._frames)
                    if bound <= left:
                        layer[target] = [node]
                    self.cut |= left < bound < math.inf
        self._seen.update(layer)
        return layer

    def count(self) -> int:
        """Paths from the start to the goal."""
        ways = dict.fromkeys(self._layers[0], 1)
        for layer in self._layers[1:]:
            ways = {node: sum(ways[before] for before in found) for node, found in layer.items()}
        return ways[self._goal]

    def first(self, limit: int) -> tuple[tuple[Edit, ...], ...]:
        """The first paths, in the order of the table at every step."""
        onwards: list[set[Node]] = [{self._goal}]
        for layer in reversed(self._layers[1:]):
            onwards.append({before for node in onwards[-1] for before in layer[node]})
        start = next(iter(self._layers[0]))
        return tuple(itertools.islice(self._walks(start, onwards[-2::-1]), limit))

    def _walks(self, node: Node, ahead: list[set[Node]]) -> Iterator[tuple[Edit, ...]]:
        if not ahead:
            yield ()
            return
        for edit in self._edits(node):
            if edit.target in ahead[0]:
                yield from ((edit, *rest) for rest in self._walks(edit.target, ahead[1:]))
