# Made by relgraph from the spec `mixer_fashion`. Edit the spec, not this file.
# resolved spec: sha256 109d9087b8adcc076c5e4b3253cdac5c4075cbf43790e032d061a443a43f2828
# text below: sha256 0c93886182141c946d6eb00ed581bdee1643f837884096269e54335428274225
"""mixer_fashion: Tolstikhin et al., MLP-Mixer: An all-MLP Architecture for Vision, NeurIPS 2021

155,630 parameters; 7,683,840 multiply-adds for one image of 28 x 28 (convolutions and matrix
products).

Stages:
  1. 4 blocks, 64 channels on 7 x 7

Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):
  conv: local 3×3 over space, stride 2×2, shared over positions; all channels; static. LeCun et al.,
    Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 1998.
    from mlp: sparsify space full → local; share space none → positions.
  patchify: local 2×2 over space, stride 2×2, shared over positions; all channels; static.
    Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021.
    from mlp: sparsify space full → local; share space none → positions.
  token_mlp: all positions over space, a weight for every entry, through 32 tokens; own channel
    only, shared by all channels; static. Tolstikhin et al., MLP-Mixer: An all-MLP Architecture for
    Vision, NeurIPS 2021; Touvron et al., ResMLP, 2021.
    from mlp: lower rank space full → tokens; sparsify channel full → separate; share channel none →
      all.
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


class Stem(nn.Module):
    """Stem, from the image to the first map: (B, in_chans, H, W) -> (B, out_dim, H/4, W/4).

    x = [conv, batch_norm, relu, patchify](x)
    """

    def __init__(self, in_chans: int, out_dim: int) -> None:
        super().__init__()
        self.conv = Conv2d(in_chans, out_dim // 2, kernel_size=3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_dim // 2)
        self.patchify = Conv2d(out_dim // 2, out_dim, kernel_size=2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.patchify(F.relu(self.norm(self.conv(x))))


class SpatialLinear(nn.Module):
    """Mix positions with one learned matrix for all channels (ResMLP, MLP-Mixer).

    y[o, d] = b[o] + Σ_i W[o, i] x[i, d]
    Shapes: (B, N_in, C) -> (B, N_out, C).
    """

    def __init__(self, in_positions: int, out_positions: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_positions, in_positions))
        self.bias = nn.Parameter(torch.empty(out_positions))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        # Variance preserving: every output sums over all inputs.
        nn.init.normal_(self.weight, std=self.weight.shape[-1] ** -0.5)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        # From the left, on the layout as it is: no transposes.
        return torch.baddbmm(self.bias[:, None], self.weight.expand(x.shape[0], -1, -1), x)


class SpatialLinear2d(SpatialLinear):
    """The same between maps: (B, C, H, W) -> (B, D, H_out, W_out), row-major positions."""

    def __init__(self, map_size: tuple[int, int], out_size: tuple[int, int]) -> None:
        super().__init__(math.prod(map_size), math.prod(out_size))
        self.map_size = map_size
        self.out_size = out_size

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[2:] != self.map_size:
            size = tuple(x.shape[2:])
            raise ValueError(f"a weight for each position of {self.map_size}, found {size}")
        # On channels_last memory both transposes are free views.
        y = super().forward(x.flatten(2).transpose(1, 2))
        return y.transpose(1, 2).unflatten(2, self.out_size)


class TokenMlp(nn.Module):
    """Operator `token_mlp`: (B, C, H, W) -> (B, C, H, W).

    x = token_mlp(gelu(token_mlp(x)))
    """

    def __init__(self, map_size: tuple[int, int]) -> None:
        super().__init__()
        self.gather = SpatialLinear2d(map_size, out_size=(32, 1))
        self.spread = SpatialLinear2d((32, 1), out_size=map_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.spread(F.gelu(self.gather(x)))


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


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of every position of a map (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


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

    x = x + token_mlp(layer_norm(x))
    x = x + feed_forward(layer_norm(x))
    """

    def __init__(self, dim: int, map_size: tuple[int, int], drop_path: float = 0.0) -> None:
        super().__init__()
        self.norm1 = LayerNorm2d(dim)
        self.token_mlp = TokenMlp(map_size=map_size)
        self.drop_path1 = DropPath(drop_path)
        self.norm2 = LayerNorm2d(dim)
        self.feed_forward = FeedForward(dim)
        self.drop_path2 = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path1(self.token_mlp(self.norm1(x)))
        return x + self.drop_path2(self.feed_forward(self.norm2(x)))


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


class MixerFashion(nn.Module):
    """Images (B, in_chans, H, W) -> logits (B, num_classes). H, W must be img_size."""

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
            {"num_chs": 64, "reduction": 4, "module": "stages.0"},
        ]
        height, width = self.img_size
        if height % 4 or width % 4:
            raise ValueError(f"img_size: multiples of 4, found {height} x {width}")
        # The map of every stage: the image's sides over the stride so far, rounded up.
        map_sizes = [(-(-self.img_size[0] // step), -(-self.img_size[1] // step)) for step in (4,)]
        # Stochastic depth: the rate rises linearly from block to block.
        rates = iter([drop_path_rate * i / 3 for i in range(4)])
        self.stem = Stem(in_chans, 64)
        self.stages = nn.ModuleList(self.make_stages(rates, map_sizes))
        self.norm = LayerNorm2d(64)
        self.classifier: nn.Module = Linear(64, num_classes)

    def make_stages(
        self, rates: Iterator[float], map_sizes: list[tuple[int, int]]
    ) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        # 4 blocks, 64 channels on H/4 x W/4.
        blocks = [Block(64, map_size=map_sizes[0], drop_path=next(rates)) for _ in range(4)]
        yield Stage(blocks)

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


def mixer_fashion(
    num_classes: int = 10,
    in_chans: int = 1,
    img_size: int | tuple[int, int] = 28,
    drop_path_rate: float = 0.0,
) -> MixerFashion:
    """mixer_fashion: 155,630 parameters, 0.01 G multiply-adds."""
    return MixerFashion(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "mixer_fashion"
SPEC = {
    "name": "mixer_fashion",
    "cite": "Tolstikhin et al., MLP-Mixer: An all-MLP Architecture for Vision, NeurIPS 2021",
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
            "out_channels": 64,
            "cite": "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021",
        },
    ],
    "head": [
        {"node": "element", "word": "layer_norm", "arguments": {"bias": True, "eps": 1e-05}},
        {"node": "element", "word": "global_pool", "arguments": {"kind": "average"}},
        {"node": "element", "word": "classifier", "arguments": {"bias": True}},
    ],
    "stages": [
        {
            "channels": 64,
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
                                "arguments": {"bias": True, "eps": 1e-05},
                            },
                            {
                                "node": "operator",
                                "name": "token_mlp",
                                "operator": {
                                    "space": {
                                        "connect": "full",
                                        "rank": {"word": "tokens", "numbers": [32]},
                                    },
                                    "channel": {"connect": "separate", "share": "all"},
                                    "bias": "positions",
                                },
                                "in_channels": 64,
                                "out_channels": 64,
                                "between": [{"node": "element", "word": "gelu"}],
                                "cite": (
                                    "Tolstikhin et al., MLP-Mixer: An all-MLP Architecture for "
                                    "Vision, NeurIPS 2021; Touvron et al., ResMLP, 2021"
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
                                        "in_channels": 64,
                                        "out_channels": 256,
                                        "cite": "Lin et al., Network In Network, ICLR 2014",
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
                                "cite": "Vaswani et al., Attention Is All You Need, NeurIPS 2017",
                            },
                        ],
                    },
                ],
            ],
        },
    ],
}
