"""Questions that the guards of several families ask of a connection. Values in, truths out."""

from __future__ import annotations

from relgraph.algebra.operator import Connection, Frame, Size
from relgraph.program import Connect


def is_plain(connection: Connection) -> bool:
    """Whether numbers are learned and used as they are: static, not normalised, no projections."""
    weight = connection.operator.weight
    return weight.source == "static" and weight.normalize == "none" and is_unframed(connection)


def is_unframed(connection: Connection) -> bool:
    """Whether no value or output projection stands around the core."""
    frame: Frame = connection.operator.frame
    return not (frame.value or frame.output)


def has_channel_bias(connection: Connection) -> bool:
    """Whether the core's bias, if there is one, is a number per output channel."""
    return connection.operator.bias in ("none", "channels")


def is_map_to_map(node: Connect) -> bool:
    """Whether a map without extra tokens comes in and goes out."""
    return node.input.layout == "map" and node.output.layout == "map"


def is_centred_stencil(node: Connect) -> bool:
    """Whether taps of an odd square kernel stand around each output, zeros outside the map.

    Strides and dilations are the same on both axes. `mask` is told from `zero` by a softmax alone.
    """
    space = node.connection.operator.space
    rows, columns = space.size
    return (
        space.connect == "local"
        and is_map_to_map(node)
        and space.padding == "half"
        and space.border in ("zero", "mask")
        and rows == columns
        and rows % 2 == 1
        and space.stride[0] == space.stride[1]
        and space.dilation[0] == space.dilation[1]
    )


def square(size: Size) -> int | Size:
    """A size as a person writes it: one number where both are equal."""
    return size[0] if size[0] == size[1] else size
