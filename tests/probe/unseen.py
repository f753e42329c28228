"""Modules in styles of their own, written from the papers that describe them: each makes its sums
in another way than relgraph's own modules do."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MixedBranches(nn.Module):
    """ACmix (Pan et al., CVPR 2022): attention and a convolution, both of one projected value."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Conv2d(channels, channels, 1) for _ in range(3))
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        value = self.value(x)
        logits = self.query(x).flatten(2).transpose(1, 2) @ self.key(x).flatten(2)
        attended = value.flatten(2) @ logits.softmax(-1).transpose(1, 2)
        made: Tensor = attended.view_as(x) + self.conv(value)
        return made


class Standardized(nn.Conv2d):
    """Weight standardization (Qiao et al., 2019): no filter has a mean or a scale of its own."""

    def forward(self, x: Tensor) -> Tensor:
        spread = self.weight.std((1, 2, 3), keepdim=True)
        weight = (self.weight - self.weight.mean((1, 2, 3), keepdim=True)) / spread
        return F.conv2d(x, weight, self.bias, padding=1)


class CentralDifference(nn.Conv2d):
    """Yu et al., CVPR 2020: less 0.7 of what the whole kernel makes of the centre. No law holds
    for its weights: it is a convolution with other numbers."""

    def forward(self, x: Tensor) -> Tensor:
        centre = F.conv2d(x, self.weight.sum((2, 3), keepdim=True))
        return F.conv2d(x, self.weight, padding=1) - 0.7 * centre


class OneProjection(nn.Module):
    """Queries that are keys (Kitaev et al., Reformer, ICLR 2020)."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.query, self.value = nn.Linear(channels, channels), nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        query = self.query(x)
        made: Tensor = (query @ query.transpose(1, 2)).softmax(-1) @ self.value(x)
        return made


class Hydra(nn.Module):
    """Hydra attention (Bolya et al., 2022): a head for each channel, cosines."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.project = nn.Linear(channels, 3 * channels)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.project(x).chunk(3, -1)
        query, key = (one / one.norm(dim=-1, keepdim=True) for one in (query, key))
        made: Tensor = query * (key * value).sum(1, keepdim=True)
        return made


class AftSimple(nn.Module):
    """Attention free transformer (Zhai et al., 2021), without position biases."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.project = nn.Linear(channels, 3 * channels)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.project(x).chunk(3, -1)
        made: Tensor = query.sigmoid() * (key.softmax(1) * value).sum(1, keepdim=True)
        return made


class SimAm(nn.Module):
    """SimAM (Yang et al., ICML 2021): gates by how far an entry is from its channel's mean."""

    def forward(self, x: Tensor) -> Tensor:
        apart = (x - x.mean((2, 3), keepdim=True)) ** 2
        spread = apart.sum((2, 3), keepdim=True) / (x.shape[2] * x.shape[3] - 1)
        return x * torch.sigmoid(apart / (4 * (spread + 1e-4)) + 0.5)


class Focal(nn.Module):
    """Focal modulation (Yang et al., NeurIPS 2022) of two levels and the mean."""

    def __init__(self, channels: int = 4) -> None:
        super().__init__()
        self.sizes = (channels, channels, 3)
        self.project = nn.Conv2d(channels, sum(self.sizes), 1)
        self.near = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.far = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.modulate, self.output = (nn.Conv2d(channels, channels, 1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        query, context, gates = self.project(x).split(self.sizes, 1)
        near = F.gelu(self.near(context))
        far = F.gelu(self.far(near))
        mean = F.gelu(far.mean((2, 3), keepdim=True))
        levels = near * gates[:, :1] + far * gates[:, 1:2] + mean * gates[:, 2:]
        made: Tensor = self.output(query * self.modulate(levels))
        return made


class GivenTable(nn.Module):
    """A synthesizer's random table (Tay et al., ICML 2021): a softmax of parameters."""

    def __init__(self, places: int = 16, channels: int = 8) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(places, places))
        self.value = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.table.softmax(-1) @ self.value(x)
        return made


class Decay(nn.Module):
    """Manhattan attention (Fan et al., RMT, CVPR 2024): a given decay with the distance."""

    def __init__(self, side: int = 4, channels: int = 8) -> None:
        super().__init__()
        self.project = nn.Linear(channels, 3 * channels)
        steps = torch.arange(side)
        place = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1).flatten(0, 1)
        distance = (place[:, None] - place).abs().sum(-1)
        self.register_buffer("decay", distance * torch.tensor(0.75).log())

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.project(x).chunk(3, -1)
        made: Tensor = (query @ key.transpose(1, 2) + self.decay).softmax(-1) @ value
        return made


class OddKernel(nn.Module):
    """A depthwise kernel in which one channel, in the middle, lacks a tap."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, 1, 3, 3))
        mask = torch.ones_like(self.weight)
        mask[channels // 3, 0, 0, 0] = 0.0
        self.register_buffer("mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        assert isinstance(self.mask, Tensor)
        return F.conv2d(x, self.weight * self.mask, padding=1, groups=len(self.weight))


class OddPlace(nn.Module):
    """A depthwise kernel that is another at each place in one channel, in the middle."""

    def __init__(self, channels: int = 64, side: int = 14) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.scale = nn.Parameter(torch.randn(side, side))
        self.channel = channels // 3

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.conv(x)
        chosen = torch.arange(made.shape[1]) == self.channel
        return made * torch.where(chosen[:, None, None], self.scale, 1.0)
