"""Modules as different people write them: sums as loops over shifts, neighbourhoods as views and
tables, gates and averages around attention, and what inference code does."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEPS = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]


class Rolled(nn.Module):
    """Local attention with relative positions: a loop over offsets, each a rolled map."""

    def __init__(self, channels: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Conv2d(channels, 3 * channels, 1), nn.Conv2d(channels, channels, 1)
        self.bias = nn.Parameter(torch.zeros(heads, 9))

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = (one.view(b, self.heads, -1, h, w) for one in self.qkv(x).chunk(3, 1))
        near = [torch.roll(k, step, (3, 4)) for step in STEPS]
        logits = torch.stack([(q * one).sum(2) for one in near], 2) + self.bias[:, :, None, None]
        weights = logits.softmax(2)
        made = torch.zeros_like(v)
        for number, step in enumerate(STEPS):
            made = made + weights[:, :, number, None] * torch.roll(v, step, (3, 4))
        out: Tensor = self.out(made.reshape(b, c, h, w))
        return out


class CrissCross(nn.Module):
    """CCNet (Huang et al., ICCV 2019): one softmax over a row and a column, two sums."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.q, self.k = nn.Conv2d(channels, 4, 1), nn.Conv2d(channels, 4, 1)
        self.v = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v, h = self.q(x), self.k(x), self.v(x), x.shape[2]
        once = torch.full((h,), float("-inf")).diag()[None, :, None]
        down = torch.einsum("bchw,bcgw->bhwg", q, k) + once
        weights = torch.cat([down, torch.einsum("bchw,bchg->bhwg", q, k)], -1).softmax(-1)
        column = torch.einsum("bhwg,bcgw->bchw", weights[..., :h], v)
        return column + torch.einsum("bhwg,bchg->bchw", weights[..., h:], v)


class SumOfExperts(nn.Module):
    """CondConv as its outputs are: experts run side by side, their outputs mixed."""

    def __init__(self, channels: int = 4, softmax: bool = False) -> None:
        super().__init__()
        self.experts = nn.ModuleList(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(3)
        )
        self.route, self.softmax = nn.Linear(channels, 3), softmax

    def forward(self, x: Tensor) -> Tensor:
        logits = self.route(x.mean((2, 3)))
        by = logits.softmax(1) if self.softmax else logits.sigmoid()
        first, second, third = (
            by[:, number, None, None, None] * expert(x)
            for number, expert in enumerate(self.experts)
        )
        made: Tensor = first + second + third
        return made


