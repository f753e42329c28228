"""`holes`: consistent families that no spec names, the nearest and cheapest first.

In: the graph of families with its names, filters, and where costs are counted. Out: families, each
with the named ones that it is fewest edits from, the edits that derive it from the first of them,
and its cost. Sizes in costs are the families' stand-ins (3×3 kernels, 2×2 windows, 2 heads), the
same for all, so that they can be compared with each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from relgraph.algebra.operator import Operator
from relgraph.assemble.cost import Cost
from relgraph.graph.closure import widened
from relgraph.graph.cost import SETTING, Setting, cost_or_none
from relgraph.graph.model import RelationGraph, Title
from relgraph.graph.named import Named
from relgraph.graph.questions.answer import Table, cost_json
from relgraph.graph.questions.asked import Asked, one_operator
from relgraph.graph.questions.steps import cost_headers, costs
from relgraph.graph.search import distances
from relgraph.relations.families import family
from relgraph.relations.node import IDENTITY, Node
from relgraph.relations.relation import Edit
from relgraph.relations.words import describe_node, key


@dataclass(frozen=True)
class Filters:
    """What a hole must be; None lets everything pass. `share` is over space, `near` the place of a
    node within `within` edits of which it must lie."""

    source: str | None = None
    connect: str | None = None
    share: str | None = None
    channel: str | None = None
    normalize: str | None = None
    near: int | None = None
    within: int = 2

    def admit(self, node: Node) -> bool:
        """Whether the properties are those that are wanted."""
        return isinstance(node, Operator) and all(want == own for want, own in self._asked(node))

    def met(self, node: Operator) -> Iterator[str]:
        """The properties that were asked for and that the node has."""
        return (own for want, own in self._asked(node) if want == own)

    @property
    def wanted(self) -> frozenset[str]:
        """The properties that were asked for."""
        said = (self.source, self.connect, self.share, self.channel, self.normalize)
        return frozenset(want for want in said if want is not None)

    def _asked(self, node: Operator) -> Iterator[tuple[str, str]]:
        pairs = (
            (self.source, node.weight.source),
            (self.connect, node.space.connect),
            (self.share, node.space.share),
            (self.channel, node.channel.connect),
            (self.normalize, node.weight.normalize),
        )
        return ((want, own) for want, own in pairs if want is not None)


@dataclass(frozen=True)
class Hole:
    """A family without a name: its key, its distance in edits to the nearest named ones, and the
    edits that make it of the first of them."""

    key: str
    node: Node
    nearest: tuple[str, ...]
    edits: tuple[Edit, ...]
    cost: Cost | None

    @property
    def distance(self) -> int:
        """How many edits it is from a name."""
        return len(self.edits)

    def to_json(self) -> dict[str, object]:
        """The hole as plain data."""
        return {
            "key": self.key,
            "words": describe_node(self.node),
            "distance": self.distance,
            "nearest": list(self.nearest),
            "derived": [edit.words for edit in self.edits],
            "cost": cost_json(self.cost),
        }


@dataclass(frozen=True)
class HolesAnswer:
    """`found` of `families` that no spec names pass the filters; `holes` are the first of them."""

    families: int
    unnamed: int
    found: int
    holes: tuple[Hole, ...]
    setting: Setting

    def lines(self) -> Iterable[str]:
        """How many there are."""
        yield f"{self.families:,} families, {self.unnamed:,} of them without a name"
        if self.found != self.unnamed:
            yield f"{self.found:,} of them are as you ask"
        if len(self.holes) < self.found:
            yield f"the nearest to names and cheapest {len(self.holes):,} (more with --limit)"

    def tables(self) -> Iterable[Table]:
        """One row for each hole."""
        rows = tuple(
            (
                hole.key,
                hole.distance,
                *costs(hole.cost, self.setting),
                hole.nearest[0],
                "; ".join(edit.words for edit in hole.edits),
            )
            for hole in self.holes
        )
        if rows:
            yield Table(("family", "edits", *cost_headers(self.setting), "from", "by"), rows)

    def to_json(self) -> dict[str, object]:
        """The same facts as plain data."""
        return {
            "question": "holes",
            "families": self.families,
            "unnamed": self.unnamed,
            "found": self.found,
            "holes": [hole.to_json() for hole in self.holes],
        }


def holes(
    graph: RelationGraph,
    filters: Filters | None = None,
    limit: int | None = 20,
    setting: Setting = SETTING,
) -> HolesAnswer:
    """The families of `graph` that no spec names, ranked by distance, then parameters, then
    multiply-adds."""
    filters = filters or Filters()
    far = distances(graph.titles, graph.successors)
    unnamed = [at for at in far if at not in graph.titles and graph.nodes[at] != IDENTITY]
    found = [at for at in unnamed if filters.admit(graph.nodes[at])]
    if filters.near is not None:
        around = distances((filters.near,), graph.successors, filters.within)
        found = [at for at in found if at in around]
    costed = {at: cost_or_none(graph.nodes[at], setting) for at in found}
    ranked = sorted(found, key=lambda at: (far[at], *_rank(costed[at]), graph.keys[at]))
    chosen = tuple(_hole(graph, at, far, costed[at]) for at in ranked[:limit])
    return HolesAnswer(len(graph), len(unnamed), len(found), chosen, setting)


def with_asked(graph: RelationGraph, filters: Filters, names: Iterable[Named]) -> RelationGraph:
    """The graph, with all that edits make of the named operators that have a property which was
    asked for and which no node of the graph has: edits write some only where somebody has them."""
    known = tuple(names)
    nodes = [node for node in graph.nodes if isinstance(node, Operator)]
    missing = filters.wanted - {own for node in nodes for own in filters.met(node)}
    if not missing:
        return graph
    cores = [one.core for one in known if isinstance(one.core, Operator)]
    return widened(graph, (core for core in cores if missing & {*filters.met(core)}), known)


def with_middle(
    graph: RelationGraph, asked: Asked, names: Iterable[Named]
) -> tuple[RelationGraph, int]:
    """The graph of families with the one that is asked about, and where that stands.

    What has a spec has a name. So has what no named family becomes (a border that no spec has):
    how near it is to names cannot be said, and its surroundings are ranked by how near they are to
    itself. Raises RelgraphError for a term.
    """
    core = one_operator(asked)
    wide = widened(graph, (core,), names)
    at = wide.place(key(family(core)))
    if at in wide.titles or not (asked.name or at not in distances(wide.titles, wide.successors)):
        return wide, at
    return replace(wide, titles={**wide.titles, at: (Title(asked.word, asked.cite),)}), at


def _rank(cost: Cost | None) -> tuple[float, float]:
    return (float("inf"),) * 2 if cost is None else (cost.parameters, cost.macs)


def _hole(graph: RelationGraph, at: int, far: dict[int, int], cost: Cost | None) -> Hole:
    """The hole with the first way back to a name."""
    back = [at]
    while far[back[-1]]:
        back.append(next(p for p in graph.predecessors[back[-1]] if far[p] == far[back[-1]] - 1))
    way = back[::-1]
    edits = tuple(graph.edit(a, b) for a, b in pairwise(way))
    first = graph.title(way[0])
    others = sorted({graph.title(named) for named in _named_at(graph, at, far)} - {first})
    return Hole(graph.keys[at], graph.nodes[at], (first, *others), edits, cost)


def _named_at(graph: RelationGraph, at: int, far: dict[int, int]) -> Iterator[int]:
    """All named nodes that are as near as the nearest."""
    layer = {at}
    for depth in reversed(range(far[at])):
        layer = {p for node in layer for p in graph.predecessors[node] if far.get(p) == depth}
    yield from layer
