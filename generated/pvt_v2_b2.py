# Made by relgraph from the spec `pvt_v2_b2`. Edit the spec, not this file.
# resolved spec: sha256 4995592c00204efcab0f9bd650c532533ddcfbb151d565b278fa2b775ea7c661
# text below: sha256 16eed065fa6c93f3509a80ebf383666315e76edf8a7313bd9fee4f92174fd219
"""pvt_v2_b2: Wang et al., PVT v2: Improved Baselines with Pyramid Vision Transformer, CVMJ 2022

25,362,856 parameters; 4,026,734,592 multiply-adds for one image of 224 x 224 (convolutions and
matrix products).

Stages:
  1. 3 blocks, 64 channels on 56 x 56
  2. 4 blocks, 128 channels on 28 x 28
  3. 6 blocks, 320 channels on 14 x 14
  4. 3 blocks, 512 channels on 7 x 7

Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):
  conv: local 7×7 over space, stride 4×4, shared over positions; all channels; static. LeCun et al.,
    Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 1998.
    from mlp: sparsify space full → local; share space none → positions.
  reduced_attention: all positions over space, from a reduced map; own channel only, shared inside 1
    heads; dynamic, from pairs (query · key), softmax; value and output projections. Wang et al.,
    Pyramid Vision Transformer, ICCV 2021; PVT v2, CVMJ 2022.
    from mlp: lower rank space full → reduce; sparsify channel full → separate; share channel none →
      all; make dynamic static → pair; normalise none → softmax; wrap in value projection; wrap in
      output projection.
  patchify: local 8×8 over space, stride 8×8, shared over positions; all channels; static.
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
    """Stem, from the image to the first map: (B, in_chans, H, W) -> (B, out_dim, H/4, W/4).

    x = layer_norm(conv(x))
    """

    def __init__(self, in_chans: int, out_dim: int) -> None:
        super().__init__()
        self.conv = Conv2d(in_chans, out_dim, kernel_size=7, stride=4, padding=3)
        self.norm = LayerNorm2d(out_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class Reduce(nn.Module):
    """The smaller map that keys and values read: (B, dim, H, W) -> (B, dim, H/8, W/8).

    x = layer_norm(patchify(x))
    """

    def __init__(self, dim: int, kernel_size: int) -> None:
        super().__init__()
        self.patchify = Conv2d(dim, dim, kernel_size=kernel_size, stride=kernel_size)
        self.norm = LayerNorm2d(dim)

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

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.pointwise1 = Linear2d(dim, hidden_dim)
        self.depthwise_conv = Conv2d(
            hidden_dim, hidden_dim, kernel_size=3, padding=1, groups=hidden_dim
        )
        self.pointwise2 = Linear2d(hidden_dim, dim)

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

    def __init__(
        self, dim: int, num_heads: int, kernel_size: int, hidden_dim: int, drop_path: float = 0.0
    ) -> None:
        super().__init__()
        self.norm1 = LayerNorm2d(dim, eps=1e-06)
        self.reduced_attention = ReducedAttention(
            dim, num_heads=num_heads, reduce=Reduce(dim, kernel_size=kernel_size)
        )
        self.drop_path1 = DropPath(drop_path)
        self.norm2 = LayerNorm2d(dim, eps=1e-06)
        self.conv_feed_forward = ConvFeedForward(dim, hidden_dim=hidden_dim)
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
    """From one stage to the next: (B, dim, H, W) -> (B, out_dim, H/2, W/2).

    x = layer_norm(conv(x))
    """

    def __init__(self, dim: int, out_dim: int) -> None:
        super().__init__()
        self.conv = Conv2d(dim, out_dim, kernel_size=3, stride=2, padding=1)
        self.norm = LayerNorm2d(out_dim)

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
        self.conv_feed_forward = ConvFeedForward(dim, hidden_dim=4 * dim)
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


class PvtV2B2(nn.Module):
    """Images (B, in_chans, H, W) -> logits (B, num_classes). H and W: multiples of 32."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        img_size: int | tuple[int, int] = 224,
        drop_path_rate: float = 0.1,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.in_chans = in_chans
        self.img_size = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.num_features = 512  # Channels that the classifier reads.
        self.feature_info = [
            {"num_chs": 64, "reduction": 4, "module": "stages.0"},
            {"num_chs": 128, "reduction": 8, "module": "stages.1"},
            {"num_chs": 320, "reduction": 16, "module": "stages.2"},
            {"num_chs": 512, "reduction": 32, "module": "stages.3"},
        ]
        height, width = self.img_size
        if height % 32 or width % 32:
            raise ValueError(f"img_size: multiples of 32, found {height} x {width}")
        # Stochastic depth: the rate rises linearly from block to block.
        rates = iter([drop_path_rate * i / 15 for i in range(16)])
        self.stem = Stem(in_chans, 64)
        self.stages = nn.ModuleList(self.make_stages(rates))
        self.classifier: nn.Module = Linear(512, num_classes)

    def make_stages(self, rates: Iterator[float]) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        # 3 blocks, 64 channels on H/4 x W/4.
        blocks = [
            Block(64, num_heads=1, kernel_size=8, hidden_dim=512, drop_path=next(rates))
            for _ in range(3)
        ]
        yield Stage(blocks, after=StageEnd(64))
        # 4 blocks, 128 channels on H/8 x W/8.
        blocks = [
            Block(128, num_heads=2, kernel_size=4, hidden_dim=1024, drop_path=next(rates))
            for _ in range(4)
        ]
        yield Stage(blocks, downsample=Downsample(64, 128), after=StageEnd(128))
        # 6 blocks, 320 channels on H/16 x W/16.
        blocks = [
            Block(320, num_heads=5, kernel_size=2, hidden_dim=1280, drop_path=next(rates))
            for _ in range(6)
        ]
        yield Stage(blocks, downsample=Downsample(128, 320), after=StageEnd(320))
        # 3 blocks, 512 channels on H/32 x W/32.
        blocks = [Attention2dBlock(512, num_heads=8, drop_path=next(rates)) for _ in range(3)]
        yield Stage(blocks, downsample=Downsample(320, 512), after=StageEnd(512))

    def forward_stem(self, x: Tensor) -> Tensor:
        """The value before the first stage."""
        height, width = x.shape[-2:]
        if height % 32 or width % 32:
            raise ValueError(f"images: multiples of 32, found {height} x {width}")
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
            fresh = Linear(512, num_classes)
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


