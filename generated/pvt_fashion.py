# Made by relgraph from the spec `pvt_fashion`. Edit the spec, not this file.
# resolved spec: sha256 fb7a35b26aec853c0e39ad770f27808cc5ffe2a1efed5f132a8428d34c7bf42b
# text below: sha256 25bdd44a12c38ec96d5951a8b1f727bb21b1c9b2a216e0ef98bdcf7be90fce7e
"""pvt_fashion: Wang et al., PVT v2: Improved Baselines with Pyramid Vision Transformer, CVMJ 2022

161,290 parameters; 12,914,688 multiply-adds for one image of 28 x 28 (convolutions and matrix
products).

Stages:
  1. 2 blocks, 32 channels on 14 x 14
  2. 2 blocks, 64 channels on 7 x 7

Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):
  conv: local 3×3 over space, stride 2×2, shared over positions; all channels; static. LeCun et al.,
    Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 1998.
    from mlp: sparsify space full → local; share space none → positions.
  reduced_attention: all positions over space, from a reduced map; own channel only, shared inside 1
    heads; dynamic, from pairs (query · key), softmax; value and output projections. Wang et al.,
    Pyramid Vision Transformer, ICCV 2021; PVT v2, CVMJ 2022.
    from mlp: lower rank space full → reduce; sparsify channel full → separate; share channel none →
      all; make dynamic static → pair; normalise none → softmax; wrap in value projection; wrap in
      output projection.
  patchify: local 2×2 over space, stride 2×2, shared over positions; all channels; static.
    Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021.
    from mlp: sparsify space full → local; share space none → positions.
  conv_feed_forward: Wang et al., PVT v2: Improved Baselines with Pyramid Vision Transformer, CVMJ
    2022.
  pointwise: own position only, shared over positions; all channels; static. Lin et al., Network In
    Network, ICLR 2014.
    from mlp: sparsify space full → point; share space none → positions.
  depthwise_conv: local 3×3 over space, shared over positions; own channel only; static. Howard et
    al., MobileNets, 2017; Chollet, Xception, CVPR 2017.
    from mlp: sparsify space full → local; share space none → positions; sparsify channel full →
      separate.

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
    """Stem, from the image to the first map: (B, in_chans, H, W) -> (B, out_dim, H/2, W/2).

    x = layer_norm(conv(x))
    """

    def __init__(self, in_chans: int, out_dim: int) -> None:
        super().__init__()
        self.conv = Conv2d(in_chans, out_dim, kernel_size=3, stride=2, padding=1)
        self.norm = LayerNorm2d(out_dim, eps=1e-06)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class Reduce(nn.Module):
    """The smaller map that keys and values read: (B, dim, H, W) -> (B, dim, H/2, W/2).

    x = layer_norm(patchify(x))
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.patchify = Conv2d(dim, dim, kernel_size=2, stride=2)
        self.norm = LayerNorm2d(dim, eps=1e-06)

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


class ConvFeedForward(nn.Module):
    """Operator `conv_feed_forward`: (B, dim, H, W) -> (B, dim, H, W).

    x = [pointwise, depthwise_conv, gelu, pointwise](x)
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pointwise1 = Linear2d(dim, 4 * dim)
        self.depthwise_conv = Conv2d(4 * dim, 4 * dim, kernel_size=3, padding=1, groups=4 * dim)
        self.pointwise2 = Linear2d(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise2(F.gelu(self.depthwise_conv(self.pointwise1(x))))


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
        return self.reduce(x).flatten(2).transpose(1, 2)


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


class Block(nn.Module):
    """Block: (B, dim, H, W) -> (B, dim, H, W).

    x = x + reduced_attention(layer_norm(x))
    x = x + conv_feed_forward(layer_norm(x))
    """

    def __init__(self, dim: int, num_heads: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.norm1 = LayerNorm2d(dim, eps=1e-06)
        self.reduced_attention = ReducedAttention(dim, num_heads=num_heads, reduce=Reduce(dim))
        self.drop_path1 = DropPath(drop_path)
        self.norm2 = LayerNorm2d(dim, eps=1e-06)
        self.conv_feed_forward = ConvFeedForward(dim)
        self.drop_path2 = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path1(self.reduced_attention(self.norm1(x)))
        return x + self.drop_path2(self.conv_feed_forward(self.norm2(x)))


class StageEnd(nn.Module):
    """End of a stage: (B, dim, H, W) -> (B, dim, H, W).

    x = layer_norm(x)
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = LayerNorm2d(dim, eps=1e-06)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


