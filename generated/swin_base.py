# Made by relgraph from the spec `swin_base`. Edit the spec, not this file.
# resolved spec: sha256 b81061385b0885fb98a078e775a48ef4383b54c17e1d9086ca77a392ec5990bb
# text below: sha256 24a3b0e0e4626b76fbc2ba56047a504191eb9774669da9e25373c2353f568544
"""swin_base: Liu et al., Swin Transformer, ICCV 2021

87,768,224 parameters; 15,430,946,816 multiply-adds for one image of 224 x 224 (convolutions and
matrix products).

Stages:
  1. 2 blocks, 128 channels on 56 x 56
  2. 2 blocks, 256 channels on 28 x 28
  3. 18 blocks, 512 channels on 14 x 14
  4. 2 blocks, 1024 channels on 7 x 7

Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):
  patchify: local 4×4 over space, stride 4×4, shared over positions; all channels; static.
    Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021.
    from mlp: sparsify space full → local; share space none → positions.
  local_attention: windows 7×7 over space; own channel only, shared inside 4 heads; dynamic, from
    pairs (query · key), softmax, relative position bias; value and output projections. Liu et al.,
    Swin Transformer, ICCV 2021.
    from mlp: sparsify space full → window; share space none → positions; sparsify channel full →
      separate; share channel none → heads; make dynamic static → pair with relative position;
      normalise none → softmax; wrap in value projection; wrap in output projection.
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


class WindowAttention(nn.Module):
    """Multi-head self-attention inside windows, shifted or not, with relative position bias (Swin).

    y[o] = proj(Σ_j softmax_j(q[o] · k[j] / √head_dim + bias[j - o]) v[j]), j in the window of o
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
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = Linear(dim, dim, bias=proj_bias)
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
        bias = self.relative_position_bias_table[index].permute(2, 0, 1).unsqueeze(0)
        return order, inverse, bias if mask is None else bias + mask

    def weights(self, x: Tensor) -> Tensor:
        """softmax(q kᵀ / √head_dim + bias): (B, windows, num_heads, places, places)."""
        order, _, bias = self.locate(x)
        qk = partial_linear(self.qkv, window_partition(x, order), 0, 2 * self.dim)
        return self.softmax(*split_heads(qk, 2, self.num_heads), bias)

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
        return y.unflatten(0, batch)


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

    x = x + local_attention(layer_norm(x))
    x = x + feed_forward(layer_norm(x))
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
        self.norm1 = LayerNorm2d(dim)
        self.local_attention = WindowAttention(
            dim, num_heads=num_heads, window_size=(7, 7), map_size=map_size, shift_size=shift_size
        )
        self.drop_path1 = DropPath(drop_path)
        self.norm2 = LayerNorm2d(dim)
        self.feed_forward = FeedForward(dim)
        self.drop_path2 = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path1(self.local_attention(self.norm1(x)))
        return x + self.drop_path2(self.feed_forward(self.norm2(x)))


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

    x = pointwise(layer_norm(space_to_depth(x)))
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = LayerNorm2d(4 * dim)
        self.pointwise = Linear2d(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.norm(space_to_depth(x, 2)))


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