class TwoScales(nn.Module):
    """A static kernel beside a gated projection: two operators, and no kernel of the image."""

    def __init__(self, channels: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.point, self.fc = nn.Conv2d(channels, channels, 1), nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.fc(x.mean((2, 3))).sigmoid()[:, :, None, None]
        made: Tensor = self.conv(x) + self.point(x) * gate
        return made


class Strided(nn.Module):
    """A depthwise convolution over a view of the padded map."""

    def __init__(self, channels: int = 4) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        near = F.pad(x, (1, 1, 1, 1)).contiguous()
        down, across = near.stride()[2:]
        view = near.as_strided((*x.shape, 3, 3), (*near.stride(), down, across))
        return torch.einsum("bchwij,cij->bchw", view, self.weight)


class Table(nn.Module):
    """A convolution by a table of neighbours, the last place of which is nothing."""

    def __init__(self, channels: int = 4, side: int = 6) -> None:
        super().__init__()
        self.weight = nn.Linear(9 * channels, channels, bias=False)
        places = F.pad(torch.arange(side * side).view(side, side), (1, 1, 1, 1), value=side * side)
        near = places.unfold(0, 3, 1).unfold(1, 3, 1).reshape(side * side, 9)
        self.register_buffer("near", near)

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        index = self.get_buffer("near")
        made: Tensor = self.weight(F.pad(x, (0, 0, 0, 1))[:, index].reshape(b, n, 9 * c))
        return made


class RowsThenColumns(nn.Module):
    """Axial attention without a shortcut between (Ho et al., 2019)."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.rows, self.columns = (nn.MultiheadAttention(channels, 2) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        b, h, w, c = x.shape
        row = x.permute(2, 0, 1, 3).reshape(w, b * h, c)
        x = self.rows(row, row, row)[0].view(w, b, h, c).permute(1, 2, 0, 3)
        column = x.permute(1, 0, 2, 3).reshape(h, b * w, c)
        made: Tensor = self.columns(column, column, column)[0].view(h, b, w, c).permute(1, 0, 2, 3)
        return made


class Pairs(nn.Module):
    """Attention of tokens, whose weights are made as told: `score` of queries and keys."""

    def __init__(self, how: str, channels: int = 8, width: int = 4) -> None:
        super().__init__()
        self.q, self.k = nn.Linear(channels, width), nn.Linear(channels, width)
        self.v, self.gate = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.first, self.second = nn.Linear(width, 1), nn.Linear(width, 1)
        self.level, self.how = nn.Parameter(torch.zeros(())), how

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.q(x), self.k(x), self.v(x)
        if self.how == "linear":
            q, k = F.elu(q) + 1, F.elu(k) + 1
            scale = 1 / torch.einsum("bnd,bd->bn", q, k.sum(1))
            return torch.einsum("bnd,bde,bn->bne", q, k.mT @ v, scale)
        made: Tensor = self._weights(q, k) @ v
        return made * self.gate(x).sigmoid() if self.how == "gated" else made

    def _weights(self, q: Tensor, k: Tensor) -> Tensor:
        logits = q @ k.mT / 2
        if self.how == "gated":
            return logits.softmax(-1)
        if self.how == "sloped":
            return F.leaky_relu(self.first(q) + self.second(k).mT, 0.2).softmax(-1)
        logits = logits + self.level
        if self.how == "divided":
            return logits / logits.abs().sum(-1, keepdim=True)
        return logits.sigmoid() if self.how == "squashed" else logits


class PooledKeys(nn.Module):
    """Keys and values of an averaged map (Wang et al., PVT v2, 2022, without what is learned)."""

    def __init__(self, channels: int = 8) -> None:
        super().__init__()
        self.q, self.kv = nn.Conv2d(channels, channels, 1), nn.Conv2d(channels, 2 * channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        k, v = self.kv(F.avg_pool2d(x, 2)).flatten(2).chunk(2, 1)
        weights = (self.q(x).flatten(2).mT @ k).softmax(-1)
        made: Tensor = (v @ weights.mT).view_as(x)
        return made


class Excited(nn.Module):
    """A gate by another statistic than the mean, or by twice a sigmoid."""

    def __init__(self, how: str, channels: int = 8) -> None:
        super().__init__()
        self.fc, self.how = nn.Linear(channels, channels), how

    def forward(self, x: Tensor) -> Tensor:
        pooled = x.amax((2, 3)) if self.how == "maximum" else x.mean((2, 3))
        gate = self.fc(pooled).sigmoid()[:, :, None, None]
        made: Tensor = x * gate if self.how == "maximum" else 2 * gate * x
        return made


class Overwritten(nn.Module):
    """A convolution of a part of the channels, in place (Chen et al., FasterNet, CVPR 2023)."""

    def __init__(self, part: int = 2) -> None:
        super().__init__()
        self.part, self.conv = part, nn.Conv2d(part, part, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x.clone()
        x[:, : self.part] = self.conv(x[:, : self.part])
        return x


class ComplexFilter(nn.Module):
    """GFNet (Rao et al., NeurIPS 2021) with a filter of complex numbers."""

    def __init__(self, channels: int = 4, side: int = 6) -> None:
        super().__init__()
        made = torch.randn(side, side // 2 + 1, channels, dtype=torch.complex64)
        self.filter = nn.Parameter(made)

    def forward(self, x: Tensor) -> Tensor:
        waves = torch.fft.rfft2(x, dim=(1, 2), norm="ortho") * self.filter
        made: Tensor = torch.fft.irfft2(waves, s=x.shape[1:3], dim=(1, 2), norm="ortho")
        return made


class Placed(nn.Module):
    """Attention with a bias of places: a table of offsets, of a head each or in part."""

    def __init__(self, how: str, side: int = 4, channels: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads, self.how = heads, how
        self.qkv = nn.Linear(channels, 3 * channels)
        across = 2 * side - 1
        sizes = {
            "for each head": (heads, across, across),
            "for all heads": (1, across, across),
            "of rows and of columns": (heads, 2, across),
            "of pairs": (heads, side**2, side**2),
            "of keys": (heads, 1, side**2),
        }
        self.table = nn.Parameter(torch.randn(sizes[how]))
        at = torch.arange(side**2)
        self.register_buffer("down", at[:, None] // side - at // side + side - 1)
        self.register_buffer("across", at[:, None] % side - at % side + side - 1)

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        down, across = self.get_buffer("down"), self.get_buffer("across")
        table: Tensor = self.table
        if self.how in ("for each head", "for all heads"):
            table = table[:, down, across]
        elif self.how == "of rows and of columns":
            table = table[:, 0][:, down] + table[:, 1][:, across]
        made = F.scaled_dot_product_attention(q, k, v, table.expand(self.heads, n, n))
        return made.transpose(1, 2).reshape(b, n, c)


class Unlearned(nn.Module):
    """What no parameter makes: a gate by the mean as it is, a sum over all places."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        if self.how == "sum":
            return x.sum((2, 3))
        return x * x.mean((2, 3), keepdim=True).sigmoid()
