# Made by relgraph from the spec `inhomogeneous_dwnet_tiny`. Edit the spec, not this file.
# resolved spec: sha256 3e18c71d56c80df8349b7aad548a3ce8e074a0f5380ee808121527e6907a569d
# text below: sha256 ffd7bedd3d17ca6bde0b11d2ed4495fb7a9208fe6e29c66ecc2be569974d4abc
"""inhomogeneous_dwnet_tiny: Han et al., On the Connection between Local Attention and Dynamic
Depth-wise Convolution, ICLR 2022

26,244,280 parameters; 4,374,133,248 multiply-adds for one image of 224 x 224 (convolutions and
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
  pointwise: own position only, shared over positions; all channels; static. Lin et al., Network In
    Network, ICLR 2014.
    from mlp: sparsify space full → point; share space none → positions.
  inhomogeneous_depthwise_conv: local 7×7 over space, shared over positions; own channel only,
    shared inside 32 heads; dynamic, predicted from the feature at the centre, hidden width 1/4. Han
    et al., On the Connection between Local Attention and Dynamic Depth-wise Convolution, ICLR 2022.
    from mlp: sparsify space full → local; share space none → positions; sparsify channel full →
      separate; share channel none → heads; make dynamic static → center.
  feed_forward: Vaswani et al., Attention Is All You Need, NeurIPS 2017.

Shapes: B images, C or dim channels, H x W positions; N = extra tokens + H * W. Maps are (B, C, H,
W) tensors in channels_last memory, where permuting channels last is free. [f, g](x) is g(f(x)).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

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


def pad_groups(x: Tensor, groups: int, padding: int) -> Tensor:
    """Zeros around a map, channels cut into groups: (B, C, H, W) -> (B, G, C/G, H + 2p, W + 2p)."""
    return F.pad(x, (padding, padding, padding, padding)).unflatten(1, (groups, -1))


def image_parts(*tensors: Tensor) -> list[tuple[Tensor, ...]]:
    """Cut batches image by image on a CPU, whose cache holds one image's maps; else not at all."""
    images = 1 if tensors[0].device.type == "cpu" else max(1, tensors[0].shape[0])
    return list(zip(*(tensor.split(images) for tensor in tensors), strict=True))


