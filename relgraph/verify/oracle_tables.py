"""The space tables of the reference semantics: what each slot reads, what is learned there.

In: the frozen `Space` of an operator and the grids at its ends. Out: index tensors. Written anew
from the definitions (DESIGN 2) and from nothing else: it must not know the compiler, the lowerings
or the functions of `relgraph.algebra`, which it is there to contradict.

Every connectivity is `n` neighbourhoods with `q` outputs that all see the same `k` inputs: blocks
have q = k places, stencils (local, axial) have q = 1 and n = the outputs. Those of `outlook` are
blocks that overlap: an output stands in several, and is their sum. Indices count the extra
tokens first, then the positions of the map in row-major order; -1 is "nothing there".
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.algebra.operator import Connection, Size, Space

NOTHING = -1
Axis = int
Blocks = list[list[int]]


@dataclass(frozen=True)
class Table:
    """`slot(outputs[n, a], j) = inputs[n, j]` and `orbit(outputs[n, a], j) = orbit[n, a, j]`.

    outputs (n, q), inputs (n, k), orbit (n or 1, q, k): 1 where it is the same for all n. `orbits`
    counts the learned things that the parameter stores per unit. `centers` (n, q) is the input at
    the centre of an output. `present` (n, 1, k): the slot takes part in a normalisation.
    """

    outputs: Tensor
    inputs: Tensor
    orbit: Tensor
    orbits: int
    centers: Tensor
    present: Tensor

    @property
    def width(self) -> int:
        """Slots of one output."""
        return int(self.inputs.shape[1])


def completed_connection(connection: Connection) -> Connection:
    """On the map that blocks divide: with `pad` made larger at the bottom and the right."""
    space, grid = connection.operator.space, connection.in_grid
    if not space.pad or grid is None:
        return connection
    whole = _completed(space, grid[0], 0), _completed(space, grid[1], 1)
    return dataclasses.replace(connection, in_grid=whole, out_grid=whole)


def _completed(space: Space, length: int, axis: Axis) -> int:
    size = _extent(space, length, axis)
    return math.ceil(length / size) * size


def _extent(space: Space, length: int, axis: Axis) -> int:
    """Places of a block along one axis (for grid: cells); a block never exceeds the map."""
    if space.connect == "stripe":
        band = 0 if space.along == "rows" else 1
        return min(space.size[axis], length) if axis == band else length
    if space.connect in ("window", "grid"):
        return min(space.size[axis], length)
    if space.connect == "outlook":
        return space.size[axis]
    return 1 if space.connect == "point" else length


def table(connection: Connection) -> Table:
    """The space table of a connection whose map is already completed."""
    space, tokens = connection.operator.space, connection.tokens
    if space.connect == "local":
        return _local(space, as_map(connection.in_grid), as_map(connection.out_grid))
    if space.connect == "axial":
        return _axial(space, as_map(connection.in_grid))
    if space.connect == "point":
        return _point(space, as_map(connection.in_grid), as_map(connection.out_grid), tokens)
    if space.connect == "full":
        return _full(connection)
    return _blocks(space, as_map(connection.in_grid))


def as_map(grid: Size | None) -> Size:
    """A pooled vector is a map of one place."""
    return (1, 1) if grid is None else grid


# Stencils: every output has its own neighbourhood.


def first_taps(space: Space, grid: Size, out: Size) -> tuple[list[int], list[int]]:
    """The row (column) that the first tap of each output row (column) reads."""
    before = [_before(space, grid[axis], out[axis], axis) for axis in (0, 1)]
    rows, columns = (
        [o * space.stride[axis] - before[axis] for o in range(out[axis])] for axis in (0, 1)
    )
    return rows, columns


def _before(space: Space, length: int, out: int, axis: Axis) -> int:
    """How far before `output · stride` the first tap lies."""
    size, dilation = _kernel(space, axis)
    if space.padding == "half":  # even sizes take the extra tap after the centre
        return (size - 1) // 2 * dilation
    if space.padding == "same_tf":
        reach = (out - 1) * space.stride[axis] + (size - 1) * dilation + 1
        return max(reach - length, 0) // 2
    return space.padding[axis]


def _kernel(space: Space, axis: Axis) -> Size:
    return (space.size[axis], space.dilation[axis]) if space.connect == "local" else (1, 1)


def centers(space: Space, grid: Size, out: Size) -> tuple[list[int], list[int]]:
    """The row (column) at the centre of each output row (column); for blocks its own."""
    if space.connect not in ("local", "point"):
        return list(range(out[0])), list(range(out[1]))
    rows, columns = (
        [first + (_kernel(space, axis)[0] - 1) // 2 * _kernel(space, axis)[1] for first in taps]
        for axis, taps in enumerate(first_taps(space, grid, out))
    )
    return rows, columns


def _at(space: Space, index: int, length: int) -> int:
    """What stands at `index` of one axis, by the border where that is outside the map."""
    if 0 <= index < length:
        return index
    if space.border == "wrap":
        return index % length
    if space.border == "clamp":
        return 0 if index < 0 else length - 1
    if space.border == "reflect":
        return -index if index < 0 else 2 * (length - 1) - index
    return NOTHING


def _cross(rows: Tensor, columns: Tensor, width: int) -> Tensor:
    """(Ho, kh) rows and (Wo, kw) columns → (Ho·Wo, kh·kw) positions, NOTHING if either is."""
    y, x = rows[:, None, :, None], columns[None, :, None, :]
    index = torch.where((y < 0) | (x < 0), NOTHING, y * width + x)
    return index.reshape(rows.shape[0] * columns.shape[0], -1)


def _local(space: Space, grid: Size, out: Size) -> Table:
    taps = [
        [[_at(space, first + j * space.dilation[axis], grid[axis]) for j in range(space.size[axis])]
         for first in firsts]
        for axis, firsts in enumerate(first_taps(space, grid, out))
    ]  # fmt: skip
    inputs = _cross(torch.tensor(taps[0]), torch.tensor(taps[1]), grid[1])
    offsets = torch.arange(inputs.shape[1])[None, None]  # the j-th tap is the j-th offset
    return _stencil(space, inputs, offsets, inputs.shape[1], _center_index(space, grid, out))


def _axial(space: Space, grid: Size) -> Table:
    """The own column from top to bottom, then the rest of the own row from left to right."""
    height, width = grid
    inputs, offsets = [], []
    for y, x in itertools.product(range(height), range(width)):
        column = [(i, x) for i in range(height)]
        row = [(y, i) for i in range(width) if i != x]
        inputs.append([i * width + j for i, j in column + row])
        offsets.append([_axial_offset(space, i - y, j - x, grid) for i, j in column + row])
    count = height + width - 1 if space.border == "wrap" else 2 * (height + width) - 3
    here = torch.arange(height * width)[:, None]
    return _stencil(space, torch.tensor(inputs), torch.tensor(offsets)[:, None], count, here)


def _axial_offset(space: Space, dy: int, dx: int, grid: Size) -> int:
    """Column offsets first, then row offsets without 0, which stands among the columns'."""
    height, width = grid
    if space.border == "wrap":
        return dy % height if dx == 0 else height + dx % width - 1
    column = dy + height - 1
    return column if dx == 0 else 2 * height - 1 + dx + width - 1 - (1 if dx > 0 else 0)


