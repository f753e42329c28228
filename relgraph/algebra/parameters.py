"""The parameters of a connection: the one contract of names, shapes and layouts.

In: a `Connection`. Out: what a module that computes it stores, in closed form. All lowerings, the
oracle and the counts agree on it, so a checkpoint moves between lowerings. Weights are laid out as
channel axes U followed by space axes S:

    U   full (D, C) · groups (D, C/G), shared (D/G, C/G) · separate (C,), heads (heads,), all ()
        · bands: live entries (L,), channel by channel, shared (k,)
    S   one orbit () · a place (P,) · a kernel (kh, kw) · offsets (n,) · places (k, k) · (Po, Pi)
        · blocks (n, k, k) · live entries (L,), output by output; k places of a block, of windows
        with a halo as many inputs as those have

A `local` weight shared over positions is a torch convolution kernel. Offsets are input − output.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from relgraph.algebra import geometry
from relgraph.algebra.operator import (
    KEEPING,
    Channel,
    Connection,
    Size,
    Space,
    SpaceShare,
    Weight,
    compares,
    keeps_width,
)

Shape: TypeAlias = tuple[int, ...]
Init: TypeAlias = Literal[
    "truncated_normal",
    "fan_out_normal",
    "variance_preserving",
    "predictor",
    "zero",
    "one",
    "constant",
]


@dataclass(frozen=True)
class Parameter:
    """One stored tensor. `init` is how it starts where no spec says otherwise: truncated normal
    with deviation 0.02, the fan-out normal of convolutions, a normal that keeps the variance of
    what it is multiplied with, a predictor's (a predicted kernel's squared sum starts near 1), or a
    number. `decay` tells whether weight decay applies: not to vectors, scalars and position tables.
    """

    name: str
    shape: Shape
    init: Init
    decay: bool = True

    @property
    def size(self) -> int:
        """Numbers stored."""
        return math.prod(self.shape)


def parameters(connection: Connection) -> tuple[Parameter, ...]:
    """All trained tensors of a connection with its frame, in the order a module defines them.

    A reduced map's own layers (`reduce.`) are nodes of the program, not listed here."""
    return (
        *_source(connection),
        *_static(connection),
        *_core_bias(connection),
        *_output(connection),
    )


def buffers(connection: Connection) -> tuple[Parameter, ...]:
    """Stored but not trained: the running statistics of a predictor's batch norm."""
    predictor = connection.operator.weight.predictor
    if predictor is None or predictor.norm != "batch_norm":
        return ()
    width = predictor.width(connection.in_channels)
    if width is None:
        return ()
    hidden = (width,)
    return (
        Parameter("norm.running_mean", hidden, "zero", False),
        Parameter("norm.running_var", hidden, "one", False),
        Parameter("norm.num_batches_tracked", (), "zero", False),
    )


def parameter_count(connection: Connection) -> int:
    """Numbers that training changes."""
    return sum(parameter.size for parameter in parameters(connection))


def core_channels(connection: Connection) -> int:
    """Channels between the core and the output projection."""
    keeps = keeps_width(connection.operator)
    return connection.in_channels if keeps else connection.out_channels


def key_channels(connection: Connection) -> int:
    """Channels of the keys, and of a pair's projected values: fewer where heads share them."""
    channel, c = connection.operator.channel, connection.in_channels
    shared = connection.operator.weight.kv_heads
    heads = {"none": c, "heads": channel.heads, "all": 1}[channel.share]
    return c if shared is None else c // heads * shared


