"""Global attention: every position of a map, and every extra token, attends to every other.

Goes in: a `full` connection whose weights come from pairs under a softmax. Comes out: a module on
sequences or on maps, without position bias, with one per offset or with one per pair of positions.
Keys on another map are `reduced`'s affair, windows `window`'s.
"""

from __future__ import annotations

from relgraph.lower.attention_parts import (
    MERGE_HEADS,
    PARTIAL_LINEAR,
    RELATIVE_POSITION_INDEX,
    SPLIT_HEADS,
    bias_arguments,
    heads,
    is_framed_attention,
)
from relgraph.lower.layers import LINEAR
from relgraph.lower.module import Argument, Definition, MapSize, Module
from relgraph.lower.windows import as_grid
from relgraph.program import Connect

_ATTENTION = Definition(
    "Attention",
    '''\
class Attention(nn.Module):
    """Multi-head self-attention of every position to every position (ViT).

    y[o] = proj(Σ_j softmax_j(q[o] · k[j] / √head_dim) v[j]), with one softmax for each head
    Shapes: (B, N, C) -> (B, N, C); N counts extra tokens and positions alike.
    """

    def __init__(
        self, dim: int, num_heads: int, qkv_bias: bool = True, proj_bias: bool = True
    ) -> None:
        super().__init__()
        self.dim = dim
        self.num_heads = num_heads
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = Linear(dim, dim, bias=proj_bias)

    def weights(self, x: Tensor) -> Tensor:
        """softmax(q kᵀ / √head_dim): (B, num_heads, N, N), rows are outputs."""
        q, k = split_heads(partial_linear(self.qkv, x, 0, 2 * self.dim), 2, self.num_heads)
        return (q * self.scale @ k.transpose(-2, -1)).softmax(dim=-1)

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        """Sum the values with weights w and project: (B, N, C)."""
        v = partial_linear(self.qkv, x, 2 * self.dim, 3 * self.dim)
        (v,) = split_heads(v, 1, self.num_heads)
        return self.proj(merge_heads(w @ v))

    def forward(self, x: Tensor) -> Tensor:
        # The fused kernel never stores the N x N weights.
        q, k, v = split_heads(self.qkv(x), 3, self.num_heads)
        return self.proj(merge_heads(F.scaled_dot_product_attention(q, k, v)))''',
    uses=(LINEAR, SPLIT_HEADS, MERGE_HEADS, PARTIAL_LINEAR),
)

_ATTENTION_2D = Definition(
    "Attention2d",
    '''\
class Attention2d(Attention):
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
    uses=(_ATTENTION,),
)

_INIT = """\
    def __init__(
        self,
        dim: int,
        num_heads: int,
        map_size: tuple[int, int],
        qkv_bias: bool = True,
        proj_bias: bool = True,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.num_heads = num_heads
        self.map_size = map_size
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = Linear(dim, dim, bias=proj_bias)
"""

_METHODS = '''\
    def weights(self, x: Tensor) -> Tensor:
        """softmax(q kᵀ / √head_dim + bias): (B, num_heads, H * W, H * W), rows are outputs."""
        qk = partial_linear(self.qkv, x.flatten(2).transpose(1, 2), 0, 2 * self.dim)
        return self.softmax(*split_heads(qk, 2, self.num_heads), self.position_bias_of(x))

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        """Sum the values with weights w and project: (B, C, H, W)."""
        v = partial_linear(self.qkv, x.flatten(2).transpose(1, 2), 2 * self.dim, 3 * self.dim)
        (v,) = split_heads(v, 1, self.num_heads)
        return self.proj(merge_heads(w @ v)).transpose(1, 2).unflatten(2, x.shape[2:])

    def forward(self, x: Tensor) -> Tensor:
        # On channels_last memory both transposes are free views.
        q, k, v = split_heads(self.qkv(x.flatten(2).transpose(1, 2)), 3, self.num_heads)
        bias = self.position_bias_of(x).to(q.dtype)
        if torch.is_grad_enabled():
            # A CPU's fused kernel cannot differentiate the bias, and its fallback is slow.
            y = self.softmax(q, k, bias) @ v
        else:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias[None])
        return self.proj(merge_heads(y)).transpose(1, 2).unflatten(2, x.shape[2:])

    def softmax(self, q: Tensor, k: Tensor, bias: Tensor) -> Tensor:
        return (q * self.scale @ k.transpose(-2, -1) + bias).softmax(dim=-1)'''

_USES = (LINEAR, SPLIT_HEADS, MERGE_HEADS, PARTIAL_LINEAR)

_RELATIVE = Definition(
    "RelativeAttention2d",
    f'''\
