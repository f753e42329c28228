"""The tables of an axis as plain lists: slots, and which learned thing stands at each.

In: a `Connection` (the space axis, on its completed map) or its channels. Out: for every output a
row of (input, orbit) pairs. Written for laws and for small maps: a list per entry, no tensors. The
oracle builds its own tables; a test holds the two against each other.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from relgraph.algebra import geometry
from relgraph.algebra.operator import STENCILS, Connection, Size, Space

Orbit: TypeAlias = int
Place: TypeAlias = tuple[int, int]
Row: TypeAlias = tuple[tuple[int, Orbit], ...]


@dataclass(frozen=True)
class AxisTable:
    """`rows[o]` holds the slots of output o that read something, each with its orbit; slots that
    are empty do not stand there. `inputs` counts what can be read, `orbits` what is stored."""

    rows: tuple[Row, ...]
    inputs: int
    orbits: int


@dataclass(frozen=True)
class _Slot:
    """One slot of one output before orbits are numbered: what it reads (None: nothing), its offset
    (input − output) and, in blocks, the two places inside the block."""

    reads: int | None
    offset: int
    places: Place = (0, 0)


def channel_table(connection: Connection) -> AxisTable:
    """Which input channels an output channel reads, and with which unit of the weight."""
    channel, c = connection.operator.channel, connection.in_channels
    if channel.connect == "separate":
        units = {"none": c, "heads": channel.heads, "all": 1}[channel.share]
        return AxisTable(tuple(((d, d * units // c),) for d in range(c)), c, units)
    if channel.connect == "local":
        return _band(connection)
    groups = channel.groups if channel.connect == "groups" else 1
    d_per, c_per = connection.out_channels // groups, c // groups
    shared = channel.share == "all"
    rows = (
        tuple(
            (d // d_per * c_per + m, (d % d_per if shared else d) * c_per + m) for m in range(c_per)
        )
        for d in range(connection.out_channels)
    )
    units = (d_per if shared else connection.out_channels) * c_per
    return AxisTable(tuple(rows), c, units)


def _band(connection: Connection) -> AxisTable:
    """Channel d reads those from d − ⌊(k − 1)/2⌋ on: a number for each tap, or each live entry."""
    channel, c = connection.operator.channel, connection.in_channels
    first = -((channel.size - 1) // 2)
    taps = [
        [(d + first + m, m) for m in range(channel.size) if 0 <= d + first + m < c]
        for d in range(c)
    ]
    if channel.share == "all":
        return AxisTable(tuple(tuple(row) for row in taps), c, channel.size)
    number = itertools.count()
    rows = tuple(tuple((read, next(number)) for read, _ in row) for row in taps)
    return AxisTable(rows, c, sum(map(len, rows)))


def space_table(connection: Connection) -> AxisTable:
    """Which positions an output position reads, and with which orbit of the weight."""
    space, tokens = connection.operator.space, connection.tokens
    if space.connect == "full":
        return _full(connection)
    grid = geometry.as_map(geometry.completed(space, connection.in_grid))
    if space.connect == "point":
        rows = [[_Slot(i, 0)] for i in range(tokens)]
        rows += [[_Slot(None if s.reads is None else s.reads + tokens, 0)]
                 for (s,) in _local(space, grid)]  # fmt: skip
    elif space.connect in STENCILS:
        rows = _local(space, grid) if space.connect == "local" else _axial(space, grid)
    else:
        rows = _blocks(space, grid)
    return _numbered(space, grid, rows, tokens + grid[0] * grid[1])


def _numbered(space: Space, grid: Size, rows: list[list[_Slot]], inputs: int) -> AxisTable:
    """Give every slot its orbit by the sharing; only slots that read something stay."""
    live = [[slot for slot in row if slot.reads is not None] for row in rows]
    if space.share == "none":
        number = itertools.count()
        in_order = _block_order(space, grid) if _stored_by_block(space, grid) else range(len(live))
        numbered: dict[int, Row] = {o: _row(live[o], number) for o in in_order}
        entries = sum(len(row) for row in live)
        return AxisTable(tuple(numbered[o] for o in range(len(live))), inputs, entries)
    if space.share == "all" or space.connect == "point":
        return AxisTable(tuple(tuple((_at(s), 0) for s in row) for row in live), inputs, 1)
    if space.share == "windows":
        places = math.prod(geometry.extent(space, grid))
        k = math.prod(geometry.read_extent(space, grid))
        paired = (tuple((_at(s), s.places[0] * k + s.places[1]) for s in row) for row in live)
        return AxisTable(tuple(paired), inputs, places * k)
    offsets = tuple(tuple((_at(s), s.offset) for s in row) for row in live)
    return AxisTable(offsets, inputs, _offset_count(space, grid))


def _row(slots: list[_Slot], number: Iterator[int]) -> Row:
    return tuple((_at(slot), next(number)) for slot in slots)


def _at(slot: _Slot) -> int:
    assert slot.reads is not None
    return slot.reads


def _offset_count(space: Space, grid: Size) -> int:
    if space.connect == "local":
        return space.size[0] * space.size[1]
    if space.connect == "axial":
        return sum(grid) - 1 if space.border == "wrap" else 2 * sum(grid) - 3
    rows, columns = geometry.offset_counts(space, grid)
    return rows * columns


def _local(space: Space, grid: Size) -> list[list[_Slot]]:
    """Taps of every output in row-major order; a tap's offset is its place in the kernel."""
    axes = [
        [
            [_outside(space, first + j * step, grid[axis]) for j in range(taps)]
            for first in geometry.first_taps(space, grid[axis], axis)
        ]
        for axis in geometry.AXES
        for taps, step in (geometry.kernel(space, axis),)
    ]
    return [
        [
            _Slot(None if y is None or x is None else y * grid[1] + x, j)
            for j, (y, x) in enumerate(itertools.product(rows, columns))
        ]
        for rows, columns in itertools.product(*axes)
    ]


