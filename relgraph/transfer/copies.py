"""Every channel several times: the tensors of one item in a network that is a whole factor wider.

In: an item of a program, its tensors by local names, and how many copies of each channel enter and
leave it. Out: the item and its tensors at that width, the same function. Copies of a channel stand
beside each other. What makes channels makes each of them several times; what reads them gives every
copy a part of the weight, and not the same part, so that training can tell the copies apart. Mean,
variance and pooled values of copies are those of the channels, so norms go along. Heads may become
more, each with keys as wide as before. Source: Chen et al., Net2Net, ICLR 2016.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from relgraph.algebra.operator import Connection
from relgraph.algebra.parameters import buffers, channel_shape, parameters
from relgraph.program import Element
from relgraph.transfer.carried import Refused, Tensors
from relgraph.transfer.shared_keys import tied, untied, written_out

_SOURCES = ("static", "fixed", "pooled", "center", "pair")
UNEVEN = 0.5  # parts are 1/k, give or take half of that


@dataclass(frozen=True)
class Factors:
    """Copies of each channel that enter and that leave, and heads of query · key for one."""

    entering: int
    leaving: int
    heads: int = 1


def copied(tensor: Tensor, count: int, axis: int = 0) -> Tensor:
    """Each slice of the axis `count` times."""
    return tensor.repeat_interleave(count, axis)


def parted(tensor: Tensor, count: int, axis: int = 1) -> Tensor:
    """Each slice of the axis in `count` uneven parts, in float64; the same for the same tensor."""
    if count == 1:
        return tensor
    whole = tensor.double().unsqueeze(axis + 1)
    shape = list(whole.shape)
    shape[axis + 1] = count
    generator = torch.Generator().manual_seed(zlib.crc32(repr((shape, axis)).encode()))
    noise = UNEVEN * (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1)
    parts = (1 + noise - noise.mean(axis + 1, keepdim=True)) / count
    return (whole * parts).flatten(axis, axis + 1)


def copied_connection(
    connection: Connection, tensors: Tensors, factors: Factors
) -> tuple[Connection, dict[str, Tensor]] | Refused:
    """A connection of copies, its map of keys aside."""
    operator = connection.operator
    mixes = operator.channel.connect != "separate"
    if factors == Factors(1, 1):
        return connection, dict(tensors)
    if operator.channel.connect == "local":
        return Refused("a band of channels reads the neighbours of a copy, which are copies")
    if operator.weight.source not in _SOURCES:
        return Refused(f"copies of channels have no weights from {operator.weight.source}")
    if operator.weight.kv_heads is not None:
        return _with_shared_keys(connection, tensors, factors)
    if mixes and operator.weight.normalize != "none" and factors.entering > 1:
        return Refused("weights that are normalised have no parts")
    channel = operator.channel
    if channel.share == "heads" and operator.weight.source == "pair":
        channel = replace(channel, heads=channel.heads * factors.heads)
    wide = replace(
        connection,
        operator=replace(operator, channel=channel),
        in_channels=connection.in_channels * factors.entering,
        out_channels=connection.out_channels * factors.leaving,
    )
    made = {}
    for name, tensor in tensors.items():
        rule = _RULES.get(name)
        if rule is None:
            return Refused(f"copies of channels have no {name}")
        made[name] = rule(tensor, connection, factors)
    listed = (*parameters(wide), *buffers(wide))
    wanted = {one.name: one.shape for one in listed if one.name in made}
    if wanted != {name: tuple(tensor.shape) for name, tensor in made.items()}:
        return Refused("a hidden layer or a head is not as many times wider")
    return wide, made


def _with_shared_keys(
    connection: Connection, tensors: Tensors, factors: Factors
) -> tuple[Connection, dict[str, Tensor]] | Refused:
    """Keys and values written out for every head and copied. Those of a run are one function of
    copies in other parts, so that their mean is that function, too."""
    if factors.heads > 1:
        return Refused("the values of a head go apart to more heads, which would share them")
    made = copied_connection(untied(connection), written_out(connection, tensors), factors)
    if isinstance(made, Refused):
        return made
    wide, own = made
    wide = replace(wide, operator=replace(wide.operator, weight=connection.operator.weight))
    return wide, tied(wide, own)


_Rule = Callable[[Tensor, Connection, Factors], Tensor]


def _core(connection: Connection, factors: Factors) -> int:
    """Copies of each channel between the core and the output projection."""
    separate = connection.operator.channel.connect == "separate"
    return factors.entering if separate else factors.leaving


def _units(tensor: Tensor, connection: Connection, factors: Factors) -> Tensor:
    """Numbers of which the first axes are the channel axes of a weight."""
    axes = len(channel_shape(connection))
    if connection.operator.channel.connect != "separate":
        return parted(copied(tensor, factors.leaving), factors.entering)
    own = axes == 1 and connection.operator.channel.share == "none"
    return copied(tensor, factors.entering) if own else tensor


def _expand(tensor: Tensor, connection: Connection, factors: Factors) -> Tensor:
    """The last layer of a predictor: rows are units and orbits, columns what it reads."""
    units = channel_shape(connection)
    made = _units(tensor.reshape(*units, -1, *tensor.shape[1:]), connection, factors)
    made = made.flatten(0, len(units)) if tensor.ndim > 1 else made.flatten()
    return made if tensor.ndim == 1 else _reading(made, connection, factors, behind=True)


def _reading(
    tensor: Tensor, connection: Connection, factors: Factors, behind: bool = False
) -> Tensor:
    """Columns of a predictor: its hidden units `behind` the first layer, else a region's channels,
    places innermost."""
    hidden = _hidden(connection, factors)
    if behind and hidden is not None:
        return parted(tensor, hidden)
    regions = tensor.reshape(len(tensor), connection.in_channels, -1)
    return parted(regions, factors.entering).flatten(1)


def _hidden(connection: Connection, factors: Factors) -> int | None:
    """Copies of each hidden unit; None where there is no hidden layer."""
    predictor = connection.operator.weight.predictor
    width = None if predictor is None else predictor.width(connection.in_channels)
    if predictor is None or width is None:
        return None
    return (predictor.width(connection.in_channels * factors.entering) or width) // width


def _squeeze(tensor: Tensor, connection: Connection, factors: Factors) -> Tensor:
    rows = copied(tensor, _hidden(connection, factors) or 1)
    return rows if tensor.ndim == 1 else _reading(rows, connection, factors)


def _step(tensor: Tensor, connection: Connection, factors: Factors) -> Tensor:
    return tensor


def _projections(queries: int, keys: int) -> _Rule:
    """Rows of so many blocks of queries and of keys, the rest values, each as wide as the input."""

    def rule(tensor: Tensor, connection: Connection, factors: Factors) -> Tensor:
        blocks = list(tensor.split(connection.in_channels))
        made = []
        for at, block in enumerate(blocks):
            if at < queries + keys:
                sharper = at < queries and connection.operator.weight.score == "dot"
                made.append(_compared(block, connection, factors, sharper))
            else:
                made.append(copied(block, factors.entering))
        rows = torch.cat(made)
        return rows if tensor.ndim == 1 else parted(rows, factors.entering)

    return rule


def _compared(block: Tensor, connection: Connection, factors: Factors, queries: bool) -> Tensor:
    """Rows of queries or keys, head by head: each head several times, and its rows as often as its
    width grows. A sum over copies is that many times as large, the root of the width is not."""
    heads = math.prod(channel_shape(connection))
    inside = factors.entering // factors.heads
    apart = block.reshape(heads, 1, -1, *block.shape[1:])
    rows = copied(copied(apart, factors.heads, 1), inside, 2).flatten(0, 2)
    return rows.double() / inside**0.5 if queries and inside > 1 else rows


def _bias(tensor: Tensor, connection: Connection, factors: Factors) -> Tensor:
    places = connection.operator.bias == "positions"
    return tensor if places else copied(tensor, _core(connection, factors))


_RULES: dict[str, _Rule] = {
    "weight": _units,
    "bias": _bias,
    "value.weight": lambda t, c, f: parted(copied(t, f.entering), f.entering),
    "value.bias": lambda t, c, f: copied(t, f.entering),
    "proj.weight": lambda t, c, f: parted(copied(t, f.leaving), _core(c, f)),
    "proj.bias": lambda t, c, f: copied(t, f.leaving),
    **dict.fromkeys(("qkv.weight", "qkv.bias"), _projections(1, 1)),
    **dict.fromkeys(("q.weight", "q.bias"), _projections(1, 0)),
    **dict.fromkeys(("kv.weight", "kv.bias"), _projections(0, 1)),
    "logit_scale": lambda t, c, f: copied(t, f.heads),
    **dict.fromkeys(
        ("proj_l.weight", "proj_w.weight"),
        lambda t, c, f: parted(copied(t, f.heads), f.heads),
    ),
    **dict.fromkeys(("proj_l.bias", "proj_w.bias"), lambda t, c, f: copied(t, f.heads)),
    "position_bias": lambda t, c, f: copied(t, f.heads),
    "relative_position_bias_table": lambda t, c, f: copied(t, f.heads, 1),
    **dict.fromkeys(("squeeze.weight", "squeeze.bias"), _squeeze),
    **dict.fromkeys(("norm.weight", "norm.bias", "norm.running_mean"), _squeeze),
    "norm.running_var": _squeeze,
    "norm.num_batches_tracked": _step,
    **dict.fromkeys(("expand.weight", "expand.bias"), _expand),
}


def copied_element(
    element: Element, tensors: Tensors, entering: int
) -> tuple[dict[str, Tensor], int] | Refused:
    """An element's tensors, and how many copies of each channel leave it."""
    if entering == 1:
        return dict(tensors), 1
    if element.word == "classifier":
        parts = {n: parted(t, entering) if n == "weight" else t for n, t in tensors.items()}
        return parts, 1
    if element.word == "channel_shuffle":
        return Refused("a shuffle takes copies apart")
    if element.word == "position" and element["kind"] == "sincos":
        return Refused("given waves are others for each channel")
    last = element.word == "add_token" or (element.word == "position" and "weight" in tensors)
    axis = -1 if last else 0
    made = {n: copied(t, entering, axis) if t.ndim else t for n, t in tensors.items()}
    return made, entering
