# Made by relgraph from the spec `dwnet_base`. Edit the spec, not this file.
# resolved spec: sha256 546cd749016bb9fd26e93ea83eac531365a4b2c97fa4baab328592f5aadca717
# text below: sha256 1d02421f45d455bb18217f5c019cee14436cfe37fa6e2140e4793c262d116efe
"""dwnet_base: Han et al., On the Connection between Local Attention and Dynamic Depth-wise
Convolution, ICLR 2022

74,347,112 parameters; 12,812,261,376 multiply-adds for one image of 224 x 224 (convolutions and
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
  pointwise: own position only, shared over positions; all channels; static. Lin et al., Network In
    Network, ICLR 2014.
    from mlp: sparsify space full → point; share space none → positions.
  depthwise_conv: local 7×7 over space, shared over positions; own channel only; static. Howard et
    al., MobileNets, 2017; Chollet, Xception, CVPR 2017.
    from mlp: sparsify space full → local; share space none → positions; sparsify channel full →
      separate.
  feed_forward: Vaswani et al., Attention Is All You Need, NeurIPS 2017.

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


class DwMixer(nn.Module):
    """Part `dw_mixer`: (B, dim, H, W) -> (B, dim, H, W).

    x = [pointwise, batch_norm, relu, depthwise_conv, batch_norm, relu, pointwise, batch_norm](x)
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pointwise1 = Linear2d(dim, dim, bias=False)
        self.norm1 = nn.BatchNorm2d(dim)
        self.spatial = Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim)
        self.norm2 = nn.BatchNorm2d(dim)
        self.pointwise2 = Linear2d(dim, dim, bias=False)
        self.norm3 = nn.BatchNorm2d(dim)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm2(self.spatial(F.relu(self.norm1(self.pointwise1(x))))))
        return self.norm3(self.pointwise2(x))


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

    x = x + dw_mixer(x)
    x = x + feed_forward(batch_norm(x))
    """

    def __init__(self, dim: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.dw_mixer = DwMixer(dim)
        self.drop_path1 = DropPath(drop_path)
        self.norm = nn.BatchNorm2d(dim)
        self.feed_forward = FeedForward(dim)
        self.drop_path2 = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path1(self.dw_mixer(x))
        return x + self.drop_path2(self.feed_forward(self.norm(x)))


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


class DwnetBase(nn.Module):
    """Images (B, in_chans, H, W) -> logits (B, num_classes). H and W: multiples of 32."""

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
        if height % 32 or width % 32:
            raise ValueError(f"img_size: multiples of 32, found {height} x {width}")
        # Stochastic depth: the rate rises linearly from block to block.
        rates = iter([drop_path_rate * i / 23 for i in range(24)])
        self.stem = Stem(in_chans, 128)
        self.stages = nn.ModuleList(self.make_stages(rates))
        self.norm = LayerNorm2d(1024)
        self.classifier: nn.Module = Linear(1024, num_classes)

    def make_stages(self, rates: Iterator[float]) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        rows = (
            # dim, depth
            (128, 2),
            (256, 2),
            (512, 18),
            (1024, 2),
        )
        for number, (dim, depth) in enumerate(rows):
            blocks = [SwinBlock(dim, drop_path=next(rates)) for _ in range(depth)]
            yield Stage(blocks, downsample=Downsample(dim // 2) if number else None)

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


def dwnet_base(
    num_classes: int = 1000,
    in_chans: int = 3,
    img_size: int | tuple[int, int] = 224,
    drop_path_rate: float = 0.5,
) -> DwnetBase:
    """dwnet_base: 74,347,112 parameters, 12.81 G multiply-adds."""
    return DwnetBase(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "dwnet_base"
SPEC = {
    "name": "dwnet_base",
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
                                        "node": "scope",
                                        "name": "dw_mixer",
                                        "kind": "definition",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {
                                                    "space": {"share": "positions"},
                                                    "bias": "none",
                                                },
                                                "in_channels": 128,
                                                "out_channels": 128,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                            {"node": "element", "word": "relu"},
                                            {
                                                "node": "operator",
                                                "label": "spatial",
                                                "name": "depthwise_conv",
                                                "operator": {
                                                    "space": {
                                                        "connect": "local",
                                                        "size": [7, 7],
                                                        "share": "positions",
                                                    },
                                                    "channel": {"connect": "separate"},
                                                },
                                                "in_channels": 128,
                                                "out_channels": 128,
                                                "cite": (
                                                    "Howard et al., MobileNets, 2017; Chollet, "
                                                    "Xception, CVPR 2017"
                                                ),
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                            {"node": "element", "word": "relu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {
                                                    "space": {"share": "positions"},
                                                    "bias": "none",
                                                },
                                                "in_channels": 128,
                                                "out_channels": 128,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                        ],
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "batch_norm",
                                        "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
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
                                        "node": "scope",
                                        "name": "dw_mixer",
                                        "kind": "definition",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {
                                                    "space": {"share": "positions"},
                                                    "bias": "none",
                                                },
                                                "in_channels": 256,
                                                "out_channels": 256,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                            {"node": "element", "word": "relu"},
                                            {
                                                "node": "operator",
                                                "label": "spatial",
                                                "name": "depthwise_conv",
                                                "operator": {
                                                    "space": {
                                                        "connect": "local",
                                                        "size": [7, 7],
                                                        "share": "positions",
                                                    },
                                                    "channel": {"connect": "separate"},
                                                },
                                                "in_channels": 256,
                                                "out_channels": 256,
                                                "cite": (
                                                    "Howard et al., MobileNets, 2017; Chollet, "
                                                    "Xception, CVPR 2017"
                                                ),
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                            {"node": "element", "word": "relu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {
                                                    "space": {"share": "positions"},
                                                    "bias": "none",
                                                },
                                                "in_channels": 256,
                                                "out_channels": 256,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                        ],
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "batch_norm",
                                        "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
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
                                        "node": "scope",
                                        "name": "dw_mixer",
                                        "kind": "definition",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {
                                                    "space": {"share": "positions"},
                                                    "bias": "none",
                                                },
                                                "in_channels": 512,
                                                "out_channels": 512,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                            {"node": "element", "word": "relu"},
                                            {
                                                "node": "operator",
                                                "label": "spatial",
                                                "name": "depthwise_conv",
                                                "operator": {
                                                    "space": {
                                                        "connect": "local",
                                                        "size": [7, 7],
                                                        "share": "positions",
                                                    },
                                                    "channel": {"connect": "separate"},
                                                },
                                                "in_channels": 512,
                                                "out_channels": 512,
                                                "cite": (
                                                    "Howard et al., MobileNets, 2017; Chollet, "
                                                    "Xception, CVPR 2017"
                                                ),
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                            {"node": "element", "word": "relu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {
                                                    "space": {"share": "positions"},
                                                    "bias": "none",
                                                },
                                                "in_channels": 512,
                                                "out_channels": 512,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                        ],
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "batch_norm",
                                        "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
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
                                        "node": "scope",
                                        "name": "dw_mixer",
                                        "kind": "definition",
                                        "body": [
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {
                                                    "space": {"share": "positions"},
                                                    "bias": "none",
                                                },
                                                "in_channels": 1024,
                                                "out_channels": 1024,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                            {"node": "element", "word": "relu"},
                                            {
                                                "node": "operator",
                                                "label": "spatial",
                                                "name": "depthwise_conv",
                                                "operator": {
                                                    "space": {
                                                        "connect": "local",
                                                        "size": [7, 7],
                                                        "share": "positions",
                                                    },
                                                    "channel": {"connect": "separate"},
                                                },
                                                "in_channels": 1024,
                                                "out_channels": 1024,
                                                "cite": (
                                                    "Howard et al., MobileNets, 2017; Chollet, "
                                                    "Xception, CVPR 2017"
                                                ),
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                            {"node": "element", "word": "relu"},
                                            {
                                                "node": "operator",
                                                "name": "pointwise",
                                                "operator": {
                                                    "space": {"share": "positions"},
                                                    "bias": "none",
                                                },
                                                "in_channels": 1024,
                                                "out_channels": 1024,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
                                            },
                                            {
                                                "node": "element",
                                                "word": "batch_norm",
                                                "arguments": {
                                                    "eps": 1e-05,
                                                    "init": 1.0,
                                                    "momentum": 0.1,
                                                },
                                            },
                                        ],
                                    },
                                ],
                            },
                            {
                                "node": "residual",
                                "label": "channel_mixer",
                                "body": [
                                    {
                                        "node": "element",
                                        "word": "batch_norm",
                                        "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
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
