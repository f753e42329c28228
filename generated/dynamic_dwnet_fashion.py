# Made by relgraph from the spec `dynamic_dwnet_fashion`. Edit the spec, not this file.
# resolved spec: sha256 b2513bd0672184de9e43ac196cc7b89c2c7cf152e9960f1208b67c2d2c369810
# text below: sha256 b4b76f346301537b392494c659473958cc18bf834bb7d436bc99776621ba0bdc
"""dynamic_dwnet_fashion: Han et al., On the Connection between Local Attention and Dynamic
Depth-wise Convolution, ICLR 2022

265,946 parameters; 12,302,592 multiply-adds for one image of 28 x 28 (convolutions and matrix
products).

Stages:
  1. 2 blocks, 32 channels on 14 x 14
  2. 2 blocks, 64 channels on 7 x 7

Operators (connectivity, sharing, rank, dynamism; the edits that make it of `mlp`):
  conv: local 3×3 over space, shared over positions; all channels; static. LeCun et al.,
    Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 1998.
    from mlp: sparsify space full → local; share space none → positions.
  pointwise: own position only, shared over positions; all channels; static. Lin et al., Network In
    Network, ICLR 2014.
    from mlp: sparsify space full → point; share space none → positions.
  dynamic_depthwise_conv: local 7×7 over space, shared over positions; own channel only; dynamic,
    predicted from the mean over all positions, hidden width 1/4. Han et al., On the Connection
    between Local Attention and Dynamic Depth-wise Convolution, ICLR 2022.
    from mlp: sparsify space full → local; share space none → positions; sparsify channel full →
      separate; make dynamic static → pooled.
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


class Stem(nn.Module):
    """Stem, from the image to the first map: (B, in_chans, H, W) -> (B, out_dim, H/2, W/2).

    x = [conv, batch_norm, relu, conv, batch_norm, relu, conv, batch_norm](x)
    """

    def __init__(self, in_chans: int, out_dim: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(in_chans, out_dim // 2, kernel_size=3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_dim // 2)
        self.conv2 = Conv2d(out_dim // 2, out_dim, kernel_size=3, stride=2, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_dim)
        self.conv3 = Conv2d(out_dim, out_dim, kernel_size=3, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(out_dim)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3(F.relu(self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))))
        return self.norm3(x)


class Linear(nn.Linear):
    """y = x Wᵀ + b over the last dimension. W starts as Glorot and Bengio (2010) say, b at 0."""

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class Linear2d(Linear):
    """The same linear layer at every position of a map: (B, C, H, W) -> (B, D, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        # Maps lie in channels_last memory, so both permutes are free views.
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def tap_views(x: Tensor, kernel_size: int, stride: int = 1, dilation: int = 1) -> list[Tensor]:
    """A padded map (..., H + 2p, W + 2p) as each tap of a k×k kernel sees it, row by row.

    k² views (..., ⌈H/stride⌉, ⌈W/stride⌉), with p = dilation · (k - 1) / 2.
    """
    offsets = [dilation * tap for tap in range(kernel_size)]
    height, width = x.shape[-2] - offsets[-1], x.shape[-1] - offsets[-1]
    return [
        x[..., top : top + height : stride, left : left + width : stride]
        for top in offsets
        for left in offsets
    ]


def conv_per_image(
    x: Tensor, kernels: Tensor, bias: Tensor | None = None, stride: int = 1, dilation: int = 1
) -> Tensor:
    """Depth-wise convolution of every image with kernels of its own, zeros around the map.

    Shapes: x (B, C, H, W), kernels (B, C, k, k), k odd -> (B, C, ⌈H/stride⌉, ⌈W/stride⌉).
    """
    batch, channels, size = kernels.shape[:3]
    padding = dilation * (size // 2)
    if torch.compiler.is_exporting():
        # Loops and groups over the batch would fix its size in the graph; a sum of shifts does not.
        x = F.pad(x, (padding, padding, padding, padding))
        total = x.new_zeros(()) if bias is None else bias[:, None, None]
        taps = tap_views(x, size, stride, dilation)
        for view, weight in zip(taps, kernels.flatten(2).unbind(2), strict=True):
            total = total + view * weight[:, :, None, None]
        return total
    if x.device.type == "cpu" and not torch.compiler.is_compiling():
        # One call per image keeps channels_last memory, which folding the batch would copy.
        images = [
            F.conv2d(image, kernel.transpose(0, 1), bias, stride, padding, dilation, channels)
            for image, kernel in zip(x.split(1), kernels.split(1), strict=True)
        ]
        return torch.cat(images)
    folded, kernel = x.reshape(1, -1, *x.shape[2:]), kernels.reshape(-1, 1, size, size)
    y = F.conv2d(folded, kernel, None, stride, padding, dilation, batch * channels)
    y = y.unflatten(1, (batch, channels)).squeeze(0)
    return y if bias is None else y + bias[:, None, None]


class DynamicDepthwiseConv2d(nn.Module):
    """Depth-wise convolution with one kernel per image and channel, predicted from the image.

    y[c, o] = bias[c] + Σ_j w[c, j] · x[c, o + j]
    w = expand(relu(norm(squeeze(context)))), context = the mean of x over all positions

    Shapes: (B, C, H, W) -> (B, C, H, W); weights (B, C, k, k).
    """

    def __init__(self, dim: int, kernel_size: int, reduction: int) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.squeeze = Linear(dim, dim // reduction, bias=False)
        self.norm = nn.BatchNorm1d(dim // reduction)
        self.expand = Linear(dim // reduction, dim * kernel_size**2)
        self.bias = nn.Parameter(torch.empty(dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        self.norm.reset_parameters()
        # The hidden mean square is near 1/2, so a kernel's squared sum starts near 1.
        std = math.sqrt(2 / self.expand.in_features) / self.kernel_size
        nn.init.normal_(self.expand.weight, std=std)
        nn.init.zeros_(self.bias)

    def weights(self, x: Tensor) -> Tensor:
        """One kernel per image and channel: (B, C, H, W) -> (B, C, k, k)."""
        if self.training and x.shape[0] == 1:
            raise ValueError("batch norm over pooled vectors needs two or more images to train")
        hidden = F.relu(self.norm(self.squeeze(x.mean((2, 3)))))
        return self.expand(hidden).unflatten(1, (-1, self.kernel_size, self.kernel_size))

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        return conv_per_image(x, w, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.aggregate(self.weights(x), x)


class DwMixer(nn.Module):
    """Part `dw_mixer`: (B, dim, H, W) -> (B, dim, H, W).

    x = [pointwise, batch_norm, relu, dynamic_depthwise_conv, batch_norm, relu, pointwise,
      batch_norm](x)
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.pointwise1 = Linear2d(dim, dim, bias=False)
        self.norm1 = nn.BatchNorm2d(dim)
        self.spatial = DynamicDepthwiseConv2d(dim, kernel_size=7, reduction=4)
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


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of every position of a map (B, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


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


class DynamicDwnetFashion(nn.Module):
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
        self.norm = LayerNorm2d(64)
        self.classifier: nn.Module = Linear(64, num_classes)

    def make_stages(self, rates: Iterator[float]) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        rows = (
            # dim, depth
            (32, 2),
            (64, 2),
        )
        for number, (dim, depth) in enumerate(rows):
            blocks = [SwinBlock(dim, drop_path=next(rates)) for _ in range(depth)]
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


def dynamic_dwnet_fashion(
    num_classes: int = 10,
    in_chans: int = 1,
    img_size: int | tuple[int, int] = 28,
    drop_path_rate: float = 0.0,
) -> DynamicDwnetFashion:
    """dynamic_dwnet_fashion: 265,946 parameters, 0.01 G multiply-adds."""
    return DynamicDwnetFashion(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "dynamic_dwnet_fashion"
SPEC = {
    "name": "dynamic_dwnet_fashion",
    "cite": (
        "Han et al., On the Connection between Local Attention and Dynamic Depth-wise Convolution, "
        "ICLR 2022"
    ),
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
            "in_channels": 16,
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
            "name": "conv",
            "operator": {
                "space": {"connect": "local", "size": [3, 3], "share": "positions"},
                "bias": "none",
            },
            "in_channels": 32,
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
    ],
    "head": [
        {"node": "element", "word": "layer_norm", "arguments": {"bias": True, "eps": 1e-05}},
        {"node": "element", "word": "global_pool", "arguments": {"kind": "average"}},
        {"node": "element", "word": "classifier", "arguments": {"bias": True}},
    ],
    "init": "xavier",
    "stages": [
        {
            "channels": 32,
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
                                                "in_channels": 32,
                                                "out_channels": 32,
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
                                                "name": "dynamic_depthwise_conv",
                                                "operator": {
                                                    "space": {
                                                        "connect": "local",
                                                        "size": [7, 7],
                                                        "share": "positions",
                                                    },
                                                    "channel": {"connect": "separate"},
                                                    "weight": {
                                                        "source": "pooled",
                                                        "predictor": {
                                                            "reduction": 4,
                                                            "norm": "batch_norm",
                                                        },
                                                    },
                                                },
                                                "in_channels": 32,
                                                "out_channels": 32,
                                                "cite": (
                                                    "Han et al., On the Connection between Local "
                                                    "Attention and Dynamic Depth-wise Convolution, "
                                                    "ICLR 2022"
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
                                                "in_channels": 32,
                                                "out_channels": 32,
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
                                                "in_channels": 32,
                                                "out_channels": 128,
                                                "cite": "Lin et al., Network In Network, ICLR 2014",
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
            "channels": 64,
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
                                                "in_channels": 64,
                                                "out_channels": 64,
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
                                                "name": "dynamic_depthwise_conv",
                                                "operator": {
                                                    "space": {
                                                        "connect": "local",
                                                        "size": [7, 7],
                                                        "share": "positions",
                                                    },
                                                    "channel": {"connect": "separate"},
                                                    "weight": {
                                                        "source": "pooled",
                                                        "predictor": {
                                                            "reduction": 4,
                                                            "norm": "batch_norm",
                                                        },
                                                    },
                                                },
                                                "in_channels": 64,
                                                "out_channels": 64,
                                                "cite": (
                                                    "Han et al., On the Connection between Local "
                                                    "Attention and Dynamic Depth-wise Convolution, "
                                                    "ICLR 2022"
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
                                                "in_channels": 64,
                                                "out_channels": 64,
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
                    "in_channels": 128,
                    "out_channels": 64,
                    "cite": "Lin et al., Network In Network, ICLR 2014",
                },
            ],
        },
    ],
}
