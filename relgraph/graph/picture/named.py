"""The operators that have names as a scene, joined by what lies between them.

In: a closed `RelationGraph` with names. Out: a `Scene` of its named nodes. Two of them are joined
where no third is nearer to both than they are to each other (the relative neighbourhood graph:
Toussaint, Pattern Recognition 12, 1980); nearness is the number of edits. An arrow goes down the
order where there is one, else away from the first root, and has the edits of one shortest path.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, pairwise

from relgraph.graph.edges import facts
from relgraph.graph.model import RelationGraph
from relgraph.graph.picture.neighbourhood import (
    MOST,
    WORDS_ROOM,
    box,
    kind_of,
    legend,
    too_many,
)
from relgraph.graph.picture.scene import Arrow, Kind, Line, Scene
from relgraph.graph.picture.text import edit_lines
from relgraph.graph.search import distances, shortest
from relgraph.relations.relation import Edit

_Far = Mapping[int, Mapping[int, int]]
FIRST: tuple[Kind, ...] = ("dynamic", "low rank", "sparse", "sharing", "other")
"""Which of its edits gives an arrow its colour."""


def named_scene(graph: RelationGraph, middle: int | None = None) -> Scene:
    """The picture of the graph's named nodes, and of the one in the `middle`.

    Raises RelgraphError for more than `MOST` of them.
    """
    named = sorted({*graph.titles, *([] if middle is None else [middle])})
    if len(named) > MOST:
        raise too_many(len(named))
    far = {at: distances([at], graph.successors) for at in named}
    arrows = tuple(
        _arrow(graph, a, b, far) for a, b in combinations(named, 2) if _beside(a, b, far)
    )
    return Scene(
        f"Paths between {len(named)} operators",
        tuple(box(graph, at, at == middle) for at in named),
        arrows,
        tuple(legend(arrows)),
    )


def _beside(a: int, b: int, far: _Far) -> bool:
    """Whether no third named node is nearer to both."""
    apart = far[a].get(b)
    if apart is None:
        return False
    others = (c for c in far if c not in (a, b))
    return not any(max(far[a].get(c, apart), far[c].get(b, apart)) < apart for c in others)


def _arrow(graph: RelationGraph, a: int, b: int, far: _Far) -> Arrow:
    direction = facts(graph.nodes[a], graph.nodes[b]).direction
    if direction == "up" or (direction == "sideways" and _further(a, b, far)):
        a, b = b, a
    edits = _edits(graph, a, b)
    here = graph.nodes[a]
    lines: list[Line] = []
    for edit in edits:
        line = Line(edit.words, "small", facts(here, edit.target).direction)
        lines += edit_lines(line, WORDS_ROOM)
        here = edit.target
    return Arrow(graph.keys[a], graph.keys[b], tuple(lines), _colour(edits))


def _further(a: int, b: int, far: _Far) -> bool:
    """Whether a is further than b from the first named node of the graph."""
    first = next(iter(far.values()))
    return first.get(a, 0) > first.get(b, 0)


def _edits(graph: RelationGraph, a: int, b: int) -> tuple[Edit, ...]:
    """The edits of the first shortest path."""
    found = shortest(graph, a, b)
    assert found is not None, "edits go both ways"
    places = next(iter(found))
    return tuple(graph.edit(one, other) for one, other in pairwise(places))


def _colour(edits: tuple[Edit, ...]) -> Kind:
    kinds = {kind_of(edit) for edit in edits}
    return next(kind for kind in FIRST if kind in kinds)
