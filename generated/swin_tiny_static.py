# Made by relgraph from the spec `swin_tiny_static`. Edit the spec, not this file.
# resolved spec: sha256 6da526973e3a0e6938d4ccc471309284e76c93f93c38e3d1724f035f67893d3e
# text below: sha256 7c79b095499f5a8159d6ea83563f70b9caa29b4960032dfded3f3337327a3833
"""swin_tiny_static: Han et al., On the Connection between Local Attention and Dynamic Depth-wise
Convolution, ICLR 2022

26,132,824 parameters; 3,726,862,848 multiply-adds for one image of 224 x 224 (convolutions and
matrix products).

Stages:
  1. 2 blocks, 96 channels on 56 x 56
  2. 2 blocks, 192 channels on 28 x 28
  3. 6 blocks, 384 channels on 14 x 14
  4. 2 blocks, 768 channels on 7 x 7

Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):
  patchify: local 4×4 over space, stride 4×4, shared over positions; all channels; static.
    Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021.
    from mlp: sparsify space full → local; share space none → positions.
  static_local_attention: windows 7×7 over space, wrapped round the border, a weight for every
    entry; own channel only, shared inside 3 heads; static; value and output projections. Han et
    al., On the Connection between Local Attention and Dynamic Depth-wise Convolution, ICLR 2022.
    from mlp: sparsify space full → window; sparsify channel full → separate; share channel none →
      heads; wrap in value projection; wrap in output projection.
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


def window_partition(x: Tensor, order: Tensor) -> Tensor:
    """Gather a map (B, C, H, W) into windows (B, windows, places, C)."""
    # A channels_last map is (B, H * W, C) for free; one gather does shift and partition.
    x = x.permute(0, 2, 3, 1).flatten(1, 2)
    return x.index_select(1, order.flatten()).unflatten(1, order.shape)


def window_reverse(x: Tensor, inverse: Tensor, map_size: torch.Size) -> Tensor:
    """Put windows (B, windows, places, C) back in their places: (B, H, W, C)."""
    return x.flatten(1, 2).index_select(1, inverse).unflatten(1, map_size)


class WindowMixing(nn.Module):
    """Mix the places of each window with learned weights, the same in all windows.

    y[o] = proj(Σ_j W[head, place(o), place(j)] value(x)[j]), j in the window of o
    Windows that a shift moves over the border wrap round to the other side.
    Shapes: (B, C, H, W) -> (B, C, H, W); window_size must divide (H, W).
    """

    order: Tensor
    inverse: Tensor

    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: tuple[int, int],
        map_size: tuple[int, int],
        shift_size: tuple[int, int] = (0, 0),
        value_bias: bool = True,
        proj_bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.window_size = window_size
        self.map_size = map_size
        self.shift_size = shift_size
        self.weight = nn.Parameter(torch.empty(self.weight_shape()))
        self.value = Linear(dim, dim, bias=value_bias)
        self.proj = Linear(dim, dim, bias=proj_bias)
        self.register_buffer("order", None, persistent=False)
        self.register_buffer("inverse", None, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        # Variance preserving: every output sums over the places of its window.
        nn.init.normal_(self.weight, std=self.weight.shape[-1] ** -0.5)
        self.order, self.inverse = self.tables(self.map_size)

    def weight_shape(self) -> tuple[int, ...]:
        places = math.prod(self.window_size)
        return self.num_heads, places, places

    def tables(self, map_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Gather index and its inverse; a window that spans the map has no shift."""
        _, shift = fit_window(map_size, self.window_size, self.shift_size)
        order = window_order(map_size, self.window_size, shift, self.weight.device)
        return order, order.flatten().argsort()

    def locate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The tables for the size of x."""
        if x.shape[2:] == self.map_size:
            return self.order, self.inverse
        return self.tables((x.shape[2], x.shape[3]))

    def forward(self, x: Tensor) -> Tensor:
        order, inverse = self.locate(x)
        (v,) = split_heads(self.value(window_partition(x, order)), 1, self.num_heads)
        y = window_reverse(merge_heads(self.mix(v)), inverse, x.shape[2:])
        return self.proj(y).permute(0, 3, 1, 2)

    def mix(self, v: Tensor) -> Tensor:
        """Sum values (B, windows, heads, places, C / heads) over the places of their window."""
        return torch.einsum("hqk,bnhkc->bnhqc", self.weight, v)


class PerWindowMixing(WindowMixing):
    """The same with weights of its own for each window of the map (the paper's local MLP)."""

    def weight_shape(self) -> tuple[int, ...]:
        places = math.prod(self.window_size)
        return self.num_heads, math.prod(self.map_size) // places, places, places

    def locate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if x.shape[2:] != self.map_size:
            size = tuple(x.shape[2:])
            raise ValueError(f"weights for each window of {self.map_size}, found {size}")
        return self.order, self.inverse

    def mix(self, v: Tensor) -> Tensor:
        return torch.einsum("hnqk,bnhkc->bnhqc", self.weight, v)


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

    x = x + static_local_attention(layer_norm(x))
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
        self.static_local_attention = PerWindowMixing(
            dim, num_heads=num_heads, window_size=(7, 7), map_size=map_size, shift_size=shift_size
        )
        self.drop_path1 = DropPath(drop_path)
        self.norm2 = LayerNorm2d(dim)
        self.feed_forward = FeedForward(dim)
        self.drop_path2 = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path1(self.static_local_attention(self.norm1(x)))
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


class SwinTinyStatic(nn.Module):
    """Images (B, in_chans, H, W) -> logits (B, num_classes). H, W must be img_size."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        img_size: int | tuple[int, int] = 224,
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
        if height % 224 or width % 224:
            raise ValueError(f"img_size: multiples of 224, found {height} x {width}")
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
            (96, 3, ((0, 0), (3, 3))),
            (192, 6, ((0, 0), (3, 3))),
            (384, 12, 3 * ((0, 0), (3, 3))),
            (768, 24, ((0, 0), (3, 3))),
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
        if tuple(x.shape[-2:]) != tuple(self.img_size):
            size = tuple(x.shape[-2:])
            raise ValueError(f"built for images of {self.img_size}, found {size}")
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
        return set()

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


def swin_tiny_static(
    num_classes: int = 1000,
    in_chans: int = 3,
    img_size: int | tuple[int, int] = 224,
    drop_path_rate: float = 0.2,
) -> SwinTinyStatic:
    """swin_tiny_static: 26,132,824 parameters, 3.73 G multiply-adds."""
    return SwinTinyStatic(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "swin_tiny_static"
SPEC = {
    "name": "swin_tiny_static",
    "cite": (
        "Han et al., On the Connection between Local Attention and Dynamic Depth-wise Convolution, "
        "ICLR 2022"
    ),
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "static_local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "border": "wrap",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 3,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 96,
                                        "out_channels": 96,
                                        "cite": (
                                            "Han et al., On the Connection between Local Attention "
                                            "and Dynamic Depth-wise Convolution, ICLR 2022"
                                        ),
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
                                        "name": "static_local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "shift": [3, 3],
                                                "border": "wrap",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 3,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 96,
                                        "out_channels": 96,
                                        "cite": (
                                            "Han et al., On the Connection between Local Attention "
                                            "and Dynamic Depth-wise Convolution, ICLR 2022"
                                        ),
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "static_local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "border": "wrap",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 6,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 192,
                                        "out_channels": 192,
                                        "cite": (
                                            "Han et al., On the Connection between Local Attention "
                                            "and Dynamic Depth-wise Convolution, ICLR 2022"
                                        ),
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
                                        "name": "static_local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "shift": [3, 3],
                                                "border": "wrap",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 6,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 192,
                                        "out_channels": 192,
                                        "cite": (
                                            "Han et al., On the Connection between Local Attention "
                                            "and Dynamic Depth-wise Convolution, ICLR 2022"
                                        ),
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
                    "in_channels": 384,
                    "out_channels": 192,
                    "cite": "Lin et al., Network In Network, ICLR 2014",
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "static_local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "border": "wrap",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 12,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 384,
                                        "out_channels": 384,
                                        "cite": (
                                            "Han et al., On the Connection between Local Attention "
                                            "and Dynamic Depth-wise Convolution, ICLR 2022"
                                        ),
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
                                        "name": "static_local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "shift": [3, 3],
                                                "border": "wrap",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 12,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 384,
                                        "out_channels": 384,
                                        "cite": (
                                            "Han et al., On the Connection between Local Attention "
                                            "and Dynamic Depth-wise Convolution, ICLR 2022"
                                        ),
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
                    "in_channels": 768,
                    "out_channels": 384,
                    "cite": "Lin et al., Network In Network, ICLR 2014",
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
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
                                    },
                                    {
                                        "node": "operator",
                                        "name": "static_local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "border": "wrap",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 24,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 768,
                                        "out_channels": 768,
                                        "cite": (
                                            "Han et al., On the Connection between Local Attention "
                                            "and Dynamic Depth-wise Convolution, ICLR 2022"
                                        ),
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
                                        "name": "static_local_attention",
                                        "operator": {
                                            "space": {
                                                "connect": "window",
                                                "size": [7, 7],
                                                "shift": [3, 3],
                                                "border": "wrap",
                                            },
                                            "channel": {
                                                "connect": "separate",
                                                "share": "heads",
                                                "heads": 24,
                                            },
                                            "bias": "none",
                                            "frame": {"value": True, "output": True},
                                        },
                                        "in_channels": 768,
                                        "out_channels": 768,
                                        "cite": (
                                            "Han et al., On the Connection between Local Attention "
                                            "and Dynamic Depth-wise Convolution, ICLR 2022"
                                        ),
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
                    "in_channels": 1536,
                    "out_channels": 768,
                    "cite": "Lin et al., Network In Network, ICLR 2014",
                },
            ],
        },
    ],
}
