"""A node in a few short lines, for a box that has no room for a sentence.

In: a node. Out: its space, its channels, where W comes from: one line each, in the algebra's words.
"""

from __future__ import annotations

from collections.abc import Iterator

from relgraph.algebra.describe import POSITIONS, TALKING, shared_keys, sides
from relgraph.algebra.operator import Border, Channel, Operator, Score, Space
from relgraph.relations.families import family
from relgraph.relations.node import Composite, Node
from relgraph.relations.values import connectivity, mixing, rank, source
from relgraph.relations.weight import default_border
from relgraph.relations.words import JOINED

_SPACES = {
    "full": "all positions",
    "point": "own position",
    "window": "windows",
    "stripe": "stripes",
    "grid": "grids",
    "axial": "row and column",
    "outlook": "overlapping windows",
}
_BORDERS = {
    "zero": "zeros outside",
    "mask": "cut at the border",
    "wrap": "wrapped",
    "reflect": "reflected",
    "clamp": "clamped",
}
_SHARES = {
    "windows": "shared by all blocks",
    "positions": "shared over positions",
    "all": "one weight",
}
_CHANNELS = {"full": "all channels", "separate": "own channel"}
_SCORES: dict[Score, str] = {
    "cosine": "cosine of query and key",
    "relu": "relu of query · relu of key",
    "elu": "elu of query + 1 · elu of key + 1",
}
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
            joined += (JOINED[node.kind], *part)
        return tuple(joined)
    return tuple(_lines(node, family(node) == node))


def _lines(operator: Operator, families: bool) -> Iterator[str]:
    space, channel, weight = operator.space, operator.channel, operator.weight
    yield _space(operator, families)
    if space.rank is not None:
        yield f"rank over space: {rank(space.rank, families)}"
    yield _channel(channel, families)
    if channel.rank is not None:
        yield f"rank over channels: {rank(channel.rank, families)}"
    squashed = f", {weight.normalize}" if weight.normalize != "none" else ""
    score = _SCORES.get(weight.score)
    region = f"from the {sides((weight.extent, weight.extent))} region" if weight.extent > 1 else ""
    score = "cosine of channels" if weight.source == "channels" else score
    yield (score or region or _SOURCES.get(weight.source) or source(weight)) + squashed
    if weight.kv_heads is not None:
        yield "keys shared by heads" if families else shared_keys(operator)
    if weight.position != "none":
        yield POSITIONS[weight.position]
    if weight.talking_heads != "none":
        yield TALKING[weight.talking_heads]
    yield from _frame(operator)


def _space(operator: Operator, families: bool) -> str:
    space = operator.space
    words = _SPACES.get(space.connect, space.connect)
    words += " with a halo" if space.halo != (0, 0) else ""
    if not families and space.size != (1, 1):
        words = connectivity(space, families)
    return ", ".join([words, *_geometry(space), *_border(operator), *_shared(operator)])


def _geometry(space: Space) -> Iterator[str]:
    """What only some have, and two boxes may differ in."""
    for name, value in (("stride", space.stride), ("dilation", space.dilation)):
        if value != (1, 1):
            yield f"{name} {sides(value)}"
    if space.shift != (0, 0):
        yield f"shifted by {sides(space.shift)}"
    if space.pad:
        yield "map completed"


def _border(operator: Operator) -> Iterator[str]:
    """A border of its own; of an average that reaches over it, zeros that count are told."""
    if operator.space.border != _usual_border(operator):
        yield _BORDERS[operator.space.border]


def _usual_border(operator: Operator) -> Border:
    space = operator.space
    if operator.weight.source == "fixed" and space.border in ("zero", "mask"):
        crosses = space.connect == "local" or space.shift != (0, 0) or space.halo != (0, 0)
        return "mask" if crosses else space.border
    return default_border(operator.weight.normalize)


def _shared(operator: Operator) -> Iterator[str]:
    if operator.weight.source not in ("pair", "fixed") and operator.space.share != "none":
        yield _SHARES[operator.space.share]


def _channel(channel: Channel, families: bool) -> str:
    words = _CHANNELS.get(channel.connect) or mixing(channel, families)
    if channel.connect == "local":  # a neighbourhood, but of channels
        words = "band of channels" if families else f"band of {channel.size} channels"
    if channel.share == "all":
        words += ", shared by all"
    elif channel.share == "heads":
        words += ", shared in heads" if families else f", shared in {channel.heads} heads"
    return words


def _frame(operator: Operator) -> Iterator[str]:
    names = [name for name in ("value", "output") if getattr(operator.frame, name)]
    if names:
        yield f"{' and '.join(names)} projection" + ("s" if len(names) > 1 else "")
