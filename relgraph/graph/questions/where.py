"""`where PATH`: puts one's own spec into the graph.

In: an operator or a backbone spec, and the graph of families with its names. Out: for every
operator its node, the names that coincide with it, and the nearest other named ones with the edits
that make it of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from relgraph.errors import RelgraphError
from relgraph.graph.model import RelationGraph
from relgraph.graph.named import Named, Names, without_frame
from relgraph.graph.questions.answer import Table, listed
from relgraph.graph.questions.asked import Asked
from relgraph.graph.search import distances, shortest
from relgraph.graph.uses import uses
from relgraph.relations.derivation import derivation
from relgraph.relations.families import family
from relgraph.relations.node import Node
from relgraph.relations.relation import Edit
from relgraph.relations.words import describe_node, key
from relgraph.resolved import Backbone

NEAREST = 3


@dataclass(frozen=True)
class Near:
    """A named operator, and the first shortest way from its family."""

    name: str
    edits: tuple[Edit, ...]

    def to_json(self) -> dict[str, object]:
        """The same as plain data."""
        return {"name": self.name, "edits": [edit.words for edit in self.edits]}


@dataclass(frozen=True)
class Spot:
    """One operator's place: its family, the specs that have the same core or the same family, the
    nearest others, and the edits by which `mlp` becomes it."""

    name: str
    uses: int
    core: Node
    family: Node
    same: tuple[str, ...]
    relatives: tuple[str, ...]
    nearest: tuple[Near, ...]
    derivation: tuple[Edit, ...] | None

    def lines(self) -> Iterator[str]:
        """The place in words."""
        times = f", {self.uses} uses" if self.uses > 1 else ""
        yield f"{self.name}{times}: {describe_node(self.core)}"
        yield f"  family: {key(self.family)}"
        if self.same:
            yield f"  the same core as {listed(self.same)}"
        if self.relatives:
            yield f"  with other numbers: {listed(self.relatives)}"
        if not self.same and not self.relatives:
            yield "  no other spec names it"
        for near in self.nearest:
            yield f"  from {near.name}: " + "; ".join(edit.words for edit in near.edits)
        if self.derivation and "mlp" not in {near.name for near in self.nearest}:
            yield "  from mlp: " + "; ".join(edit.words for edit in self.derivation)

    def to_json(self) -> dict[str, object]:
        """The place as plain data."""
        mlp = self.derivation
        return {
            "name": self.name,
            "uses": self.uses,
            "key": key(self.core),
            "family": key(self.family),
            "words": describe_node(self.core),
            "same": list(self.same),
            "other_numbers": list(self.relatives),
            "nearest": [near.to_json() for near in self.nearest],
            "from_mlp": None if mlp is None else [edit.words for edit in mlp],
        }


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
    others = [one for one in names.operators if one.name != asked.name]
    return WhereAnswer(asked.word, (_spot(asked.word, 1, asked.core, others, graph),))


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
    spots = (_spot(name, n, core, names.operators, graph) for (name, core), n in found.items())
    return WhereAnswer(backbone.name, tuple(spots), tuple(outside))


def _spot(name: str, count: int, core: Node, named: Sequence[Named], graph: RelationGraph) -> Spot:
    own = family(core)
    same = tuple(one.name for one in named if one.core == core)
    relatives = tuple(one.name for one in named if family(one.core) == own and one.name not in same)
    at = graph.places.get(key(own))
    nearest = () if at is None else tuple(_nearest(graph, at, {one.name for one in named}))
    return Spot(name, count, core, own, same, relatives, nearest, derivation(core))


def _nearest(graph: RelationGraph, at: int, names: set[str]) -> Iterator[Near]:
    """The nearest other nodes that have one of the names, each with its first shortest way here."""
    far = distances((at,), graph.predecessors.__getitem__)
    called = ((node, [n for n in graph.names(node) if n in names]) for node in far if node != at)
    for node, own in islice(((node, own) for node, own in called if own), NEAREST):
        way = shortest(graph, node, at)
        assert way is not None, "it was found by going back along edits"
        first = next(iter(way))
        edits = tuple(graph.edit(a, b) for a, b in pairwise(first))
        yield Near(", ".join(own), edits)
