"""Modules that lie beside the words of the language, or just inside them: for probes that must say
no more than is so."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Queries, keys and values; how they become weights is a subclass's own."""

    def __init__(self, dim: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        """A temperature for each head is part of its queries."""
        return (q @ k.mT * self.temperature).softmax(-1)

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return self.proj((self.weights(q, k) @ v).transpose(1, 2).reshape(b, n, c))


class WrittenOut(Attention):
    """A softmax of powers over their sum."""

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        powers = (q @ k.mT).exp()
        return powers / powers.sum(-1, keepdim=True)


class Signed(Attention):
    """Products over the sum of their magnitudes."""

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        return F.normalize(q @ k.mT, p=1.0, dim=-1)


class Cosines(Attention):
    """Cosines times a number that each head learns, squashed one by one."""

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        return (F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT * self.temperature).sigmoid()


class GivenScale(Attention):
    """Cosines times 10."""

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        return (10 * F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT).softmax(-1)


class Negated(Attention):
    """A softmax of which the sign is turned."""

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        return -(q @ k.mT).softmax(-1)


class OneMore(Attention):
    """A softmax with a one among what it divides by."""

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        powers = (q @ k.mT).exp()
        return powers / (1 + powers.sum(-1, keepdim=True))


class CutLogits(Attention):
    """Products that are cut at zero: features are not, but what is made of them."""

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        return (q @ k.mT).relu() / k.shape[-2]


class Powers(Attention):
    """Features that are powers of e: products of them are no dot, relu or elu."""

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        return F.normalize(q.exp() @ k.exp().mT, p=1.0, dim=-1)


class Best(Attention):
    """The four largest logits of a row."""

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        logits = q @ k.mT
        least = logits.topk(4, -1).values[..., -1:]
        return logits.masked_fill(logits < least, float("-inf")).softmax(-1)


class Distances(Attention):
    """A bias that nobody learns: the distance, taken off."""

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        line = torch.arange(4.0)
        spots = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).view(-1, 2)
        return (q @ k.mT - 0.5 * torch.cdist(spots, spots)).softmax(-1)


class Ordered(Attention):
    """Each place and those before it."""

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        later = torch.ones(q.shape[-2], q.shape[-2]).triu(1).bool()
        return (q @ k.mT).masked_fill(later, float("-inf")).softmax(-1)


class TalkingTwice(Attention):
    """Logits of each head are a learned mixture of mixtures of all heads' logits."""

    def __init__(self, dim: int = 8, heads: int = 2) -> None:
        super().__init__(dim, heads)
        self.first, self.second = nn.Linear(heads, heads), nn.Linear(heads, heads)

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        logits = self.first((q @ k.mT).permute(0, 2, 3, 1))
        return self.second(logits).permute(0, 3, 1, 2).softmax(-1)


class PlacesInside(Attention):
    """A learned vector for each place, added to what queries and keys are made of."""

    def __init__(self, dim: int = 8, heads: int = 2, places: int = 16) -> None:
        super().__init__(dim, heads)
        self.pos = nn.Parameter(torch.randn(1, heads, places, dim // heads))

    def weights(self, q: Tensor, k: Tensor) -> Tensor:
        return ((q + self.pos) @ (k + self.pos).mT).softmax(-1)


class SoftKernel(nn.Module):
    """A depth-wise kernel that a softmax makes of its parameters."""

    def __init__(self, dim: int = 4) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dim, 9))

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight.softmax(-1).view(-1, 1, 3, 3)
        return F.conv2d(x, kernel, padding=1, groups=x.shape[1])


class Mirrored(nn.Module):
    """A depth-wise kernel that equals its mirror image."""

    def __init__(self, dim: int = 4) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(dim, 1, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight + self.weight.flip(-1), padding=1, groups=x.shape[1])


