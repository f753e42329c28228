# Made by relgraph from the spec `resnet_fashion`. Edit the spec, not this file.
# resolved spec: sha256 30b2b07e2af3b31dfe8ac0f33e8225cb0103da1a6a6796d6e5d1ff5987a2e0a6
# text below: sha256 aee997735d76ebafaff1e2cb91acf4b85795f2103e24583195c132623e688a14
"""resnet_fashion: He et al., Deep Residual Learning for Image Recognition, CVPR 2016

102,250 parameters; 9,415,552 multiply-adds for one image of 28 x 28 (convolutions and matrix
products).

Stages:
  1. 2 blocks, 64 channels on 14 x 14
  2. 2 blocks, 128 channels on 7 x 7

Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):
  conv: local 3×3 over space, stride 2×2, shared over positions; all channels; static. LeCun et al.,
    Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 1998.
    from mlp: sparsify space full → local; share space none → positions.
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


class Stem(nn.Module):
    """Stem, from the image to the first map: (B, in_chans, H, W) -> (B, out_dim, H/2, W/2).

    x = relu(batch_norm(conv(x)))
    """

    def __init__(self, in_chans: int, out_dim: int) -> None:
        super().__init__()
        self.conv = Conv2d(in_chans, out_dim, kernel_size=3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_dim)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


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


class StartedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose weight starts at `init`; at 0, a residual branch starts as nothing."""

    init = 1.0

    def __init__(
        self, num_features: int, init: float, eps: float = 1e-5, momentum: float = 0.1
    ) -> None:
        super().__init__(num_features, eps=eps, momentum=momentum)
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


