"""Attention for inference: the position bias and the mask of every window are one stored table.

Goes in: an attention of a model that is only used, at one size. Comes out: a module whose logits
are q · k + bias: the factor 1 / √head_dim stands in the queries' weights, what the bias is made of
is not computed again. `relgraph.inference` makes its tensors of a trained model's.
"""

from __future__ import annotations

from relgraph.lower.attention import accepts_attention, accepts_window_attention
from relgraph.lower.attention_parts import MERGE_HEADS, SPLIT_HEADS, bias_arguments, heads
from relgraph.lower.layers import POINTWISE_CONV_2D
from relgraph.lower.module import Argument, Definition, MapSize, Module
from relgraph.lower.windows import (
    FIT_WINDOW,
    PARTITION,
    REVERSE,
    WINDOW_ORDER,
    as_grid,
    window_arguments,
)
from relgraph.program import Connect

_SIZE = """\
        if (x.shape[2], x.shape[3]) != self.map_size:
            raise ValueError(f"made for maps of {self.map_size}, found {tuple(x.shape[2:])}")"""

_LAYERS = """\
        super().__init__()
        self.num_heads = num_heads
        self.map_size = map_size
        self.qkv = PointwiseConv2d(dim, 3 * dim, bias=qkv_bias)
        self.proj = PointwiseConv2d(dim, dim, bias=proj_bias)"""

_BAKED_WINDOW = Definition(
    "BakedWindowAttention",
    f'''\
class BakedWindowAttention(nn.Module):
    """Multi-head self-attention inside windows, shifted or not, as it is used (Swin).

    y[o] = proj(Σ_j softmax_j(q[o] · k[j] + bias[o, j]) v[j]), j in the window of o
    The bias is the one of the offset j - o, -inf where a shifted window is cut; q · k holds the
    factor 1 / √head_dim. Shapes: (B, C, H, W) -> (B, C, H, W) at `map_size` and no other.
    """

    order: Tensor
    inverse: Tensor
    bias: Tensor

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: tuple[int, int],
        map_size: tuple[int, int],
        shift_size: tuple[int, int] = (0, 0),
        qkv_bias: bool = True,
        proj_bias: bool = True,
        cut: bool = True,
    ) -> None:
{_LAYERS}
        self.window, self.shift = fit_window(map_size, window_size, shift_size)
        for name in ("order", "inverse"):
            self.register_buffer(name, None, persistent=False)
        self.reset_parameters()
        # Without a cut, all windows have the same table.
        windows = len(self.order) if cut and any(self.shift) else 1
        places = self.order.shape[1]
        self.register_buffer("bias", torch.zeros(windows, num_heads, places, places))

    def reset_parameters(self) -> None:
        device = self.qkv.weight.device
        self.order = window_order(self.map_size, self.window, self.shift, device)
        self.inverse = self.order.flatten().argsort()

    def forward(self, x: Tensor) -> Tensor:
{_SIZE}
        # Windows and their places are to the linear layers what rows and columns are.
        windows = window_partition(x, self.order).permute(0, 3, 1, 2)
        q, k, v = split_heads(self.qkv(windows).permute(0, 2, 3, 1), 3, self.num_heads)
        batch, bias = q.shape[:2], self.bias
        # The fused kernel wants one batch dimension: images and windows together.
        if bias.shape[0] > 1:
            bias = bias.expand(batch[0], -1, -1, -1, -1).flatten(0, 1)
        q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=1.0)
        y = window_reverse(merge_heads(y.unflatten(0, batch)), self.inverse, x.shape[2:])
        return self.proj(y.permute(0, 3, 1, 2))''',
    uses=(
        POINTWISE_CONV_2D,
        SPLIT_HEADS,
        MERGE_HEADS,
        FIT_WINDOW,
        WINDOW_ORDER,
        PARTITION,
        REVERSE,
    ),
)

_BAKED_FULL = Definition(
    "BakedAttention2d",
    f'''\
class BakedAttention2d(nn.Module):
    """Multi-head self-attention over a whole map with a position bias, as it is used.

    y[o] = proj(Σ_j softmax_j(q[o] · k[j] + bias[o, j]) v[j]); q · k holds the factor 1 / √head_dim
    Shapes: (B, C, H, W) -> (B, C, H, W) at `map_size` and no other.
    """

    bias: Tensor

    def __init__(
        self,
        dim: int,
        num_heads: int,
        map_size: tuple[int, int],
        qkv_bias: bool = True,
        proj_bias: bool = True,
    ) -> None:
{_LAYERS}
        places = map_size[0] * map_size[1]
        self.register_buffer("bias", torch.zeros(1, num_heads, places, places))

    def forward(self, x: Tensor) -> Tensor:
{_SIZE}
        q, k, v = split_heads(self.qkv(x).flatten(2).transpose(1, 2), 3, self.num_heads)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=self.bias, scale=1.0)
        return self.proj(merge_heads(y).transpose(1, 2).unflatten(2, x.shape[2:]))''',
    uses=(POINTWISE_CONV_2D, SPLIT_HEADS, MERGE_HEADS),
)


def bakes(node: Connect) -> bool:
    """Whether an attention has a position bias that a table of its map can hold."""
    weight, space = node.connection.operator.weight, node.connection.operator.space
    if weight.source != "pair" or weight.score != "dot" or space.pad:
        return False
    if weight.position in ("none", "rotary") or weight.talking_heads != "none":
        return False
    if weight.kv_heads is not None:
        return False
    return accepts_attention(node) or accepts_window_attention(node)


def accepts_baked(node: Connect) -> bool:
    """Attention that `relgraph.inference` has made."""
    return node.baked


def lower_baked(node: Connect) -> Module:
    """`BakedWindowAttention` or, where the map is one window, `BakedAttention2d`."""
    connection = node.connection
    first: tuple[tuple[str, Argument], ...] = (
        ("dim", connection.in_channels),
        ("num_heads", heads(connection.operator.channel, connection.in_channels)),
    )
    last = bias_arguments(connection)
    if connection.operator.space.connect == "full":
        size = (("map_size", MapSize(*as_grid(connection.in_grid))),)
        return Module(_BAKED_FULL.name, (*first, *size, *last), definition=_BAKED_FULL)
    wraps = connection.operator.space.border == "wrap"
    cut: tuple[tuple[str, Argument], ...] = (("cut", False),) if wraps else ()
    arguments = (*first, *window_arguments(node), *last, *cut)
    return Module(_BAKED_WINDOW.name, arguments, definition=_BAKED_WINDOW)
