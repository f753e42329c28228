"""Random float64 inputs for tests of the oracle, and the layouts between torch and it."""

from __future__ import annotations

import torch
from torch import Tensor

from relgraph.algebra.operator import Size

H, W, C, D = 8, 6, 4, 6


def rand(*shape: int) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, dtype=torch.float64)


def rows(x: Tensor) -> Tensor:
    """(B, C, H, W) → (B, P, C), what the oracle reads."""
    return x.flatten(2).transpose(1, 2)


def close(a: Tensor, b: Tensor) -> None:
    """Equal but for the order of float64 sums."""
    torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


def two(size: int | Size) -> Size:
    """One number is both sides."""
    return (size, size) if isinstance(size, int) else size


def shape_of(y: Tensor) -> Size:
    """The map of a (B, C, H, W) tensor."""
    return y.shape[2], y.shape[3]


def predictor(leaving: int, hidden: int, entering: int) -> dict[str, Tensor]:
    """Parameters of squeeze → batch norm → act → expand."""
    return {
        "squeeze.weight": rand(hidden, entering),
        "squeeze.bias": rand(hidden),
        "norm.weight": rand(hidden),
        "norm.bias": rand(hidden),
        "norm.running_mean": rand(hidden),
        "norm.running_var": rand(hidden).abs() + 0.5,
        "expand.weight": rand(leaving, hidden),
        "expand.bias": rand(leaving),
    }