class ProjectionBlock(nn.Module):
    """Block: (B, dim, H, W) -> (B, 2 * dim, H, W).

    x = batch_norm(pointwise(x)) + [pointwise, batch_norm, relu, conv, batch_norm, relu, pointwise,
      batch_norm](x)
    x = relu(x)
    """

    def __init__(self, dim: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.pointwise1 = Linear2d(dim, dim, bias=False)
        self.norm1 = nn.BatchNorm2d(dim)
        self.spatial = Conv2d(dim, dim, kernel_size=3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(dim)
        self.pointwise2 = Linear2d(dim, 2 * dim, bias=False)
        self.norm3 = StartedBatchNorm2d(2 * dim, init=0.0)
        self.drop_path = DropPath(drop_path)
        self.pointwise3 = Linear2d(dim, 2 * dim, bias=False)
        self.norm4 = nn.BatchNorm2d(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.norm4(self.pointwise3(x))
        x = F.relu(self.norm2(self.spatial(F.relu(self.norm1(self.pointwise1(x))))))
        x = shortcut + self.drop_path(self.norm3(self.pointwise2(x)))
        return F.relu(x)


class Block(nn.Module):
    """Block: (B, dim, H, W) -> (B, dim, H, W).

    x = x + [pointwise, batch_norm, relu, conv, batch_norm, relu, pointwise, batch_norm](x)
    x = relu(x)
    """

    def __init__(self, dim: int, hidden_dim: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.pointwise1 = Linear2d(dim, hidden_dim, bias=False)
        self.norm1 = nn.BatchNorm2d(hidden_dim)
        self.spatial = Conv2d(hidden_dim, hidden_dim, kernel_size=3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(hidden_dim)
        self.pointwise2 = Linear2d(hidden_dim, dim, bias=False)
        self.norm3 = StartedBatchNorm2d(dim, init=0.0)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x
        x = F.relu(self.norm2(self.spatial(F.relu(self.norm1(self.pointwise1(x))))))
        x = shortcut + self.drop_path(self.norm3(self.pointwise2(x)))
        return F.relu(x)


class StridedLinear2d(Linear2d):
    """A linear layer at every `stride`-th position: (B, C, H, W) -> (B, D, ⌈H/s⌉, ⌈W/s⌉)."""

    def __init__(self, dim: int, out_dim: int, stride: int, bias: bool = True) -> None:
        super().__init__(dim, out_dim, bias=bias)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x[:, :, :: self.stride, :: self.stride])


class StridedBlock(nn.Module):
    """Block: (B, dim, H, W) -> (B, 2 * dim, H/2, W/2).

    x = batch_norm(pointwise(x)) + [pointwise, batch_norm, relu, conv, batch_norm, relu, pointwise,
      batch_norm](x)
    x = relu(x)
    """

    def __init__(self, dim: int, hidden_dim: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.pointwise1 = Linear2d(dim, hidden_dim, bias=False)
        self.norm1 = nn.BatchNorm2d(hidden_dim)
        self.spatial = Conv2d(
            hidden_dim, hidden_dim, kernel_size=3, stride=2, padding=1, bias=False
        )
        self.norm2 = nn.BatchNorm2d(hidden_dim)
        self.pointwise2 = Linear2d(hidden_dim, 2 * dim, bias=False)
        self.norm3 = StartedBatchNorm2d(2 * dim, init=0.0)
        self.drop_path = DropPath(drop_path)
        self.pointwise3 = StridedLinear2d(dim, 2 * dim, stride=2, bias=False)
        self.norm4 = nn.BatchNorm2d(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.norm4(self.pointwise3(x))
        x = F.relu(self.norm2(self.spatial(F.relu(self.norm1(self.pointwise1(x))))))
        x = shortcut + self.drop_path(self.norm3(self.pointwise2(x)))
        return F.relu(x)


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


class ResnetFashion(nn.Module):
    """Images (B, in_chans, H, W) -> logits (B, num_classes). Any H, W."""

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
        self.num_features = 128  # Channels that the classifier reads.
        self.feature_info = [
            {"num_chs": 64, "reduction": 2, "module": "stages.0"},
            {"num_chs": 128, "reduction": 4, "module": "stages.1"},
        ]
        # Stochastic depth: the rate rises linearly from block to block.
        rates = iter([drop_path_rate * i / 3 for i in range(4)])
        self.stem = Stem(in_chans, 32)
        self.stages = nn.ModuleList(self.make_stages(rates))
        self.classifier: nn.Module = Linear(128, num_classes)

    def make_stages(self, rates: Iterator[float]) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        # 2 blocks, 64 channels on H/2 x W/2.
        blocks = [
            ProjectionBlock(32, drop_path=next(rates)),
            Block(64, hidden_dim=32, drop_path=next(rates)),
        ]
        yield Stage(blocks)
        # 2 blocks, 128 channels on H/4 x W/4.
        blocks = [
            StridedBlock(64, hidden_dim=48, drop_path=next(rates)),
            Block(128, hidden_dim=48, drop_path=next(rates)),
        ]
        yield Stage(blocks)

    def forward_stem(self, x: Tensor) -> Tensor:
        """The value before the first stage."""
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
            fresh = Linear(128, num_classes)
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


def resnet_fashion(
    num_classes: int = 10,
    in_chans: int = 1,
    img_size: int | tuple[int, int] = 28,
    drop_path_rate: float = 0.0,
) -> ResnetFashion:
    """resnet_fashion: 102,250 parameters, 0.01 G multiply-adds."""
    return ResnetFashion(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "resnet_fashion"
SPEC = {
    "name": "resnet_fashion",
    "cite": "He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
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
                "bias": "none",
            },
            "in_channels": 1,
            "out_channels": 32,
            "cite": (
                "LeCun et al., Gradient-Based Learning Applied to Document Recognition, Proc. IEEE "
                "1998"
            ),
        },
        {
            "node": "element",
            "word": "batch_norm",
            "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
        },
        {"node": "element", "word": "relu"},
    ],
    "head": [
        {"node": "element", "word": "global_pool", "arguments": {"kind": "average"}},
        {"node": "element", "word": "classifier", "arguments": {"bias": True}},
    ],
    "stages": [
        {
            "channels": 64,
            "depth": 2,
            "period": 1,
            "blocks": [
                [
                    {
                        "node": "residual",
                        "body": [
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {"space": {"share": "positions"}, "bias": "none"},
                                "in_channels": 32,
                                "out_channels": 32,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                            {"node": "element", "word": "relu"},
                            {
                                "node": "operator",
                                "label": "spatial",
                                "name": "conv",
                                "operator": {
                                    "space": {
                                        "connect": "local",
                                        "size": [3, 3],
                                        "share": "positions",
                                    },
                                    "bias": "none",
                                },
                                "in_channels": 32,
                                "out_channels": 32,
                                "cite": (
                                    "LeCun et al., Gradient-Based Learning Applied to Document "
                                    "Recognition, Proc. IEEE 1998"
                                ),
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                            {"node": "element", "word": "relu"},
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {"space": {"share": "positions"}, "bias": "none"},
                                "in_channels": 32,
                                "out_channels": 64,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 0.0, "momentum": 0.1},
                            },
                        ],
                        "shortcut": [
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {"space": {"share": "positions"}, "bias": "none"},
                                "in_channels": 32,
                                "out_channels": 64,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                        ],
                    },
                    {"node": "element", "word": "relu"},
                ],
                [
                    {
                        "node": "residual",
                        "body": [
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {"space": {"share": "positions"}, "bias": "none"},
                                "in_channels": 64,
                                "out_channels": 32,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                            {"node": "element", "word": "relu"},
                            {
                                "node": "operator",
                                "label": "spatial",
                                "name": "conv",
                                "operator": {
                                    "space": {
                                        "connect": "local",
                                        "size": [3, 3],
                                        "share": "positions",
                                    },
                                    "bias": "none",
                                },
                                "in_channels": 32,
                                "out_channels": 32,
                                "cite": (
                                    "LeCun et al., Gradient-Based Learning Applied to Document "
                                    "Recognition, Proc. IEEE 1998"
                                ),
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                            {"node": "element", "word": "relu"},
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {"space": {"share": "positions"}, "bias": "none"},
                                "in_channels": 32,
                                "out_channels": 64,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 0.0, "momentum": 0.1},
                            },
                        ],
                        "shortcut": [
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {"space": {"share": "positions"}, "bias": "none"},
                                "in_channels": 64,
                                "out_channels": 64,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                        ],
                    },
                    {"node": "element", "word": "relu"},
                ],
            ],
        },
        {
            "channels": 128,
            "depth": 2,
            "period": 1,
            "blocks": [
                [
                    {
                        "node": "residual",
                        "body": [
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {"space": {"share": "positions"}, "bias": "none"},
                                "in_channels": 64,
                                "out_channels": 48,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                            {"node": "element", "word": "relu"},
                            {
                                "node": "operator",
                                "label": "spatial",
                                "name": "conv",
                                "operator": {
                                    "space": {
                                        "connect": "local",
                                        "size": [3, 3],
                                        "stride": [2, 2],
                                        "share": "positions",
                                    },
                                    "bias": "none",
                                },
                                "in_channels": 48,
                                "out_channels": 48,
                                "cite": (
                                    "LeCun et al., Gradient-Based Learning Applied to Document "
                                    "Recognition, Proc. IEEE 1998"
                                ),
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                            {"node": "element", "word": "relu"},
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {"space": {"share": "positions"}, "bias": "none"},
                                "in_channels": 48,
                                "out_channels": 128,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 0.0, "momentum": 0.1},
                            },
                        ],
                        "shortcut": [
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {
                                    "space": {"stride": [2, 2], "share": "positions"},
                                    "bias": "none",
                                },
                                "in_channels": 64,
                                "out_channels": 128,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                        ],
                    },
                    {"node": "element", "word": "relu"},
                ],
                [
                    {
                        "node": "residual",
                        "body": [
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {"space": {"share": "positions"}, "bias": "none"},
                                "in_channels": 128,
                                "out_channels": 48,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                            {"node": "element", "word": "relu"},
                            {
                                "node": "operator",
                                "label": "spatial",
                                "name": "conv",
                                "operator": {
                                    "space": {
                                        "connect": "local",
                                        "size": [3, 3],
                                        "share": "positions",
                                    },
                                    "bias": "none",
                                },
                                "in_channels": 48,
                                "out_channels": 48,
                                "cite": (
                                    "LeCun et al., Gradient-Based Learning Applied to Document "
                                    "Recognition, Proc. IEEE 1998"
                                ),
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                            {"node": "element", "word": "relu"},
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {"space": {"share": "positions"}, "bias": "none"},
                                "in_channels": 48,
                                "out_channels": 128,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 0.0, "momentum": 0.1},
                            },
                        ],
                        "shortcut": [
                            {
                                "node": "operator",
                                "name": "pointwise",
                                "operator": {"space": {"share": "positions"}, "bias": "none"},
                                "in_channels": 128,
                                "out_channels": 128,
                                "cite": "Lin et al., Network In Network, ICLR 2014",
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                        ],
                    },
                    {"node": "element", "word": "relu"},
                ],
            ],
        },
    ],
}
