"""A stand-in for an emitted file: torch only, small, with everything that makes resuming hard:
batch norm, drop path, a gathered table and a parameter that must not decay."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BUILDER = "tiny_net"


class Block(nn.Module):
    """x + drop_path(gain · relu(norm(conv(x)))), the gain (dim,) gathered from a table."""

    def __init__(self, dim: int, drop_path: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)
        self.norm = nn.BatchNorm2d(dim)
        self.table = nn.Parameter(torch.ones(4, 1))
        self.register_buffer("index", torch.arange(dim) % 4, persistent=False)
        self.drop_path = drop_path

    def forward(self, x: Tensor) -> Tensor:
        gain = self.table[self.index].view(1, -1, 1, 1)
        y = gain * F.relu(self.norm(self.conv(x)))
        if self.training and self.drop_path > 0:
            y = y * (torch.rand(x.shape[0], 1, 1, 1, device=x.device) >= self.drop_path)
        return x + y


class Stage(nn.Module):
    def __init__(self, dim: int, depth: int, drop_path: float) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(dim, drop_path) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x)


class TinyNet(nn.Module):
    """Images (B, in_chans, H, W) to logits (B, num_classes)."""

    def __init__(
        self, num_classes: int, in_chans: int, img_size: tuple[int, int], drop_path_rate: float
    ) -> None:
        super().__init__()
        self.num_classes, self.in_chans, self.img_size = num_classes, in_chans, img_size
        self.stem = nn.Conv2d(in_chans, 8, 4, stride=4)
        side = (img_size[0] // 4) * (img_size[1] // 4)
        self.position = nn.Parameter(torch.zeros(1, 8, side))
        self.stages = nn.ModuleList(Stage(8, 2, drop_path_rate) for _ in range(2))
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.position.unflatten(2, x.shape[2:])
        for stage in self.stages:
            x = stage(x)
        return self.head(self.norm(x.mean((2, 3))))

    def no_weight_decay(self) -> set[str]:
        return {"position"}


def tiny_net(
    num_classes: int = 10,
    in_chans: int = 3,
    img_size: int | tuple[int, int] = 28,
    drop_path_rate: float = 0.1,
) -> TinyNet:
    """Build the model."""
    size = (img_size, img_size) if isinstance(img_size, int) else img_size
    return TinyNet(num_classes, in_chans, size, drop_path_rate)
