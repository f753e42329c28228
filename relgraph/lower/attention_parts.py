"""Small functions that every emitted attention shares, and the questions its guards ask.

Goes in: nothing, or a connection. Comes out: definitions (text of functions) and truths. Which
neighbourhood an attention has is not known here.
"""

from __future__ import annotations

from relgraph.algebra.operator import Channel, Connection, Score
from relgraph.lower.module import Argument, Definition

SPLIT_HEADS = Definition(
    "split_heads",
    '''\
def split_heads(x: Tensor, parts: int, num_heads: int) -> tuple[Tensor, ...]:
    """Cut (..., N, parts * C) into `parts` views (..., num_heads, N, C / num_heads)."""
    x = x.unflatten(-1, (parts, num_heads, -1))
    return x.transpose(-4, -2).unbind(-3)''',
)

SHARED_HEADS = Definition(
    "shared_heads",
    '''\
def shared_heads(x: Tensor, kv_heads: int, times: int) -> Tensor:
    """Cut (..., N, kv_heads * w) into heads, each `times` in a row: (..., heads, N, w)."""
    x = x.unflatten(-1, (kv_heads, -1)).transpose(-3, -2).unsqueeze(-3)
    return x.expand(*x.shape[:-3], times, *x.shape[-2:]).flatten(-4, -3)''',
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

MIX_HEADS = Definition(
    "mix_heads",
    '''\
def mix_heads(layer: nn.Linear, x: Tensor) -> Tensor:
    """Each head a mixture of all, at every pair of places: (..., num_heads, N, M) to the same."""
    heads = x.flatten(-2).flatten(0, -3)
    # As one product for each image: the layer itself wants the heads innermost, which is a copy.
    weight = layer.weight.expand(heads.shape[0], -1, -1)
    return torch.baddbmm(layer.bias[:, None], weight, heads).view_as(x)''',
)

ELU_PLUS_ONE = Definition(
    "elu_plus_one",
    '''\
def elu_plus_one(x: Tensor) -> Tensor:
    """elu(x) + 1, all of whose digits hold where it is near 0."""
    return F.relu(x) + x.clamp(max=0).exp()''',
)

FEATURE_LINES: dict[Score, str] = {
    "relu": "q, k = F.relu(q), F.relu(k)",
    "elu": "q, k = elu_plus_one(q), elu_plus_one(k)",
}


def heads(channel: Channel, in_channels: int) -> int:
    """How many runs of channels have a query of their own."""
    return {"heads": channel.heads, "all": 1, "none": in_channels}[channel.share]


def is_framed_softmax(connection: Connection) -> bool:
    """A softmax of scores between a value and an output projection, no bias of the core's own."""
    return connection.operator.weight.normalize == "softmax" and is_framed_pair(connection)


def is_framed_pair(connection: Connection) -> bool:
    """Pairs between a value and an output projection, whatever is made of their scores."""
    operator = connection.operator
    return (
        operator.weight.source == "pair"
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
