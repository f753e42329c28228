"""Rank: the matrices that rank words are about, by their singular values.

In: W of several draws of parameters, which no image changes. Out: a `Rank` on one axis, or none,
and the ranks that were seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from relgraph.algebra.operator import Rank, Size

# Singular values below this part of the largest are rounding.
ROUNDING = 1e-9


def rank_of(matrix: Tensor) -> int:
    """The number of singular values above rounding."""
    values = torch.linalg.svdvals(matrix)
    return int((values > ROUNDING * values.max()).sum())


def channel_rank(draws: Sequence[Tensor]) -> tuple[Rank | None, str]:
    """`inner` r where W (O, D, I, C) unfolded over output and over input channels has rank r, less
    than both have channels."""
    _, d, _, c = draws[0].shape
    out = _largest(w.permute(1, 0, 2, 3).flatten(1) for w in draws)
    if draws[0].shape[0] == draws[0].shape[2] == 1:  # one matrix, from both sides
        into = out
    else:
        into = _largest(w.permute(3, 0, 1, 2).flatten(1) for w in draws)
    said = f"rank {out} over {d} output channels, {into} over {c} input channels"
    if out == into and out < min(d, c):
        return Rank("inner", (out,)), said
    return None, said


def _largest(matrices: Iterable[Tensor]) -> int:
    """The largest rank; no matrix is looked at behind one that has as much as it can have."""
    found = 0
    for matrix in matrices:
        found = max(found, rank_of(_compressed(matrix)))
        if found == min(matrix.shape):
            break
    return found


def _compressed(matrix: Tensor) -> Tensor:
    """The same row space's rank from fewer columns, mixed by random numbers."""
    rows, columns = matrix.shape
    if columns <= 2 * rows:
        return matrix
    generator = torch.Generator().manual_seed(11)
    return matrix @ torch.randn(columns, 2 * rows, generator=generator, dtype=matrix.dtype)


def place_rank(draws: Sequence[Tensor], grid: Size | None, share: str) -> tuple[Rank | None, str]:
    """For W (O, I) of one channel that reads all places: `reduce` r where columns are equal inside
    cells of r × r, `separable` where it is rows ⊗ columns, `tokens` n where its rank n is less."""
    outputs, inputs = draws[0].shape
    rank = max(map(rank_of, draws))
    said = f"each channel's matrix over places has rank {rank} of {min(outputs, inputs)}"
    if share == "all" or outputs != inputs:
        return None, said
    if grid is not None:
        if min(grid) > 1 and all(_kronecker_rank(w, grid) == 1 for w in draws):
            return Rank("separable"), f"{said}; it is rows ⊗ columns"
        cell = _cells(draws, grid)
        if cell > 1:
            return Rank("reduce", (cell,)), f"{said}; its columns are equal in cells {cell}×{cell}"
    return (Rank("tokens", (rank,)), said) if rank < outputs else (None, said)


def _kronecker_rank(w: Tensor, grid: Size) -> int:
    rows, columns = grid
    apart = w.view(rows, columns, rows, columns).permute(0, 2, 1, 3)
    return rank_of(apart.reshape(rows * rows, columns * columns))


def _cells(draws: Sequence[Tensor], grid: Size) -> int:
    """The side of the largest cells, less than the map, inside which all columns are equal."""
    for side in range(min(grid) - 1, 1, -1):
        if grid[0] % side or grid[1] % side:
            continue
        shape = (-1, grid[0] // side, side, grid[1] // side, side)
        cells = [w.view(shape) for w in draws]
        if all(
            float((c - c[:, :, :1, :, :1]).abs().max()) <= ROUNDING * float(c.abs().max())
            for c in cells
        ):
            return side
    return 1


def kernel_rank(draws: Sequence[Tensor], size: Size) -> tuple[Rank | None, str]:
    """`separable` where each channel's kernel (rows, columns) has rank 1."""
    ranks = [rank_of(kernel) for kernel in draws]
    said = f"kernels {size[0]}×{size[1]} have rank {max(ranks)}"
    return (Rank("separable") if max(ranks) == 1 else None), said
