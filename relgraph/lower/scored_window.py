"""Window attention with other scores than the plain product (Swin v2).

Goes in: a `window` connection whose weights are a softmax over pairs, compared by cosines. Comes
out: a class on maps like those of `window`, put together of the score and the position bias that
it has. Where windows lie is `windows`' affair.
"""

from __future__ import annotations

from dataclasses import dataclass

from relgraph.algebra.operator import Weight
from relgraph.lower.attention_parts import (
    MERGE_HEADS,
    PARTIAL_LINEAR,
    RELATIVE_POSITION_INDEX,
    SPLIT_HEADS,
    bias_arguments,
    heads,
    is_framed_softmax,
)
from relgraph.lower.cosine import SCALED
from relgraph.lower.layers import LINEAR
from relgraph.lower.module import Argument, Definition, Module
from relgraph.lower.window import AGGREGATE, MASK_OF, lies_in_windows, placed
from relgraph.lower.windows import (
    CUT_MASK,
    FIT_WINDOW,
    PARTITION,
    REVERSE,
    WINDOW_ORDER,
    window_arguments,
)
from relgraph.program import Connect


@dataclass(frozen=True)
class _Bias:
    """A position bias as text: the word in the class's name, what the docstring says of it, lines
    of the constructor and of `reset_parameters`, and the table (offsets, num_heads)."""

    word: str
    doc: str
    layers: str
    reset: str
    table: str


_BIASES = {
    "relative": _Bias(
        word="",
        doc="with a learned bias for each offset",
        layers="""\
        offsets = (2 * window_size[0] - 1) * (2 * window_size[1] - 1)
        self.relative_position_bias_table = nn.Parameter(torch.empty(offsets, num_heads))
""",
        reset="""\
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
""",
        table="self.relative_position_bias_table",
    ),
}

_TEXT = '''\
class {name}(nn.Module):
    """Multi-head self-attention inside windows, shifted or not, by scaled cosines (Swin v2).

    y[o] = proj(Σ_j softmax_j(τ cos(q[o], k[j]) + bias[j - o]) v[j]), j in the window of o,
    {doc} and head and one τ ≤ 100 for each head
    Shapes: (B, C, H, W) -> (B, C, H, W); window_size divides (H, W) or is no smaller.
    """

    order: Tensor
    inverse: Tensor
    mask: Tensor | None
    relative_position_index: Tensor

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: tuple[int, int],
        map_size: tuple[int, int],
        shift_size: tuple[int, int] = (0, 0),
        qkv_bias: bool = True,
        proj_bias: bool = True,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.num_heads = num_heads
        self.window_size = window_size
        self.map_size = map_size
        self.shift_size = shift_size
        self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)
        self.logit_scale = nn.Parameter(torch.empty(num_heads))
{layers}        self.proj = Linear(dim, dim, bias=proj_bias)
        for name in ("order", "inverse", "mask", "relative_position_index"):
            self.register_buffer(name, None, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.logit_scale, math.log(10))
{reset}        tables = self.tables(self.map_size)
        self.order, self.inverse, self.mask, self.relative_position_index = tables

    def tables(self, map_size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """How windows lie on a map: gather index, its inverse, mask, relative position index."""
        window, shift = fit_window(map_size, self.window_size, self.shift_size)
        order = window_order(map_size, window, shift, self.qkv.weight.device)
        index = relative_position_index(window, self.window_size, order.device)
        return order, order.flatten().argsort(), self.mask_of(order, map_size, shift), index

{mask_of}

    def locate(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gather index, its inverse and logit bias ([windows or 1], num_heads, places, places)."""
        tables = (self.order, self.inverse, self.mask, self.relative_position_index)
        if x.shape[2:] != self.map_size:
            tables = self.tables((x.shape[2], x.shape[3]))
        order, inverse, mask, index = tables
        bias = {table}[index].permute(2, 0, 1).unsqueeze(0)
        return order, inverse, bias if mask is None else bias + mask

{scaled}

    def weights(self, x: Tensor) -> Tensor:
        """softmax(τ cos(q, k) + bias): (B, windows, num_heads, places, places)."""
        order, _, bias = self.locate(x)
        qk = partial_linear(self.qkv, window_partition(x, order), 0, 2 * self.dim)
        q, k = self.scaled(*split_heads(qk, 2, self.num_heads))
        return (q @ k.transpose(-2, -1) + bias).softmax(dim=-1)

{aggregate}

    def forward(self, x: Tensor) -> Tensor:
        order, inverse, bias = self.locate(x)
        q, k, v = split_heads(self.qkv(window_partition(x, order)), 3, self.num_heads)
        q, k = self.scaled(q, k)
        if torch.is_grad_enabled():
            # A CPU's fused kernel cannot differentiate the bias, and its fallback is slow.
            y = (q @ k.transpose(-2, -1) + bias).softmax(dim=-1) @ v
        else:
            y = self.fused(q, k, v, bias)
        y = window_reverse(merge_heads(y), inverse, x.shape[2:])
        return self.proj(y).permute(0, 3, 1, 2)

    def fused(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """The same without storing weights; the kernel wants a batch and a bias of 4 dimensions."""
        batch = q.shape[:2]
        if bias.shape[0] > 1:
            bias = bias.expand(batch[0], -1, -1, -1, -1).flatten(0, 1)
        q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype), scale=1.0)
        return y.unflatten(0, batch)'''

_USES = (
    LINEAR,
    SPLIT_HEADS,
    MERGE_HEADS,
    PARTIAL_LINEAR,
    FIT_WINDOW,
    WINDOW_ORDER,
    CUT_MASK,
    RELATIVE_POSITION_INDEX,
    PARTITION,
    REVERSE,
)


def accepts_scored_window(node: Connect) -> bool:
    """Windows on maps, queries and keys compared by cosines, with a bias per offset."""
    weight = node.connection.operator.weight
    return (
        is_framed_softmax(node.connection)
        and weight.score == "cosine"
        and weight.position in _BIASES
        and lies_in_windows(node)
    )


def lower_scored_window(node: Connect) -> Module:
    """`CosineWindowAttention` or its relative, on a torus or with padding where asked."""
    connection = node.connection
    definition = placed(_definition(connection.operator.weight), node)
    arguments: tuple[tuple[str, Argument], ...] = (
        ("dim", connection.in_channels),
        ("num_heads", heads(connection.operator.channel, connection.in_channels)),
        *window_arguments(node),
        *bias_arguments(connection),
    )
    return Module(definition.name, arguments, definition=definition)


def _definition(weight: Weight) -> Definition:
    bias = _BIASES[weight.position]
    name = f"{bias.word}CosineWindowAttention"
    text = _TEXT.format(
        name=name,
        doc=bias.doc,
        layers=bias.layers,
        reset=bias.reset,
        table=bias.table,
        mask_of=MASK_OF,
        scaled=SCALED,
        aggregate=AGGREGATE,
    )
    return Definition(name, text, _USES, ("import math",))
