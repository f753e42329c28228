"""What pairs know of places in the reference semantics: offsets, and what is made of them.

In: a connection on its completed map, its parameters, queries and keys. Out: a bias for each entry,
or scores of queries and keys that are turned. Written anew from the definitions (Liu et al., Swin
v2, CVPR 2022; Su et al., RoFormer, 2021, in two axes as in Heo et al., ECCV 2024); nothing of the
compiler is used.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import torch
from torch import Tensor

from relgraph.algebra.operator import Connection, Operator, Space
from relgraph.verify.oracle_tables import Table, as_map, block_lengths, is_ring, table

Tensors = Mapping[str, Tensor]
Line = list[int]


def position_bias(connection: Connection, tensors: Tensors, heads: int) -> Tensor | None:
    """(heads, n or 1, q, k), or None where pairs know no places or are turned by them."""
    position = connection.operator.weight.position
    if position in ("none", "rotary"):
        return None
    at = _shared(connection, "none" if position == "absolute" else "positions")
    if position == "absolute":
        table_of = tensors["position_bias"].reshape(heads, at.orbits)
    elif position == "relative":
        table_of = tensors["relative_position_bias_table"].T
    else:
        table_of = offset_biases(connection, tensors).T
    return table_of[:, at.orbit.clamp(min=0)] * (at.orbit >= 0)


def _shared(connection: Connection, share: str) -> Table:
    """The same support with the sharing of what is known of places."""
    operator = connection.operator
    space: Space = dataclasses.replace(operator.space, share=share)  # type: ignore[arg-type]
    changed: Operator = dataclasses.replace(operator, space=space)
    return table(dataclasses.replace(connection, operator=changed))


# Continuous: a network of the offset's coordinates.


def offset_biases(connection: Connection, tensors: Tensors) -> Tensor:
    """(offsets, heads): 16 σ(W₂ relu(W₁ c + b₁)) of the coordinates c of each offset."""
    first, bias = tensors["cpb_mlp.0.weight"], tensors["cpb_mlp.0.bias"]
    lines = listed_offsets(connection)
    furthest = [max(1, *(abs(pair[axis]) for pair in lines)) for axis in (0, 1)]
    coordinates = torch.tensor(
        [[_coordinate(pair[axis], furthest[axis]) for axis in (0, 1)] for pair in lines],
        dtype=torch.float64,
    ).to(first)
    hidden = (coordinates @ first.T + bias).clamp(min=0)
    return 16 / (1 + (-(hidden @ tensors["cpb_mlp.2.weight"].T)).exp())


def _coordinate(offset: int, furthest: int) -> float:
    """-1 to 1.06, growing as the logarithm of the distance."""
    size = math.log2(1 + 8 * abs(offset) / furthest) / math.log2(8)
    return math.copysign(size, offset)


def listed_offsets(connection: Connection) -> list[tuple[int, int]]:
    """The offset, input − output, of each learned thing that is shared by offset, in order."""
    space, grid = connection.operator.space, as_map(connection.in_grid)
    if space.connect == "local":
        rows, columns = (_taps(space.size[axis]) for axis in (0, 1))
    elif space.connect == "axial":
        return _cross_lines(grid, space.border == "wrap")
    else:
        lengths = block_lengths(space, grid)
        rows, columns = (_line(lengths[a], is_ring(space, grid, a)) for a in (0, 1))
    return [(row, column) for row in rows for column in columns]


def _taps(size: int) -> Line:
    return [tap - (size - 1) // 2 for tap in range(size)]


def _line(length: int, ring: bool) -> Line:
    """Offsets along one axis; on a ring the shorter way, forwards where both are as long."""
    if not ring:
        return list(range(1 - length, length))
    return [step if 2 * step <= length else step - length for step in range(length)]


def _cross_lines(grid: tuple[int, int], ring: bool) -> list[tuple[int, int]]:
    """Of a cross: along the column first, then along the row without 0."""
    rows, columns = (_line(length, ring) for length in grid)
    return [(row, 0) for row in rows] + [(0, column) for column in columns if column]


# Rotary: queries and keys turned by where they stand.


def turned_products(connection: Connection, q: Tensor, k: Tensor) -> Tensor:
    """Σ over planes of q[o] · R(i − o) k[i]: q (B, n, q, heads, d), k (B, n, k, heads, d) to
    (B, heads, n, q, k). Plane p of 2d/4 a half turns by temperature^(−4p/d) for each place."""
    offsets, planes = _offsets(connection), q.shape[-1] // 4
    total = torch.zeros((), dtype=q.dtype)
    for plane in range(2 * planes):
        axis, number = divmod(plane, planes)
        slowness = connection.operator.weight.temperature ** (number / planes)
        angle = offsets[..., axis].to(q.dtype) / slowness
        (a, b), (c, d) = (x[..., 2 * plane : 2 * plane + 2].unbind(-1) for x in (q, k))
        along = _product(a, c) + _product(b, d)
        across = _product(b, c) - _product(a, d)
        total = total + along * angle.cos() + across * angle.sin()
    return total


def _product(q: Tensor, k: Tensor) -> Tensor:
    return torch.einsum("bnqh,bnkh->bhnqk", q, k)


def _offsets(connection: Connection) -> Tensor:
    """(n or 1, q, k, 2): rows and columns from output to input. Extra tokens stand at (0, 0)."""
    space, grid = connection.operator.space, as_map(connection.in_grid)
    if space.connect == "local":
        rows, columns = (_taps(space.size[axis]) for axis in (0, 1))
        return torch.cartesian_prod(torch.tensor(rows), torch.tensor(columns))[None, None]
    if space.connect == "axial":
        spot = table(connection)
        return (_places(spot.inputs, grid) - _places(spot.outputs, grid))[:, None]
    lengths = block_lengths(space, grid)
    own = _places(torch.arange(lengths[0] * lengths[1]), lengths)
    if space.connect == "full":
        own = torch.cat([torch.zeros(connection.tokens, 2, dtype=torch.long), own])
    return (own[None, :] - own[:, None])[None]


def _places(index: Tensor, grid: tuple[int, int]) -> Tensor:
    return torch.stack([index // grid[1], index % grid[1]], -1)
