"""The arithmetic of maps: what grid comes out, which places a block has, which taps are live.

In: the `Space` of an operator and the grid it stands on. Out: integers. Nothing here can fail:
sizes that do not fit are reported by `fit`, and asking for the geometry of such a size is a bug of
the caller's. It must not know channels, weights or torch.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeAlias

from relgraph.algebra.operator import BLOCKS, Size, Space

Axis: TypeAlias = int  # 0: rows, 1: columns
AXES: tuple[Axis, Axis] = (0, 1)


def as_map(grid: Size | None) -> Size:
    """A pooled vector counts as a map of one place."""
    return (1, 1) if grid is None else grid


def area(grid: Size | None) -> int:
    """Places of a map; 1 for a vector."""
    rows, columns = as_map(grid)
    return rows * columns


def out_grid(space: Space, in_grid: Size | None) -> Size | None:
    """The map that a connection makes from `in_grid`: smaller only by stride or missing padding.

    `half` and `same_tf` give ⌈H/s⌉, padding n gives ⌊(H + 2n − d(k−1) − 1)/s⌋ + 1, at least 0.
    """
    if in_grid is None or space.connect not in ("point", "local"):
        return in_grid
    return _out_length(space, in_grid[0], 0), _out_length(space, in_grid[1], 1)


def _out_length(space: Space, length: int, axis: Axis) -> int:
    stride = space.stride[axis]
    if isinstance(space.padding, str):
        return math.ceil(length / stride)
    return max(0, (length + 2 * space.padding[axis] - span(space, axis)) // stride + 1)


def span(space: Space, axis: Axis) -> int:
    """Places from the first tap to the last, both counted."""
    size, dilation = kernel(space, axis)
    return (size - 1) * dilation + 1


def kernel(space: Space, axis: Axis) -> tuple[int, int]:
    """Taps and dilation along one axis; a point has one tap."""
    return (space.size[axis], space.dilation[axis]) if space.connect == "local" else (1, 1)


def middle(space: Space) -> Size:
    """The row and the column of a kernel's taps that stand at its centre."""
    return (space.size[0] - 1) // 2, (space.size[1] - 1) // 2


def has_tap(space: Space, offset: Size) -> bool:
    """Whether some tap of a kernel stands `offset` taps from its centre."""
    taps = (m + step for m, step in zip(middle(space), offset, strict=True))
    return all(0 <= tap < size for tap, size in zip(taps, space.size, strict=True))


def before(space: Space, length: int, axis: Axis) -> int:
    """How far before `output · stride` the first tap of a stencil lies.

    `half` centres the taps (even sizes take the extra tap after the centre), a number is itself,
    `same_tf` puts the smaller half of the missing places first.
    """
    if space.padding == "half":
        return (kernel(space, axis)[0] - 1) // 2 * kernel(space, axis)[1]
    if space.padding == "same_tf":
        stride = space.stride[axis]
        reach = (math.ceil(length / stride) - 1) * stride + span(space, axis)
        return max(reach - length, 0) // 2
    return space.padding[axis]


def first_taps(space: Space, length: int, axis: Axis) -> range:
    """The place that the first tap of each output reads, possibly outside the map."""
    start, stride = -before(space, length, axis), space.stride[axis]
    return range(start, start + _out_length(space, length, axis) * stride, stride)


def after(space: Space, length: int, axis: Axis) -> int:
    """How far behind the map the last tap of the last output reads; 0 where it stays inside."""
    taps = first_taps(space, length, axis)
    return max(0, taps[-1] + span(space, axis) - length) if taps else 0


def extent(space: Space, grid: Size) -> Size:
    """Places of a block along each axis (cells for a grid); never more than the map has."""
    return _extent(space, grid[0], 0), _extent(space, grid[1], 1)


def _extent(space: Space, length: int, axis: Axis) -> int:
    if space.connect == "point":
        return 1
    if space.connect == "outlook":  # a window at the border keeps its size
        return space.size[axis]
    if space.connect in ("window", "grid"):
        return min(space.size[axis], length)
    if space.connect == "stripe" and axis == band_axis(space):
        return min(space.size[axis], length)
    return length