def channel_shape(connection: Connection) -> Shape:
    """U: the channel axes of a weight."""
    channel, d, c = connection.operator.channel, core_channels(connection), connection.in_channels
    if channel.connect == "separate":
        return {"none": (c,), "heads": (channel.heads,), "all": ()}[channel.share]
    if channel.connect == "local":
        return (channel.size if channel.share == "all" else live_taps(channel, c),)
    groups = channel.groups if channel.connect == "groups" else 1
    return (d // groups if channel.share == "all" else d), c // groups


def live_taps(channel: Channel, channels: int) -> int:
    """Entries of a band that read a channel: a tap misses as many as it stands beside its own."""
    first = -((channel.size - 1) // 2)
    return sum(max(channels - abs(first + m), 0) for m in range(channel.size))


def space_shape(connection: Connection, share: SpaceShare | None = None) -> Shape:
    """S: the space axes of a weight, with the operator's sharing or the given one."""
    space = connection.operator.space
    space = space if share is None else replace(space, share=share)
    grid = geometry.as_map(geometry.completed(space, connection.in_grid))
    if space.share == "all":
        return ()
    if space.connect == "point":
        return (_rows(connection),) if space.share == "none" else ()
    if space.connect in ("local", "axial"):
        return _stencil_shape(space, grid)
    return _block_shape(connection, space, grid)


def offset_count(connection: Connection) -> int:
    """Entries of a relative position table."""
    return math.prod(space_shape(connection, "positions"))


def _stencil_shape(space: Space, grid: Size) -> Shape:
    if space.connect == "local":
        return space.size if space.share == "positions" else (_live_taps(space, grid),)
    rows, columns = grid
    if space.share == "none":
        return (rows * columns * (rows + columns - 1),)
    if space.border == "wrap":
        return (rows + columns - 1,)
    return (2 * (rows + columns) - 3,)


def _live_taps(space: Space, grid: Size) -> int:
    """Entries of a stencil that read the map: a product over the axes, as the stencil is."""
    return _live_on_axis(space, grid[0], 0) * _live_on_axis(space, grid[1], 1)


def _live_on_axis(space: Space, length: int, axis: int) -> int:
    taps, dilation = geometry.kernel(space, axis)
    starts = geometry.first_taps(space, length, axis)
    if space.border in ("wrap", "reflect", "clamp"):  # every tap reads something
        return len(starts) * taps
    return sum(0 <= first + j * dilation < length for first in starts for j in range(taps))


def _block_shape(connection: Connection, space: Space, grid: Size) -> Shape:
    if space.share == "positions":
        return (math.prod(geometry.offset_counts(space, grid)),)
    if space.connect == "full":
        return _rows(connection), _columns(connection)
    places = math.prod(geometry.extent(space, grid))
    near = math.prod(geometry.read_extent(space, grid))
    if space.share == "windows":
        return places, near
    if near != places:
        return (_live_around(space, grid, 0) * _live_around(space, grid, 1),)
    if geometry.is_cut(space, grid):
        return (_live_in_blocks(space, grid, 0) * _live_in_blocks(space, grid, 1),)
    return math.prod(grid) // places, places, places


def _live_in_blocks(space: Space, grid: Size, axis: int) -> int:
    """Pairs of places that share a block, along one axis: the border cuts a moved block in two."""
    places, moved = geometry.extent(space, grid)[axis], geometry.shift(space, grid)[axis]
    whole = grid[axis] // places
    if not moved or space.border == "wrap":
        return whole * places**2
    return (whole - 1) * places**2 + moved**2 + (places - moved) ** 2


def _live_around(space: Space, grid: Size, axis: int) -> int:
    """Pairs of a place of a block and one of the map that it reads, along one axis."""
    places, around = geometry.extent(space, grid)[axis], geometry.halo(space, grid)[axis]
    starts = geometry.block_starts(space, grid, axis)
    if space.border == "wrap":
        return len(starts) * places * (places + 2 * around)
    ends = [min(first + places + around, grid[axis]) - max(first - around, 0) for first in starts]
    return places * sum(ends)


def _rows(connection: Connection) -> int:
    return connection.tokens + geometry.area(connection.out_grid)


def _columns(connection: Connection) -> int:
    """Places that are read: the keys' map, where keys have their own."""
    grid = connection.in_grid if connection.key_grid is None else connection.key_grid
    return connection.tokens + geometry.area(grid)


def _matrix(name: str, rows: int, columns: int, init: Init = "truncated_normal") -> Parameter:
    return Parameter(f"{name}.weight", (rows, columns), init, True)


def _bias(name: str, shape: Shape, wanted: bool = True) -> tuple[Parameter, ...]:
    return (Parameter(name, shape, "zero", False),) if wanted else ()


def _source(connection: Connection) -> tuple[Parameter, ...]:
    """What the values, and weights that are predicted, are made with."""
    operator, c = connection.operator, connection.in_channels
    if compares(operator):
        return (
            *_projections(connection),
            *_scale(connection),
            *_position(connection),
            *_talking(connection),
        )
    value: tuple[Parameter, ...] = ()
    if operator.frame.value:
        bias = _bias("value.bias", (c,), operator.frame.value_bias)
        value = (_matrix("value", c, c), *bias)
    if operator.weight.source in ("pooled", "center"):
        return (*value, *_predictor(connection))
    return value


def _projections(connection: Connection) -> tuple[Parameter, ...]:
    """`qkv`, or `q` and `kv` where keys and values read a reduced map; values only in a frame."""
    operator, c = connection.operator, connection.in_channels
    widths = {"q": c, "k": key_channels(connection)}
    if operator.frame.value:
        widths["v"] = widths["k"]
    stacked = {"qkv": tuple(widths)}
    if connection.key_grid is not None:
        stacked = {"q": ("q",), "kv": tuple(widths)[1:]}
    return tuple(
        parameter
        for name, parts in stacked.items()
        for parameter in (
            _matrix(name, sum(widths[part] for part in parts), c),
            *_stacked_bias(operator.weight, name, {part: widths[part] for part in parts}),
        )
    )


def _stacked_bias(weight: Weight, name: str, widths: Mapping[str, int]) -> tuple[Parameter, ...]:
    """One bias for all rows; without the keys', one for each of the other parts."""
    if not weight.keyless or "k" not in widths:
        return _bias(f"{name}.bias", (sum(widths.values()),), weight.qkv_bias)
    return tuple(
        parameter
        for part, width in widths.items()
        for parameter in _bias(f"{name}.{part}_bias", (width,), part != "k")
    )


def _scale(connection: Connection) -> tuple[Parameter, ...]:
    """What cosines are multiplied with, one number for each head: of pairs of places its logarithm,
    which starts at log 10, of pairs of channels itself, which starts at 1."""
    operator = connection.operator
    if operator.weight.score != "cosine":
        return ()
    if operator.weight.source == "channels":
        return (Parameter("temperature", (operator.channel.groups, 1, 1), "one", False),)
    return (Parameter("logit_scale", (math.prod(channel_shape(connection)),), "constant", False),)


def _position(connection: Connection) -> tuple[Parameter, ...]:
    position = connection.operator.weight.position
    heads = math.prod(channel_shape(connection))
    if position == "relative":
        shape: Shape = (offset_count(connection), heads)
        return (Parameter("relative_position_bias_table", shape, "truncated_normal", False),)
    if position == "absolute":
        shape = (heads, *space_shape(connection, "none"))
        return (Parameter("position_bias", shape, "truncated_normal", False),)
    if position == "continuous":
        hidden = connection.operator.weight.hidden
        return (
            Parameter("cpb_mlp.0.weight", (hidden, 2), "truncated_normal", False),
            *_bias("cpb_mlp.0.bias", (hidden,)),
            Parameter("cpb_mlp.2.weight", (heads, hidden), "truncated_normal", False),
        )
    return ()


def _talking(connection: Connection) -> tuple[Parameter, ...]:
    """What heads tell each other: a matrix over them and a number for each, of logits, of weights;
    timm's names."""
    weight, heads = connection.operator.weight, math.prod(channel_shape(connection))
    mixed = {"proj_l": weight.mixes_logits, "proj_w": weight.mixes_weights}
    return tuple(
        parameter
        for name, there in mixed.items()
        if there
        for parameter in (_matrix(name, heads, heads), *_bias(f"{name}.bias", (heads,)))
    )


def _predictor(connection: Connection) -> tuple[Parameter, ...]:
    """context → [squeeze → norm → act →] expand, one function for every orbit."""
    weight, c = connection.operator.weight, connection.in_channels
    entering = c * (weight.extent**2 if weight.source == "center" else 1)
    leaving = math.prod(channel_shape(connection)) * math.prod(space_shape(connection))
    init: Init = "predictor" if weight.normalize == "none" else "truncated_normal"
    hidden = None if weight.predictor is None else weight.predictor.width(c)
    if weight.predictor is None or hidden is None:
        return (_matrix("expand", leaving, entering, init), *_bias("expand.bias", (leaving,)))
    bias = _bias("expand.bias", (leaving,), weight.predictor.experts is None)
    norm: tuple[Parameter, ...] = ()
    if weight.predictor.norm == "batch_norm":
        norm = (Parameter("norm.weight", (hidden,), "one", False), *_bias("norm.bias", (hidden,)))
    squeeze_bias = _bias("squeeze.bias", (hidden,), weight.predictor.bias)
    squeeze = (_matrix("squeeze", hidden, entering), *squeeze_bias)
    return (*squeeze, *norm, _matrix("expand", leaving, hidden, init), *bias)


def _static(connection: Connection) -> tuple[Parameter, ...]:
    if connection.operator.weight.source != "static":
        return ()
    shape = weight_shape(connection)
    return (Parameter("weight", shape, _static_init(connection), len(shape) > 1),)


def weight_shape(connection: Connection) -> Shape:
    """Shape of a static `weight`: U + S, or a torch convolution kernel."""
    units, space = channel_shape(connection), connection.operator.space
    if (space.connect, space.share) != ("local", "positions"):
        return units + space_shape(connection)
    if connection.operator.channel.connect == "separate":
        return (math.prod(units), 1, *space.size)
    return units + space.size


def _static_init(connection: Connection) -> Init:
    operator = connection.operator
    if operator.weight.normalize != "none":
        return "truncated_normal"
    if operator.space.connect == "local":
        return "fan_out_normal"
    mixes = operator.space.connect == "point" and operator.channel.connect not in KEEPING
    return "truncated_normal" if mixes else "variance_preserving"


def _core_bias(connection: Connection) -> tuple[Parameter, ...]:
    channels, positions = core_channels(connection), _rows(connection)
    shapes: dict[str, Shape] = {
        "channels": (channels,),
        "positions": (positions,),
        "both": (channels, positions),
    }
    bias = connection.operator.bias
    return () if bias == "none" else _bias("bias", shapes[bias])


def _output(connection: Connection) -> tuple[Parameter, ...]:
    frame, d = connection.operator.frame, connection.out_channels
    if not frame.output:
        return ()
    bias = _bias("proj.bias", (d,), frame.output_bias)
    return (_matrix("proj", d, core_channels(connection)), *bias)
