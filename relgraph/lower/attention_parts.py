"""Small functions that every emitted attention shares, and the questions its guards ask.

Goes in: nothing, or a connection. Comes out: definitions (text of functions) and truths. Which
neighbourhood an attention has is not known here.
"""

from __future__ import annotations

from relgraph.algebra.operator import Channel, Connection
from relgraph.lower.module import Argument, Definition

SPLIT_HEADS = Definition(
    "split_heads",
    '''\
def split_heads(x: Tensor, parts: int, num_heads: int) -> tuple[Tensor, ...]:
    """Cut (..., N, parts * C) into `parts` views (..., num_heads, N, C / num_heads)."""
    x = x.unflatten(-1, (parts, num_heads, -1))
    return x.transpose(-4, -2).unbind(-3)''',
)

MERGE_HEADS = Definition(
    "merge_heads",
    '''\
def merge_heads(x: Tensor) -> Tensor:
    """Heads side by side again: (..., num_heads, N, C / num_heads) -> (..., N, C)."""
    return x.transpose(-3, -2).flatten(-2)''',
)

PARTIAL_LINEAR = Definition(
    "partial_linear",
    '''\
def partial_linear(layer: nn.Linear, x: Tensor, first: int, last: int) -> Tensor:
    """The outputs first, ..., last - 1 of a linear layer, and no others."""
    bias = None if layer.bias is None else layer.bias[first:last]
    return F.linear(x, layer.weight[first:last], bias)''',
)

RELATIVE_POSITION_INDEX = Definition(
    "relative_position_index",
    '''\
def relative_position_index(
    size: tuple[int, int], table_size: tuple[int, int], device: torch.device
) -> Tensor:
    """Rows of a relative position table, one for each pair of places: (outputs, inputs).

    The offset is input - output; a table made for h x w places holds (2h - 1)(2w - 1) of them,
    row by row, and serves every smaller size too.
    """
    place = torch.arange(size[0] * size[1], device=device)
    y, x = place // size[1], place % size[1]
    dy = y[None, :] - y[:, None] + table_size[0] - 1
    dx = x[None, :] - x[:, None] + table_size[1] - 1
    return dy * (2 * table_size[1] - 1) + dx''',
)


def heads(channel: Channel, in_channels: int) -> int:
    """How many runs of channels have a query of their own."""
    return {"heads": channel.heads, "all": 1, "none": in_channels}[channel.share]


def is_framed_attention(connection: Connection) -> bool:
    """Softmax over q · k between a value and an output projection, no bias of the core's own."""
    return connection.operator.weight.score == "dot" and is_framed_softmax(connection)


def is_framed_softmax(connection: Connection) -> bool:
    """The same whatever compares queries and keys."""
    operator = connection.operator
    return (
        operator.weight.source == "pair"
        and operator.weight.normalize == "softmax"
        and operator.channel.connect == "separate"
        and operator.frame.value
        and operator.frame.output
        and operator.bias == "none"
        and connection.in_channels == connection.out_channels
    )


def bias_arguments(connection: Connection) -> tuple[tuple[str, Argument], ...]:
    """The biases that are absent; both are there unless the spec says otherwise."""
    operator = connection.operator
    qkv = () if operator.weight.qkv_bias else (("qkv_bias", False),)
    proj = () if operator.frame.output_bias else (("proj_bias", False),)
    return qkv + proj
