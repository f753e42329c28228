# Made by relgraph from the spec `pyramid_fashion`. Edit the spec, not this file.
# resolved spec: sha256 02159146173d55bcb76c04f22c4468a5895a85514fb2791b8170c6da3151d530
# text below: sha256 5b3f7bdf66f2c388cf0bc7feaeb0686d976e6e2a965fc31e74c0b4bb8ef74058
"""pyramid_fashion: Sun et al., HRNet, CVPR 2019; Hu et al., Squeeze-and-Excitation Networks, CVPR
2018

45,502 parameters; 7,289,536 multiply-adds for one image of 28 x 28 (convolutions and matrix
products).

Stages:
  1. 1 block, 16 channels on 28 x 28
  2. 2 blocks, 32 channels on 14 x 14

Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):
  conv: local 3×3 over space, shared over positions; all channels; static. LeCun et al.,
    Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 1998.
    from mlp: sparsify space full → local; share space none → positions.
  pyramid_conv: local 3×3 over space, shared over positions, also at scales 1/2; all channels;
    static. Sun et al., Deep High-Resolution Representation Learning (HRNet), CVPR 2019; Gao et al.,
    Res2Net, TPAMI 2021.
    from mlp: sparsify space full → local; share space none → positions; lower rank space full →
      scales.
  squeeze_excite: Hu et al., Squeeze-and-Excitation Networks, CVPR 2018.
  pointwise: own position only, shared over positions; all channels; static. Lin et al., Network In
    Network, ICLR 2014.
    from mlp: sparsify space full → point; share space none → positions.
  patchify: local 2×2 over space, stride 2×2, shared over positions; all channels; static.
    Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021.
    from mlp: sparsify space full → local; share space none → positions.

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
    """Stem, from the image to the first map: (B, in_chans, H, W) -> (B, out_dim, H, W).

    x = relu(batch_norm(conv(x)))
    """

    def __init__(self, in_chans: int, out_dim: int) -> None:
        super().__init__()
        self.conv = Conv2d(in_chans, out_dim, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_dim)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class PyramidConv(nn.Module):
    """Operator `pyramid_conv`: (B, dim, H, W) -> (B, dim, H, W).

    x = (pyramid_conv(x) + upsample(pyramid_conv(avg_pool(x))))
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fine = Conv2d(dim, dim, kernel_size=3, padding=1, bias=False)
        self.coarse_2 = Conv2d(dim, dim, kernel_size=3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.fine(x) + F.interpolate(self.coarse_2(F.avg_pool2d(x, 2)), scale_factor=2)


class Linear(nn.Linear):
    """y = x Wᵀ + b over the last dimension. W starts truncated normal (0.02), b at 0."""

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class SqueezeExcite(nn.Module):
    """Operator `squeeze_excite`: (B, dim, H, W) -> (B, dim, H, W).

    x = (x * [global_pool, pointwise, relu, pointwise, sigmoid](x))
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pointwise1 = Linear(dim, dim // 4)
        self.pointwise2 = Linear(dim // 4, dim)

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.pointwise2(F.relu(self.pointwise1(x.mean((2, 3))))))
        return x * gate[:, :, None, None]


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

    x = x + squeeze_excite(batch_norm(pyramid_conv(x)))
    x = relu(x)
    """

    def __init__(self, dim: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.spatial = PyramidConv(dim)
        self.norm = nn.BatchNorm2d(dim)
        self.squeeze_excite = SqueezeExcite(dim)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path(self.squeeze_excite(self.norm(self.spatial(x))))
        return F.relu(x)


class Downsample(nn.Module):
    """From one stage to the next: (B, dim, H, W) -> (B, 2 * dim, H/2, W/2).

    x = relu(batch_norm(patchify(x)))
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.patchify = Conv2d(dim, 2 * dim, kernel_size=2, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.patchify(x)))


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


class PyramidFashion(nn.Module):
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
        self.num_features = 32  # Channels that the classifier reads.
        self.feature_info = [
            {"num_chs": 16, "reduction": 1, "module": "stages.0"},
            {"num_chs": 32, "reduction": 2, "module": "stages.1"},
        ]
        height, width = self.img_size
        if height % 4 or width % 4:
            raise ValueError(f"img_size: multiples of 4, found {height} x {width}")
        # Stochastic depth: the rate rises linearly from block to block.
        rates = iter([drop_path_rate * i / 2 for i in range(3)])
        self.stem = Stem(in_chans, 16)
        self.stages = nn.ModuleList(self.make_stages(rates))
        self.classifier: nn.Module = Linear(32, num_classes)

    def make_stages(self, rates: Iterator[float]) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        rows = (
            # dim, depth
            (16, 1),
            (32, 2),
        )
        for number, (dim, depth) in enumerate(rows):
            blocks = [Block(dim, drop_path=next(rates)) for _ in range(depth)]
            yield Stage(blocks, downsample=Downsample(dim // 2) if number else None)

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
            fresh = Linear(32, num_classes)
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


def pyramid_fashion(
    num_classes: int = 10,
    in_chans: int = 1,
    img_size: int | tuple[int, int] = 28,
    drop_path_rate: float = 0.0,
) -> PyramidFashion:
    """pyramid_fashion: 45,502 parameters, 0.01 G multiply-adds."""
    return PyramidFashion(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "pyramid_fashion"
SPEC = {
    "name": "pyramid_fashion",
    "cite": "Sun et al., HRNet, CVPR 2019; Hu et al., Squeeze-and-Excitation Networks, CVPR 2018",
    "size": [28, 28],
    "in_chans": 1,
    "classes": 10,
    "stem": [
        {
            "node": "operator",
            "name": "conv",
            "operator": {
                "space": {"connect": "local", "size": [3, 3], "share": "positions"},
                "bias": "none",
            },
            "in_channels": 1,
            "out_channels": 16,
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
            "channels": 16,
            "depth": 1,
            "period": 1,
            "blocks": [
                [
                    {
                        "node": "residual",
                        "body": [
                            {
                                "node": "operator",
                                "label": "spatial",
                                "name": "pyramid_conv",
                                "operator": {
                                    "space": {
                                        "connect": "local",
                                        "size": [3, 3],
                                        "share": "positions",
                                        "rank": {"word": "scales", "numbers": [2]},
                                    },
                                    "bias": "none",
                                },
                                "in_channels": 16,
                                "out_channels": 16,
                                "cite": (
                                    "Sun et al., Deep High-Resolution Representation Learning "
                                    "(HRNet), CVPR 2019; Gao et al., Res2Net, TPAMI 2021"
                                ),
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                            {
                                "node": "scope",
                                "name": "squeeze_excite",
                                "kind": "operator",
                                "body": [
                                    {
                                        "node": "branches",
                                        "combine": "product",
                                        "branches": [
                                            [],
                                            [
                                                {
                                                    "node": "element",
                                                    "word": "global_pool",
                                                    "arguments": {"kind": "average"},
                                                },
                                                {
                                                    "node": "operator",
                                                    "name": "pointwise",
                                                    "operator": {"space": {"share": "positions"}},
                                                    "in_channels": 16,
                                                    "out_channels": 4,
                                                    "cite": (
                                                        "Lin et al., Network In Network, ICLR 2014"
                                                    ),
                                                },
                                                {"node": "element", "word": "relu"},
                                                {
                                                    "node": "operator",
                                                    "name": "pointwise",
                                                    "operator": {"space": {"share": "positions"}},
                                                    "in_channels": 4,
                                                    "out_channels": 16,
                                                    "cite": (
                                                        "Lin et al., Network In Network, ICLR 2014"
                                                    ),
                                                },
                                                {"node": "element", "word": "sigmoid"},
                                            ],
                                        ],
                                    },
                                ],
                                "cite": "Hu et al., Squeeze-and-Excitation Networks, CVPR 2018",
                            },
                        ],
                    },
                    {"node": "element", "word": "relu"},
                ],
            ],
        },
        {
            "channels": 32,
            "depth": 2,
            "period": 1,
            "blocks": [
                [
                    {
                        "node": "residual",
                        "body": [
                            {
                                "node": "operator",
                                "label": "spatial",
                                "name": "pyramid_conv",
                                "operator": {
                                    "space": {
                                        "connect": "local",
                                        "size": [3, 3],
                                        "share": "positions",
                                        "rank": {"word": "scales", "numbers": [2]},
                                    },
                                    "bias": "none",
                                },
                                "in_channels": 32,
                                "out_channels": 32,
                                "cite": (
                                    "Sun et al., Deep High-Resolution Representation Learning "
                                    "(HRNet), CVPR 2019; Gao et al., Res2Net, TPAMI 2021"
                                ),
                            },
                            {
                                "node": "element",
                                "word": "batch_norm",
                                "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                            },
                            {
                                "node": "scope",
                                "name": "squeeze_excite",
                                "kind": "operator",
                                "body": [
                                    {
                                        "node": "branches",
                                        "combine": "product",
                                        "branches": [
                                            [],
                                            [
                                                {
                                                    "node": "element",
                                                    "word": "global_pool",
                                                    "arguments": {"kind": "average"},
                                                },
                                                {
                                                    "node": "operator",
                                                    "name": "pointwise",
                                                    "operator": {"space": {"share": "positions"}},
                                                    "in_channels": 32,
                                                    "out_channels": 8,
                                                    "cite": (
                                                        "Lin et al., Network In Network, ICLR 2014"
                                                    ),
                                                },
                                                {"node": "element", "word": "relu"},
                                                {
                                                    "node": "operator",
                                                    "name": "pointwise",
                                                    "operator": {"space": {"share": "positions"}},
                                                    "in_channels": 8,
                                                    "out_channels": 32,
                                                    "cite": (
                                                        "Lin et al., Network In Network, ICLR 2014"
                                                    ),
                                                },
                                                {"node": "element", "word": "sigmoid"},
                                            ],
                                        ],
                                    },
                                ],
                                "cite": "Hu et al., Squeeze-and-Excitation Networks, CVPR 2018",
                            },
                        ],
                    },
                    {"node": "element", "word": "relu"},
                ],
            ],
            "downsample": [
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
                        "bias": "none",
                    },
                    "in_channels": 16,
                    "out_channels": 32,
                    "cite": "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021",
                },
                {
                    "node": "element",
                    "word": "batch_norm",
                    "arguments": {"eps": 1e-05, "init": 1.0, "momentum": 0.1},
                },
                {"node": "element", "word": "relu"},
            ],
        },
    ],
}
