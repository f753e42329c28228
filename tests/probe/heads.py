"""Attentions whose heads share keys and values, or talk, as people write them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Grouped(nn.Module):
    """Heads of which `values` values and `keys` keys serve all; `how` says by which operations."""

    def __init__(
        self, dim: int = 8, heads: int = 4, values: int = 2, keys: int = 0, how: str = "repeat"
    ) -> None:
        super().__init__()
        self.values, self.keys, self.how = values, keys or values, how
        self.width = dim // heads
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(dim, self.keys * self.width)
        self.v = nn.Linear(dim, values * self.width)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            one(x).unflatten(-1, (-1, self.width)).transpose(1, 2)
            for one in (self.q, self.k, self.v)
        )
        return self.proj(self._attended(q, k, v).transpose(1, 2).flatten(2))

    def _attended(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        heads = q.shape[1]
        if self.how == "fused":
            return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        if self.how == "runs":
            q = q.unflatten(1, (self.values, -1))
            w = torch.einsum("bgrnd,bgmd->bgrnm", q, k).mul(self.width**-0.5).softmax(-1)
            return torch.einsum("bgrnm,bgmd->bgrnd", w, v).flatten(1, 2)
        if self.how == "in turn":  # heads 0, 2, … share, and heads 1, 3, …
            k, v = (one.repeat(1, heads // one.shape[1], 1, 1) for one in (k, v))
        else:
            k, v = (one.repeat_interleave(heads // one.shape[1], 1) for one in (k, v))
        return (q @ k.mT * self.width**-0.5).softmax(-1) @ v


class Unprojected(nn.Module):
    """Heads that all attend to the image as it is, side by side; or with keys alone shared."""

    def __init__(self, dim: int = 8, heads: int = 4, whole: bool = True) -> None:
        super().__init__()
        self.width = dim if whole else dim // heads
        self.q = nn.Linear(dim, heads * self.width)
        self.k = nn.Linear(dim, 2)
        self.turn = nn.Linear(self.width, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        q = self.turn(self.q(x).unflatten(-1, (-1, self.width)).transpose(1, 2))
        v = x.unflatten(-1, (-1, self.width)).transpose(1, 2)
        made = (q @ self.k(x)[:, None].mT).softmax(-1) @ v
        return made.transpose(1, 2).flatten(2)


class Talking(nn.Module):
    """Heads whose logits, weights or both are mixed by 1×1 convolutions over the heads."""

    def __init__(
        self,
        dim: int = 16,
        heads: int = 4,
        logits: bool = True,
        weights: bool = True,
        bias: bool = True,
        values: int = 4,
        over: int = -1,
    ) -> None:
        super().__init__()
        self.width, self.heads, self.over = dim // heads, heads, over
        self.q = nn.Linear(dim, dim)
        self.k = nn.Linear(dim, values * self.width)
        self.v = nn.Linear(dim, values * self.width)
        self.proj = nn.Linear(dim, dim)
        self.before = nn.Conv2d(heads, heads, 1, bias=bias) if logits else nn.Identity()
        self.behind = nn.Conv2d(heads, heads, 1, bias=bias) if weights else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            one(x).unflatten(-1, (-1, self.width)).transpose(1, 2)
            for one in (self.q, self.k, self.v)
        )
        k, v = (one.repeat_interleave(self.heads // one.shape[1], 1) for one in (k, v))
        logits = self.before(q @ k.mT * self.width**-0.5)
        made = self.behind(logits.softmax(self.over)) @ v
        return self.proj(made.transpose(1, 2).flatten(2))


class Neighbours(nn.Module):
    """A mixture in which heads hear their neighbours only."""

    def __init__(self, heads: int = 4) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(heads, heads))
        self.bias = nn.Parameter(torch.randn(heads))
        self.register_buffer("band", torch.ones(heads, heads).triu(-1).tril(1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, (self.weight * self.band)[..., None, None], self.bias)
