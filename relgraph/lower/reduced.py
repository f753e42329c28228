"""Spatially reduced attention: queries on the full map, keys and values on a smaller one.

Goes in: a `full` connection from pairs under a softmax whose keys stand on a map that a body of its
own makes. Comes out: a module that is handed this body: its constructor takes the keyword `reduce`,
which is not among the arguments here, because the body's class is `emit`'s to name.
"""

from __future__ import annotations

from relgraph.lower.attention_parts import (
    MERGE_HEADS,
    PARTIAL_LINEAR,
    SPLIT_HEADS,
    bias_arguments,
    heads,
    is_framed_attention,
)
from relgraph.lower.layers import LINEAR
from relgraph.lower.module import Argument, Definition, Module
from relgraph.program import Connect

_REDUCED_ATTENTION = Definition(
    "ReducedAttention",
    '''\
class ReducedAttention(nn.Module):
    """Multi-head attention of every position to a reduced map (PVT's spatial reduction).

    y[o] = proj(Σ_j softmax_j(q[o] · k[j] / √head_dim) v[j]), q = Q x, (k, v) = KV reduce(x)
    Shapes: (B, C, H, W) -> (B, C, H, W); reduce: (B, C, H, W) -> (B, C, h, w), M = h * w keys.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        reduce: nn.Module,
        qkv_bias: bool = True,
        proj_bias: bool = True,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.num_heads = num_heads
        self.scale = (dim // num_heads) ** -0.5
        self.reduce = reduce
        self.q = Linear(dim, dim, bias=qkv_bias)
        self.kv = Linear(dim, 2 * dim, bias=qkv_bias)
        self.proj = Linear(dim, dim, bias=proj_bias)

    def weights(self, x: Tensor) -> Tensor:
        """softmax(q kᵀ / √head_dim): (B, num_heads, H * W, M), rows are outputs."""
        (q,) = split_heads(self.q(x.flatten(2).transpose(1, 2)), 1, self.num_heads)
        k = partial_linear(self.kv, self.reduced(x), 0, self.dim)
        (k,) = split_heads(k, 1, self.num_heads)
        return (q * self.scale @ k.transpose(-2, -1)).softmax(dim=-1)

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        """Sum the values with weights w and project: (B, C, H, W)."""
        v = partial_linear(self.kv, self.reduced(x), self.dim, 2 * self.dim)
        (v,) = split_heads(v, 1, self.num_heads)
        return self.proj(merge_heads(w @ v)).transpose(1, 2).unflatten(2, x.shape[2:])

    def forward(self, x: Tensor) -> Tensor:
        # On channels_last memory flatten and transpose are free views.
        (q,) = split_heads(self.q(x.flatten(2).transpose(1, 2)), 1, self.num_heads)
        k, v = split_heads(self.kv(self.reduced(x)), 2, self.num_heads)
        y = merge_heads(F.scaled_dot_product_attention(q, k, v))
        return self.proj(y).transpose(1, 2).unflatten(2, x.shape[2:])

    def reduced(self, x: Tensor) -> Tensor:
        """What keys and values read: (B, M, C)."""
        return self.reduce(x).flatten(2).transpose(1, 2)''',
    uses=(LINEAR, SPLIT_HEADS, MERGE_HEADS, PARTIAL_LINEAR),
)


def accepts_reduced_attention(node: Connect) -> bool:
    """Keys of a reduced map; no extra tokens, and no position bias."""
    connection = node.connection
    return (
        connection.operator.space.connect == "full"
        and is_framed_attention(connection)
        and connection.operator.weight.position == "none"
        and connection.key_grid is not None
        and node.reduce is not None
        and node.reduce.output.layout == "map"
        and connection.in_grid == connection.out_grid
        and node.input.layout == "map"
    )


def lower_reduced_attention(node: Connect) -> Module:
    """`ReducedAttention`, without its argument `reduce`."""
    connection = node.connection
    arguments: tuple[tuple[str, Argument], ...] = (
        ("dim", connection.in_channels),
        ("num_heads", heads(connection.operator.channel, connection.in_channels)),
        *bias_arguments(connection),
    )
    return Module(_REDUCED_ATTENTION.name, arguments, definition=_REDUCED_ATTENTION)