class SwinBase(nn.Module):
    """Images (B, in_chans, H, W) -> logits (B, num_classes). H and W: multiples of 224."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        img_size: int | tuple[int, int] = 224,
        drop_path_rate: float = 0.5,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.in_chans = in_chans
        self.img_size = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.num_features = 1024  # Channels that the classifier reads.
        self.feature_info = [
            {"num_chs": 128, "reduction": 4, "module": "stages.0"},
            {"num_chs": 256, "reduction": 8, "module": "stages.1"},
            {"num_chs": 512, "reduction": 16, "module": "stages.2"},
            {"num_chs": 1024, "reduction": 32, "module": "stages.3"},
        ]
        height, width = self.img_size
        if height % 224 or width % 224:
            raise ValueError(f"img_size: multiples of 224, found {height} x {width}")
        # The map of every stage: the image's sides over the stride so far, rounded up.
        map_sizes = [
            (-(-self.img_size[0] // step), -(-self.img_size[1] // step)) for step in (4, 8, 16, 32)
        ]
        # Stochastic depth: the rate rises linearly from block to block.
        rates = iter([drop_path_rate * i / 23 for i in range(24)])
        self.stem = Stem(in_chans, 128)
        self.stages = nn.ModuleList(self.make_stages(rates, map_sizes))
        self.norm = LayerNorm2d(1024)
        self.classifier: nn.Module = Linear(1024, num_classes)

    def make_stages(
        self, rates: Iterator[float], map_sizes: list[tuple[int, int]]
    ) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        rows = (
            # dim, num_heads, shift_sizes
            (128, 4, ((0, 0), (3, 3))),
            (256, 8, ((0, 0), (3, 3))),
            (512, 16, 9 * ((0, 0), (3, 3))),
            (1024, 32, ((0, 0), (3, 3))),
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
        if height % 224 or width % 224:
            raise ValueError(f"images: multiples of 224, found {height} x {width}")
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
            fresh = Linear(1024, num_classes)
            self.classifier = fresh.to(like.device, like.dtype)

    def no_weight_decay(self) -> set[str]:
        """Parameters of two and more dimensions that weight decay should leave alone."""
        spared = ("relative_position_bias_table",)
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


def swin_base(
    num_classes: int = 1000,
    in_chans: int = 3,
    img_size: int | tuple[int, int] = 224,
    drop_path_rate: float = 0.5,
) -> SwinBase:
    """swin_base: 87,768,224 parameters, 15.43 G multiply-adds."""
    return SwinBase(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "swin_base"
SPEC = {
    "name": "swin_base",
    "cite": "Liu et al., Swin Transformer, ICCV 2021",
    "size": [224, 224],
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
            "out_channels": 128,
            "cite": "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021",
        },
        {"node": "element", "word": "layer_norm", "arguments": {"bias": True, "eps": 1e-05}},
    ],
    "head": [
        {"node": "element", "word": "layer_norm", "arguments": {"bias": True, "eps": 1e-05}},
        {"node": "element", "word": "global_pool", "arguments": {"kind": "average"}},
        {"node": "element", "word": "classifier", "arguments": {"bias": True}},
    ],
    "drop_path": 0.5,
    "stages": [
        {
            "channels": 128,
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 4,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "relative",
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 128,
                                        "out_channels": 128,
                                        "cite": "Liu et al., Swin Transformer, ICCV 2021",
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 128,
                                                "out_channels": 512,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 512,
                                                "out_channels": 128,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "shift": [3, 3],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 4,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "relative",
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 128,
                                        "out_channels": 128,
                                        "cite": "Liu et al., Swin Transformer, ICCV 2021",
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 128,
                                                "out_channels": 512,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 512,
                                                "out_channels": 128,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
                                    },
                                ],
                            },
                        ],
                    },
                ],
            ],
        },
        {
            "channels": 256,
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 8,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "relative",
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 256,
                                        "out_channels": 256,
                                        "cite": "Liu et al., Swin Transformer, ICCV 2021",
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 256,
                                                "out_channels": 1024,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 1024,
                                                "out_channels": 256,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "shift": [3, 3],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 8,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "relative",
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 256,
                                        "out_channels": 256,
                                        "cite": "Liu et al., Swin Transformer, ICCV 2021",
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 256,
                                                "out_channels": 1024,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 1024,
                                                "out_channels": 256,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
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
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-05},
                },
                {
                    "node": "operator",
                    "name": "pointwise",
                    "operator": {"space": {"share": "positions"}, "bias": "none"},
                    "in_channels": 512,
                    "out_channels": 256,
                    "cite": "Lin et al., Network In Network, ICLR 2014",
                },
            ],
        },
        {
            "channels": 512,
            "depth": 18,
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 16,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "relative",
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 512,
                                        "out_channels": 512,
                                        "cite": "Liu et al., Swin Transformer, ICCV 2021",
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 512,
                                                "out_channels": 2048,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 2048,
                                                "out_channels": 512,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "shift": [3, 3],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 16,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "relative",
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 512,
                                        "out_channels": 512,
                                        "cite": "Liu et al., Swin Transformer, ICCV 2021",
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 512,
                                                "out_channels": 2048,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 2048,
                                                "out_channels": 512,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
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
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-05},
                },
                {
                    "node": "operator",
                    "name": "pointwise",
                    "operator": {"space": {"share": "positions"}, "bias": "none"},
                    "in_channels": 1024,
                    "out_channels": 512,
                    "cite": "Lin et al., Network In Network, ICLR 2014",
                },
            ],
        },
        {
            "channels": 1024,
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 32,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "relative",
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 1024,
                                        "out_channels": 1024,
                                        "cite": "Liu et al., Swin Transformer, ICCV 2021",
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 1024,
                                                "out_channels": 4096,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 4096,
                                                "out_channels": 1024,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "shift": [3, 3],
                                                "border": "mask",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 32,
                                            },
                                            "weight": {
                                                "source": "pair",
                                                "normalize": "softmax",
                                                "position": "relative",
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 1024,
                                        "out_channels": 1024,
                                        "cite": "Liu et al., Swin Transformer, ICCV 2021",
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "scope",
                                        "name": "feed_forward",
                                        "kind": "operator",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 1024,
                                                "out_channels": 4096,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {"node": "element", "word": "gelu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {"space": {"share": "positions"}},
                                                "in_channels": 4096,
                                                "out_channels": 1024,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                        ],
                                        "cite": (
                                            "Vaswani et al., Attention Is All You Need, NeurIPS "
                                            "2017"
                                        ),
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
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-05},
                },
                {
                    "node": "operator",
                    "name": "pointwise",
                    "operator": {"space": {"share": "positions"}, "bias": "none"},
                    "in_channels": 2048,
                    "out_channels": 1024,
                    "cite": "Lin et al., Network In Network, ICLR 2014",
                },
            ],
        },
    ],
}
