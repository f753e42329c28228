"""How windows lie on a map, as emitted functions: order, cut mask, partition and its reverse.

Goes in: a connection with windows. Comes out: definitions that window attention and static window
mixing share, and the arguments that both take. What is done inside a window is not known here.
"""

from __future__ import annotations

from relgraph.algebra.operator import Connection, Size, Space
from relgraph.lower.module import Argument, Definition, MapSize
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
def window_reverse(x: Tensor, inverse: Tensor, map_size: torch.Size) -> Tensor:
    """Put windows (B, windows, places, C) back in their places: (B, H, W, C)."""
    return x.flatten(1, 2).index_select(1, inverse).unflatten(1, map_size)''',
)

PADDED_SIZE = Definition(
    "padded_size",
    '''\
def padded_size(map_size: tuple[int, int], window_size: tuple[int, int]) -> tuple[int, int]:
    """The next size that windows divide; a window no smaller than the map is the map."""
    h, w = map_size
    return h + -h % min(window_size[0], h), w + -w % min(window_size[1], w)''',
)


def window_arguments(node: Connect) -> tuple[tuple[str, Argument], ...]:
    """Window, map and, where there is one, shift; no window is larger than a map it is bound to."""
    space, most = node.connection.operator.space, largest_window(node.connection)
    sizes: tuple[tuple[str, Argument], ...] = (
        ("window_size", (min(space.size[0], most[0]), min(space.size[1], most[1]))),
        ("map_size", MapSize(*as_grid(node.connection.in_grid))),
    )
    shift = shift_of(space, most)
    return sizes if shift == (0, 0) else (*sizes, ("shift_size", shift))


def largest_window(connection: Connection) -> Size:
    """The map, to which parameters bind a window that is larger; as written where none count its
    places: a larger map may hold it whole."""
    operator = connection.operator
    sized = operator.weight.position in ("relative", "absolute")
    if operator.weight.source == "pair" and not sized:
        return operator.space.size
    return as_grid(connection.in_grid)


def as_grid(grid: Size | None) -> Size:
    """The grid of a map; blocks and position biases lie on nothing else."""
    assert grid is not None, "a pooled vector has no map"
    return grid


def shift_of(space: Space, grid: Size) -> Size:
    """How far the grid of windows is moved: less than a window.

    A window that just spans the map keeps its shift: it is void there (`fit_window`), but not on
    the larger maps that the model also accepts. A window larger than the map binds the model to
    that map, and has none.

    >>> shift_of(Space("window", size=(4, 4), shift=(6, 2)), (8, 3))
    (2, 0)
    """
    rows, columns = (
        shift % size if size <= length else 0
        for shift, size, length in zip(space.shift, space.size, grid, strict=True)
    )
    return rows, columns
