# Made by relgraph from the spec `mixer_base`. Edit the spec, not this file.
# resolved spec: sha256 314a22ddb817cfc5c5b708c64da5912054632edebbe516a9046b331413a50346
# text below: sha256 7ffb59ba7b1fd454e9353be0dd015f883110159101b0816d8bed46fcebbe8a84
"""mixer_base: Tolstikhin et al., MLP-Mixer: An all-MLP Architecture for Vision, NeurIPS 2021

59,880,472 parameters; 12,601,767,936 multiply-adds for one image of 224 x 224 (convolutions and
matrix products).

Stages:
  1. 12 blocks, 768 channels on 14 x 14

Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):
  patchify: local 16×16 over space, stride 16×16, shared over positions; all channels; static.
    Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021.
    from mlp: sparsify space full → local; share space none → positions.
  token_mlp: all positions over space, a weight for every entry, through 384 tokens; own channel
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
    """Stem, from the image to the first map: (B, in_chans, H, W) -> (B, out_dim, H/16, W/16).

    x = patchify(x)
    """

    def __init__(self, in_chans: int, out_dim: int) -> None:
        super().__init__()
        self.patchify = Conv2d(in_chans, out_dim, kernel_size=16, stride=16)

    def forward(self, x: Tensor) -> Tensor:
        return self.patchify(x)


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
        self.gather = SpatialLinear2d(map_size, out_size=(384, 1))
        self.spread = SpatialLinear2d((384, 1), out_size=map_size)

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
        self.norm1 = LayerNorm2d(dim, eps=1e-06)
        self.token_mlp = TokenMlp(map_size=map_size)
        self.drop_path1 = DropPath(drop_path)
        self.norm2 = LayerNorm2d(dim, eps=1e-06)
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


class MixerBase(nn.Module):
    """Images (B, in_chans, H, W) -> logits (B, num_classes). H, W must be img_size."""

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        img_size: int | tuple[int, int] = 224,
        drop_path_rate: float = 0.0,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.in_chans = in_chans
        self.img_size = (img_size, img_size) if isinstance(img_size, int) else img_size
        self.num_features = 768  # Channels that the classifier reads.
        self.feature_info = [
            {"num_chs": 768, "reduction": 16, "module": "stages.0"},
        ]
        height, width = self.img_size
        if height % 16 or width % 16:
            raise ValueError(f"img_size: multiples of 16, found {height} x {width}")
        # The map of every stage: the image's sides over the stride so far, rounded up.
        map_sizes = [(-(-self.img_size[0] // step), -(-self.img_size[1] // step)) for step in (16,)]
        # Stochastic depth: the rate rises linearly from block to block.
        rates = iter([drop_path_rate * i / 11 for i in range(12)])
        self.stem = Stem(in_chans, 768)
        self.stages = nn.ModuleList(self.make_stages(rates, map_sizes))
        self.norm = LayerNorm2d(768, eps=1e-06)
        self.classifier: nn.Module = Linear(768, num_classes)

    def make_stages(
        self, rates: Iterator[float], map_sizes: list[tuple[int, int]]
    ) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        # 12 blocks, 768 channels on H/16 x W/16.
        blocks = [Block(768, map_size=map_sizes[0], drop_path=next(rates)) for _ in range(12)]
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


def mixer_base(
    num_classes: int = 1000,
    in_chans: int = 3,
    img_size: int | tuple[int, int] = 224,
    drop_path_rate: float = 0.0,
) -> MixerBase:
    """mixer_base: 59,880,472 parameters, 12.60 G multiply-adds."""
    return MixerBase(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "mixer_base"
SPEC = {
    "name": "mixer_base",
    "cite": "Tolstikhin et al., MLP-Mixer: An all-MLP Architecture for Vision, NeurIPS 2021",
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
                    "size": [16, 16],
                    "stride": [16, 16],
                    "share": "positions",
                    "padding": [0, 0],
                },
            },
            "in_channels": 3,
            "out_channels": 768,
            "cite": "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021",
        },
    ],
    "head": [
        {"node": "element", "word": "layer_norm", "arguments": {"bias": True, "eps": 1e-06}},
        {"node": "element", "word": "global_pool", "arguments": {"kind": "average"}},
        {"node": "element", "word": "classifier", "arguments": {"bias": True}},
    ],
    "stages": [
        {
            "channels": 768,
            "depth": 12,
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
                                "name": "token_mlp",
                                "operator": {
                                    "space": {
                                        "connect": "full",
                                        "rank": {"word": "tokens", "numbers": [384]},
                                    },
                                    "channel": {"connect": "separate", "share": "all"},
                                    "bias": "positions",
                                },
                                "in_channels": 768,
                                "out_channels": 768,
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
                                "arguments": {"bias": True, "eps": 1e-06},
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
                                "cite": "Vaswani et al., Attention Is All You Need, NeurIPS 2017",
                            },
                        ],
                    },
                ],
            ],
        },
    ],
}
