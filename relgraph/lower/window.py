"""Window attention: every position attends to the positions of its window, shifted or not.

Goes in: a `window` connection whose weights come from pairs under a softmax. Comes out: a module on
maps whose shift and partition are one precomputed gather. Windows that span the whole map are
`attention`'s where the spec says so; here they only happen at other input sizes.
"""

from __future__ import annotations

from relgraph.algebra.operator import Connection, Size
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
from relgraph.lower.module import Argument, Definition, Module
from relgraph.lower.windows import (
    CUT_MASK,
    FIT_WINDOW,
    PADDED_SIZE,
    PARTITION,
    REVERSE,
    WINDOW_ORDER,
    as_grid,
    largest_window,
    shift_of,
    window_arguments,
)
from relgraph.program import Connect

_INIT = """\
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
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = Linear(dim, dim, bias=proj_bias)"""

MASK_OF = '''\
    def mask_of(
        self, order: Tensor, map_size: tuple[int, int], shift_size: tuple[int, int]
    ) -> Tensor | None:
        """Windows that the shift moves over the border are cut there, into pieces apart."""
        if not any(shift_size):
            return None
        return cut_mask(order, map_size, shift_size).to(self.qkv.weight.dtype)'''

AGGREGATE = '''\
    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        """Sum the values with weights w and project: (B, C, H, W)."""
        order, inverse, _ = self.locate(x)
        v = partial_linear(self.qkv, window_partition(x, order), 2 * self.dim, 3 * self.dim)
        (v,) = split_heads(v, 1, self.num_heads)
        y = window_reverse(merge_heads(w @ v), inverse, x.shape[2:])
        return self.proj(y).permute(0, 3, 1, 2)'''

_WINDOW_ATTENTION = Definition(
    "WindowAttention",
    f'''\
class WindowAttention(nn.Module):
    """Multi-head self-attention inside windows, shifted or not, with relative position bias (Swin).

    y[o] = proj(Σ_j softmax_j(q[o] · k[j] / √head_dim + bias[j - o]) v[j]), j in the window of o
    Shapes: (B, C, H, W) -> (B, C, H, W); window_size divides (H, W) or is no smaller.
    """

    order: Tensor
    inverse: Tensor
    mask: Tensor | None
    relative_position_index: Tensor

{_INIT}
        offsets = (2 * window_size[0] - 1) * (2 * window_size[1] - 1)
        self.relative_position_bias_table = nn.Parameter(torch.empty(offsets, num_heads))
        for name in ("order", "inverse", "mask", "relative_position_index"):
            self.register_buffer(name, None, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        tables = self.tables(self.map_size)
        self.order, self.inverse, self.mask, self.relative_position_index = tables

    def tables(self, map_size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """How windows lie on a map: gather index, its inverse, mask, relative position index."""
        window, shift = fit_window(map_size, self.window_size, self.shift_size)
        order = window_order(map_size, window, shift, self.qkv.weight.device)
        index = relative_position_index(window, self.window_size, order.device)
        return order, order.flatten().argsort(), self.mask_of(order, map_size, shift), index

{MASK_OF}

    def locate(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gather index, its inverse and logit bias ([windows or 1], num_heads, places, places)."""
        tables = (self.order, self.inverse, self.mask, self.relative_position_index)
        if x.shape[2:] != self.map_size:
            tables = self.tables((x.shape[2], x.shape[3]))
        order, inverse, mask, index = tables
        bias = self.relative_position_bias_table[index].permute(2, 0, 1).unsqueeze(0)
        return order, inverse, bias if mask is None else bias + mask

    def weights(self, x: Tensor) -> Tensor:
        """softmax(q kᵀ / √head_dim + bias): (B, windows, num_heads, places, places)."""
        order, _, bias = self.locate(x)
        qk = partial_linear(self.qkv, window_partition(x, order), 0, 2 * self.dim)
        return self.softmax(*split_heads(qk, 2, self.num_heads), bias)

{AGGREGATE}

    def forward(self, x: Tensor) -> Tensor:
        order, inverse, bias = self.locate(x)
        q, k, v = split_heads(self.qkv(window_partition(x, order)), 3, self.num_heads)
        # A CPU's fused kernel cannot differentiate the bias, and its fallback is slow.
        explicit = torch.is_grad_enabled()
        y = self.softmax(q, k, bias) @ v if explicit else self.fused(q, k, v, bias)
        y = window_reverse(merge_heads(y), inverse, x.shape[2:])
        return self.proj(y).permute(0, 3, 1, 2)

    def softmax(self, q: Tensor, k: Tensor, bias: Tensor) -> Tensor:
        return (q * self.scale @ k.transpose(-2, -1) + bias).softmax(dim=-1)

    def fused(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """The same without storing weights; the kernel wants a batch and a bias of 4 dimensions."""
        batch = q.shape[:2]
        if bias.shape[0] > 1:
            bias = bias.expand(batch[0], -1, -1, -1, -1).flatten(0, 1)
        q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        return y.unflatten(0, batch)''',
    uses=(
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
    ),
)

