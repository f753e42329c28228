"""A node in a few short lines, for a box that has no room for a sentence.

In: a node. Out: its space, its channels, where W comes from: one line each, in the algebra's words.
"""

from __future__ import annotations

from relgraph.algebra.operator import Channel, Operator
from relgraph.relations.families import family
from relgraph.relations.node import Composite, Node
from relgraph.relations.values import connectivity, mixing, rank, source

_JOINED = {"chain": "then", "sum": "plus", "product": "times", "split": "beside"}
_SPACES = {
    "full": "all positions",
    "point": "own position",
    "window": "windows",
    "stripe": "stripes",
    "grid": "grids",
    "axial": "row and column",
}
_CHANNELS = {"full": "all channels", "separate": "own channel"}
_SOURCES = {
    "pooled": "from the mean",
    "center": "from the centre",
    "pair": "from pairs",
}


def point_lines(node: Node) -> tuple[str, ...]:
    """The node as lines; of a term, the lines of its parts with what joins them between.

    >>> from relgraph.algebra.operator import Channel, Space
    >>> point_lines(Operator(Space("local", (3, 3), share="positions"), Channel("separate")))
    ('local 3×3, shared over positions', 'own channel', 'static')
    """
    if isinstance(node, Composite):
        lines = [point_lines(part) for part in node.parts]
        joined = [*lines[0]]
        for part in lines[1:]:
            joined += (_JOINED[node.kind], *part)
        return tuple(joined)
    families = family(node) == node
    return (_space(node, families), _channel(node.channel, families), _weight(node), *_frame(node))


def _space(operator: Operator, families: bool) -> str:
    space = operator.space
    parts = [_SPACES.get(space.connect, space.connect)]
    if not families and space.size != (1, 1):
        parts = [connectivity(space, families)]
    if operator.weight.source not in ("pair", "fixed") and space.share != "none":
        parts.append(f"shared over {space.share}")
    if space.rank is not None:
        parts.append(f"rank {rank(space.rank, families)}")
    return ", ".join(parts)


def _channel(channel: Channel, families: bool) -> str:
    parts = [_CHANNELS.get(channel.connect) or mixing(channel, families)]
    if channel.share == "all":
        parts.append("shared by all")
    elif channel.share == "heads":
        parts.append("shared in heads" if families else f"shared in {channel.heads} heads")
    if channel.rank is not None:
        parts.append(f"rank {rank(channel.rank, families)}")
    return ", ".join(parts)


def _weight(operator: Operator) -> str:
    weight = operator.weight
    words = _SOURCES.get(weight.source) or source(weight)
    parts = [words, weight.normalize, f"{weight.position} position"]
    said = (True, weight.normalize != "none", weight.position != "none")
    return ", ".join(part for part, is_said in zip(parts, said, strict=True) if is_said)


def _frame(operator: Operator) -> tuple[str, ...]:
    frame = operator.frame
    if frame.value and frame.output:
        return ("in projections",)
    names = [name for name in ("value", "output") if getattr(frame, name)]
    return tuple(f"with {name} projection" for name in names)
