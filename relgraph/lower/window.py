"""Window attention: every position attends to the positions of its window, shifted or not.

Goes in: a `window` connection whose weights come from pairs under a softmax. Comes out: a module on
maps whose shift and partition are one precomputed gather. The functions that lay windows over a map
serve static window mixing too. Windows that span the whole map are `attention`'s where the spec
says so; here they only happen at other input sizes.
"""

from __future__ import annotations

from relgraph.algebra.operator import Space
from relgraph.lower.attention_parts import (
    MERGE_HEADS,
    PARTIAL_LINEAR,
    RELATIVE_POSITION_INDEX,
    SPLIT_HEADS,
    bias_arguments,
    heads,
    is_framed_attention,
)
from relgraph.lower.layers import LINEAR
from relgraph.lower.module import Argument, Definition, MapSize, Module
from relgraph.program import Connect

FIT_WINDOW = Definition(
    "fit_window",
    '''\
def fit_window(
    map_size: tuple[int, int], window_size: tuple[int, int], shift_size: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Window and shift on a map: where a window covers the map it is the map, and no shift."""
    (h, w), (window_h, window_w) = map_size, window_size
    shift = (shift_size[0] if window_h < h else 0, shift_size[1] if window_w < w else 0)
    return (min(window_h, h), min(window_w, w)), shift''',
)

WINDOW_ORDER = Definition(
    "window_order",
    '''\
def window_order(
    map_size: tuple[int, int],
    window_size: tuple[int, int],
    shift_size: tuple[int, int],
    device: torch.device,
) -> Tensor:
    """Positions of a map window by window, row-major in both: (windows, places).

    Windows start at rows and columns shift_size, modulo window_size; the last ones wrap round.
    """
    (h, w), (window_h, window_w) = map_size, window_size
    if h % window_h or w % window_w:
        raise ValueError(f"windows {window_h} x {window_w} must divide the map, found {h} x {w}")
    position = torch.arange(h * w, device=device).view(h, w)
    position = position.roll((-shift_size[0], -shift_size[1]), dims=(0, 1))
    position = position.view(h // window_h, window_h, w // window_w, window_w)
    return position.transpose(1, 2).reshape(-1, window_h * window_w)''',
)

CUT_MASK = Definition(
    "cut_mask",
    '''\
def cut_mask(order: Tensor, map_size: tuple[int, int], shift_size: tuple[int, int]) -> Tensor:
    """-inf between pieces of the map that only the shift brought into one window, else 0.

    `order` is window_order's. Shape (windows, 1, places, places), added to logits.
    """
    y, x = order // map_size[1], order % map_size[1]
    # What lies before the first whole window is a piece of its own, on each axis.
    piece = 2 * (y < shift_size[0]) + (x < shift_size[1])
    apart = piece[:, None, :, None] != piece[:, None, None, :]
    return torch.zeros(apart.shape, device=order.device).masked_fill(apart, -math.inf)''',
    imports=("import math",),
)

PARTITION = Definition(
    "window_partition",
    '''\
def window_partition(x: Tensor, order: Tensor) -> Tensor:
    """Gather a map (B, C, H, W) into windows (B, windows, places, C)."""
    # A channels_last map is (B, H * W, C) for free; one gather does shift and partition.
    x = x.permute(0, 2, 3, 1).flatten(1, 2)
    return x.index_select(1, order.flatten()).unflatten(1, order.shape)''',
)

REVERSE = Definition(
    "window_reverse",
    '''\
def window_reverse(x: Tensor, inverse: Tensor, map_size: tuple[int, int]) -> Tensor:
    """Put windows (B, windows, places, C) back in their places: (B, H, W, C)."""
    return x.flatten(1, 2).index_select(1, inverse).unflatten(1, map_size)''',
)


def accepts_window_attention(node: Connect) -> bool:
    """Windows on maps, cut or wrapped at the border; absolute biases only where no entry is cut."""
    connection = node.connection
    space, weight = connection.operator.space, connection.operator.weight
    uncut = space.border == "wrap" or space.shift == (0, 0)
    return (
        space.connect == "window"
        and node.input.layout == "map"
        and is_framed_attention(connection)
        and (uncut or space.border == "mask")
        and (uncut or weight.position != "absolute")
        and not (space.pad and weight.position == "absolute")
        and node.reduce is None
        and connection.in_grid == connection.out_grid
    )


def lower_window_attention(node: Connect) -> Module:
    """`WindowAttention` (Swin), or its relative for another position bias, border or padding."""
    connection = node.connection
    space = connection.operator.space
    form = Form(connection.operator.weight.position, _is_cut(space))
    arguments: tuple[tuple[str, Argument], ...] = (
        ("dim", connection.in_channels),
        ("num_heads", heads(connection.operator.channel, connection.in_channels)),
        *window_arguments(node),
    )
    definition = _definition(form, space.pad)
    return Module(definition.name, arguments + bias_arguments(connection), definition=definition)


def window_arguments(node: Connect) -> tuple[tuple[str, Argument], ...]:
    """Window, map and, where there is one, shift."""
    space, grid = node.connection.operator.space, node.connection.in_grid
    assert grid is not None, "windows lie on maps"
    sizes: tuple[tuple[str, Argument], ...] = (
        ("window_size", space.size),
        ("map_size", MapSize(*grid)),
    )
    return sizes if space.shift == (0, 0) else (*sizes, ("shift_size", space.shift))


def _is_cut(space: Space) -> bool:
    """Whether windows end at the border; unshifted ones never reach it and take the usual class."""
    return space.border != "wrap" or space.shift == (0, 0)


def _definition(form: Form, pad: bool) -> Definition:
    uses = (LINEAR, SPLIT_HEADS, MERGE_HEADS, PARTIAL_LINEAR)
    uses += (FIT_WINDOW, WINDOW_ORDER, PARTITION, REVERSE)
    uses += (CUT_MASK,) if form.cut else ()
    uses += (RELATIVE_POSITION_INDEX,) if form.position == "relative" else ()
    plain = Definition(form.name, window_text(form), uses)
    if not pad:
        return plain
    return Definition(f"Padded{form.name}", padded_text(form), (plain, PADDED_SIZE))
