"""A wider space between two layers: the same function with units that nothing reads yet.

In: aligned items between two of which the target is wider (channels of a feed-forward network, or
mixtures of positions). Out: the source's items and tensors at that width. Rows that are new are
drawn with the spread of the old ones, so that they can be learned from; columns that read them are
zero (function-preserving widening: Chen et al., Net2Net, ICLR 2016, with zeros for what is read).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from relgraph.algebra.operator import Connection
from relgraph.algebra.parameters import parameters
from relgraph.assemble.elements import ACTIVATIONS
from relgraph.program import Connect, Element, Node, Shape
from relgraph.transfer.align import Pair
from relgraph.transfer.carried import Tensors
from relgraph.transfer.neutral import PASSING
from relgraph.verify.values import join, under

Axis: TypeAlias = Literal["channels", "grid"]
Both: TypeAlias = tuple[Node, Node]

# What a new channel starts with behind a norm or a scale; others have no parameter per channel.
_START = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
_PER_CHANNEL = frozenset(("affine", "batch_norm", "scale"))
_PER_POSITION = frozenset(("layer_norm",)) | _PER_CHANNEL


WIDER = "wider inside, {0} into {1}: nothing reads what is new yet"


@dataclass(frozen=True, eq=False)
class Widened:
    """Pairs with the source's items at the target's width, and the tensors of these items by full
    names. `reasons` tells for each pair that was widened what was done."""

    pairs: tuple[Pair, ...]
    tensors: Tensors
    reasons: Mapping[int, str]


def widened(pairs: Sequence[Pair], path: str, tensors: Tensors) -> Widened:
    """The source's items, of the class at `path`, as wide as the target's wherever only the target
    is wider between two of them."""
    made: list[Pair] = []
    wide: dict[str, Tensor] = {}
    reasons: dict[int, str] = {}
    at = 0
    while at < len(pairs):
        stretch = pairs[at : at + _length(pairs[at:])]
        if len(stretch) > 1:
            reason = WIDER.format(*_sides(stretch[0]))
            reasons |= dict.fromkeys(range(at, at + len(stretch)), reason)
            nodes, own = _stretched(stretch, path, tensors)
            wide |= own
            made += zip(nodes, (target for _, target in stretch), strict=True)
        else:
            made += stretch
        at += len(stretch)
    return Widened(tuple(made), wide, reasons)


def _length(pairs: Sequence[Pair]) -> int:
    """How many of the first pairs belong together: 1 where nothing is widened."""
    first = _both(pairs[0])
    axis = None if first is None else _grows(first[0].output, first[1].output)
    if first is None or axis is None or first[0].input != first[1].input:
        return 1
    if not _can_lead(first, axis):
        return 1
    for count, pair in enumerate(pairs[1:], 2):
        both = _both(pair)
        if both is None and _can_stand_alone(pair, axis):
            continue
        if both is None or _grows(both[0].input, both[1].input) != axis:
            return 1
        if both[0].output == both[1].output:
            return count if _can_end(both, axis) else 1
        if not _can_pass(both, axis):
            return 1
    return 1


def _both(pair: Pair) -> Both | None:
    source, target = pair
    return None if source is None or target is None else (source, target)


def _grows(source: Shape, target: Shape) -> Axis | None:
    """Along which axis the target is larger, where that is the only difference."""
    if replace(target, channels=source.channels) == source:
        return "channels" if target.channels > source.channels else None
    if replace(target, grid=source.grid) == source and target.positions > source.positions:
        return "grid"
    return None


def _can_lead(both: Both, axis: Axis) -> bool:
    """Whether rows of its own stand for each unit that it makes."""
    return all(_is_plain(node) and _is_free(node, axis) for node in both)


_can_end = _can_lead


def _is_plain(node: Node) -> bool:
    if not isinstance(node, Connect):
        return False
    operator = node.connection.operator
    framed = operator.frame.value or operator.frame.output
    return operator.weight.source == "static" and not framed and operator.channel.rank is None


def _is_free(node: Node, axis: Axis) -> bool:
    assert isinstance(node, Connect), "asked before"
    operator = node.connection.operator
    if axis == "channels":
        return operator.channel.connect == "full"
    return operator.space.connect == "full" and operator.space.share == "none"


def _can_pass(both: Both, axis: Axis) -> bool:
    """Whether units stay apart from each other, or a layer makes new ones of the old."""
    if all(isinstance(node, Element) for node in both):
        own = _PER_CHANNEL if axis == "channels" else _PER_POSITION
        return all(
            isinstance(node, Element) and node.word in own | PASSING | set(ACTIVATIONS)
            for node in both
        )
    # What mixes them may be between: it makes new units too, and reads none of the new ones.
    plain = axis == "channels" and all(map(_is_plain, both))
    return plain and (all(map(_is_apart, both)) or all(_is_free(node, axis) for node in both))


def _can_stand_alone(pair: Pair, axis: Axis) -> bool:
    """Whether an item that only one side has leaves units where they are and apart."""
    source, target = pair
    if target is not None:
        return target.input == target.output
    own = _PER_CHANNEL if axis == "channels" else _PER_POSITION
    return isinstance(source, Element) and source.word in own | PASSING | set(ACTIVATIONS)


def _is_apart(node: Node) -> bool:
    assert isinstance(node, Connect), "asked before"
    channel = node.connection.operator.channel
    return channel.connect == "separate" and channel.share == "none"


def _sides(pair: Pair) -> tuple[int, int]:
    """Units between the layers of a stretch that starts with this pair, before and after."""
    source, target = pair
    assert source is not None and target is not None, "a stretch has both"
    one, other = source.output, target.output
    if one.channels == other.channels:
        return one.positions, other.positions
    return one.channels, other.channels


def _stretched(
    pairs: Sequence[Pair], path: str, tensors: Tensors
) -> tuple[list[Node | None], dict[str, Tensor]]:
    """The source's items of one stretch at the target's width, and their tensors."""
    nodes: list[Node | None] = []
    made: dict[str, Tensor] = {}
    inside: Shape | None = None
    for at, (source, target) in enumerate(pairs):
        ends = (inside, inside) if target is None else (target.input, target.output)
        inside = ends[1]
        node = None if source is None else _resized(source, *ends)
        nodes.append(node)
        if node is None or not node.attr:
            continue
        own = join(path, node.attr)
        shapes = _shapes(node, under(tensors, own))
        for name, tensor in under(tensors, own).items():
            full = join(own, name)
            last = at == len(pairs) - 1
            padded = _padded(full, tensor, shapes.get(name, tuple(tensor.shape)), last)
            if at > 0 and isinstance(node, Connect) and tensor.ndim > 1 and not _is_apart(node):
                padded[:, tensor.shape[1] :] = 0
            made[full] = padded
    return nodes, made


def _resized(source: Node, entering: Shape | None, leaving: Shape | None) -> Node:
    assert entering is not None and leaving is not None, "a stretch begins with two layers"
    node = replace(source, input=entering, output=leaving)
    if not isinstance(node, Connect):
        return node
    connection = replace(
        node.connection,
        in_channels=entering.channels,
        out_channels=leaving.channels,
        in_grid=entering.grid,
        out_grid=leaving.grid,
    )
    return replace(node, connection=connection)


def _shapes(node: Node, own: Tensors) -> dict[str, tuple[int, ...]]:
    if isinstance(node, Connect):
        return _of(node.connection)
    width = (node.output.channels,)
    return {name: width for name, tensor in own.items() if tensor.ndim == 1}


def _of(connection: Connection) -> dict[str, tuple[int, ...]]:
    return {parameter.name: parameter.shape for parameter in parameters(connection)}


def _padded(name: str, tensor: Tensor, shape: tuple[int, ...], last: bool) -> Tensor:
    """The tensor in the corner of a larger one: zero where the last layer reads what is new."""
    if tuple(tensor.shape) == shape:
        return tensor
    kind = name.rpartition(".")[2]
    if tensor.ndim == 1:
        whole = tensor.new_full(shape, 0.0 if last else _START.get(kind, 0.0))
    elif last:
        whole = tensor.new_zeros(shape)
    else:
        whole = _drawn(name, tensor, shape)
    whole[tuple(slice(size) for size in tensor.shape)] = tensor
    return whole


def _drawn(name: str, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Normal numbers with the root mean square of the tensor, the same for the same name."""
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    spread = tensor.double().square().mean().sqrt()
    drawn = torch.randn(shape, generator=generator, dtype=torch.float64) * spread
    return drawn.to(tensor.dtype)
