"""The same connection at a small size, where it can be measured entry by entry.

In: a connection of a program. Out: one of the same structure with few channels and few positions,
but at least two of everything that its properties speak of: slots, windows, heads, groups, keys.
Nothing here knows the emitted file or torch.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from relgraph.algebra import geometry
from relgraph.algebra.geometry import out_grid
from relgraph.algebra.operator import Channel, Connection, Operator, Size, Space, Weight
from relgraph.program import Connect, Shape

HEADS, GROUPS, REDUCTION, EXPERTS = 2, 2, 2, 3
RUNS, SHARING = 2, 4  # two runs of two heads tell a run from every other head


def shrunk(node: Connect) -> Connect:
    """`node` with its connection at a small size, shapes at both ends to match."""
    small = shrunk_connection(node.connection)
    kept = min(len(node.input.tokens), small.tokens) if node.input.tokens else 0
    tokens = node.input.tokens[:kept]
    return replace(
        node,
        connection=small,
        input=Shape(small.in_channels, small.in_grid, tokens),
        output=Shape(small.out_channels, small.out_grid, node.output.tokens[:kept]),
        place=None,
    )


def shrunk_connection(connection: Connection) -> Connection:
    """The connection between small ends."""
    operator = connection.operator
    space = _space(operator.space)
    weight = _weight(operator.weight, space)
    channel = _channel(operator.channel, weight)
    inside = _channels(channel, weight)
    same = connection.in_channels == connection.out_channels
    outside = inside if same else inside + 2
    in_grid = None if connection.in_grid is None else _grid(space, connection)
    if in_grid is not None and weight.extent > 1:
        in_grid = _roomy(space, in_grid)
    small = Operator(space, channel, weight, operator.bias, operator.frame)
    return replace(
        connection,
        operator=small,
        in_channels=inside,
        out_channels=outside,
        in_grid=in_grid,
        out_grid=_out_grid(space, connection, in_grid),
        tokens=min(connection.tokens, 2),
        key_grid=_key_grid(connection, in_grid),
    )


def _weight(weight: Weight, space: Space) -> Weight:
    predictor = weight.predictor
    if predictor is not None and predictor.reduction is not None:
        predictor = replace(predictor, reduction=REDUCTION)
    if predictor is not None and predictor.experts is not None:
        predictor = replace(predictor, experts=min(predictor.experts, EXPERTS))
    # A hidden unit gives nothing on one side of the map: several tell all offsets apart.
    hidden = max(8, min(weight.hidden, 16)) if weight.position == "continuous" else weight.hidden
    extent = min(weight.extent, 3)
    offset = _offset(weight, space)
    runs = None if weight.kv_heads is None else min(weight.kv_heads, RUNS)
    return replace(
        weight, predictor=predictor, extent=extent, offset=offset, hidden=hidden, kv_heads=runs
    )


def _offset(weight: Weight, space: Space) -> Size:
    """The same way, no further than the smaller kernel has taps."""
    if weight.fixed != "shift":
        return weight.offset
    rows, columns = (
        max(-middle, min(step, side - 1 - middle))
        for step, side, middle in zip(
            weight.offset, space.size, geometry.middle(space), strict=True
        )
    )
    return rows, columns


def _channel(channel: Channel, weight: Weight) -> Channel:
    groups = GROUPS if channel.connect == "groups" else channel.groups
    heads = HEADS if weight.kv_heads in (None, 1) else SHARING
    heads = heads if channel.share == "heads" else channel.heads
    size = 3 if channel.connect == "local" and channel.size % 2 else min(channel.size, 2)
    return replace(channel, groups=groups, heads=heads, size=size if channel.size > 1 else 1)


def _channels(channel: Channel, weight: Weight) -> int:
    """Few channels, even where heads, groups or a reduction must divide them; as many as a head
    needs that turns in planes for rows and for columns."""
    turned, shared = weight.position == "rotary", weight.kv_heads is not None
    if channel.share == "heads":
        return channel.heads * (4 if turned else 2)
    reduced = weight.predictor is not None and weight.predictor.reduction is not None
    even = channel.connect in ("groups", "local") or reduced or turned or shared
    return 4 if even else 3


def _space(space: Space) -> Space:
    if space.connect == "local":
        return _local(space)
    if space.connect == "outlook":
        size = _kernel(space, 0), _kernel(space, 1)
        return replace(space, size=size, step=_at_most(space.step, (2, 2)))
    stride = _at_most(space.stride, (2, 2))
    if space.connect not in ("window", "stripe", "grid"):
        return replace(space, stride=stride)
    # Two places in a shifted block would not tell a shift from its opposite.
    places = 3 if any(space.shift) else 2
    size = _at_most(space.size, (places, places))
    shift = tuple(1 if s else 0 for s in space.shift)
    halo = _halo(space.halo)
    return replace(space, size=size, shift=(shift[0], shift[1]), halo=halo, stride=stride)


def _halo(halo: Size) -> Size:
    """One place, two along the axis with more, none where there is none."""
    rows, columns = (min(around, 1 + (around > min(halo) > 0)) for around in halo)
    return rows, columns


def _local(space: Space) -> Space:
    size = (_kernel(space, 0), _kernel(space, 1))
    dilation = _at_most(space.dilation, (2, 2))
    stride = size if space.stride == space.size else _at_most(space.stride, (2, 2))
    padding = space.padding
    if isinstance(padding, tuple):
        padding = (_padding(space, 0, size, dilation), _padding(space, 1, size, dilation))
    return replace(space, size=size, dilation=dilation, stride=stride, padding=padding)


def _kernel(space: Space, axis: int) -> int:
    side = space.size[axis]
    if side <= 3:
        return side
    if space.stride == space.size:
        return 2
    return 3 if side % 2 else 4


def _padding(space: Space, axis: int, size: Size, dilation: Size) -> int:
    """Centred stays centred, absent stays absent; in between, what fits the smaller kernel."""
    assert isinstance(space.padding, tuple)
    padding, reach = space.padding[axis], (size[axis] - 1) * dilation[axis]
    if padding == (space.size[axis] - 1) * space.dilation[axis] / 2:
        return reach // 2
    return min(padding, reach)


def _grid(space: Space, connection: Connection) -> Size:
    """A map where every kind of slot occurs: not square, larger than a kernel, several blocks."""
    if space.connect == "local":
        rows, columns = (
            (space.size[axis] - 1) * space.dilation[axis] + space.stride[axis] for axis in (0, 1)
        )
        return _whole_steps(space, (rows + 1, columns + 2))
    if space.connect == "outlook":
        # Some output sees all that one can, and lies in windows whose regions are on the map.
        room = [2 * s if connection.operator.weight.extent > 1 else 0 for s in space.step]
        return 2 * space.size[0] - 1 + room[0], 2 * space.size[1] + room[1]
    if space.connect == "window":
        missing = 1 if space.pad else 0
        return 2 * space.size[0] - missing, 3 * space.size[1]
    if space.connect == "stripe":
        return (2 * space.size[0], 3) if space.along == "rows" else (3, 2 * space.size[1])
    if space.connect == "grid":
        return 2 * space.size[0], 3 * space.size[1]
    if space.connect == "axial":
        return 3, 4
    if connection.in_grid is not None and connection.in_grid[1] == 1:
        return 5, 1  # a column of tokens (`rank: {tokens: n}`)
    return 2, 4


def _roomy(space: Space, grid: Size) -> Size:
    """A map on which some regions of three places lie; one of more blocks where it is cut."""
    if space.connect in ("point", "local", "full"):
        return max(grid[0], 5), max(grid[1], 6)
    if space.connect not in ("window", "stripe", "grid"):
        return grid
    rows, columns = (
        side + size * max(0, ceil((3 - side) / size))
        for side, size in zip(grid, space.size, strict=True)
    )
    return rows, columns


def _whole_steps(space: Space, grid: Size) -> Size:
    if space.stride != space.size:
        return grid
    return 2 * space.size[0], 3 * space.size[1]


def _out_grid(space: Space, connection: Connection, in_grid: Size | None) -> Size | None:
    if connection.out_grid is None:
        return None
    if connection.in_grid is None:
        return connection.out_grid
    if space.connect != "full":
        assert in_grid is not None
        return out_grid(space, in_grid)
    if connection.out_grid == connection.in_grid:
        return in_grid
    return (5, 1) if connection.out_grid[1] == 1 else (2, 4)


def _key_grid(connection: Connection, in_grid: Size | None) -> Size | None:
    if connection.key_grid is None:
        return None
    return in_grid if connection.key_grid == connection.in_grid else (1, 3)


def _at_most(size: Size, limit: Size) -> Size:
    return min(size[0], limit[0]), min(size[1], limit[1])
