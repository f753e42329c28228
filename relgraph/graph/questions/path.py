"""`path A B`: every shortest way from one operator to another, as edits in words.

In: two operators, and where costs are counted. Out: how many shortest paths there are, those that
differ in more than the order of their edits, and each one's steps. Cores are compared: what no
edit changes (projections around them, stride, border) is said beside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, pairwise

from relgraph.assemble.cost import Cost
from relgraph.errors import Problem, RelgraphError
from relgraph.graph.cost import Setting, cost_or_none
from relgraph.graph.model import RelationGraph
from relgraph.graph.named import Names
from relgraph.graph.numbering import only_numbers, own_numbers
from relgraph.graph.questions.answer import Table, cost_json, plural, setting_json
from relgraph.graph.questions.asked import Asked
from relgraph.graph.questions.steps import Step, family_names, reasons, table, walk
from relgraph.graph.search import shortest
from relgraph.graph.style import alike, frame_changes
from relgraph.relations.derivation import Paths, paths
from relgraph.relations.families import family
from relgraph.relations.node import Composite, Node
from relgraph.relations.numbers import GENERIC

LISTED = 1000
"""Paths that are looked at to tell which of them are the same edits in another order."""
SHOWN = 3


@dataclass(frozen=True)
class Route:
    """Edits in their first order, and in how many orders the same edits lead there."""

    steps: tuple[Step, ...]
    orders: int


@dataclass(frozen=True)
class PathAnswer:
    """`count` shortest paths of `length` edits, in `ways` that differ by more than their order, of
    which `routes` are the first. Where there are more than were looked at, `complete` is false."""

    source: Asked
    target: Asked
    start: Node
    length: int
    count: int
    ways: int
    routes: tuple[Route, ...]
    setting: Setting | None
    complete: bool
    beside: tuple[str, ...]
    reasoned: bool = False

    def lines(self) -> Iterable[str]:
        """What is asked about, and how many ways there are."""
        yield f"{self.source.word}: {self.source.words}"
        yield f"{self.target.word}: {self.target.words}"
        if self.beside:
            yield "beside the edits, no relations: " + "; ".join(self.beside)
        if not self.length:
            yield "the same core: no edit lies between them"
            return
        yield self._count()

    def _count(self) -> str:
        first = f"{plural(self.length, 'edit')} apart, {plural(self.count, 'shortest path')}"
        if self.count == 1:
            return first
        if self.ways == 1 and self.complete:
            return f"{first}: the same edits in any order that is consistent"
        some = "" if self.complete else "at least "
        return f"{first}: {some}{self.ways} ways that differ by more than the order of their edits"

    @property
    def _first_cost(self) -> Cost | None:
        return None if self.setting is None else cost_or_none(self.start, self.setting)

    def tables(self) -> Iterable[Table]:
        """Each way, in its first order; nothing where there is neither an edit nor a cost."""
        if not self.length and self.setting is None:
            return
        start = (self.source.word, self._first_cost)
        for number, route in enumerate(self.routes, 1):
            title = f"way {number}: {plural(route.orders, 'order')}" if self.count > 1 else ""
            yield table(start, route.steps, self.setting, title)
            if self.reasoned and route.steps:
                yield reasons(route.steps)

    def to_json(self) -> dict[str, object]:
        """The same facts as plain data."""
        return {
            "question": "path",
            "from": {
                **self.source.to_json(),
                "cost": cost_json(self._first_cost),
            },
            "to": self.target.to_json(),
            "not_relations": list(self.beside),
            "setting": setting_json(self.setting),
            "length": self.length,
            "count": self.count,
            "different": self.ways,
            "complete": self.complete,
            "ways": [
                {"orders": route.orders, "steps": [one.to_json() for one in route.steps]}
                for route in self.routes
            ],
        }


def path(
    source: Asked,
    target: Asked,
    names: Names,
    setting: Setting | None,
    shown: int = SHOWN,
) -> PathAnswer:
    """All shortest paths between two cores.

    Edits may write the numbers of the two; without a `setting` all numbers are forgotten, and the
    families have no cost. Raises RelgraphError where no edits lead from one to the other.
    """
    start, goal, styles = alike(source.core, target.core)
    if setting is None:
        start, goal = family(start), family(goal)
    ends = (start, goal)
    numbers = own_numbers(GENERIC, ends) if setting is None else only_numbers(ends)
    found = paths(start, goal, numbers, limit=LISTED)
    if not found.count:
        raise _no_path(source, target)
    beside = (*styles, *frame_changes(source.node, target.node))
    return _answer(source, target, start, found, names, setting, shown, beside)


def _answer(
    source: Asked,
    target: Asked,
    start: Node,
    found: Paths,
    names: Names,
    setting: Setting | None,
    shown: int,
    beside: tuple[str, ...],
) -> PathAnswer:
    called = family_names(names)
    grouped = found.ways
    between = source.between, target.between
    routes = (
        Route(tuple(walk(start, g[0], called, setting, between)), len(g)) for g in grouped[:shown]
    )
    return PathAnswer(
        source,
        target,
        start,
        length=len(found.listed[0]),
        count=found.count,
        ways=len(grouped),
        routes=tuple(routes),
        setting=setting,
        complete=found.count == len(found.listed),
        beside=beside,
    )


def path_in(
    graph: RelationGraph,
    source: Asked,
    target: Asked,
    names: Names,
    setting: Setting | None,
    shown: int = SHOWN,
) -> PathAnswer:
    """All shortest paths on a graph that was made before, of which both must be nodes.

    Raises RelgraphError where one is none, or no edits of the graph lead from one to the other.
    """
    start, goal = graph.place(source.key), graph.place(target.key)
    found = shortest(graph, start, goal)
    if found is None:
        raise _no_path(source, target)
    ways = islice(found, LISTED)
    listed = tuple(tuple(graph.edit(a, b) for a, b in pairwise(way)) for way in ways)
    beside = frame_changes(source.node, target.node)
    known = Paths(found.count, listed)
    return _answer(source, target, graph.nodes[start], known, names, setting, shown, beside)


def _no_path(source: Asked, target: Asked) -> RelgraphError:
    composite = [one for one in (source, target) if isinstance(one.core, Composite)]
    hint = ""
    if composite:
        hint = f"{composite[0].word} is made of several operators; ask about one of them"
    found = f"no edits lead from {source.word} to {target.word}"
    return RelgraphError(Problem("no-path", found, "two operators that edits join", hint))