def _stencil(space: Space, inputs: Tensor, offsets: Tensor, count: int, here: Tensor) -> Table:
    outputs = torch.arange(inputs.shape[0])[:, None]
    live = (inputs >= 0)[:, None]
    orbit, orbits = _live(outputs, live)
    if space.share == "positions":
        orbit, orbits = offsets, count
    if space.share == "all":
        orbit, orbits = torch.zeros(1, 1, inputs.shape[1], dtype=torch.long), 1
    return Table(outputs, inputs, orbit, orbits, here, _present(space, inputs))


def _center_index(space: Space, grid: Size, out: Size) -> Tensor:
    rows, columns = (
        [[i if 0 <= i < grid[axis] else NOTHING] for i in line]
        for axis, line in enumerate(centers(space, grid, out))
    )
    return _cross(torch.tensor(rows), torch.tensor(columns), grid[1])


def _point(space: Space, grid: Size, out: Size, tokens: int) -> Table:
    places = _center_index(space, grid, out)
    places = torch.where(places < 0, NOTHING, places + tokens)
    inputs = torch.cat([torch.arange(tokens)[:, None], places])
    count = inputs.shape[0]
    outputs = torch.arange(count)[:, None]
    own = outputs[:, :, None] if space.share == "none" else torch.zeros(1, 1, 1, dtype=torch.long)
    orbits = count if space.share == "none" else 1
    return Table(outputs, inputs, own, orbits, inputs, _present(space, inputs))


