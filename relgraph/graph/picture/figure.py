"""The published figure as a scene: as it was drawn, with what was computed beside it.

In: `graph.published`. Out: a `Scene`. Colours, labels and dots are the figure's; edits and signs of
order are ours.
"""

from __future__ import annotations

from collections.abc import Iterator

from relgraph.graph.picture.neighbourhood import BOX_ROOM, MARKS, WORDS_ROOM
from relgraph.graph.picture.points import point_lines
from relgraph.graph.picture.scene import Arrow, Box, Kind, Line, Mark, Sample, Scene
from relgraph.graph.picture.text import edit_lines, lines
from relgraph.graph.published import Published
from relgraph.graph.published.computed import PublishedArrow, PublishedNode
from relgraph.graph.published.drawn import AXIS, Colour

KINDS: dict[Colour, Kind] = {
    "sparse connection": "sparse",
    "low rank": "low rank",
    "dynamic weight": "dynamic",
}
MIXED = "edits of several orders"
NOTES = (
    "Boxes, arrows, labels, colours, dots and models are those of Han et al., On the Connection "
    "between Local Attention and Dynamic Depth-wise Convolution, ICLR 2022, and of the figure in "
    "its repository (†: only there). Edits and their order are computed from the operators' specs: "
    "for edits of connectivity, sharing and rank of dynamic operators, the order of W at frozen "
    "weights.",
)


def published_scene(figure: Published) -> Scene:
    """The figure's twelve operators and thirteen arrows."""
    return Scene(
        "The published relation graph, with its arrows computed",
        tuple(_box(node) for node in figure.nodes),
        tuple(_arrow(arrow) for arrow in figure.arrows),
        tuple(_legend()),
        NOTES,
        AXIS,
    )


def _box(node: PublishedNode) -> Box:
    models = ", ".join(call_out.model for call_out in node.drawn.call_outs)
    words = [
        Line(node.drawn.name, "name"),
        *(Line(text, "small") for text in point_lines(node.core)),
        *([Line(models, "call-out")] if models else []),
    ]
    return Box(node.drawn.name, tuple(part for line in words for part in lines(line, BOX_ROOM)))


def _arrow(arrow: PublishedArrow) -> Arrow:
    drawn, kind = arrow.drawn, KINDS[arrow.drawn.colour]
    dagger = " †" if drawn.version == "repository" else ""
    label = lines(Line(f"{drawn.label}{dagger}", "label", arrow.way, kind), WORDS_ROOM)
    edits = (
        part
        for step in arrow.edits
        for part in edit_lines(Line(step.edit.words, "small", step.way), WORDS_ROOM)
    )
    return Arrow(drawn.source, drawn.target, (*label, *edits), kind, drawn.dotted)


def _legend() -> Iterator[Sample]:
    yield from (Sample(colour, kind) for colour, kind in KINDS.items())
    yield Sample("dotted as published", "low rank", dotted=True)
    orders: tuple[Mark, ...] = ("down", "up", "sideways")
    yield from (Sample(MARKS[order], mark=order) for order in orders)
    yield Sample(MIXED, mark="mixed")
