# Made by relgraph from the spec `vit_base`. Edit the spec, not this file.
# resolved spec: sha256 e33e5fda3d55d72085f6616c5671b24972d7da1eed3221f0e8ddf08c00234f4e
# text below: sha256 e7ef7cff98e7fe23d1a7635b49fe7ec8936961ccb3b85b191e1ca5770d3e1363
"""vit_base: Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021

86,567,656 parameters; 17,563,828,224 multiply-adds for one image of 224 x 224 (convolutions and
matrix products).

Stages:
  1. 12 blocks, 768 channels on 14 x 14 and 1 extra token

Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):
  patchify: local 16×16 over space, stride 16×16, shared over positions; all channels; static.
    Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021.
    from mlp: sparsify space full → local; share space none → positions.
  global_attention: all positions over space; own channel only, shared inside 12 heads; dynamic,
    from pairs (query · key), softmax; value and output projections. Vaswani et al., Attention Is
    All You Need, NeurIPS 2017; Dosovitskiy et al., ViT, ICLR 2021.
    from mlp: sparsify channel full → separate; share channel none → heads; make dynamic static →
      pair; normalise none → softmax; wrap in value projection; wrap in output projection.
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


class MapTokens(nn.Module):
    """Put learned tokens in front of a map's positions: (B, C, H, W) -> (B, T + H·W, C)."""

    def __init__(self, dim: int, num_tokens: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1, num_tokens, dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.weight.expand(x.shape[0], -1, -1)
        return torch.cat([tokens, x.flatten(2).transpose(1, 2)], dim=1)


class PositionEmbedding(nn.Module):
    """Add a learned vector per place, extra tokens included: (B, T + H·W, C), any T in front."""

    def __init__(self, dim: int, map_size: tuple[int, int], num_tokens: int) -> None:
        super().__init__()
        num_places = num_tokens + map_size[0] * map_size[1]
        self.weight = nn.Parameter(torch.empty(1, num_places, dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] != self.weight.shape[1]:
            raise ValueError(f"{self.weight.shape[1]} places are learned, found {x.shape[1]}")
        return x + self.weight


class Stem(nn.Module):
    """Stem, from the image to the first map: (B, in_chans, H, W) -> (B, N, out_dim).

    x = position(add_token(patchify(x)))
    """

    def __init__(self, in_chans: int, out_dim: int, map_size: tuple[int, int]) -> None:
        super().__init__()
        self.patchify = Conv2d(in_chans, out_dim, kernel_size=16, stride=16)
        self.class_token = MapTokens(out_dim)
        self.position = PositionEmbedding(out_dim, map_size=map_size, num_tokens=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.position(self.class_token(self.patchify(x)))


class Linear(nn.Linear):
    """y = x Wᵀ + b over the last dimension. W starts truncated normal (0.02), b at 0."""

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(self.weight, std=0.02)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class FeedForward(nn.Module):
    """Operator `feed_forward`: (B, N, dim) -> (B, N, dim).

    x = pointwise(gelu(pointwise(x)))
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pointwise1 = Linear(dim, 4 * dim)
        self.pointwise2 = Linear(4 * dim, dim)

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
    """Block: (B, N, dim) -> (B, N, dim).

    x = x + global_attention(layer_norm(x))
    x = x + feed_forward(layer_norm(x))
    """

    def __init__(self, dim: int, num_heads: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-06)
        self.global_attention = Attention(dim, num_heads=num_heads)
        self.drop_path1 = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(dim, eps=1e-06)
        self.feed_forward = FeedForward(dim)
        self.drop_path2 = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path1(self.global_attention(self.norm1(x)))
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


class VitBase(nn.Module):
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
        self.stem = Stem(in_chans, 768, map_size=map_sizes[0])
        self.stages = nn.ModuleList(self.make_stages(rates))
        self.norm = nn.LayerNorm(768, eps=1e-06)
        self.classifier: nn.Module = Linear(768, num_classes)

    def make_stages(self, rates: Iterator[float]) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        # 12 blocks, 768 channels on H/16 x W/16.
        blocks = [Block(768, num_heads=12, drop_path=next(rates)) for _ in range(12)]
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
        x = self.norm(x)[:, 0]
        return x if pre_logits else self.classifier(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))

    def forward_intermediates(self, x: Tensor) -> list[Tensor]:
        """The map after every stage, (B, num_chs, H, W) each; see `feature_info`."""
        maps = []
        height, width = x.shape[-2:]
        x = self.forward_stem(x)
        for stage in self.stages:
            x = stage(x)
            # The extra tokens in front are no part of the map.
            positions = x[:, 1:].transpose(1, 2)
            maps.append(positions.unflatten(2, (-(-height // 16), -(-width // 16))))
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
        spared = ("stem.class_token.weight", "stem.position.weight")
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


def vit_base(
    num_classes: int = 1000,
    in_chans: int = 3,
    img_size: int | tuple[int, int] = 224,
    drop_path_rate: float = 0.0,
) -> VitBase:
    """vit_base: 86,567,656 parameters, 17.56 G multiply-adds."""
    return VitBase(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "vit_base"
SPEC = {
    "name": "vit_base",
    "cite": "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021",
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
        {"node": "element", "word": "add_token", "arguments": {"count": 1, "kind": "class"}},
        {"node": "element", "word": "position", "arguments": {"kind": "learned", "tokens": True}},
    ],
    "head": [
        {"node": "element", "word": "layer_norm", "arguments": {"bias": True, "eps": 1e-06}},
        {"node": "element", "word": "select", "arguments": {"kind": "class"}},
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
                                "name": "global_attention",
                                "operator": {
                                    "space": {"connect": "full", "border": "mask"},
                                    "channel": {
                                        "connect": "separate",
                                        "share": "heads",
                                        "heads": 12,
                                    },
                                    "weight": {"source": "pair", "normalize": "softmax"},
                                    "bias": "none",
                                    "frame": {"value": True, "output": True},
                                },
                                "in_channels": 768,
                                "out_channels": 768,
                                "cite": (
                                    "Vaswani et al., Attention Is All You Need, NeurIPS 2017; "
                                    "Dosovitskiy et al., ViT, ICLR 2021"
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
