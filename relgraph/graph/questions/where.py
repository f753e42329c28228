"""`where PATH`: puts one's own spec into the graph.

In: an operator or a backbone spec, and the graph of families with its names. Out: for every
operator its node, the names that coincide with it, and the nearest other named ones with the edits
that make it of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise

from relgraph.algebra.operator import Operator
from relgraph.errors import RelgraphError
from relgraph.graph.closure import widened
from relgraph.graph.model import RelationGraph
from relgraph.graph.named import Named, Names, without_frame
from relgraph.graph.numbering import atoms, own_numbers
from relgraph.graph.questions.answer import Table
from relgraph.graph.questions.asked import Asked
from relgraph.graph.questions.spot import Near
from relgraph.graph.questions.spot import Spot as Spot
from relgraph.graph.search import distances, shortest
from relgraph.graph.style import changes, usual
from relgraph.graph.uses import uses
from relgraph.relations.derivation import MLP, derivation, paths
from relgraph.relations.distance import apart
from relgraph.relations.families import family
from relgraph.relations.node import Composite, Node
from relgraph.relations.numbers import GENERIC
from relgraph.relations.relation import Edit
from relgraph.relations.words import key
from relgraph.resolved import Backbone

NEAREST = 3
FAR = 3
"""The most edits between terms that are told: there is no graph of all terms to find more in."""


@dataclass(frozen=True)
class WhereAnswer:
    """The places of a spec's operators: one of an operator, each distinct one of a backbone.
    `outside` are those that are no terms of the algebra."""

    name: str
    spots: tuple[Spot, ...]
    outside: tuple[str, ...] = ()

    def lines(self) -> Iterable[str]:
        """Each place."""
        for spot in self.spots:
            yield from spot.lines()
        for name in self.outside:
            yield f"{name}: a body that is no term of the algebra, and no node"

    def tables(self) -> Iterable[Table]:
        """Nothing: places are told in sentences."""
        return ()

    def to_json(self) -> Mapping[str, object]:
        """The same facts as plain data."""
        return {
            "question": "where",
            "name": self.name,
            "operators": [spot.to_json() for spot in self.spots],
            "outside": list(self.outside),
        }


def where_operator(asked: Asked, names: Names, graph: RelationGraph) -> WhereAnswer:
    """The place of one operator; its own name does not count. `graph` is that of families."""
    others = tuple(one for one in names.operators if one.name != asked.name)
    around = _around(others, graph, (asked.core,))
    spot = around.spot(asked.word, 1, asked.core)
    return WhereAnswer(asked.word, (spot if asked.sized else spot.unsized(),))


def where_backbone(backbone: Backbone, names: Names, graph: RelationGraph) -> WhereAnswer:
    """The places of a backbone's operators, those with the same core once."""
    found: dict[tuple[str, Node], int] = {}
    outside: dict[str, None] = {}
    for used in uses(backbone):
        try:
            place = (used.use.name, without_frame(used.node))
        except RelgraphError:
            outside[used.use.name] = None
        else:
            found[place] = found.get(place, 0) + 1
    around = _around(tuple(names.operators), graph, (core for _, core in found))
    spots = (around.spot(name, n, core) for (name, core), n in found.items())
    return WhereAnswer(backbone.name, tuple(spots), tuple(outside))


def _around(named: tuple[Named, ...], graph: RelationGraph, cores: Iterable[Node]) -> _Around:
    """What stands around some cores: in a graph that has their families, with the usual border."""
    return _Around(named, widened(graph, map(usual, atoms(cores))))


@dataclass(frozen=True)
class _Around:
    """The operators that have names, and the graph of families that they stand in. A family with a
    border of its own is none of it, and stands beside the one with the usual border."""

    named: tuple[Named, ...]
    graph: RelationGraph

    def spot(self, name: str, count: int, core: Node) -> Spot:
        """The place of one operator, or of a term and its parts."""
        own = family(core)
        same = tuple(one.name for one in self.named if one.core == core)
        relatives = tuple(
            one.name for one in self.named if family(one.core) == own and one.name not in same
        )
        if isinstance(own, Composite):
            assert isinstance(core, Composite), "a family is no more than what it is of"
            parts = (self.spot(f"part {at}", 1, part) for at, part in enumerate(core.parts, 1))
            near = tuple(self._terms(own))
            return Spot(name, count, core, own, same, relatives, near, None, tuple(parts))
        steps = derivation(core)
        mlp = None if steps is None else Near("mlp", steps, changes(MLP, own))
        return Spot(name, count, core, own, same, relatives, tuple(self._operators(own)), mlp)

    @cached_property
    def _called(self) -> Mapping[int, Sequence[Named]]:
        """The named operators by the place of their family, with the usual border."""
        found: dict[int, list[Named]] = {}
        for one in self.named:
            at = self._place(family(one.core))
            if at is not None:
                found.setdefault(at, []).append(one)
        return found

    def _place(self, node: Node) -> int | None:
        return None if isinstance(node, Composite) else self.graph.places.get(key(usual(node)))

    def _operators(self, own: Operator) -> Iterator[Near]:
        """The nearest operators of other families that have names, with the first shortest way."""
        at = self._place(own)
        far = {} if at is None else distances((at,), self.graph.predecessors.__getitem__)
        found = (near for node in far if node in self._called for near in self._from(node, at, own))
        yield from islice(found, NEAREST)

    def _from(self, node: int, at: int | None, own: Operator) -> Iterator[Near]:
        """The named operators at one place, those together that differ in the same."""
        assert at is not None, "distances are from there"
        way = shortest(self.graph, node, at)
        assert way is not None, "it was found by going back along edits"
        edits = tuple(self.graph.edit(a, b) for a, b in pairwise(next(iter(way))))
        beside: dict[tuple[str, ...], list[str]] = {}
        for one in self._called[node]:
            if family(one.core) != own:
                beside.setdefault(changes(family(one.core), own), []).append(one.name)
        yield from (Near(", ".join(own), edits, said) for said, own in beside.items())

    def _terms(self, own: Composite) -> Iterator[Near]:
        """The nearest terms of as many parts that have names."""
        known = ((family(one.core), one.name) for one in self.named)
        terms = [(node, name) for node, name in known if isinstance(node, Composite)]
        alike = [one for one in terms if len(one[0].parts) == len(own.parts)]
        reached = [(node, name) for node, name in alike if 0 < apart(node, own) <= FAR]
        found = [(_first_way(node, own), name) for node, name in reached]
        ways = sorted((len(way), name, way) for way, name in found if way is not None)
        yield from (Near(name, edits) for _, name, edits in ways[:NEAREST])


def _first_way(start: Node, goal: Node) -> tuple[Edit, ...] | None:
    """The first of the shortest ways; None where none leads there, or the search met too much."""
    try:
        numbers = own_numbers(GENERIC, (start, goal))
        return next(iter(paths(start, goal, numbers, limit=1).listed), None)
    except RelgraphError:
        return None