# Blocks: the map is partitioned, each output sees its block.


def _axis_blocks(space: Space, length: int, axis: Axis) -> Blocks:
    """The blocks of one axis, each a list of its places."""
    extent = _extent(space, length, axis)
    if space.connect == "outlook":
        middles = range(0, length, space.step[axis])
        reach = range(-((extent - 1) // 2), extent // 2 + 1)
        return [[_at(space, middle + r, length) for r in reach] for middle in middles]
    if space.connect == "grid":
        spacing = length // extent
        return [list(range(first, length, spacing)) for first in range(spacing)]
    shift = space.shift[axis] % extent if extent < length else 0
    wraps = space.border == "wrap"
    starts = range(shift if wraps or not shift else shift - extent, length, extent)
    return [[_at(space, start + j, length) for j in range(extent)] for start in starts]


def _blocks(space: Space, grid: Size) -> Table:
    rows, columns = (_axis_blocks(space, grid[axis], axis) for axis in (0, 1))
    inputs = _cross(torch.tensor(rows), torch.tensor(columns), grid[1])
    if any(_halo(space, grid)):
        return _surrounded(space, inputs, (len(rows[0]), len(columns[0])), grid)
    offsets, count = _block_offsets(space, (len(rows[0]), len(columns[0])), grid)
    return _block_table(space, inputs, inputs, offsets, count)


def _halo(space: Space, grid: Size) -> Size:
    """How far around its window an output reads; a window as large as the map has no outside."""
    if space.connect != "window":
        return 0, 0
    rows, columns = (space.halo[axis] if space.size[axis] < grid[axis] else 0 for axis in (0, 1))
    return rows, columns


def _surrounded(space: Space, outputs: Tensor, extent: Size, grid: Size) -> Table:
    """Windows that read what stands around them, too: the inputs of a window are the rectangle from
    `halo` before its first place to `halo` behind its last."""
    halo, lines, steps = _halo(space, grid), [], []
    for axis in (0, 1):
        reach = torch.arange(
            -halo[axis], extent[axis] + halo[axis]
        )  # from the window's first place
        lines.append(
            [
                [_at(space, first + int(j), grid[axis]) for j in reach]
                for first in range(0, grid[axis], extent[axis])
            ]
        )
        # Offsets go from the last place's to the furthest before it, to the first's behind it.
        steps.append(reach[None, :] - torch.arange(extent[axis])[:, None])
    inputs = _cross(torch.tensor(lines[0]), torch.tensor(lines[1]), grid[1])
    y, x = (
        step % extent[axis]
        if space.border == "wrap" and extent[axis] == grid[axis]
        else step - int(step.min())
        for axis, step in enumerate(steps)
    )
    count = int(x.max()) + 1
    offsets = (y[:, None, :, None] * count + x[None, :, None, :]).reshape(
        1, outputs.shape[1], inputs.shape[1]
    )
    return _block_table(space, outputs, inputs, offsets, (int(y.max()) + 1) * count)


def _block_offsets(space: Space, extent: Size, grid: Size) -> tuple[Tensor, int]:
    """Offset of each pair of places, input − output; on a ring of places modulo their number."""
    ring = [is_ring(space, grid, axis) for axis in (0, 1)]
    counts = [n if ring[axis] else 2 * n - 1 for axis, n in enumerate(extent)]
    difference = [torch.arange(n)[None, :] - torch.arange(n)[:, None] for n in extent]
    y, x = (
        d % extent[axis] if ring[axis] else d + extent[axis] - 1
        for axis, d in enumerate(difference)
    )
    index = y[:, None, :, None] * counts[1] + x[None, :, None, :]
    places = extent[0] * extent[1]
    return index.reshape(1, places, places), counts[0] * counts[1]


def block_lengths(space: Space, grid: Size) -> Size:
    """Places of a block along both axes; the whole map is one block of `full`."""
    return _extent(space, grid[0], 0), _extent(space, grid[1], 1)


def is_ring(space: Space, grid: Size, axis: Axis) -> bool:
    """Whether offsets in a block count modulo its places along this axis."""
    covers = space.connect == "grid" or _extent(space, grid[axis], axis) == grid[axis]
    return space.border == "wrap" and covers


def _full(connection: Connection) -> Table:
    space, tokens = connection.operator.space, connection.tokens
    grid, out = as_map(connection.in_grid), as_map(connection.out_grid)
    source = as_map(connection.key_grid) if connection.key_grid else grid
    outputs = torch.arange(tokens + out[0] * out[1])[None]
    inputs = torch.arange(tokens + source[0] * source[1])[None]
    if source != out:  # no offset between different sets; `positions` is refused there
        return _block_table(space, outputs, inputs, None, 0)
    offsets, count = _block_offsets(space, grid, grid)
    # Where offsets are known of extra tokens (`rotary`), they stand at the first place.
    at = torch.cat([torch.zeros(tokens, dtype=torch.long), torch.arange(grid[0] * grid[1])])
    return _block_table(space, outputs, inputs, offsets[:, at][:, :, at], count)


def _block_table(
    space: Space, outputs: Tensor, inputs: Tensor, offsets: Tensor | None, count: int
) -> Table:
    q, k = outputs.shape[1], inputs.shape[1]
    orbit, orbits = torch.zeros(1, q, k, dtype=torch.long), 1  # share: all
    if space.share == "windows":
        orbit, orbits = torch.arange(q * k).reshape(1, q, k), q * k
    if space.share == "positions":
        assert offsets is not None, "offsets between different sets of places"
        orbit, orbits = offsets, count
    if space.share == "none":
        live = (outputs >= 0)[:, :, None] & (inputs >= 0)[:, None]
        whole = bool(live.all()) and q == k
        orbit, orbits = _in_block_order(live) if whole else _live(outputs, live)
    return Table(outputs, inputs, orbit, orbits, outputs, _present(space, inputs))


# Sharing `none`: one learned thing for every live entry.


def _in_block_order(live: Tensor) -> tuple[Tensor, int]:
    return torch.arange(live.numel()).reshape(live.shape), live.numel()


def _live(outputs: Tensor, live: Tensor) -> tuple[Tensor, int]:
    """Live entries numbered output by output, then slot by slot."""
    counts = live.sum(-1)
    by_output = torch.zeros(int(outputs.max()) + 1, dtype=torch.long)
    by_output[outputs[outputs >= 0]] = counts[outputs >= 0]
    starts = by_output.cumsum(0) - by_output
    number = starts[outputs.clamp(min=0)][..., None] + live.cumsum(-1) - 1
    return torch.where(live, number, NOTHING), int(by_output.sum())


def _present(space: Space, inputs: Tensor) -> Tensor:
    """Under `mask` a slot outside the map is absent; under `zero` it is there and reads 0."""
    there = inputs >= 0 if space.border == "mask" else torch.ones_like(inputs, dtype=torch.bool)
    return there[:, None]
