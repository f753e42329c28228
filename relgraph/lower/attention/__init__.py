"""Attention: weights that pairs of positions make, under a softmax or as products of features.

Goes in: a framed connection over a whole map or sequence, inside windows, or to a reduced map.
Comes out: a class put together of its parts: where queries and keys stand (`place`), how they are
compared (`score`), what is added for where they stand (`bias`); `text` makes the class and `around`
those that inherit from it. A new option is a new value of a part.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.algebra.operator import FEATURES, HIDDEN, TEMPERATURE, Connection, Size, Weight
from relgraph.lower.attention.around import in_windows, on_map
from relgraph.lower.attention.parts import Parts
from relgraph.lower.attention.place import MAP, REDUCED, SEQUENCE, WINDOW, Place
from relgraph.lower.attention.score import SCORES, turning
from relgraph.lower.attention.talking import with_mask
from relgraph.lower.attention.text import definition
from relgraph.lower.attention_parts import bias_arguments, heads, is_framed_pair, is_framed_softmax
from relgraph.lower.module import Argument, Definition, MapSize, Module
from relgraph.lower.windows import as_grid, largest_window, shift_of, window_arguments
from relgraph.program import Connect

Arguments = tuple[tuple[str, Argument], ...]
BY_OFFSET = ("relative", "continuous")
TURNED_ON_MAP = ("places = block_grid((x.shape[2], x.shape[3]), x.device)",)
TURNED_IN_SEQUENCE = (
    "height, width = self.map_size",
    "if x.shape[1] != self.num_tokens + height * width:",
    "    found = x.shape[1] - self.num_tokens",
    '    raise ValueError(f"built for {height}×{width} positions, found {found}")',
    "# Extra tokens do not turn.",
    "places = F.pad(block_grid(self.map_size, x.device), (0, 0, self.num_tokens, 0))",
)
TURNED_IN_WINDOW = (
    "size = x.shape[2], x.shape[3]",
    "window, _ = fit_window(size, self.window_size, self.shift_size)",
    "places = block_grid(window, x.device)",
)


def accepts_attention(node: Connect) -> bool:
    """Full attention without ranks; a position bias only where there are no extra tokens."""
    connection = node.connection
    space, weight = connection.operator.space, connection.operator.weight
    return (
        _reads_everything(node)
        and connection.key_grid is None
        and node.input.layout in ("map", "sequence")
        and (weight.position in ("none", "rotary") or node.input.layout == "map")
        and (weight.position not in BY_OFFSET or space.border != "wrap")  # else offsets go round
        and (weight.score not in FEATURES or not _is_new(weight))
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
        and weight.position in ("none", "rotary", *WINDOW.biases)
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


def _is_new(weight: Weight) -> bool:
    """What products of features have in the general form alone."""
    return weight.keyless or weight.position in ("continuous", "rotary")


def _shift(node: Connect) -> Size:
    return shift_of(node.connection.operator.space, largest_window(node.connection))


def _is_ring(connection: Connection) -> bool:
    """Whether offsets are counted round the map: a wrapping window that spans it on an axis."""
    space, grid = connection.operator.space, as_grid(connection.in_grid)
    spans = any(size >= length for size, length in zip(space.size, grid, strict=True))
    return space.border == "wrap" and connection.operator.weight.position != "none" and spans


def lower_attention(node: Connect) -> Module:
    """`Attention` on sequences, `Attention2d` and its relatives with a position bias on maps."""
    connection, sizes = node.connection, ()
    if connection.operator.weight.position == "rotary":
        return _lower_turned(node)
    if node.input.layout == "sequence":
        return _module(node, definition(_parts(node, SEQUENCE)), sizes)
    if connection.operator.weight.position == "none":
        return _module(node, on_map(definition(_parts(node, SEQUENCE))), ())
    size = (("map_size", MapSize(*as_grid(node.connection.in_grid))),)
    return _module(node, definition(_parts(node, MAP)), size)


def _lower_turned(node: Connect) -> Module:
    """`RotaryAttention` on sequences, which must know their map, `RotaryAttention2d` on maps."""
    if node.input.layout == "map":
        parts = _parts(node, replace(MAP, sizes=()))
        turned = replace(parts, score=turning(parts.score, TURNED_ON_MAP))
        return _module(node, definition(turned), ())
    sizes: Arguments = (("map_size", MapSize(*as_grid(node.connection.in_grid))),)
    if node.connection.tokens:
        sizes += (("num_tokens", node.connection.tokens),)
    parts = _parts(node, SEQUENCE)
    names = ("map_size: tuple[int, int]", "num_tokens: int = 0")
    turned = replace(parts, score=turning(parts.score, TURNED_IN_SEQUENCE, names))
    return _module(node, definition(turned), sizes)


def lower_reduced_attention(node: Connect) -> Module:
    """`ReducedAttention`, without its argument `reduce`, whose class is `emit`'s to name."""
    return _module(node, definition(_parts(node, REDUCED)), ())


def lower_window_attention(node: Connect) -> Module:
    """`WindowAttention` (Swin), or its relative without bias, on a torus, or with padding."""
    shifted = _shift(node) != (0, 0)
    parts = _parts(node, WINDOW)
    if node.connection.operator.weight.position == "rotary":
        parts = replace(parts, score=turning(parts.score, TURNED_IN_WINDOW))
    made = in_windows(parts, node.connection.operator.space, shifted=shifted)
    return _module(node, made, window_arguments(node))


def _parts(node: Connect, place: Place) -> Parts:
    weight = node.connection.operator.weight
    bias = place.biases.get(weight.position)
    if weight.talking_heads != "none":
        place = with_mask(place, bias is not None)
    return Parts(
        place,
        SCORES[weight.score],
        bias,
        weight.normalize,
        weight.keyless,
        weight.talking_heads,
        shared=weight.kv_heads is not None,
    )


def _numbers(weight: Weight) -> Arguments:
    """Numbers of a position that are not the usual ones."""
    if weight.position == "continuous" and weight.hidden != HIDDEN:
        return (("hidden", weight.hidden),)
    if weight.position == "rotary" and weight.temperature != TEMPERATURE:
        return (("temperature", weight.temperature),)
    return ()


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
        *_numbers(connection.operator.weight),
        *bias_arguments(connection),
    )
    return Module(definition.name, arguments, definition=definition)