class RelativeAttention2d(nn.Module):
    """Multi-head self-attention over a whole map with a bias for each offset and head.

    y[o] = proj(Σ_j softmax_j(q[o] · k[j] / √head_dim + bias[j - o]) v[j])
    Shapes: (B, C, H, W) -> (B, C, H, W); a map no larger than `map_size`.
    """

    relative_position_index: Tensor

{_INIT}
        offsets = (2 * map_size[0] - 1) * (2 * map_size[1] - 1)
        self.relative_position_bias_table = nn.Parameter(torch.empty(offsets, num_heads))
        self.register_buffer("relative_position_index", None, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        table = self.relative_position_bias_table
        nn.init.trunc_normal_(table, std=0.02)
        size = self.map_size
        self.relative_position_index = relative_position_index(size, size, table.device)

    def position_bias_of(self, x: Tensor) -> Tensor:
        """The bias of every pair of positions: (num_heads, H * W, H * W)."""
        index, size = self.relative_position_index, (x.shape[2], x.shape[3])
        if size != self.map_size:
            if size[0] > self.map_size[0] or size[1] > self.map_size[1]:
                raise ValueError(f"position bias for maps up to {{self.map_size}}, found {{size}}")
            index = relative_position_index(size, self.map_size, x.device)
        return self.relative_position_bias_table[index].permute(2, 0, 1)

{_METHODS}''',
    uses=(*_USES, RELATIVE_POSITION_INDEX),
)

_ABSOLUTE = Definition(
    "AbsoluteAttention2d",
    f'''\
class AbsoluteAttention2d(nn.Module):
    """Multi-head self-attention over a whole map with a bias for each pair of positions and head.

    y[o] = proj(Σ_j softmax_j(q[o] · k[j] / √head_dim + bias[o, j]) v[j])
    Shapes: (B, C, H, W) -> (B, C, H, W) at `map_size` and no other.
    """

{_INIT}
        positions = map_size[0] * map_size[1]
        self.position_bias = nn.Parameter(torch.empty(num_heads, positions, positions))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.position_bias, std=0.02)

    def position_bias_of(self, x: Tensor) -> Tensor:
        """The bias of every pair of positions: (num_heads, H * W, H * W)."""
        if (x.shape[2], x.shape[3]) != self.map_size:
            raise ValueError(f"position bias for {{self.map_size}}, found {{tuple(x.shape[2:])}}")
        return self.position_bias

{_METHODS}''',
    uses=_USES,
)


def accepts_attention(node: Connect) -> bool:
    """Full attention without ranks; a position bias only where there are no extra tokens."""
    connection = node.connection
    space, weight = connection.operator.space, connection.operator.weight
    return (
        space.connect == "full"
        and is_framed_attention(connection)
        and connection.key_grid is None
        and connection.in_grid == connection.out_grid
        and node.input.layout in ("map", "sequence")
        and (weight.position == "none" or node.input.layout == "map")
        and (weight.position != "relative" or space.border != "wrap")  # else offsets go round
    )


def lower_attention(node: Connect) -> Module:
    """`Attention` on sequences, `Attention2d` and its relatives with a position bias on maps."""
    connection = node.connection
    position = connection.operator.weight.position
    arguments: tuple[tuple[str, Argument], ...] = (
        ("dim", connection.in_channels),
        ("num_heads", heads(connection.operator.channel, connection.in_channels)),
    )
    if position != "none":
        arguments += (("map_size", MapSize(*as_grid(connection.in_grid))),)
    on_map = {"none": _ATTENTION_2D, "relative": _RELATIVE, "absolute": _ABSOLUTE}[position]
    definition = on_map if node.input.layout == "map" else _ATTENTION
    return Module(definition.name, arguments + bias_arguments(connection), definition=definition)
