"""Modules as people write them, for probes: involution, dynamic convolutions, attentions, gates."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Involution(nn.Module):
    """A kernel for each position from its own feature, shared inside groups of channels."""

    def __init__(self, dim: int = 8, kernel_size: int = 3, groups: int = 2) -> None:
        super().__init__()
        self.kernel_size, self.groups = kernel_size, groups
        self.reduce = nn.Sequential(nn.Conv2d(dim, 4, 1), nn.BatchNorm2d(4), nn.ReLU())
        self.span = nn.Conv2d(4, kernel_size**2 * groups, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        taps = self.kernel_size**2
        kernel = self.span(self.reduce(x)).view(b, self.groups, 1, taps, h, w)
        near = F.unfold(x, self.kernel_size, padding=self.kernel_size // 2)
        near = near.view(b, self.groups, c // self.groups, taps, h, w)
        return (kernel * near).sum(3).view(b, c, h, w)


class DynamicDepthwise(nn.Module):
    """A depth-wise kernel for each image, from the mean over all positions."""

    def __init__(self, dim: int = 8, kernel_size: int = 3) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.predict = nn.Sequential(nn.Linear(dim, 4), nn.ReLU(), nn.Linear(4, dim * 9))

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        kernel = self.predict(x.mean((2, 3))).view(b * c, 1, 3, 3)
        return F.conv2d(x.reshape(1, b * c, h, w), kernel, padding=1, groups=b * c).view_as(x)


class LinearlyPredicted(nn.Module):
    """The same without anything that bends: both factors of its products are linear in x."""

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.predict = nn.Linear(dim, dim * 9)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        kernel = self.predict(x.mean((2, 3))).view(b, c, 9, 1)
        return (F.unfold(x, 3, padding=1).view(b, c, 9, h * w) * kernel).sum(2).view_as(x)


class CondConv(nn.Module):
    """A mixture of expert kernels, by the mean over all positions."""

    def __init__(self, dim: int = 8, experts: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(experts, dim, dim, 3, 3))
        self.route = nn.Linear(dim, experts)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        mixture = torch.sigmoid(self.route(x.mean((2, 3))))
        kernel = torch.einsum("be,edcij->bdcij", mixture, self.weight).reshape(-1, c, 3, 3)
        made = F.conv2d(x.reshape(1, b * c, h, w), kernel, padding=1, groups=b)
        return made.view(b, -1, h, w)


class LightweightAttention(nn.Module):
    """A softmax over the taps of each position's own kernel; zeros outside are counted."""

    def __init__(self, dim: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads, self.weight = heads, nn.Conv2d(dim, heads * 9, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        kernel = self.weight(x).view(b, self.heads, 1, 9, h * w).softmax(3)
        near = F.unfold(x, 3, padding=1).view(b, self.heads, c // self.heads, 9, h * w)
        return (near * kernel).sum(3).view(b, c, h, w)


class LinearAttention(nn.Module):
    """phi(q) · phi(k), rows divided by their sums, multiplied from the right first."""

    def __init__(self, dim: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = F.elu(q) + 1, F.elu(k) + 1
        over = q @ k.sum(-2, keepdim=True).transpose(-1, -2)
        y = q @ (k.transpose(-1, -2) @ v) / over
        return self.proj(y.transpose(1, 2).reshape(b, n, c))


class RowAttention(nn.Module):
    """Attention of every position to its row."""

    def __init__(self, dim: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        b, h, w, c = x.shape
        q, k, v = self.qkv(x).view(b * h, w, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).reshape(b, h, w, c))


class RowsTimesColumns(nn.Module):
    """Two depth-wise kernels, one along rows and one along columns."""

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.rows = nn.Conv2d(dim, dim, (1, 3), padding=(0, 1), groups=dim, bias=False)
        self.columns = nn.Conv2d(dim, dim, (3, 1), padding=(1, 0), groups=dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.columns(self.rows(x))


class LowRank(nn.Module):
    """A matrix over positions of rank 3, for all channels."""

    def __init__(self, places: int = 16, rank: int = 3) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(places, rank, bias=False), nn.Linear(rank, places)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(self.down(x))


class RepVgg(nn.Module):
    """Branches that add up to one kernel."""

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.conv, self.point = nn.Conv2d(dim, dim, 3, padding=1), nn.Conv2d(dim, dim, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(dim) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        first, second, third = self.norms
        return F.relu(first(self.conv(x)) + second(self.point(x)) + third(x))


class LargeKernelAttention(nn.Module):
    """x times a map that two kernels and a matrix make of it."""

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.near = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)
        self.far = nn.Conv2d(dim, dim, 3, padding=2, dilation=2, groups=dim)
        self.point = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.point(self.far(self.near(x)))


class GlobalFilter(nn.Module):
    """A product with one number for each frequency: a circular kernel as large as the map."""

    def __init__(self, dim: int = 4, side: int = 5) -> None:
        super().__init__()
        self.side = side
        self.weight = nn.Parameter(torch.randn(dim, side, side // 2 + 1, 2))

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(x) * torch.view_as_complex(self.weight)
        return torch.fft.irfft2(spectrum, s=(self.side, self.side))


class HandMadeNorm(nn.Module):
    """A layer norm written out before a depth-wise kernel."""

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(dim, 1, 1))
        self.conv = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        return self.conv(self.scale * ((x - mean) / torch.sqrt(variance + 1e-6)))


class SwiGlu(nn.Module):
    """A gate by the own place, inside a hidden width."""

    def __init__(self, dim: int = 8, hidden: int = 12) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(dim, hidden), nn.Linear(dim, hidden)
        self.down = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Shuffled(nn.Module):
    """Two matrices of groups with a shuffle between: every channel reads every other."""

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.first = nn.Conv2d(dim, dim, 1, groups=2)
        self.second = nn.Conv2d(dim, dim, 1, groups=4)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        y = self.first(x).view(b, 2, c // 2, h, w).transpose(1, 2).reshape(b, c, h, w)
        return self.second(y)


class NeighbourhoodAttention(nn.Module):
    """Attention of every position to the nine around it, zeros outside counted."""

    def __init__(self, dim: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Conv2d(dim, 3 * dim, 1), nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = self.qkv(x).chunk(3, 1)
        near = (b, self.heads, c // self.heads, 9, h * w)
        k, v = (F.unfold(one, 3, padding=1).view(near) for one in (k, v))
        logits = (q.view(*near[:3], 1, h * w) * k).sum(2, keepdim=True)
        return self.proj(((0.5 * logits).softmax(3) * v).sum(3).view(b, c, h, w))


class Unshared(nn.Module):
    """A depth-wise kernel of its own for every position."""

    def __init__(self, dim: int = 4, places: int = 25) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dim, 9, places))

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        near = F.unfold(x, 3, padding=1).view(b, c, 9, h * w)
        return (near * self.weight).sum(2).view(b, c, h, w)


class Noisy(nn.Module):
    """Another output every time."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


class Rounded(nn.Module):
    """An output that has no gradient."""

    def forward(self, x: Tensor) -> Tensor:
        return x.round()


class Decides(nn.Module):
    """An output of one kind or another, by the values."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x if x.sum() > 0 else 3 * x


class MixesImages(nn.Module):
    """The mean over a batch, taken off."""

    def forward(self, x: Tensor) -> Tensor:
        return x - 0.5 * x.mean(0, keepdim=True)


class Constant(nn.Module):
    """An output that no input changes."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.ones_like(x)