def pvt_v2_b2(
    num_classes: int = 1000,
    in_chans: int = 3,
    img_size: int | tuple[int, int] = 224,
    drop_path_rate: float = 0.1,
) -> PvtV2B2:
    """pvt_v2_b2: 25,362,856 parameters, 4.03 G multiply-adds."""
    return PvtV2B2(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "pvt_v2_b2"
SPEC = {
    "name": "pvt_v2_b2",
    "cite": "Wang et al., PVT v2: Improved Baselines with Pyramid Vision Transformer, CVMJ 2022",
    "size": [224, 224],
    "in_chans": 3,
    "classes": 1000,
    "stem": [
        {
            "node": "operator",
            "name": "conv",
            "operator": {
                "space": {
                    "connect": "local",
                    "size": [7, 7],
                    "stride": [4, 4],
                    "share": "positions",
                },
            },
            "in_channels": 3,
            "out_channels": 64,
            "cite": (
                "LeCun et al., Gradient-Based Learning Applied to Document Recognition, Proc. IEEE "
                "1998"
            ),
        },
        {"node": "element", "word": "layer_norm", "arguments": {"bias": True, "eps": 1e-05}},
    ],
    "head": [
        {"node": "element", "word": "global_pool", "arguments": {"kind": "average"}},
        {"node": "element", "word": "classifier", "arguments": {"bias": True}},
    ],
    "drop_path": 0.1,
    "stages": [
        {
            "channels": 64,
            "depth": 3,
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
                                "in_channels": 64,
                                "out_channels": 64,
                                "reduce": [
                                    {
                                        "node": "operator",
                                        "name": "patchify",
                                        "operator": {
                                            "space": {
                                                "connect": "local",
                                                "size": [8, 8],
                                                "stride": [8, 8],
                                                "share": "positions",
                                                "padding": [0, 0],
                                            },
                                        },
                                        "in_channels": 64,
                                        "out_channels": 64,
                                        "cite": (
                                            "Dosovitskiy et al., An Image is Worth 16x16 Words, "
                                            "ICLR 2021"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
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
                                        "in_channels": 64,
                                        "out_channels": 512,
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
                                        "in_channels": 512,
                                        "out_channels": 512,
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
                                        "in_channels": 512,
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
            "after": [
                {
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-06},
                },
            ],
        },
        {
            "channels": 128,
            "depth": 4,
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
                                    "channel": {
                                        "connect": "separate",
                                        "share": "heads",
                                        "heads": 2,
                                    },
                                    "weight": {"source": "pair", "normalize": "softmax"},
                                    "bias": "none",
                                    "frame": {"value": True, "output": True},
                                },
                                "in_channels": 128,
                                "out_channels": 128,
                                "reduce": [
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
                                        "in_channels": 128,
                                        "out_channels": 128,
                                        "cite": (
                                            "Dosovitskiy et al., An Image is Worth 16x16 Words, "
                                            "ICLR 2021"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
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
                                        "in_channels": 128,
                                        "out_channels": 1024,
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
                                        "in_channels": 1024,
                                        "out_channels": 1024,
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
                                        "in_channels": 1024,
                                        "out_channels": 128,
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
                    "in_channels": 64,
                    "out_channels": 128,
                    "cite": (
                        "LeCun et al., Gradient-Based Learning Applied to Document Recognition, "
                        "Proc. IEEE 1998"
                    ),
                },
                {
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-05},
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
        {
            "channels": 320,
            "depth": 6,
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
                                    "channel": {
                                        "connect": "separate",
                                        "share": "heads",
                                        "heads": 5,
                                    },
                                    "weight": {"source": "pair", "normalize": "softmax"},
                                    "bias": "none",
                                    "frame": {"value": True, "output": True},
                                },
                                "in_channels": 320,
                                "out_channels": 320,
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
                                        "in_channels": 320,
                                        "out_channels": 320,
                                        "cite": (
                                            "Dosovitskiy et al., An Image is Worth 16x16 Words, "
                                            "ICLR 2021"
                                        ),
                                    },
                                    {
                                        "node": "element",
                                        "word": "layer_norm",
                                        "arguments": {"bias": True, "eps": 1e-05},
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
                                        "in_channels": 320,
                                        "out_channels": 1280,
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
                                        "in_channels": 1280,
                                        "out_channels": 1280,
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
                                        "in_channels": 1280,
                                        "out_channels": 320,
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
                    "in_channels": 128,
                    "out_channels": 320,
                    "cite": (
                        "LeCun et al., Gradient-Based Learning Applied to Document Recognition, "
                        "Proc. IEEE 1998"
                    ),
                },
                {
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-05},
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
        {
            "channels": 512,
            "depth": 3,
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
                                        "heads": 8,
                                    },
                                    "weight": {"source": "pair", "normalize": "softmax"},
                                    "bias": "none",
                                    "frame": {"value": True, "output": True},
                                },
                                "in_channels": 512,
                                "out_channels": 512,
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
                                        "in_channels": 512,
                                        "out_channels": 2048,
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
                                        "in_channels": 2048,
                                        "out_channels": 2048,
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
                                        "in_channels": 2048,
                                        "out_channels": 512,
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
                    "in_channels": 320,
                    "out_channels": 512,
                    "cite": (
                        "LeCun et al., Gradient-Based Learning Applied to Document Recognition, "
                        "Proc. IEEE 1998"
                    ),
                },
                {
                    "node": "element",
                    "word": "layer_norm",
                    "arguments": {"bias": True, "eps": 1e-05},
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