def _outside(space: Space, index: int, length: int) -> int | None:
    """What a tap at `index` reads: the border decides where that is outside the map."""
    if 0 <= index < length:
        return index
    mirrored = -index if index < 0 else 2 * (length - 1) - index
    nearest = min(max(index, 0), length - 1)
    borders = {"wrap": index % length, "reflect": mirrored, "clamp": nearest}
    return borders.get(space.border)


def _axial(space: Space, grid: Size) -> list[list[_Slot]]:
    """The own column, then the rest of the own row; offsets are numbered in the same order."""
    height, width = grid
    rows = []
    for y, x in itertools.product(range(height), range(width)):
        column = [_Slot(i * width + x, _column_offset(space, i - y, height)) for i in range(height)]
        row = [
            _Slot(y * width + i, _row_offset(space, i - x, grid)) for i in range(width) if i != x
        ]
        rows.append(column + row)
    return rows


def _column_offset(space: Space, dy: int, height: int) -> int:
    return dy % height if space.border == "wrap" else dy + height - 1


def _row_offset(space: Space, dx: int, grid: Size) -> int:
    if space.border == "wrap":
        return grid[0] + dx % grid[1] - 1
    skipped = 1 if dx > 0 else 0  # offset 0 stands among the column's
    return 2 * grid[0] - 1 + dx + grid[1] - 1 - skipped


def _axis_blocks(space: Space, grid: Size, axis: int, around: int = 0) -> list[list[int | None]]:
    """Places of each block along one axis, with so many around it; None outside the map."""
    places, length = geometry.extent(space, grid)[axis], grid[axis]
    step = length // places if space.connect == "grid" else 1
    return [
        [_in_block(space, start + j * step, length) for j in range(-around, places + around)]
        for start in geometry.block_starts(space, grid, axis)
    ]


def _in_block(space: Space, index: int, length: int) -> int | None:
    if space.border == "wrap":
        return index % length
    return index if 0 <= index < length else None


def _block_places(space: Space, grid: Size, around: Size = (0, 0)) -> list[list[int | None]]:
    """Places of every block, row by row of blocks and row by row inside."""
    rows, columns = (_axis_blocks(space, grid, axis, around[axis]) for axis in geometry.AXES)
    return [
        [None if y is None or x is None else y * grid[1] + x for y, x in itertools.product(r, c)]
        for r, c in itertools.product(rows, columns)
    ]


def _blocks(space: Space, grid: Size) -> list[list[_Slot]]:
    rows: dict[int, list[_Slot]] = {}
    offset = _block_offset(space, grid)
    read = _block_places(space, grid, geometry.halo(space, grid))
    for block, near in zip(_block_places(space, grid), read, strict=True):
        for a, output in enumerate(block):
            if output is not None:
                slots = [_Slot(i, offset(a, b), (a, b)) for b, i in enumerate(near)]
                rows.setdefault(output, []).extend(slots)  # windows of an outlook overlap
    return [rows[o] for o in range(len(rows))]


def _block_offset(space: Space, grid: Size) -> Callable[[int, int], int]:
    """The number of the offset from a place of a block to one that it reads, input − output: the
    first of those lies `halo` before the block."""
    wide = geometry.read_extent(space, grid)[1]
    extent, counts = geometry.extent(space, grid), geometry.offset_counts(space, grid)

    def on_axis(difference: int, axis: int) -> int:
        if geometry.ring(space, grid, axis):
            return difference % counts[axis]
        return difference + extent[axis] - 1

    def offset(output: int, read: int) -> int:
        (y, x), (v, u) = divmod(output, extent[1]), divmod(read, wide)
        return on_axis(v - y, 0) * counts[1] + on_axis(u - x, 1)

    return offset


def _stored_by_block(space: Space, grid: Size) -> bool:
    """Weights without sharing are stored block by block where no block is cut."""
    whole = not geometry.is_cut(space, grid) and geometry.halo(space, grid) == (0, 0)
    return space.connect in ("window", "stripe", "grid") and whole


def _block_order(space: Space, grid: Size) -> list[int]:
    return [place for block in _block_places(space, grid) for place in block if place is not None]


def _full(connection: Connection) -> AxisTable:
    """One block: the extra tokens and the whole map, read from the keys' map if there is one."""
    space, tokens = connection.operator.space, connection.tokens
    grid = geometry.as_map(connection.in_grid)
    if space.share == "positions":
        return _numbered(space, grid, _blocks(space, grid), grid[0] * grid[1])
    inputs = tokens + geometry.area(connection.key_grid or connection.in_grid)
    outputs = tokens + geometry.area(connection.out_grid)
    if space.share == "all":
        return AxisTable(
            tuple(tuple((i, 0) for i in range(inputs)) for _ in range(outputs)), inputs, 1
        )
    rows = (tuple((i, o * inputs + i) for i in range(inputs)) for o in range(outputs))
    return AxisTable(tuple(rows), inputs, outputs * inputs)
