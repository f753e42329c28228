"""Global attention by scaled cosines.

Goes in: a `full` connection whose weights are a softmax over cosines of queries and keys. Comes
out: a module like those of `attention`, in which queries and keys have length 1 and each head
learns what the cosine is multiplied with. Windows are `scored_window`'s affair.
"""

from __future__ import annotations

from relgraph.lower.attention_parts import (
    MERGE_HEADS,
    PARTIAL_LINEAR,
    SPLIT_HEADS,
    bias_arguments,
    heads,
    is_framed_softmax,
)
from relgraph.lower.layers import LINEAR
from relgraph.lower.module import Argument, Definition, Module
from relgraph.program import Connect

SCALED = '''\
    def scaled(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys of length 1, queries times what their head learned, at most 100."""
        scale = self.logit_scale.clamp(max=math.log(100)).exp()[:, None, None]
        return F.normalize(q, dim=-1) * scale, F.normalize(k, dim=-1)'''

_USES = (LINEAR, SPLIT_HEADS, MERGE_HEADS, PARTIAL_LINEAR)

_COSINE = Definition(
    "CosineAttention",
    f'''\
class CosineAttention(nn.Module):
    """Multi-head self-attention of every position to every position, by scaled cosines.

    y[o] = proj(Σ_j softmax_j(τ cos(q[o], k[j])) v[j]), one softmax and one τ ≤ 100 for each head
    Shapes: (B, N, C) -> (B, N, C); N counts extra tokens and positions alike.
    """

    def __init__(
        self, dim: int, num_heads: int, qkv_bias: bool = True, proj_bias: bool = True
    ) -> None:
        super().__init__()
        self.dim = dim
        self.num_heads = num_heads
        self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)
        self.logit_scale = nn.Parameter(torch.empty(num_heads))
        self.proj = Linear(dim, dim, bias=proj_bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.logit_scale, math.log(10))

{SCALED}

    def weights(self, x: Tensor) -> Tensor:
        """softmax(τ cos(q, k)): (B, num_heads, N, N), rows are outputs."""
        q, k = split_heads(partial_linear(self.qkv, x, 0, 2 * self.dim), 2, self.num_heads)
        q, k = self.scaled(q, k)
        return (q @ k.transpose(-2, -1)).softmax(dim=-1)

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        """Sum the values with weights w and project: (B, N, C)."""
        v = partial_linear(self.qkv, x, 2 * self.dim, 3 * self.dim)
        (v,) = split_heads(v, 1, self.num_heads)
        return self.proj(merge_heads(w @ v))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = split_heads(self.qkv(x), 3, self.num_heads)
        q, k = self.scaled(q, k)
        # The fused kernel never stores the N x N weights.
        y = F.scaled_dot_product_attention(q, k, v, scale=1.0)
        return self.proj(merge_heads(y))''',
    uses=_USES,
    imports=("import math",),
)

_COSINE_2D = Definition(
    "CosineAttention2d",
    '''\
class CosineAttention2d(CosineAttention):
    """The same on a map: (B, C, H, W) -> (B, C, H, W), N = H * W positions in row-major order."""

    def weights(self, x: Tensor) -> Tensor:
        return super().weights(x.flatten(2).transpose(1, 2))

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        y = super().aggregate(w, x.flatten(2).transpose(1, 2))
        return y.transpose(1, 2).unflatten(2, x.shape[2:])

    def forward(self, x: Tensor) -> Tensor:
        # On channels_last memory both transposes are free views.
        y = super().forward(x.flatten(2).transpose(1, 2))
        return y.transpose(1, 2).unflatten(2, x.shape[2:])''',
    uses=(_COSINE,),
)


def accepts_cosine_attention(node: Connect) -> bool:
    """Full attention by cosines, without ranks and position bias."""
    connection = node.connection
    weight = connection.operator.weight
    return (
        connection.operator.space.connect == "full"
        and is_framed_softmax(connection)
        and (weight.score, weight.position) == ("cosine", "none")
        and connection.key_grid is None
        and connection.in_grid == connection.out_grid
        and node.input.layout in ("map", "sequence")
    )


def lower_cosine_attention(node: Connect) -> Module:
    """`CosineAttention` on sequences, `CosineAttention2d` on maps."""
    definition = _COSINE_2D if node.input.layout == "map" else _COSINE
    connection = node.connection
    arguments: tuple[tuple[str, Argument], ...] = (
        ("dim", connection.in_channels),
        ("num_heads", heads(connection.operator.channel, connection.in_channels)),
        *bias_arguments(connection),
    )
    return Module(definition.name, arguments, definition=definition)
