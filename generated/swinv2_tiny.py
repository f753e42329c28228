# Made by relgraph from the spec `swinv2_tiny`. Edit the spec, not this file.
# resolved spec: sha256 223f6ae95e3ca0959d5624b23afd67ac327baecdaf4bbc5190f0b241ebf405c3
# text below: sha256 1839205d94a5e915fce1f614e36d32fb500e1400c4c8c410dfe5b46b2d56e409
"""swinv2_tiny: Liu et al., Swin Transformer V2: Scaling Up Capacity and Resolution, CVPR 2022

28,347,154 parameters; 5,939,690,496 multiply-adds for one image of 256 x 256 (convolutions and
matrix products).

Stages:
  1. 2 blocks, 96 channels on 64 x 64
  2. 2 blocks, 192 channels on 32 x 32
  3. 6 blocks, 384 channels on 16 x 16
  4. 2 blocks, 768 channels on 8 x 8

Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):
  patchify: local 4×4 over space, stride 4×4, shared over positions; all channels; static.
    Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021.
    from mlp: sparsify space full → local; share space none → positions.
  window_attention_v2: windows 8×8 over space; own channel only, shared inside 3 heads; dynamic,
    from pairs (cosine of query and key, times a learned scale), softmax, continuous position bias;
    value and output projections. Liu et al., Swin Transformer V2: Scaling Up Capacity and
    Resolution, CVPR 2022.
    from mlp: sparsify space full → window; share space none → positions; sparsify channel full →
      separate; share channel none → heads; make dynamic static → pair by cosine with continuous
      position; normalise none → softmax; wrap in value projection; wrap in output projection.
  feed_forward: Vaswani et al., Attention Is All You Need, NeurIPS 2017.
  pointwise: own position only, shared over positions; all channels; static. Lin et al., Network In
    Network, ICLR 2014.
    from mlp: sparsify space full → point; share space none → positions.

Shapes: B images, C or dim channels, H x W positions; N = extra tokens + H * W. Maps are (B, C, H,
W) tensors in channels_last memory, where permuting channels last is free. [f, g](x) is g(f(x)).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class Conv2d(nn.Conv2d):
    """Convolution. The kernel starts normal with variance 2 / fan-out, the bias at 0."""

    def reset_parameters(self) -> None:
        fan_out = math.prod(self.kernel_size) * self.out_channels // self.groups
        nn.init.normal_(self.weight, std=math.sqrt(2.0 / fan_out))
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of every position of a map (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Stem(nn.Module):
    """Stem, from the image to the first map: (B, in_chans, H, W) -> (B, out_dim, H/4, W/4).

    x = layer_norm(patchify(x))
    """

    def __init__(self, in_chans: int, out_dim: int) -> None:
        super().__init__()
        self.patchify = Conv2d(in_chans, out_dim, kernel_size=4, stride=4)
        self.norm = LayerNorm2d(out_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.patchify(x))


class Linear(nn.Linear):
    """y = x Wᵀ + b over the last dimension. W starts truncated normal (0.02), b at 0."""

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class Linear2d(Linear):
    """The same linear layer at every position of a map: (B, C, H, W) -> (B, D, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        # Maps lie in channels_last memory, so both permutes are free views.
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class FeedForward(nn.Module):
    """Operator `feed_forward`: (B, dim, H, W) -> (B, dim, H, W).

    x = pointwise(gelu(pointwise(x)))
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pointwise1 = Linear2d(dim, 4 * dim)
        self.pointwise2 = Linear2d(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise2(F.gelu(self.pointwise1(x)))


class KeylessLinear(nn.Module):
    """Linear layers side by side, one for each letter of `parts`; that of the keys has no bias.

    y = x Wᵀ + b over the last dimension. W starts truncated normal (0.02), b at 0.
    """

    def __init__(self, dim: int, parts: str = "qkv") -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(len(parts) * dim, dim))
        for part in "qkv":
            there = part in parts and part != "k"
            bias = nn.Parameter(torch.empty(dim)) if there else None
            self.register_parameter(f"{part}_bias", bias)
        self.parts = parts
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)
        for bias in (self.q_bias, self.v_bias):
            if bias is not None:
                nn.init.zeros_(bias)

    @property
    def bias(self) -> Tensor:
        """The biases of all parts; the keys' is 0."""
        none = self.weight.new_zeros(self.weight.shape[1])
        biases = {"q": self.q_bias, "k": none, "v": self.v_bias}
        return torch.cat([biases[part] for part in self.parts])

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class PositionNetwork(nn.Sequential):
    """A bias for each offset and head by a small network (Swin v2): (N, 2) -> (N, num_heads).

    bias = 16 σ(W₂ relu(W₁ c + b₁)) of the coordinates c: sign(d) log₂(1 + 8|d|/D) / 3 on each axis
    for the offset d, D the largest there. Layers start truncated normal (0.02), the bias at 0.
    """

    def __init__(self, num_heads: int, hidden: int = 512) -> None:
        last = nn.Linear(hidden, num_heads, bias=False)
        super().__init__(nn.Linear(2, hidden), nn.ReLU(), last)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self[0].weight, std=0.02)
        nn.init.zeros_(self[0].bias)
        nn.init.trunc_normal_(self[2].weight, std=0.02)

    def forward(self, offsets: Tensor) -> Tensor:
        weight = self[0].weight
        # bf16 has too few digits for logarithms.
        offsets = offsets.to(torch.promote_types(weight.dtype, torch.float32))
        furthest = offsets.abs().amax(0).clamp(min=1)
        coordinates = offsets.sign() * torch.log2(1 + 8 * offsets.abs() / furthest) / 3
        return 16 * super().forward(coordinates.to(weight.dtype)).sigmoid()