def band_axis(space: Space) -> Axis:
    """The axis that stripes cut: bands of rows, or of columns."""
    return 0 if space.along == "rows" else 1


def completed(space: Space, grid: Size | None) -> Size | None:
    """The map that the connection works on: with `pad`, the next one that its blocks divide."""
    if grid is None or not space.pad:
        return grid
    rows, columns = (math.ceil(n / e) * e for n, e in zip(grid, extent(space, grid), strict=True))
    return rows, columns


def shift(space: Space, grid: Size) -> Size:
    """The shift that is left on this map: void where one block covers the axis."""
    if space.connect not in ("window", "stripe"):
        return 0, 0
    rows, columns = (
        0 if places >= length else moved % places
        for moved, places, length in zip(space.shift, extent(space, grid), grid, strict=True)
    )
    return rows, columns


def halo(space: Space, grid: Size) -> Size:
    """What windows read around themselves on this map: nothing where one covers the axis."""
    if space.connect != "window":
        return 0, 0
    rows, columns = (
        0 if places >= length else around
        for around, places, length in zip(space.halo, extent(space, grid), grid, strict=True)
    )
    return rows, columns


def read_extent(space: Space, grid: Size) -> Size:
    """Places that a block reads along each axis: its own and its halo."""
    places, around = extent(space, grid), halo(space, grid)
    return places[0] + 2 * around[0], places[1] + 2 * around[1]


def block_starts(space: Space, grid: Size, axis: Axis) -> range:
    """Where blocks begin along one axis of a completed map. A moved block that sticks out is cut at
    the border, or goes on at the other side under `wrap`; grids begin at each of their cells'
    places."""
    places, length = extent(space, grid)[axis], grid[axis]
    if space.connect == "grid":
        return range(length // places)
    if space.connect == "outlook":
        first, step = -((places - 1) // 2), space.step[axis]
        return range(first, length + first, step)
    moved = shift(space, grid)[axis]
    whole = space.border == "wrap" or moved == 0
    return range(moved if whole else moved - places, length, places)


def window_grid(space: Space, grid: Size | None) -> Size:
    """How many overlapping windows there are along each axis: ⌈H/step⌉, the cells that a `center`
    source averages over."""
    rows, columns = as_map(grid)
    return math.ceil(rows / space.step[0]), math.ceil(columns / space.step[1])


def windows_at_most(space: Space) -> int:
    """Overlapping windows that an output inside the map lies in, at most: ⌈size/step⌉ by axis."""
    return math.prod(math.ceil(k / s) for k, s in zip(space.size, space.step, strict=True))


def is_cut(space: Space, grid: Size) -> bool:
    """Whether some block of a completed map has empty places."""
    return space.border != "wrap" and shift(space, grid) != (0, 0)


def tiles(space: Space, grid: Size) -> bool:
    """Whether strides divide the map, so that kernels as large as their stride read all of it."""
    return all(length % step == 0 for length, step in zip(grid, space.stride, strict=True))


def ring(space: Space, grid: Size, axis: Axis) -> bool:
    """Whether offsets along this axis count modulo the map: a wrapped block that covers it."""
    covers = space.connect == "grid" or extent(space, grid)[axis] >= grid[axis]
    return space.border == "wrap" and space.connect in BLOCKS and covers


def offset_counts(space: Space, grid: Size) -> Size:
    """Distinct offsets from a place of a block to one that it reads, along each axis."""
    rows, columns = (
        places if ring(space, grid, axis) else 2 * (places + around) - 1
        for axis, (places, around) in enumerate(
            zip(extent(space, grid), halo(space, grid), strict=True)
        )
    )
    return rows, columns


def settled(space: Space, grid: Size | None) -> Space:
    """The same connection written for this map: a block as large as the map is `full`, a shift
    that moves nothing is 0, a size beyond the map is the map's, and nothing is around it."""
    if grid is None or space.connect not in ("window", "stripe", "grid"):
        return space
    places = extent(space, grid)
    if places == grid:
        share = "none" if space.share == "windows" else space.share
        return Space("full", share=share, border=space.border, rank=space.rank)
    size = space.size if space.connect == "stripe" else places
    return replace(space, size=size, shift=shift(space, grid), halo=halo(space, grid))
