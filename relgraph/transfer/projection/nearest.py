"""The nearest product of two factors: a truncated singular value decomposition, block by block.

In: a weight on the product's axes, the axes' blocks. Out: the numbers of the two factors. Blocks of
the channel axis times blocks of the space axis are independent matrices; each entry counts as often
as W holds it, which scales rows and columns before the decomposition and back after it. The optimum
over all weights of these factors (Eckart and Young 1936; a unique solution up to the scale between
the factors, which is split evenly).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.transfer.projection.parts import Block, Parts


@dataclass(frozen=True, eq=False)
class Factors:
    """Numbers (units, orbits) of the first and the second factor, and of their product on the
    product's axes."""

    first: Tensor
    second: Tensor
    product: Tensor


Shape = tuple[int, int]  # units, orbits


def nearest(theta: Tensor, channel: Parts, space: Parts, first: Shape, second: Shape) -> Factors:
    """The factors whose product is nearest to `theta` (units, orbits of the product's axes)."""
    made = Factors(theta.new_zeros(first), theta.new_zeros(second), torch.zeros_like(theta))
    alike: dict[tuple[int, ...], list[tuple[Block, Block]]] = defaultdict(list)
    for pair in itertools.product(channel.blocks, space.blocks):
        shapes = (*pair[0].product.shape, pair[0].rank, *pair[1].product.shape, pair[1].rank)
        alike[*shapes, pair[0].rows.ndim, pair[1].rows.ndim].append(pair)
    for pairs in alike.values():
        _solve(theta, pairs, made)
    return made


def _solve(theta: Tensor, pairs: list[tuple[Block, Block]], made: Factors) -> None:
    """All matrices of one size at once; the answers are written into `made`."""
    channel, space = (_stacked([pair[axis] for pair in pairs]) for axis in (0, 1))
    at = _crossed(channel.product, space.product)
    matrices = theta[at]
    rows = _roots(channel.rows, space.rows)
    columns = _roots(channel.columns, space.columns)
    scaled = _times(_times(matrices, rows[0]).mT, columns[0]).mT
    u, s, vt = torch.linalg.svd(scaled, full_matrices=False)
    wanted = channel.second.shape[-1] * space.second.shape[-1]
    rank = min(wanted, s.shape[-1])
    sign = _signs(u[..., :rank])
    root = s[..., :rank].sqrt() * sign
    left = _times(u[..., :rank] * root[..., None, :], rows[1])
    right = _times(vt[..., :rank, :].mT * root[..., None, :], columns[1]).mT
    made.product[at] = left @ right
    room = (0, wanted - rank)
    made.second[_crossed(channel.second, space.second)] = torch.nn.functional.pad(left, room)
    grown = torch.nn.functional.pad(right.mT, room).mT
    made.first[_crossed(channel.first, space.first)] = grown


def _stacked(blocks: list[Block]) -> Block:
    fields = ("product", "second", "first", "rows", "columns")
    return Block(*(torch.stack([getattr(block, name) for block in blocks]) for name in fields))


def _crossed(units: Tensor, orbits: Tensor) -> tuple[Tensor, Tensor]:
    """Indices (n, Rc·Rs, Kc·Ks) into (units, orbits) of blocks (n, Rc, Kc) and (n, Rs, Ks)."""
    shape = units.shape[1] * orbits.shape[1], units.shape[2] * orbits.shape[2]
    unit = units[:, :, None, :, None].expand(-1, -1, orbits.shape[1], -1, orbits.shape[2])
    orbit = orbits[:, None, :, None, :].expand(-1, units.shape[1], -1, units.shape[2], -1)
    return unit.reshape(-1, *shape), orbit.reshape(-1, *shape)


def _roots(units: Tensor, orbits: Tensor) -> tuple[Tensor, Tensor]:
    """The root of both axes' weights together, and its inverse; (n, R) or (n, R, R)."""
    if units.ndim == orbits.ndim == 2:
        root = (units[:, :, None] * orbits[:, None]).flatten(1).sqrt()
        return root, root.reciprocal()
    one, other = (w if w.ndim == 3 else torch.diag_embed(w) for w in (units, orbits))
    whole = torch.einsum("nij,nkl->nikjl", one, other).flatten(3).flatten(1, 2)
    values, vectors = torch.linalg.eigh(whole)
    kept = values > 1e-12 * values.amax(-1, keepdim=True)
    root = torch.where(kept, values, 0).sqrt()
    inverse = torch.where(kept, root.clamp(min=1e-300).reciprocal(), 0)
    both = [(vectors * d[:, None]) @ vectors.mT for d in (root, inverse)]
    return both[0], both[1]


def _times(matrix: Tensor, weight: Tensor) -> Tensor:
    return matrix * weight[..., None] if weight.ndim == 2 else weight @ matrix


def _signs(u: Tensor) -> Tensor:
    """+1 or −1 for each column, so that its largest entry is positive: one answer of the two."""
    largest = u.abs().argmax(-2, keepdim=True)
    return torch.where(u.gather(-2, largest).squeeze(-2) < 0, -1.0, 1.0)
