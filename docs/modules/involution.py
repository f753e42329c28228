"""Involution as people write it: what docs/probe.md probes."""

import torch
from torch import nn
from torch.nn import functional as F


class Involution(nn.Module):
    """A kernel for every position, predicted from its own feature, shared inside groups."""

    def __init__(self, dim: int, kernel_size: int = 3, groups: int = 4) -> None:
        super().__init__()
        self.kernel_size, self.groups = kernel_size, groups
        self.reduce = nn.Sequential(nn.Conv2d(dim, dim // 4, 1), nn.ReLU())
        self.span = nn.Conv2d(dim // 4, kernel_size**2 * groups, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) → the same."""
        b, c, h, w = x.shape
        kernel = self.span(self.reduce(x)).view(b, self.groups, 1, -1, h, w)
        near = F.unfold(x, self.kernel_size, padding=self.kernel_size // 2)
        near = near.view(b, self.groups, c // self.groups, -1, h, w)
        return (kernel * near).sum(3).view(b, c, h, w)
