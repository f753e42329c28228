"""Any part of a relation graph as a scene: what lies above is more general.

In: a `RelationGraph` that is small enough to be read, and the place of a node in its middle, if
any. Out: a `Scene`. Edges come in pairs, an edit and its opposite; one arrow stands for both. It
goes down the order where there is one; where there is none it leads away from the middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relgraph.errors import Problem, RelgraphError
from relgraph.graph.edges import facts
from relgraph.graph.model import RelationGraph
from relgraph.graph.part import around
from relgraph.graph.picture.points import point_lines
from relgraph.graph.picture.scene import Arrow, Box, Kind, Line, Mark, Sample, Scene
from relgraph.graph.picture.text import edit_lines, lines
from relgraph.relations.relation import Direction, Edit, Property
from relgraph.relations.table import RELATIONS

MOST = 80
"""Boxes of a picture that can still be read."""
BOX_ROOM = 180.0
WORDS_ROOM = 112.0
"""How wide lines in a box, and words at an arrow, may be."""
KINDS: dict[Property, Kind] = {
    "connectivity": "sparse",
    "sharing": "sharing",
    "rank": "low rank",
    "dynamism": "dynamic",
    "number": "other",
    "frame": "other",
}
CALLED: dict[Kind, str] = {
    "sparse": "connectivity",
    "sharing": "sharing",
    "low rank": "rank",
    "dynamic": "dynamism",
    "other": "numbers and frames",
}
MARKS: dict[Mark, str] = {
    "down": "down: a special case of what it came from",
    "up": "up: contains what it came from",
    "sideways": "sideways: neither",
    "equal": "equal classes",
}


@dataclass(frozen=True)
class _Edge:
    """One arrow: from the more general node, or from the one nearer to the middle."""

    source: int
    target: int
    edit: Edit
    direction: Direction


def neighbourhood_scene(graph: RelationGraph, middle: int | None = None) -> Scene:
    """The picture of a graph, with a strong frame around the node in the `middle`.

    Raises RelgraphError for more than `MOST` nodes.
    """
    if len(graph) > MOST:
        raise too_many(len(graph))
    arrows = tuple(_arrow(graph, edge) for edge in _edges(graph, middle))
    return Scene(
        "Relations of "
        + (graph.title(middle) if middle is not None else f"{len(graph)} operators"),
        tuple(box(graph, at, at == middle) for at in range(len(graph))),
        arrows,
        tuple(legend(arrows)),
    )


def too_many(count: int) -> RelgraphError:
    """The error of a picture of `count` nodes."""
    return RelgraphError(
        Problem(
            "unreadable-picture",
            f"a picture of {count:,} nodes cannot be read",
            f"at most {MOST}",
            "draw a part: --around NODE --steps 1, or --named-only; or write .graphml or .dot",
        )
    )


def _edges(graph: RelationGraph, middle: int | None) -> Iterator[_Edge]:
    """One edge for every two nodes that edits join; around a middle, those that lead away."""
    far = around(graph, middle, len(graph)) if middle is not None else {}
    for a in range(len(graph)):
        for b in sorted({*graph.successors(a), *graph.predecessors[a]}):
            if b > a and (middle is None or far.get(a) != far.get(b)):
                yield _edge(graph, *((b, a) if far.get(b, 0) < far.get(a, 0) else (a, b)))


def _edge(graph: RelationGraph, near: int, other: int) -> _Edge:
    direction = facts(graph.nodes[near], graph.nodes[other]).direction
    if direction == "up":
        near, other, direction = other, near, "down"
    if other in graph.successors(near):
        return _Edge(near, other, graph.edit(near, other), direction)
    # Only the opposite is an edit: read from its end to its start.
    back = graph.edit(other, near)
    edit = Edit(f"not {back.relation}", back.axis, back.after, back.before, graph.nodes[other])
    return _Edge(near, other, edit, direction)


def box(graph: RelationGraph, at: int, strong: bool = False) -> Box:
    """A node with its names, if it has any, and its point of the algebra."""
    names = [Line(name, "name") for name in graph.names(at)]
    points = [Line(text, "small") for text in point_lines(graph.nodes[at])]
    shown = tuple(part for line in (*names, *points) for part in lines(line, BOX_ROOM))
    return Box(graph.keys[at], shown, strong, faint=not names)


def _arrow(graph: RelationGraph, edge: _Edge) -> Arrow:
    line = Line(edge.edit.words, "small", edge.direction)
    return Arrow(
        graph.keys[edge.source],
        graph.keys[edge.target],
        edit_lines(line, WORDS_ROOM),
        kind_of(edge.edit),
    )


def kind_of(edit: Edit) -> Kind:
    """The kind of line that the edit's property has."""
    name = edit.relation.removeprefix("not ")
    rows = (row for row in RELATIONS if (row.name, row.axis) == (name, edit.axis))
    found = next(rows, None)
    return KINDS[found.property] if found else "other"


def legend(arrows: Iterable[Arrow]) -> Iterator[Sample]:
    """What occurs, and nothing else."""
    listed = tuple(arrows)
    kinds = {arrow.kind for arrow in listed}
    yield from (Sample(words, kind) for kind, words in CALLED.items() if kind in kinds)
    marks = {line.mark for arrow in listed for line in arrow.lines}
    yield from (Sample(words, mark=mark) for mark, words in MARKS.items() if mark in marks)