class Downsample(nn.Module):
    """From one stage to the next: (B, dim, H, W) -> (B, 2 * dim, H/2, W/2).

    x = layer_norm(conv(x))
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv = Conv2d(dim, 2 * dim, kernel_size=3, stride=2, padding=1)
        self.norm = LayerNorm2d(2 * dim, eps=1e-06)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


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
        return self.proj(merge_heads(F.scaled_dot_product_attention(q, k, v)))


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
        return y.transpose(1, 2).unflatten(2, x.shape[2:])


class Attention2dBlock(nn.Module):
    """Block: (B, dim, H, W) -> (B, dim, H, W).

    x = x + reduced_attention(layer_norm(x))
    x = x + conv_feed_forward(layer_norm(x))
    """

    def __init__(self, dim: int, num_heads: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.norm1 = LayerNorm2d(dim, eps=1e-06)
        self.reduced_attention = Attention2d(dim, num_heads=num_heads)
        self.drop_path1 = DropPath(drop_path)
        self.norm2 = LayerNorm2d(dim, eps=1e-06)
        self.conv_feed_forward = ConvFeedForward(dim)
        self.drop_path2 = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path1(self.reduced_attention(self.norm1(x)))
        return x + self.drop_path2(self.conv_feed_forward(self.norm2(x)))


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


class PvtFashion(nn.Module):
    """Images (B, in_chans, H, W) -> logits (B, num_classes). H and W: multiples of 4."""

    def __init__(
        self,
        num_classes: int = 10,
        in_chans: int = 1,
        img_size: int | tuple[int, int] = 28,
        drop_path_rate: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.in_chans = in_chans
        self.img_size = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.num_features = 64  # Channels that the classifier reads.
        self.feature_info = [
            {"num_chs": 32, "reduction": 2, "module": "stages.0"},
            {"num_chs": 64, "reduction": 4, "module": "stages.1"},
        ]
        height, width = self.img_size
        if height % 4 or width % 4:
            raise ValueError(f"img_size: multiples of 4, found {height} x {width}")
        # Stochastic depth: the rate rises linearly from block to block.
        rates = iter([drop_path_rate * i / 3 for i in range(4)])
        self.stem = Stem(in_chans, 32)
        self.stages = nn.ModuleList(self.make_stages(rates))
        self.classifier: nn.Module = Linear(64, num_classes)

    def make_stages(self, rates: Iterator[float]) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        # 2 blocks, 32 channels on H/2 x W/2.
        blocks = [Block(32, num_heads=1, drop_path=next(rates)) for _ in range(2)]
        yield Stage(blocks, after=StageEnd(32))
        # 2 blocks, 64 channels on H/4 x W/4.
        blocks = [Attention2dBlock(64, num_heads=2, drop_path=next(rates)) for _ in range(2)]
        yield Stage(blocks, downsample=Downsample(32), after=StageEnd(64))

    def forward_stem(self, x: Tensor) -> Tensor:
        """The value before the first stage."""
        height, width = x.shape[-2:]
        if height % 4 or width % 4:
            raise ValueError(f"images: multiples of 4, found {height} x {width}")
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
        x = x.mean((2, 3))
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
            fresh = Linear(64, num_classes)
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


def pvt_fashion(
    num_classes: int = 10,
    in_chans: int = 1,
    img_size: int | tuple[int, int] = 28,
    drop_path_rate: float = 0.0,
) -> PvtFashion:
    """pvt_fashion: 161,290 parameters, 0.01 G multiply-adds."""
    return PvtFashion(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "pvt_fashion"
SPEC = {
    "name": "pvt_fashion",
    "cite": "Wang et al., PVT v2: Improved Baselines with Pyramid Vision Transformer, CVMJ 2022",
    "size": [28, 28],
    "in_chans": 1,
    "classes": 10,
    "stem": [
        {
            "node": "operator",
            "name": "conv",
            "operator": {
                "space": {
                    "connect": "local",
                    "size": [3, 3],
                    "stride": [2, 2],
                    "share": "positions",
                },
            },
            "in_channels": 1,
            "out_channels": 32,
            "cite": (
                "LeCun et al., Gradient-Based Learning Applied to Document Recognition, Proc. IEEE "
                "1998"
            ),
        },
        {"node": "element", "word": "layer_norm", "arguments": {"bias": True, "eps": 1e-06}},
    ],
    "head": [
        {"node": "element", "word": "global_pool", "arguments": {"kind": "average"}},
        {"node": "element", "word": "classifier", "arguments": {"bias": True}},
    ],
    "stages": [
        {
            "channels": 32,
            "depth": 2,
            "period": 1,
            "blocks": [
                [
                    {
                        "node": "residual",
                        "label": "token_mixer",
                        "body": [
                            {
                                "node": "element",
                                "word": "layer_norm",
                                "arguments": {"bias": True, "eps": 1e-06},
                            },
                            {
                                "node": "operator",
                                "name": "reduced_attention",
                                "operator": {
                                    "space": {
                                        "connect": "full",
                                        "border": "mask",
                                        "rank": {"word": "reduce"},
                                    },
                                    "channel": {"connect": "separate", "share": "heads"},
                                    "weight": {"source": "pair", "normalize": "softmax"},
                                    "bias": "none",
                                    "frame": {"value": True, "output": True},
                                },
                                "in_channels": 32,
                                "out_channels": 32,
                                "reduce": [
                                    {
                                        "node": "operator",
                                        "name": "patchify",
                                        "operator": {
                                            "space": {
                                                "connect": "local",
                                                "size": [2, 2],
                                                "stride": [2, 2],
                                                "share": "positions",
                                                "padding": [0, 0],
                                            },
                                        },
                                        "in_channels": 32,
                                        "out_channels": 32,
                                        "cite": (
                                            "Dosovitskiy et al., An Image is Worth 16x16 Words, "
                                            "ICLR 2021"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-06},
                                    },
                                ],
                                "cite": (
                                    "Wang et al., Pyramid Vision Transformer, ICCV 2021; PVT v2, "
                                    "CVMJ 2022"
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
                                "arguments": {"bias": True, "eps": 1e-06},
                            },
                            {
                                "node": "scope",
                                "name": "conv_feed_forward",
                                "kind": "operator",
                                "body": [
                                    {
                                        "node": "operator",
                                        "name": "pointwise",
                                        "operator": {"space": {"share": "positions"}},
                                        "in_channels": 32,
                                        "out_channels": 128,
                                        "cite": "Lin et al., Network In Network, ICLR 2014",
                                    },
                                    {
                                        "node": "operator",
                                        "name": "depthwise_conv",
                                        "operator": {
                                            "space": {
                                                "connect": "local",
                                                "size": [3, 3],
                                                "share": "positions",
                                            },
                                            "channel": {"connect": "separate"},
                                        },
                                        "in_channels": 128,
                                        "out_channels": 128,
                                        "cite": (
                                            "Howard et al., MobileNets, 2017; Chollet, Xception, "
                                            "CVPR 2017"
                                        ),
                                    },
                                    {"node": "element", "word": "gelu"},
                                    {
                                        "node": "operator",
                                        "name": "pointwise",
                                        "operator": {"space": {"share": "positions"}},
                                        "in_channels": 128,
                                        "out_channels": 32,
                                        "cite": "Lin et al., Network In Network, ICLR 2014",
                                    },
                                ],
                                "cite": (
                                    "Wang et al., PVT v2: Improved Baselines with Pyramid Vision "
                                    "Transformer, CVMJ 2022"
                                ),
                            },
                        ],
                    },
                ],
            ],
            "after": [
                {
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-06},
                },
            ],
        },
        {
            "channels": 64,
            "depth": 2,
            "period": 1,
            "blocks": [
                [
                    {
                        "node": "residual",
                        "label": "token_mixer",
                        "body": [
                            {
                                "node": "element",
                                "word": "layer_norm",
                                "arguments": {"bias": True, "eps": 1e-06},
                            },
                            {
                                "node": "operator",
                                "name": "reduced_attention",
                                "operator": {
                                    "space": {"connect": "full", "border": "mask"},
                                    "channel": {
                                        "connect": "separate",
                                        "share": "heads",
                                        "heads": 2,
                                    },
                                    "weight": {"source": "pair", "normalize": "softmax"},
                                    "bias": "none",
                                    "frame": {"value": True, "output": True},
                                },
                                "in_channels": 64,
                                "out_channels": 64,
                                "cite": (
                                    "Wang et al., Pyramid Vision Transformer, ICCV 2021; PVT v2, "
                                    "CVMJ 2022"
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
                                "arguments": {"bias": True, "eps": 1e-06},
                            },
                            {
                                "node": "scope",
                                "name": "conv_feed_forward",
                                "kind": "operator",
                                "body": [
                                    {
                                        "node": "operator",
                                        "name": "pointwise",
                                        "operator": {"space": {"share": "positions"}},
                                        "in_channels": 64,
                                        "out_channels": 256,
                                        "cite": "Lin et al., Network In Network, ICLR 2014",
                                    },
                                    {
                                        "node": "operator",
                                        "name": "depthwise_conv",
                                        "operator": {
                                            "space": {
                                                "connect": "local",
                                                "size": [3, 3],
                                                "share": "positions",
                                            },
                                            "channel": {"connect": "separate"},
                                        },
                                        "in_channels": 256,
                                        "out_channels": 256,
                                        "cite": (
                                            "Howard et al., MobileNets, 2017; Chollet, Xception, "
                                            "CVPR 2017"
                                        ),
                                    },
                                    {"node": "element", "word": "gelu"},
                                    {
                                        "node": "operator",
                                        "name": "pointwise",
                                        "operator": {"space": {"share": "positions"}},
                                        "in_channels": 256,
                                        "out_channels": 64,
                                        "cite": "Lin et al., Network In Network, ICLR 2014",
                                    },
                                ],
                                "cite": (
                                    "Wang et al., PVT v2: Improved Baselines with Pyramid Vision "
                                    "Transformer, CVMJ 2022"
                                ),
                            },
                        ],
                    },
                ],
            ],
            "downsample": [
                {
                    "node": "operator",
                    "name": "conv",
                    "operator": {
                        "space": {
                            "connect": "local",
                            "size": [3, 3],
                            "stride": [2, 2],
                            "share": "positions",
                        },
                    },
                    "in_channels": 32,
                    "out_channels": 64,
                    "cite": (
                        "LeCun et al., Gradient-Based Learning Applied to Document Recognition, "
                        "Proc. IEEE 1998"
                    ),
                },
                {
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-06},
                },
            ],
            "after": [
                {
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-06},
                },
            ],
        },
    ],
}