class LocalAggregation(torch.autograd.Function):
    """y[g, c, o] = Σ_j w[g, j, o] · x[g, c, o + j], zeros around the map: a kernel per position.

    Shapes: x (B, C, H, W), w (B, G, k·k, Ho, Wo) -> (B, C, Ho, Wo), C/G channels in a group.
    Left to autograd, every tap would keep a shifted copy of x; this keeps x and w alone and shifts
    again on the way back. Sums of half precision are taken in float32.
    """

    @staticmethod
    def forward(x: Tensor, w: Tensor, kernel_size: int, stride: int, dilation: int) -> Tensor:
        groups, padding = w.shape[1], dilation * (kernel_size // 2)
        wide = torch.promote_types(x.dtype, torch.float32)
        shape, layout = (*x.shape[:2], *w.shape[3:]), torch.channels_last
        y = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=layout)
        for image, kernels, out in image_parts(x, w, y):
            padded = pad_groups(image.contiguous(), groups, padding)
            taps = tap_views(padded, kernel_size, stride, dilation)
            total = taps[0].new_zeros(taps[0].shape, dtype=wide)
            for tap, kernel in zip(taps, kernels.unbind(2), strict=True):
                total.addcmul_(tap, kernel[:, :, None])
            out.copy_(total.flatten(1, 2))
        return y

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, w, *ctx.spacing = inputs
        ctx.save_for_backward(x, w)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_y: Tensor) -> tuple[Tensor | None, ...]:
        x, w = ctx.saved_tensors
        kernel_size, _, dilation = ctx.spacing
        groups, padding = w.shape[1], dilation * (kernel_size // 2)
        rows, columns = (slice(padding, padding + side) for side in x.shape[2:])
        wide = torch.promote_types(x.dtype, torch.float32)
        grad_x, grad_w = torch.empty_like(x), torch.empty_like(w)
        for image, kernels, grad, *out in image_parts(x, w, grad_y, grad_x, grad_w):
            padded = pad_groups(image.contiguous(), groups, padding)
            grad_padded = torch.zeros_like(padded, dtype=wide)
            grad = grad.contiguous().unflatten(1, (groups, -1))
            taps = tap_views(padded, *ctx.spacing)
            grad_taps = tap_views(grad_padded, *ctx.spacing)
            for j, kernel in enumerate(kernels.unbind(2)):
                grad_taps[j].addcmul_(grad, kernel[:, :, None])
                torch.sum(grad * taps[j], dim=2, out=out[1][:, :, j])
            out[0].copy_(grad_padded[..., rows, columns].flatten(1, 2))
        return grad_x, grad_w, None, None, None


def aggregate_locally(
    x: Tensor, w: Tensor, kernel_size: int, stride: int = 1, dilation: int = 1
) -> Tensor:
    """Σ_j w[g, j, o] · x[g, c, o + j] by `LocalAggregation`, or as a plain sum for a compiler."""
    x = x.to(w.dtype)  # under autocast the weights come in half precision
    if not torch.compiler.is_compiling():
        y: Tensor = LocalAggregation.apply(x, w, kernel_size, stride, dilation)
        return y
    padded = pad_groups(x, w.shape[1], dilation * (kernel_size // 2))
    taps = tap_views(padded, kernel_size, stride, dilation)
    total = torch.zeros_like(taps[0])
    for tap, kernel in zip(taps, w.unbind(2), strict=True):
        total = total + tap * kernel[:, :, None]
    return total.flatten(1, 2)


class InhomogeneousDepthwiseConv2d(nn.Module):
    """Depth-wise convolution with a kernel per position and head, predicted from the position.

    y[c, o] = Σ_j w[head(c), j, o] · x[c, o + j]
    w[:, :, o] = expand(relu(norm(squeeze(context)))), context = x[o]

    Shapes: (B, C, H, W) -> (B, C, H, W); weights (B, heads, k·k, H, W).
    """

    def __init__(self, dim: int, num_heads: int, kernel_size: int, reduction: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.kernel_size = kernel_size
        self.squeeze = Linear2d(dim, dim // reduction)
        self.norm = nn.BatchNorm2d(dim // reduction)
        self.expand = Linear(dim // reduction, num_heads * kernel_size**2)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        self.norm.reset_parameters()
        # The hidden mean square is near 1/2, so a kernel's squared sum starts near 1.
        std = math.sqrt(2 / self.expand.in_features) / self.kernel_size
        nn.init.normal_(self.expand.weight, std=std)

    def weights(self, x: Tensor) -> Tensor:
        """One k×k kernel per head and position: (B, C, H, W) -> (B, heads, k·k, H, W)."""
        hidden = F.relu(self.norm(self.squeeze(x)))
        # Rows of kernels rather than of positions: each tap then reads one contiguous map.
        expand = self.expand.weight.expand(x.shape[0], -1, -1)
        w = torch.baddbmm(self.expand.bias[:, None], expand, hidden.flatten(2))
        return w.view(x.shape[0], self.num_heads, -1, *hidden.shape[2:])

    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        return aggregate_locally(x, w, self.kernel_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.aggregate(self.weights(x), x)


class DwMixer(nn.Module):
    """Part `dw_mixer`: (B, dim, H, W) -> (B, dim, H, W).

    x = [pointwise, batch_norm, relu, inhomogeneous_depthwise_conv, batch_norm, relu, pointwise,
      batch_norm](x)
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.pointwise1 = Linear2d(dim, dim, bias=False)
        self.norm1 = nn.BatchNorm2d(dim)
        self.spatial = InhomogeneousDepthwiseConv2d(
            dim, num_heads=num_heads, kernel_size=7, reduction=4
        )
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

    def __init__(self, dim: int, num_heads: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.dw_mixer = DwMixer(dim, num_heads=num_heads)
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


class InhomogeneousDwnetTiny(nn.Module):
    """Images (B, in_chans, H, W) -> logits (B, num_classes). H and W: multiples of 32."""

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
        if height % 32 or width % 32:
            raise ValueError(f"img_size: multiples of 32, found {height} x {width}")
        # Stochastic depth: the rate rises linearly from block to block.
        rates = iter([drop_path_rate * i / 11 for i in range(12)])
        self.stem = Stem(in_chans, 96)
        self.stages = nn.ModuleList(self.make_stages(rates))
        self.norm = LayerNorm2d(768)
        self.classifier: nn.Module = Linear(768, num_classes)

    def make_stages(self, rates: Iterator[float]) -> Iterator[Stage]:
        """Every row of the spec, one after the other."""
        rows = (
            # dim, depth
            (96, 2),
            (192, 2),
            (384, 6),
            (768, 2),
        )
        for number, (dim, depth) in enumerate(rows):
            blocks = [SwinBlock(dim, num_heads=32, drop_path=next(rates)) for _ in range(depth)]
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


def inhomogeneous_dwnet_tiny(
    num_classes: int = 1000,
    in_chans: int = 3,
    img_size: int | tuple[int, int] = 224,
    drop_path_rate: float = 0.2,
) -> InhomogeneousDwnetTiny:
    """inhomogeneous_dwnet_tiny: 26,244,280 parameters, 4.37 G multiply-adds."""
    return InhomogeneousDwnetTiny(
        num_classes=num_classes, in_chans=in_chans, img_size=img_size, drop_path_rate=drop_path_rate
    )


# What this file was made from: the spec with nothing left to look up.
BUILDER = "inhomogeneous_dwnet_tiny"
SPEC = {
    "name": "inhomogeneous_dwnet_tiny",
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
                                                "in_channels": 96,
                                                "out_channels": 96,
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
                                                "name": "inhomogeneous_depthwise_conv",
                                                "operator": {
                                                    "space": {
                                                        "connect": "local",
                                                        "size": [7, 7],
                                                        "share": "positions",
                                                    },
                                                    "channel": {
                                                        "connect": "separate",
                                                        "share": "heads",
                                                        "heads": 32,
                                                    },
                                                    "weight": {
                                                        "source": "center",
                                                        "predictor": {
                                                            "reduction": 4,
                                                            "bias": True,
                                                            "norm": "batch_norm",
                                                        },
                                                    },
                                                    "bias": "none",
                                                },
                                                "in_channels": 96,
                                                "out_channels": 96,
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
                                                "in_channels": 96,
                                                "out_channels": 96,
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
                                                "in_channels": 192,
                                                "out_channels": 192,
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
                                                "name": "inhomogeneous_depthwise_conv",
                                                "operator": {
                                                    "space": {
                                                        "connect": "local",
                                                        "size": [7, 7],
                                                        "share": "positions",
                                                    },
                                                    "channel": {
                                                        "connect": "separate",
                                                        "share": "heads",
                                                        "heads": 32,
                                                    },
                                                    "weight": {
                                                        "source": "center",
                                                        "predictor": {
                                                            "reduction": 4,
                                                            "bias": True,
                                                            "norm": "batch_norm",
                                                        },
                                                    },
                                                    "bias": "none",
                                                },
                                                "in_channels": 192,
                                                "out_channels": 192,
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
                                                "in_channels": 192,
                                                "out_channels": 192,
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
                                                "in_channels": 384,
                                                "out_channels": 384,
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
                                                "name": "inhomogeneous_depthwise_conv",
                                                "operator": {
                                                    "space": {
                                                        "connect": "local",
                                                        "size": [7, 7],
                                                        "share": "positions",
                                                    },
                                                    "channel": {
                                                        "connect": "separate",
                                                        "share": "heads",
                                                        "heads": 32,
                                                    },
                                                    "weight": {
                                                        "source": "center",
                                                        "predictor": {
                                                            "reduction": 4,
                                                            "bias": True,
                                                            "norm": "batch_norm",
                                                        },
                                                    },
                                                    "bias": "none",
                                                },
                                                "in_channels": 384,
                                                "out_channels": 384,
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
                                                "in_channels": 384,
                                                "out_channels": 384,
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
                                                "in_channels": 768,
                                                "out_channels": 768,
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
                                                "name": "inhomogeneous_depthwise_conv",
                                                "operator": {
                                                    "space": {
                                                        "connect": "local",
                                                        "size": [7, 7],
                                                        "share": "positions",
                                                    },
                                                    "channel": {
                                                        "connect": "separate",
                                                        "share": "heads",
                                                        "heads": 32,
                                                    },
                                                    "weight": {
                                                        "source": "center",
                                                        "predictor": {
                                                            "reduction": 4,
                                                            "bias": True,
                                                            "norm": "batch_norm",
                                                        },
                                                    },
                                                    "bias": "none",
                                                },
                                                "in_channels": 768,
                                                "out_channels": 768,
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
                                                "in_channels": 768,
                                                "out_channels": 768,
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