_PLAIN = Definition(
    "PlainWindowAttention",
    f'''\
class PlainWindowAttention(nn.Module):
    """Multi-head self-attention inside windows, shifted or not, without position bias.

    y[o] = proj(Σ_j softmax_j(q[o] · k[j] / √head_dim) v[j]), j in the window of o
    Shapes: (B, C, H, W) -> (B, C, H, W); window_size divides (H, W) or is no smaller.
    """

    order: Tensor
    inverse: Tensor
    mask: Tensor | None

{_INIT}
        for name in ("order", "inverse", "mask"):
            self.register_buffer(name, None, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        self.order, self.inverse, self.mask = self.tables(self.map_size)

    def tables(self, map_size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor | None]:
        """How windows lie on a map: gather index, its inverse, mask."""
        window, shift = fit_window(map_size, self.window_size, self.shift_size)
        order = window_order(map_size, window, shift, self.qkv.weight.device)
        return order, order.flatten().argsort(), self.mask_of(order, map_size, shift)

{MASK_OF}

    def locate(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Gather index, its inverse and mask (windows, 1, places, places) for the size of x."""
        if x.shape[2:] != self.map_size:
            return self.tables((x.shape[2], x.shape[3]))
        return self.order, self.inverse, self.mask

    def weights(self, x: Tensor) -> Tensor:
        """softmax(q kᵀ / √head_dim): (B, windows, num_heads, places, places)."""
        order, _, mask = self.locate(x)
        qk = partial_linear(self.qkv, window_partition(x, order), 0, 2 * self.dim)
        q, k = split_heads(qk, 2, self.num_heads)
        logits = q * self.scale @ k.transpose(-2, -1)
        return (logits if mask is None else logits + mask).softmax(dim=-1)

{AGGREGATE}

    def forward(self, x: Tensor) -> Tensor:
        order, inverse, mask = self.locate(x)
        q, k, v = split_heads(self.qkv(window_partition(x, order)), 3, self.num_heads)
        batch = q.shape[:2]
        if mask is not None:
            mask = mask.to(q.dtype).expand(batch[0], -1, -1, -1, -1).flatten(0, 1)
        # The fused kernel wants one batch dimension: images and windows together.
        q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).unflatten(0, batch)
        y = window_reverse(merge_heads(y), inverse, x.shape[2:])
        return self.proj(y).permute(0, 3, 1, 2)''',
    uses=(
        LINEAR,
        SPLIT_HEADS,
        MERGE_HEADS,
        PARTIAL_LINEAR,
        FIT_WINDOW,
        WINDOW_ORDER,
        CUT_MASK,
        PARTITION,
        REVERSE,
    ),
)


def placed(definition: Definition, node: Connect) -> Definition:
    """The class as the node's windows lie: cut at the border as it is, or on a torus; with zeros
    that complete the map."""
    space = node.connection.operator.space
    if space.border == "wrap" and _shift(node) != (0, 0):
        definition = _wrapped(definition)
    return _padded(definition) if space.pad else definition


def _wrapped(cut: Definition) -> Definition:
    return Definition(
        f"Wrapped{cut.name}",
        f'''\
class Wrapped{cut.name}({cut.name}):
    """The same on a torus: windows that a shift moves over the border wrap round it."""

    def mask_of(
        self, order: Tensor, map_size: tuple[int, int], shift_size: tuple[int, int]
    ) -> Tensor | None:
        return None''',
        uses=(cut,),
    )


def _padded(exact: Definition) -> Definition:
    return Definition(
        f"Padded{exact.name}",
        f'''\
class Padded{exact.name}({exact.name}):
    """The same on maps that windows need not divide.

    Zeros below and to the right complete the map; they take part and are cropped afterwards.
    """

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
        map_size = padded_size(map_size, window_size)
        super().__init__(dim, num_heads, window_size, map_size, shift_size, qkv_bias, proj_bias)

    def weights(self, x: Tensor) -> Tensor:
        return super().weights(self.complete(x))

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        return super().aggregate(w, self.complete(x))[:, :, : x.shape[2], : x.shape[3]]

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.complete(x))[:, :, : x.shape[2], : x.shape[3]]

    def complete(self, x: Tensor) -> Tensor:
        h, w = padded_size((x.shape[2], x.shape[3]), self.window_size)
        return F.pad(x, (0, w - x.shape[3], 0, h - x.shape[2]))''',
        uses=(exact, PADDED_SIZE),
    )


def accepts_window_attention(node: Connect) -> bool:
    """Windows on maps, cut or wrapped at the border, with a bias per offset or none."""
    connection = node.connection
    return (
        is_framed_attention(connection)
        and connection.operator.weight.position in ("none", "relative")
        and lies_in_windows(node)
    )


def lies_in_windows(node: Connect) -> bool:
    """Whether windows lie on a map as `placed` knows them."""
    connection = node.connection
    return (
        connection.operator.space.connect == "window"
        and connection.operator.space.halo == (0, 0)
        and node.input.layout == "map"
        and (_shift(node) == (0, 0) or connection.operator.space.border in ("mask", "wrap"))
        and not _is_ring(connection)
        and node.reduce is None
        and connection.in_grid == connection.out_grid
    )


def _shift(node: Connect) -> Size:
    return shift_of(node.connection.operator.space, largest_window(node.connection))


def _is_ring(connection: Connection) -> bool:
    """Whether offsets are counted round the map: a wrapping window that spans it on an axis."""
    space, grid = connection.operator.space, as_grid(connection.in_grid)
    spans = any(size >= length for size, length in zip(space.size, grid, strict=True))
    return space.border == "wrap" and connection.operator.weight.position != "none" and spans


def lower_window_attention(node: Connect) -> Module:
    """`WindowAttention` (Swin), or its relative without bias, on a torus, or with padding."""
    connection = node.connection
    plain = connection.operator.weight.position == "none"
    definition = placed(_PLAIN if plain else _WINDOW_ATTENTION, node)
    arguments: tuple[tuple[str, Argument], ...] = (
        ("dim", connection.in_channels),
        ("num_heads", heads(connection.operator.channel, connection.in_channels)),
        *window_arguments(node),
        *bias_arguments(connection),
    )
    return Module(definition.name, arguments, definition=definition)
