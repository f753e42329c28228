"""Attention: weights that pairs of positions make, under a softmax or as products of features.

Goes in: a framed connection over a whole map or sequence, inside windows, or to a reduced map.
Comes out: a class put together of its parts: where queries and keys stand (`place`), how they are
compared (`score`), what is added for where they stand (`bias`); `text` makes the class and `around`
those that inherit from it. A new option is a new value of a part.
"""

from __future__ import annotations

from relgraph.algebra.operator import FEATURES, Connection, Size
from relgraph.lower.attention.around import in_windows, on_map
from relgraph.lower.attention.parts import Parts
from relgraph.lower.attention.place import MAP, REDUCED, SEQUENCE, WINDOW, Place
from relgraph.lower.attention.score import SCORES
from relgraph.lower.attention.text import definition
from relgraph.lower.attention_parts import bias_arguments, heads, is_framed_pair, is_framed_softmax
from relgraph.lower.module import Argument, Definition, MapSize, Module
from relgraph.lower.windows import as_grid, largest_window, shift_of, window_arguments
from relgraph.program import Connect


def accepts_attention(node: Connect) -> bool:
    """Full attention without ranks; a position bias only where there are no extra tokens."""
    connection = node.connection
    space, weight = connection.operator.space, connection.operator.weight
    return (
        _reads_everything(node)
        and connection.key_grid is None
        and node.input.layout in ("map", "sequence")
        and (weight.position == "none" or node.input.layout == "map")
        and (weight.position != "relative" or space.border != "wrap")  # else offsets go round
    )


def accepts_reduced_attention(node: Connect) -> bool:
    """Keys of a reduced map; no extra tokens, and no position bias."""
    weight = node.connection.operator.weight
    return (
        _reads_everything(node)
        and weight.position == "none"
        and node.connection.key_grid is not None
        and node.reduce is not None
        and node.reduce.output.layout == "map"
        and node.input.layout == "map"
    )


def accepts_window_attention(node: Connect) -> bool:
    """Windows on maps, cut or wrapped at the border, with a bias per offset or none."""
    connection = node.connection
    space, weight = connection.operator.space, connection.operator.weight
    return (
        is_framed_softmax(connection)
        and weight.position in ("none", *WINDOW.biases)
        and space.connect == "window"
        and space.halo == (0, 0)
        and node.input.layout == "map"
        and (_shift(node) == (0, 0) or space.border in ("mask", "wrap"))
        and not _is_ring(connection)
        and node.reduce is None
        and connection.in_grid == connection.out_grid
    )


def _reads_everything(node: Connect) -> bool:
    connection = node.connection
    linear = connection.operator.weight.score in FEATURES and is_framed_pair(connection)
    return (
        connection.operator.space.connect == "full"
        and (is_framed_softmax(connection) or linear)
        and connection.in_grid == connection.out_grid
    )


def _shift(node: Connect) -> Size:
    return shift_of(node.connection.operator.space, largest_window(node.connection))


def _is_ring(connection: Connection) -> bool:
    """Whether offsets are counted round the map: a wrapping window that spans it on an axis."""
    space, grid = connection.operator.space, as_grid(connection.in_grid)
    spans = any(size >= length for size, length in zip(space.size, grid, strict=True))
    return space.border == "wrap" and connection.operator.weight.position != "none" and spans


def lower_attention(node: Connect) -> Module:
    """`Attention` on sequences, `Attention2d` and its relatives with a position bias on maps."""
    if node.input.layout == "sequence":
        return _module(node, definition(_parts(node, SEQUENCE)), ())
    if node.connection.operator.weight.position == "none":
        return _module(node, on_map(definition(_parts(node, SEQUENCE))), ())
    size = (("map_size", MapSize(*as_grid(node.connection.in_grid))),)
    return _module(node, definition(_parts(node, MAP)), size)


def lower_reduced_attention(node: Connect) -> Module:
    """`ReducedAttention`, without its argument `reduce`, whose class is `emit`'s to name."""
    return _module(node, definition(_parts(node, REDUCED)), ())


def lower_window_attention(node: Connect) -> Module:
    """`WindowAttention` (Swin), or its relative without bias, on a torus, or with padding."""
    shifted = _shift(node) != (0, 0)
    made = in_windows(_parts(node, WINDOW), node.connection.operator.space, shifted=shifted)
    return _module(node, made, window_arguments(node))


def _parts(node: Connect, place: Place) -> Parts:
    weight = node.connection.operator.weight
    bias = place.biases.get(weight.position)
    shared = weight.kv_heads is not None
    return Parts(place, SCORES[weight.score], bias, weight.normalize, shared)


def _module(
    node: Connect, definition: Definition, sizes: tuple[tuple[str, Argument], ...]
) -> Module:
    connection = node.connection
    shared = connection.operator.weight.kv_heads
    arguments: tuple[tuple[str, Argument], ...] = (
        ("dim", connection.in_channels),
        ("num_heads", heads(connection.operator.channel, connection.in_channels)),
        *((("kv_heads", shared),) if shared is not None else ()),
        *sizes,
        *bias_arguments(connection),
    )
    return Module(definition.name, arguments, definition=definition)