class MixedKernels(nn.Module):
    """Kernels that a softmax over experts mixes, by the mean over all positions."""

    def __init__(self, dim: int = 8, experts: int = 3) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(experts, dim, 9))
        self.route = nn.Linear(dim, experts)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        by = self.route(x.mean((2, 3))).softmax(-1)
        kernel = torch.einsum("be,ect->bct", by, self.weight).reshape(b * c, 1, 3, 3)
        return F.conv2d(x.reshape(1, b * c, h, w), kernel, padding=1, groups=b * c).view_as(x)


class GatedDilation(nn.Module):
    """A dilated depth-wise kernel, gated by the own place; a bias inside is gated too."""

    def __init__(self, dim: int = 8, bias: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=2, dilation=2, groups=dim, bias=bias)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) * self.gate(x).sigmoid()


class DilatedNeighbours(nn.Module):
    """Attention of every position to nine that stand two apart, zeros outside counted."""

    def __init__(self, dim: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Conv2d(dim, 3 * dim, 1), nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = self.qkv(x).chunk(3, 1)
        near = (b, self.heads, c // self.heads, 9, h * w)
        k, v = (F.unfold(one, 3, dilation=2, padding=2).view(near) for one in (k, v))
        logits = (q.view(*near[:3], 1, h * w) * k).sum(2, keepdim=True)
        return self.proj((logits.softmax(3) * v).sum(3).view(b, c, h, w))


class Sampled(nn.Module):
    """Every place reads where its own feature points to."""

    def __init__(self, dim: int = 4) -> None:
        super().__init__()
        self.offset = nn.Conv2d(dim, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        lines = [torch.linspace(-1, 1, side) for side in x.shape[2:]]
        spots = torch.stack(torch.meshgrid(*lines, indexing="ij")[::-1], -1)
        moved = spots + 0.3 * self.offset(x).tanh().permute(0, 2, 3, 1)
        return F.grid_sample(x, moved, align_corners=True)


class Decaying(nn.Module):
    """y[t] = a y[t - 1] + x[t], a number a for each channel."""

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.decay = nn.Parameter(torch.rand(dim))

    def forward(self, x: Tensor) -> Tensor:
        state, made = torch.zeros_like(x[:, 0]), []
        for t in range(x.shape[1]):
            state = self.decay.sigmoid() * state + x[:, t]
            made.append(state)
        return torch.stack(made, 1)


class Routed(nn.Module):
    """One of two matrices, by the larger of two logits."""

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.one, self.other, self.route = (nn.Linear(dim, n) for n in (dim, dim, 2))

    def forward(self, x: Tensor) -> Tensor:
        first = self.route(x).argmax(-1, keepdim=True) == 0
        return torch.where(first, self.one(x), self.other(x))


class TwoKernels(nn.Module):
    """A kernel of 3 × 3 on one half of the channels, of 5 × 5 on the other."""

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        half = dim // 2
        self.small = nn.Conv2d(half, half, 3, padding=1, groups=half)
        self.large = nn.Conv2d(half, half, 5, padding=2, groups=half)

    def forward(self, x: Tensor) -> Tensor:
        one, other = x.chunk(2, 1)
        return torch.cat([self.small(one), self.large(other)], 1)


class Moved(nn.Module):
    """Two channels in each of four directions, the rest in place."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros_like(x)
        y[:, 0:2, :, :-1] = x[:, 0:2, :, 1:]
        y[:, 2:4, :, 1:] = x[:, 2:4, :, :-1]
        y[:, 4:6, :-1] = x[:, 4:6, 1:]
        y[:, 6:8, 1:] = x[:, 6:8, :-1]
        y[:, 8:] = x[:, 8:]
        return y


class Rolled(nn.Module):
    """The map moved by one row, round the border."""

    def forward(self, x: Tensor) -> Tensor:
        return x.roll(1, 2)


class Several(nn.Module):
    """A tuple, of which the first is the map; noise in train mode only."""

    def __init__(self, dim: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        return F.dropout(self.conv(x), 0.1, self.training), {"input": x}


class AlwaysDropped(nn.Module):
    """Dropout that does not ask for the mode."""

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, 0.5, True)


class Largest(nn.Module):
    """A row of a table, by the largest channel."""

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.table = nn.Embedding(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.table(x.argmax(-1))
        return made
