"""The oracle against matrices over positions, windows, grids, stripes written by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import relgraph.verify.oracle as oracle
from relgraph.algebra.operator import (
    Channel,
    Connection,
    Frame,
    Operator,
    Size,
    Space,
    Weight,
)
from tests.verify.oracle_inputs import C, D, H, W, close, rand, rows


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


# Matrices over positions


def test_mixer_and_fully_connected() -> None:
    x, p = rand(2, C, H, W), H * W
    one, bias = rand(p, p), rand(p)
    shared = Operator(Space("full"), Channel("separate", share="all"), bias="positions")
    y = oracle.connect(
        Connection(shared, C, C, (H, W), (H, W)), {"weight": one, "bias": bias}, rows(x)
    )
    close(y, one @ rows(x) + bias[:, None])
    everything, both = rand(D, C, p, p), rand(D, p)
    dense = Connection(Operator(Space("full"), bias="both"), C, D, (H, W), (H, W))
    y = oracle.connect(dense, {"weight": everything, "bias": both}, rows(x))
    close(y, torch.einsum("dcoi,bic->bod", everything, rows(x)) + both.T)


def test_offsets_of_a_full_map_make_a_large_convolution() -> None:
    x, weight = rand(2, C, 3, 4), rand(C, 5, 7)
    operator = Operator(Space("full", share="positions"), Channel("separate"), bias="none")
    connection = Connection(operator, C, C, (3, 4), (3, 4))
    y = oracle.connect(connection, {"weight": weight.flatten(1)}, rows(x))
    close(y, rows(F.conv2d(x, weight[:, None], padding=(2, 3), groups=C)))


def test_offsets_under_wrap_make_a_circulant() -> None:
    x, weight = rand(1, 1, 3, 4), rand(1, 12)
    operator = Operator(
        Space("full", share="positions", border="wrap"), Channel("separate"), bias="none"
    )
    connection = Connection(operator, 1, 1, (3, 4), (3, 4))
    y = oracle.connect(connection, {"weight": weight}, rows(x)).reshape(3, 4)
    for o in ((0, 0), (2, 1)):
        near = torch.roll(x[0, 0], (-o[0], -o[1]), (0, 1))  # input − output on the ring
        close(y[o], (near.flatten() * weight[0]).sum())


def test_pooled_matrix_between_different_maps() -> None:
    x, weight = rand(2, C, H, W), rand(C, 5, H * W)
    operator = Operator(Space("full"), Channel("separate"), bias="none")
    connection = Connection(operator, C, C, (H, W), (5, 1))
    y = oracle.connect(connection, {"weight": weight}, rows(x))
    close(y, torch.einsum("coi,bic->boc", weight, rows(x)))


# Windows


def partition(x: Tensor, size: Size) -> Tensor:
    """(B, H, W, C) → (B, windows, places, C)."""
    b, h, w, c = x.shape
    grid = x.reshape(b, h // size[0], size[0], w // size[1], size[1], c)
    return grid.transpose(2, 3).reshape(b, -1, size[0] * size[1], c)


def merge(y: Tensor, size: Size, grid: Size) -> Tensor:
    b, c = len(y), y.shape[-1]
    blocks = y.reshape(b, grid[0] // size[0], grid[1] // size[1], *size, c)
    return blocks.transpose(2, 3).reshape(b, *grid, c)


def relative_index(size: Size) -> Tensor:
    y, x = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    y, x = y.flatten(), x.flatten()
    dy, dx = y[None] - y[:, None] + size[0] - 1, x[None] - x[:, None] + size[1] - 1
    return dy * (2 * size[1] - 1) + dx


def swin(x: Tensor, tensors: dict[str, Tensor], size: Size, shift: Size, heads: int) -> Tensor:
    """Shifted window attention as its reference code does it: pad, roll, partition, mask."""
    b, h, w, c = x.shape
    x = F.pad(x, (0, 0, 0, -w % size[1], 0, -h % size[0]))
    grid = x.shape[1], x.shape[2]
    x = torch.roll(x, (-shift[0], -shift[1]), (1, 2))
    qkv = F.linear(partition(x, size), tensors["qkv.weight"], tensors["qkv.bias"])
    q, k, v = qkv.reshape(b, -1, size[0] * size[1], 3, heads, c // heads).permute(3, 0, 1, 4, 2, 5)
    logits = q @ k.mT * (c // heads) ** -0.5
    logits += tensors["relative_position_bias_table"][relative_index(size)].permute(2, 0, 1)
    regions = torch.zeros(1, *grid, 1)
    for axis in (0, 1):  # the part that came from the other side is a region of its own
        if shift[axis]:
            regions.narrow(axis + 1, grid[axis] - shift[axis], shift[axis]).add_(2**axis)
    region = partition(regions, size)[0, :, :, 0]
    logits.masked_fill_((region[:, :, None] != region[:, None])[:, None], float("-inf"))
    y = (logits.softmax(-1) @ v).transpose(2, 3).flatten(3)
    y = F.linear(y, tensors["proj.weight"], tensors["proj.bias"])
    y = torch.roll(merge(y, size, grid), shift, (1, 2))
    return y[:, :h, :w]


@pytest.mark.parametrize("grid", [(8, 6), (7, 5)])
@pytest.mark.parametrize("shift", [(0, 0), (1, 2), (0, 1)])
def test_shifted_window_attention(grid: Size, shift: Size) -> None:
    size, c, heads = (2, 3), 4, 2
    operator = Operator(
        Space("window", size=size, shift=shift, border="mask", pad=True),
        Channel("separate", share="heads", heads=heads),
        Weight("pair", normalize="softmax", position="relative"),
        "none",
        Frame(value=True, output=True),
    )
    tensors = {
        "qkv.weight": rand(3 * c, c),
        "qkv.bias": rand(3 * c),
        "proj.weight": rand(c, c),
        "proj.bias": rand(c),
        "relative_position_bias_table": rand(15, heads),
    }
    x = rand(2, *grid, c)
    connection = Connection(operator, c, c, grid, grid)
    y = oracle.connect(connection, tensors, x.flatten(1, 2))
    close(y.reshape(x.shape), swin(x, tensors, size, shift, heads))
    completed = -(-grid[0] // 2) * 2 * -(-grid[1] // 3) * 3
    assert oracle.multiply_adds(connection) == completed * (4 * c * c + 2 * 6 * c)


@pytest.mark.parametrize("share", ["none", "windows"])
def test_static_windows_that_wrap(share: str) -> None:
    size, shift, heads, grid = (2, 3), (1, 1), 2, (4, 6)
    x, count = rand(2, *grid, C), 4
    weight = rand(heads, count, 6, 6) if share == "none" else rand(heads, 6, 6)
    rolled = partition(torch.roll(x, (-1, -1), (1, 2)), size)
    matrix = weight if share == "none" else weight[:, None].expand(-1, count, -1, -1)
    y = torch.einsum("hnqk,bnkhc->bnqhc", matrix, rolled.unflatten(3, (heads, -1))).flatten(3)
    expected = torch.roll(merge(y, size, grid), shift, (1, 2))
    space = Space("window", size=size, shift=shift, share=share, border="wrap")  # type: ignore[arg-type]
    operator = Operator(space, Channel("separate", share="heads", heads=heads), bias="none")
    connection = Connection(operator, C, C, grid, grid)
    close(
        oracle.connect(connection, {"weight": weight}, x.flatten(1, 2)).reshape(x.shape), expected
    )


def test_a_window_that_covers_the_map_is_full_and_its_shift_void() -> None:
    x, weight = rand(2, 24, C), rand(C, 24, 24)
    window = Space("window", size=(7, 7), shift=(3, 3), border="mask", share="windows")
    y, z = (
        oracle.connect(
            Connection(Operator(space, Channel("separate"), bias="none"), C, C, (4, 6), (4, 6)),
            {"weight": weight},
            x,
        )
        for space in (window, Space("full"))
    )
    close(y, z)


def test_grids_and_stripes_are_windows_of_rearranged_maps() -> None:
    x, weight = rand(2, 4, 6, C), rand(C, 6, 6)
    grid = Space("grid", size=(2, 3), share="windows")
    y = static_blocks(grid, weight, x)
    spread = x.reshape(2, 2, 2, 3, 2, C)  # row = cell · 2 + block, column = cell · 2 + block
    expected = torch.einsum("cyxuv,buivjc->byixjc", weight.reshape(C, 2, 3, 2, 3), spread).reshape(
        x.shape
    )
    close(y, expected)
    stripes = Space("stripe", size=(1, 1), share="windows")
    close(static_blocks(stripes, weight, x), torch.einsum("cqk,bykc->byqc", weight, x))
    columns = rand(C, 4, 4)
    stripes = Space("stripe", size=(1, 1), along="columns", share="windows")
    close(static_blocks(stripes, columns, x), torch.einsum("cqk,bkxc->bqxc", columns, x))


def static_blocks(space: Space, weight: Tensor, x: Tensor) -> Tensor:
    grid = (x.shape[1], x.shape[2])
    operator = Operator(space, Channel("separate"), bias="none")
    connection = Connection(operator, C, C, grid, grid)
    return oracle.connect(connection, {"weight": weight}, x.flatten(1, 2)).reshape(x.shape)


def test_axial_offsets() -> None:
    x, weight = rand(1, 3, 4, 1), rand(1, 2 * (3 + 4) - 3)
    space = Space("axial", share="positions")
    operator = Operator(space, Channel("separate"), bias="none")
    connection = Connection(operator, 1, 1, (3, 4), (3, 4))
    y = oracle.connect(connection, {"weight": weight}, x.flatten(1, 2))[0, :, 0].reshape(3, 4)
    column, before, after = weight[0, :5], weight[0, 5:8], weight[0, 8:]
    expected = column[1:4] @ x[0, :, 2, 0] + before[1:] @ x[0, 1, :2, 0] + after[0] * x[0, 1, 3, 0]
    close(y[1, 2], expected)