def relative_offsets(size: tuple[int, int], device: torch.device) -> Tensor:
    """The offset of each row of a relative position table for h x w places: (rows, 2)."""
    rows, columns = (torch.arange(1 - side, side, device=device) for side in size)
    return torch.cartesian_prod(rows, columns)


def split_heads(x: Tensor, parts: int, num_heads: int) -> tuple[Tensor, ...]:
    """Cut (..., N, parts * C) into `parts` views (..., num_heads, N, C / num_heads)."""
    x = x.unflatten(-1, (parts, num_heads, -1))
    return x.transpose(-4, -2).unbind(-3)


def merge_heads(x: Tensor) -> Tensor:
    """Heads side by side again: (..., num_heads, N, C / num_heads) -> (..., N, C)."""
    return x.transpose(-3, -2).flatten(-2)


def partial_linear(layer: nn.Linear, x: Tensor, first: int, last: int) -> Tensor:
    """The outputs first, ..., last - 1 of a linear layer, and no others."""
    bias = None if layer.bias is None else layer.bias[first:last]
    return F.linear(x, layer.weight[first:last], bias)


def fit_window(
    map_size: tuple[int, int], window_size: tuple[int, int], shift_size: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Window and shift on a map: where a window covers the map it is the map, and no shift."""
    (h, w), (window_h, window_w) = map_size, window_size
    shift = (shift_size[0] if window_h < h else 0, shift_size[1] if window_w < w else 0)
    return (min(window_h, h), min(window_w, w)), shift


def window_order(
    map_size: tuple[int, int],
    window_size: tuple[int, int],
    shift_size: tuple[int, int],
    device: torch.device,
) -> Tensor:
    """Positions of a map window by window, row-major in both: (windows, places).

    Windows start at rows and columns shift_size, modulo window_size; the last ones wrap round.
    """
    (h, w), (window_h, window_w) = map_size, window_size
    if h % window_h or w % window_w:
        raise ValueError(f"windows {window_h} x {window_w} must divide the map, found {h} x {w}")
    position = torch.arange(h * w, device=device).view(h, w)
    position = position.roll((-shift_size[0], -shift_size[1]), dims=(0, 1))
    position = position.view(h // window_h, window_h, w // window_w, window_w)
    return position.transpose(1, 2).reshape(-1, window_h * window_w)


def cut_mask(order: Tensor, map_size: tuple[int, int], shift_size: tuple[int, int]) -> Tensor:
    """-inf between pieces of the map that only the shift brought into one window, else 0.

    `order` is window_order's. Shape (windows, 1, places, places), added to logits.
    """
    y, x = order // map_size[1], order % map_size[1]
    # What lies before the first whole window is a piece of its own, on each axis.
    piece = 2 * (y < shift_size[0]) + (x < shift_size[1])
    apart = piece[:, None, :, None] != piece[:, None, None, :]
    return torch.zeros(apart.shape, device=order.device).masked_fill(apart, -math.inf)


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
    return dy * (2 * table_size[1] - 1) + dx


def window_partition(x: Tensor, order: Tensor) -> Tensor:
    """Gather a map (B, C, H, W) into windows (B, windows, places, C)."""
    # A channels_last map is (B, H * W, C) for free; one gather does shift and partition.
    x = x.permute(0, 2, 3, 1).flatten(1, 2)
    return x.index_select(1, order.flatten()).unflatten(1, order.shape)


def window_reverse(x: Tensor, inverse: Tensor, map_size: torch.Size) -> Tensor:
    """Put windows (B, windows, places, C) back in their places: (B, H, W, C)."""
    return x.flatten(1, 2).index_select(1, inverse).unflatten(1, map_size)


class KeylessContinuousCosineWindowAttention(nn.Module):
    """Multi-head self-attention inside windows, shifted or not, by scaled cosines (Swin v2).

    y[o] = proj(Σ_j softmax_j(τ cos(q[o], k[j]) + network(j - o)) v[j]), j in the window of o,
    with a network's bias for each offset and head and one τ ≤ 100 for each head
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
        hidden: int = 512,
        proj_bias: bool = True,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.num_heads = num_heads
        self.window_size = window_size
        self.map_size = map_size
        self.shift_size = shift_size
        self.qkv = KeylessLinear(dim)
        self.logit_scale = nn.Parameter(torch.empty(num_heads))
        self.cpb_mlp = PositionNetwork(num_heads, hidden)
        self.proj = Linear(dim, dim, bias=proj_bias)
        for name in ("order", "inverse", "mask", "relative_position_index"):
            self.register_buffer(name, None, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.constant_(self.logit_scale, math.log(10))
        tables = self.tables(self.map_size)
        self.order, self.inverse, self.mask, self.relative_position_index = tables

    def tables(self, map_size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """How windows lie on a map: gather index, its inverse, mask, relative position index."""
        window, shift = fit_window(map_size, self.window_size, self.shift_size)
        order = window_order(map_size, window, shift, self.qkv.weight.device)
        index = relative_position_index(window, window, order.device)
        return order, order.flatten().argsort(), self.mask_of(order, map_size, shift), index

    def mask_of(
        self, order: Tensor, map_size: tuple[int, int], shift_size: tuple[int, int]
    ) -> Tensor | None:
        """Windows that the shift moves over the border are cut there, into pieces apart."""
        if not any(shift_size):
            return None
        return cut_mask(order, map_size, shift_size).to(self.qkv.weight.dtype)

    def locate(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gather index, its inverse and logit bias ([windows or 1], num_heads, places, places)."""
        tables = (self.order, self.inverse, self.mask, self.relative_position_index)
        if x.shape[2:] != self.map_size:
            tables = self.tables((x.shape[2], x.shape[3]))
        order, inverse, mask, index = tables
        bias = self.cpb_mlp(self.offsets(x))[index].permute(2, 0, 1).unsqueeze(0)
        return order, inverse, bias if mask is None else bias + mask

    def offsets(self, x: Tensor) -> Tensor:
        """The offsets between two places of a window on the map of x: (offsets, 2)."""
        window, _ = fit_window((x.shape[2], x.shape[3]), self.window_size, self.shift_size)
        return relative_offsets(window, x.device)

    def scaled(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """Queries and keys of length 1, queries times what their head learned, at most 100."""
        scale = self.logit_scale.clamp(max=math.log(100)).exp()[:, None, None]
        return F.normalize(q, dim=-1) * scale, F.normalize(k, dim=-1)

    def weights(self, x: Tensor) -> Tensor:
        """softmax(τ cos(q, k) + bias): (B, windows, num_heads, places, places)."""
        order, _, bias = self.locate(x)
        qk = partial_linear(self.qkv, window_partition(x, order), 0, 2 * self.dim)
        q, k = self.scaled(*split_heads(qk, 2, self.num_heads))
        return (q @ k.transpose(-2, -1) + bias).softmax(dim=-1)

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        """Sum the values with weights w and project: (B, C, H, W)."""
        order, inverse, _ = self.locate(x)
        v = partial_linear(self.qkv, window_partition(x, order), 2 * self.dim, 3 * self.dim)
        (v,) = split_heads(v, 1, self.num_heads)
        y = window_reverse(merge_heads(w @ v), inverse, x.shape[2:])
        return self.proj(y).permute(0, 3, 1, 2)

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
        return y.unflatten(0, batch)


class StartedLayerNorm2d(LayerNorm2d):
    """Layer norm whose weight starts at `init`; at 0, a residual branch starts as nothing."""

    init = 1.0

    def __init__(
        self, normalized_shape: int, init: float, eps: float = 1e-5, bias: bool = True
    ) -> None:
        super().__init__(normalized_shape, eps=eps, bias=bias)
        self.init = init
        self.reset_parameters()

    def reset_parameters(self) -> None:
        super().reset_parameters()
        nn.init.constant_(self.weight, self.init)


class DropPath(nn.Module):
    """Stochastic depth (Huang et al., ECCV 2016): zero x for a random part of the samples."""

    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        if self.drop_prob == 0.0 or not self.training:
            return x
        keep_prob = 1.0 - self.drop_prob
        # One coin per sample; dividing by keep_prob keeps the expectation.
        keep = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(keep_prob)
        return x * keep.div_(keep_prob)

    def extra_repr(self) -> str:
        return f"drop_prob={self.drop_prob:.3f}"


class SwinBlock(nn.Module):
    """Block `swin`: (B, dim, H, W) -> (B, dim, H, W).

    x = x + layer_norm(window_attention_v2(x))
    x = x + layer_norm(feed_forward(x))
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        shift_size: tuple[int, int],
        map_size: tuple[int, int],
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.window_attention_v2 = KeylessContinuousCosineWindowAttention(
            dim, num_heads=num_heads, window_size=(8, 8), map_size=map_size, shift_size=shift_size
        )
        self.norm1 = StartedLayerNorm2d(dim, init=0.0)
        self.drop_path1 = DropPath(drop_path)
        self.feed_forward = FeedForward(dim)
        self.norm2 = StartedLayerNorm2d(dim, init=0.0)
        self.drop_path2 = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path1(self.norm1(self.window_attention_v2(x)))
        return x + self.drop_path2(self.norm2(self.feed_forward(x)))


def space_to_depth(x: Tensor, size: int) -> Tensor:
    """Gather size × size neighbours into channels: (B, C, H, W) -> (B, size²·C, H/size, W/size).

    The parts stand in the order (0, 0), (1, 0), (0, 1), (1, 1): the row runs fastest, as in Swin.
    """
    height, width = x.shape[2:]
    if height % size or width % size:
        raise ValueError(f"both sides must be multiples of {size}, found {height}×{width}")
    x = x.permute(0, 2, 3, 1).unflatten(2, (-1, size)).unflatten(1, (-1, size))
    # (B, H/s, row, W/s, column, C) -> (B, H/s, W/s, column, row, C)
    return x.permute(0, 1, 3, 4, 2, 5).flatten(3).permute(0, 3, 1, 2)


class Downsample(nn.Module):
    """From one stage to the next: (B, dim, H, W) -> (B, 2 * dim, H/2, W/2).

    x = layer_norm(pointwise(space_to_depth(x)))
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pointwise = Linear2d(4 * dim, 2 * dim, bias=False)
        self.norm = LayerNorm2d(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.pointwise(space_to_depth(x, 2)))


class Stage(nn.Module):
    """Blocks on maps of one size, after an optional change of size: one row of the spec."""

    def __init__(
        self,
        blocks: Iterable[nn.Module],
        downsample: nn.Module | None = None,
        after: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.Sequential(*blocks)
        self.after = after
        self.grad_checkpointing = False

    def forward(self, x: Tensor) -> Tensor:
        if self.downsample is not None:
            x = self.downsample(x)
        for block in self.blocks:
            if self.grad_checkpointing and self.training:
                # Keep only the block's input; its inside is computed again in the backward.
                x = checkpoint(block, x, use_reentrant=False)
            else:
                x = block(x)
        return x if self.after is None else self.after(x)


class Swinv2Tiny(nn.Module):
    """Images (B, in_chans, H, W) -> logits (B, num_classes). H and W: multiples of 256."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        img_size: int | tuple[int, int] = 256,
        drop_path_rate: float = 0.2,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.in_chans = in_chans
        self.img_size = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.num_features = 768  # Channels that the classifier reads.
        self.feature_info = [
            {"num_chs": 96, "reduction": 4, "module": "stages.0"},
            {"num_chs": 192, "reduction": 8, "module": "stages.1"},
            {"num_chs": 384, "reduction": 16, "module": "stages.2"},
            {"num_chs": 768, "reduction": 32, "module": "stages.3"},
        ]
        height, width = self.img_size
        if height % 256 or width % 256:
            raise ValueError(f"img_size: multiples of 256, found {height} x {width}")
        # The map of every stage: the image's sides over the stride so far, rounded up.
        map_sizes = [
            (-(-self.img_size[0] // step), -(-self.img_size[1] // step)) for step in (4, 8, 16, 32)
        ]
        # Stochastic depth: the rate rises linearly from block to block.
        rates = iter([drop_path_rate * i / 11 for i in range(12)])
        self.stem = Stem(in_chans, 96)
        self.stages = nn.ModuleList(self.make_stages(rates, map_sizes))
        self.norm = LayerNorm2d(768)
        self.classifier: nn.Module = Linear(768, num_classes)

    def make_stages(
        self, rates: Iterator[float], map_sizes: list[tuple[int, int]]
    ) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        rows = (
            # dim, num_heads, shift_sizes
            (96, 3, ((0, 0), (4, 4))),
            (192, 6, ((0, 0), (4, 4))),
            (384, 12, 3 * ((0, 0), (4, 4))),
            (768, 24, ((0, 0), (4, 4))),
        )
        for number, (dim, num_heads, shift_sizes) in enumerate(rows):
            blocks = [
                SwinBlock(
                    dim,
                    num_heads=num_heads,
                    shift_size=shift_size,
                    map_size=map_sizes[number],
                    drop_path=next(rates),
                )
                for shift_size in shift_sizes
            ]
            yield Stage(blocks, downsample=Downsample(dim // 2) if number else None)

    def forward_stem(self, x: Tensor) -> Tensor:
        """The value before the first stage."""
        height, width = x.shape[-2:]
        if height % 256 or width % 256:
            raise ValueError(f"images: multiples of 256, found {height} x {width}")
        # One memory layout for the whole net: see the classes' permutations.
        return self.stem(x.contiguous(memory_format=torch.channels_last))

    def forward_features(self, x: Tensor) -> Tensor:
        """The value after the last stage."""
        x = self.forward_stem(x)
        for stage in self.stages:
            x = stage(x)
        return x

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits from what `forward_features` gives, or what the classifier reads."""
        x = self.norm(x).mean((2, 3))
        return x if pre_logits else self.classifier(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))

    def forward_intermediates(self, x: Tensor) -> list[Tensor]:
        """The map after every stage, (B, num_chs, H, W) each; see `feature_info`."""
        maps = []
        x = self.forward_stem(x)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def get_classifier(self) -> nn.Module:
        return self.classifier

    def reset_classifier(self, num_classes: int) -> None:
        """A fresh classifier; with 0 classes the model gives what it would read."""
        like = next(self.parameters())
        self.num_classes = num_classes
        if num_classes == 0:
            self.classifier = nn.Identity()
        else:
            fresh = Linear(768, num_classes)
            self.classifier = fresh.to(like.device, like.dtype)

    def no_weight_decay(self) -> set[str]:
        """Parameters of two and more dimensions that weight decay should leave alone."""
        spared = ("window_attention_v2.cpb_mlp.0.weight", "window_attention_v2.cpb_mlp.2.weight")
        return {n for n, _ in self.named_parameters() if n.endswith(spared)}

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Trade time for memory: blocks compute their inside again in the backward."""
        for stage in self.stages:
            stage.grad_checkpointing = enable

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Fresh weights, statistics and index tables; also after `to_empty` from meta."""
        for module in reversed(list(self.modules())):  # What contains others comes after them.
            if module is not self and hasattr(module, "reset_parameters"):
                module.reset_parameters()


def swinv2_tiny(
    num_classes: int = 1000,
    in_chans: int = 3,
    img_size: int | tuple[int, int] = 256,
    drop_path_rate: float = 0.2,
) -> Swinv2Tiny:
    """swinv2_tiny: 28,347,154 parameters, 5.94 G multiply-adds."""
    return Swinv2Tiny(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "swinv2_tiny"
SPEC = {
    "name": "swinv2_tiny",
    "cite": "Liu et al., Swin Transformer V2: Scaling Up Capacity and Resolution, CVPR 2022",
    "size": [256, 256],
    "in_chans": 3,
    "classes": 1000,
    "stem": [
        {
            "node": "operator",
            "name": "patchify",
            "operator": {
                "space": {
                    "connect": "local",
                    "size": [4, 4],
                    "stride": [4, 4],
                    "share": "positions",
                    "padding": [0, 0],
                },
            },
            "in_channels": 3,
            "out_channels": 96,
            "cite": "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021",
        },
        {"node": "element", "word": "layer_norm", "arguments": {"bias": True, "eps": 1e-05}},
    ],
    "head": [
        {"node": "element", "word": "layer_norm", "arguments": {"bias": True, "eps": 1e-05}},
        {"node": "element", "word": "global_pool", "arguments": {"kind": "average"}},
        {"node": "element", "word": "classifier", "arguments": {"bias": True}},
    ],
    "drop_path": 0.2,
    "stages": [
        {
            "channels": 96,
            "depth": 2,
            "period": 1,
            "blocks": [
                [
                    {
                        "node": "scope",
                        "name": "swin",
                        "kind": "definition",
                        "body": [
                            {
                                "node": "residual",
                                "label": "token_mixer",
                                "body": [
                                    {
                                        "node": "operator",
                                        "name": "window_attention_v2",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [8, 8],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 3,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "continuous",
                                                "score": "cosine",
                                                "key_bias": False,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 96,
                                        "out_channels": 96,
                                        "cite": (
                                            "Liu et al., Swin Transformer V2: Scaling Up Capacity "
                                            "and Resolution, CVPR 2022"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 96,
                                                "out_channels": 384,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 384,
                                                "out_channels": 96,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                        ],
                    },
                ],
                [
                    {
                        "node": "scope",
                        "name": "swin",
                        "kind": "definition",
                        "body": [
                            {
                                "node": "residual",
                                "label": "token_mixer",
                                "body": [
                                    {
                                        "node": "operator",
                                        "name": "window_attention_v2",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [8, 8],
                                                "shift": [4, 4],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 3,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "continuous",
                                                "score": "cosine",
                                                "key_bias": False,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 96,
                                        "out_channels": 96,
                                        "cite": (
                                            "Liu et al., Swin Transformer V2: Scaling Up Capacity "
                                            "and Resolution, CVPR 2022"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 96,
                                                "out_channels": 384,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 384,
                                                "out_channels": 96,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                        ],
                    },
                ],
            ],
        },
        {
            "channels": 192,
            "depth": 2,
            "period": 1,
            "blocks": [
                [
                    {
                        "node": "scope",
                        "name": "swin",
                        "kind": "definition",
                        "body": [
                            {
                                "node": "residual",
                                "label": "token_mixer",
                                "body": [
                                    {
                                        "node": "operator",
                                        "name": "window_attention_v2",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [8, 8],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 6,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "continuous",
                                                "score": "cosine",
                                                "key_bias": False,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 192,
                                        "out_channels": 192,
                                        "cite": (
                                            "Liu et al., Swin Transformer V2: Scaling Up Capacity "
                                            "and Resolution, CVPR 2022"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 192,
                                                "out_channels": 768,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 768,
                                                "out_channels": 192,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                        ],
                    },
                ],
                [
                    {
                        "node": "scope",
                        "name": "swin",
                        "kind": "definition",
                        "body": [
                            {
                                "node": "residual",
                                "label": "token_mixer",
                                "body": [
                                    {
                                        "node": "operator",
                                        "name": "window_attention_v2",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [8, 8],
                                                "shift": [4, 4],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 6,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "continuous",
                                                "score": "cosine",
                                                "key_bias": False,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 192,
                                        "out_channels": 192,
                                        "cite": (
                                            "Liu et al., Swin Transformer V2: Scaling Up Capacity "
                                            "and Resolution, CVPR 2022"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 192,
                                                "out_channels": 768,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 768,
                                                "out_channels": 192,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                        ],
                    },
                ],
            ],
            "downsample": [
                {"node": "element", "word": "space_to_depth", "arguments": {"size": 2}},
                {
                    "node": "operator",
                    "name": "pointwise",
                    "operator": {"space": {"share": "positions"}, "bias": "none"},
                    "in_channels": 384,
                    "out_channels": 192,
                    "cite": "Lin et al., Network In Network, ICLR 2014",
                },
                {
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-05},
                },
            ],
        },
        {
            "channels": 384,
            "depth": 6,
            "period": 2,
            "blocks": [
                [
                    {
                        "node": "scope",
                        "name": "swin",
                        "kind": "definition",
                        "body": [
                            {
                                "node": "residual",
                                "label": "token_mixer",
                                "body": [
                                    {
                                        "node": "operator",
                                        "name": "window_attention_v2",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [8, 8],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 12,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "continuous",
                                                "score": "cosine",
                                                "key_bias": False,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 384,
                                        "out_channels": 384,
                                        "cite": (
                                            "Liu et al., Swin Transformer V2: Scaling Up Capacity "
                                            "and Resolution, CVPR 2022"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 384,
                                                "out_channels": 1536,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 1536,
                                                "out_channels": 384,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                        ],
                    },
                ],
                [
                    {
                        "node": "scope",
                        "name": "swin",
                        "kind": "definition",
                        "body": [
                            {
                                "node": "residual",
                                "label": "token_mixer",
                                "body": [
                                    {
                                        "node": "operator",
                                        "name": "window_attention_v2",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [8, 8],
                                                "shift": [4, 4],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 12,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "continuous",
                                                "score": "cosine",
                                                "key_bias": False,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 384,
                                        "out_channels": 384,
                                        "cite": (
                                            "Liu et al., Swin Transformer V2: Scaling Up Capacity "
                                            "and Resolution, CVPR 2022"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 384,
                                                "out_channels": 1536,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 1536,
                                                "out_channels": 384,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                        ],
                    },
                ],
            ],
            "downsample": [
                {"node": "element", "word": "space_to_depth", "arguments": {"size": 2}},
                {
                    "node": "operator",
                    "name": "pointwise",
                    "operator": {"space": {"share": "positions"}, "bias": "none"},
                    "in_channels": 768,
                    "out_channels": 384,
                    "cite": "Lin et al., Network In Network, ICLR 2014",
                },
                {
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-05},
                },
            ],
        },
        {
            "channels": 768,
            "depth": 2,
            "period": 1,
            "blocks": [
                [
                    {
                        "node": "scope",
                        "name": "swin",
                        "kind": "definition",
                        "body": [
                            {
                                "node": "residual",
                                "label": "token_mixer",
                                "body": [
                                    {
                                        "node": "operator",
                                        "name": "window_attention_v2",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [8, 8],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 24,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "continuous",
                                                "score": "cosine",
                                                "key_bias": False,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 768,
                                        "out_channels": 768,
                                        "cite": (
                                            "Liu et al., Swin Transformer V2: Scaling Up Capacity "
                                            "and Resolution, CVPR 2022"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 768,
                                                "out_channels": 3072,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 3072,
                                                "out_channels": 768,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                        ],
                    },
                ],
                [
                    {
                        "node": "scope",
                        "name": "swin",
                        "kind": "definition",
                        "body": [
                            {
                                "node": "residual",
                                "label": "token_mixer",
                                "body": [
                                    {
                                        "node": "operator",
                                        "name": "window_attention_v2",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [8, 8],
                                                "shift": [4, 4],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 24,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "continuous",
                                                "score": "cosine",
                                                "key_bias": False,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 768,
                                        "out_channels": 768,
                                        "cite": (
                                            "Liu et al., Swin Transformer V2: Scaling Up Capacity "
                                            "and Resolution, CVPR 2022"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 768,
                                                "out_channels": 3072,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 3072,
                                                "out_channels": 768,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05, "init": 0.0},
                                    },
                                ],
                            },
                        ],
                    },
                ],
            ],
            "downsample": [
                {"node": "element", "word": "space_to_depth", "arguments": {"size": 2}},
                {
                    "node": "operator",
                    "name": "pointwise",
                    "operator": {"space": {"share": "positions"}, "bias": "none"},
                    "in_channels": 1536,
                    "out_channels": 768,
                    "cite": "Lin et al., Network In Network, ICLR 2014",
                },
                {
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-05},
                },
            ],
        },
    ],
}
