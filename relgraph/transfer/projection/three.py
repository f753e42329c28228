"""Three linear factors: a bottleneck, point ∘ C ∘ point, by alternating least squares.

In: a linear source, and a target that is a chain of a point, any static connection and a point.
Out: weights with W_t ≈ B G_t A for every orbit t of space. No closed form is known: this descends
from the truncated HOSVD (De Lathauwer, De Moor, Vandewalle 2000) and is reported as such, not as an
optimum: where the core mixes all channels, by alternating eigenproblems (HOOI, the same authors),
else factor by factor. Every sweep lowers the error or ends the descent, and nothing is drawn at
random but rows that no singular vector fills, from a fixed seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.program import Connect, Scope
from relgraph.transfer.axes import Axis, gram
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.functions import Axes
from relgraph.transfer.projection.chain import (
    Factor,
    between_ends,
    factors,
    finished,
    on_hull,
    places,
    single,
)
from relgraph.verify.oracle_channels import channel_orbits

REASON = (
    "near, not proved nearest: alternating least squares from the truncated HOSVD, {0} sweeps{1}"
)
SWEEPS = 100
ENOUGH = 1e-6
"""The descent ends where a sweep lowers ‖ΔW‖² by less than this part of ‖W‖²."""
LARGEST = 1 << 26
_MOST_ENTRIES = 2048  # of a core that does not mix all channels, solved as a whole
_STEPS = 10  # of conjugate gradients for a larger one


@dataclass(frozen=True, eq=False)
class Tucker:
    """W_t ≈ last (D, r2) · core (r2, r1)_t · first (r1, C); `core` is (r2, r1, T)."""

    first: Tensor
    core: Tensor
    last: Tensor

    def product(self) -> Tensor:
        """(D, C, T)."""
        inner = torch.einsum("abt,bc->act", self.core, self.first)
        return torch.einsum("da,act->dct", self.last, inner)


def three_factors(
    source: Connect | Scope, target: Connect | Scope, tensors: Tensors, fresh: Tensors
) -> Carried | Refused:
    """A local optimum over W's entries on the layer's map."""
    chain = factors(target)
    if isinstance(chain, Refused):
        return chain
    if len(chain) != 3 or not (_is_point(chain[0]) and _is_point(chain[2])):
        return Refused("factors of which no method knows the nearest product")
    whole = single(source, (chain[0].connection, chain[2].connection), tensors)
    if isinstance(whole, Refused):
        return whole
    refused = between_ends(whole.connection, target.input, target.output)
    if refused is not None:
        return refused
    space, width = chain[1].axes().space, (target.output.channels, target.input.channels)
    numbers = width[0] * width[1] * space.orbits
    if numbers > LARGEST:
        return Refused(f"{numbers:,} numbers to factor: more than {LARGEST:,}")
    start = on_hull(whole, Axes(_every(*width), space))
    units = channel_orbits(chain[1].connection)
    root, inverse = _roots(space)
    made, sweeps = descended(start.theta.reshape(*width, -1) @ root, units)
    made = Tucker(made.first, made.core @ inverse, made.last)
    weights = {
        chain[0].path: made.first,
        chain[1].path: _by_unit(made.core, units, "mean"),
        chain[2].path: made.last,
    }
    error = start.error(made.product().flatten(0, 1))
    reason = REASON.format(sweeps, "" if sweeps < SWEEPS else ", the most that are made")
    return finished(whole, chain, weights, fresh, (reason, error))


def _is_point(factor: Factor) -> bool:
    """A full matrix, the same at every place."""
    operator, axes = factor.connection.operator, factor.axes()
    count = factor.connection.in_channels * factor.connection.out_channels
    full = axes.channel.orbits == len(axes.channel.entry) == count
    same = axes.space.orbits == 1 and len(axes.space.entry) == places(factor.connection)
    return full and same and operator.space.connect == "point"


def _every(rows: int, columns: int) -> Axis:
    every = torch.arange(rows * columns)
    return Axis(every, every, rows * columns)


def _roots(space: Axis) -> tuple[Tensor, Tensor]:
    """The root of the orbits' Gram matrix and its pseudoinverse, (T, T)."""
    square = gram(space).to_dense()
    diagonal = square.diagonal()
    if torch.equal(square, torch.diag(diagonal)):
        values, vectors = diagonal, torch.eye(len(diagonal), dtype=torch.float64)
    else:
        values, vectors = torch.linalg.eigh(square)
    root = values.clamp(min=0).sqrt()
    inverse = torch.where(values > 1e-12 * values.max(), root.clamp(min=1e-300).reciprocal(), 0)
    return (vectors * root) @ vectors.T, (vectors * inverse) @ vectors.T


def descended(w: Tensor, units: Tensor) -> tuple[Tucker, int]:
    """W (D, C, T) as three factors and the number of sweeps; `units` (r2, r1) tells which number of
    the core joins which channels, -1 for none."""
    mixes = len(units.unique()) == units.numel() and bool((units >= 0).all())
    tucker = _start(w, units, mixes)
    total = float(w.square().sum())
    error = float((w - tucker.product()).square().sum())
    for sweep in range(1, SWEEPS + 1):
        tried = _turned(w, tucker) if mixes else _swept(w, tucker, units)
        lower = float((w - tried.product()).square().sum())
        if lower < error:
            tucker = tried
        if not lower < error - ENOUGH * total:
            return tucker, sweep
        error = lower
    return tucker, SWEEPS


def _start(w: Tensor, units: Tensor, mixes: bool) -> Tucker:
    """The truncated HOSVD: leading singular vectors of both unfoldings, and the core they leave."""
    last, first = _leading(w, units.shape[0]), _leading(w.transpose(0, 1), units.shape[1]).T
    if mixes:
        return Tucker(first, _between(w, first, last), last)
    generator = torch.Generator().manual_seed(0)
    last, first = _filled(last, generator), _filled(first.T, generator).T
    empty = Tucker(first, w.new_zeros(*units.shape, w.shape[2]), last)
    return Tucker(first, _core(w, empty, units), last)


def _leading(unfolded: Tensor, count: int) -> Tensor:
    """Leading left singular vectors (N, count) of (N, ...); columns beyond N are zero."""
    flat = unfolded.flatten(1)
    _, vectors = torch.linalg.eigh(flat @ flat.T)
    vectors = vectors.flip(1)[:, :count]
    vectors = vectors * torch.where(vectors.sum(0) < 0, -1.0, 1.0)
    return torch.nn.functional.pad(vectors, (0, count - vectors.shape[1]))


def _filled(vectors: Tensor, generator: torch.Generator) -> Tensor:
    """Columns of zeros, which no step would leave, as random directions."""
    drawn = torch.randn(vectors.shape, generator=generator, dtype=torch.float64)
    drawn = drawn / drawn.norm(dim=0)
    return torch.where(vectors.square().sum(0) > 0, vectors, drawn)


def _between(w: Tensor, first: Tensor, last: Tensor) -> Tensor:
    """Bᵀ W_t Aᵀ: the best core between orthonormal factors."""
    return torch.einsum("da,dct,bc->abt", last, w, first)


def _turned(w: Tensor, tucker: Tucker) -> Tucker:
    """One sweep of HOOI: each outer factor together with the core, the other one held."""
    widths = tucker.core.shape
    last = _leading(torch.einsum("dct,bc->dbt", w, tucker.first), widths[0])
    first = _leading(torch.einsum("da,dct->cat", last, w), widths[1]).T
    return Tucker(first, _between(w, first, last), last)


def _swept(w: Tensor, tucker: Tucker, units: Tensor) -> Tucker:
    """One sweep of least squares: last, first, core."""
    inner = torch.einsum("abt,bc->act", tucker.core, tucker.first).flatten(1)
    last = _least_squares(inner.T, w.flatten(1).T).T
    outer = torch.einsum("da,abt->dtb", last, tucker.core).flatten(0, 1)
    first = _least_squares(outer, w.transpose(1, 2).flatten(0, 1))
    tried = Tucker(first, tucker.core, last)
    return Tucker(first, _core(w, tried, units), last)


def _least_squares(columns: Tensor, wanted: Tensor) -> Tensor:
    return _inverted(columns.T @ columns) @ (columns.T @ wanted)


def _inverted(square: Tensor) -> Tensor:
    inverse: Tensor = torch.linalg.pinv(square, hermitian=True, rtol=1e-12)
    return inverse


def _core(w: Tensor, tucker: Tucker, units: Tensor) -> Tensor:
    """Least squares over the numbers of a core that does not mix all channels: by its normal
    equations, or where they are many by steps of conjugate gradients, each of which lowers the
    error."""
    rows, columns = tucker.last.T @ tucker.last, tucker.first @ tucker.first.T
    right = _by_unit(_between(w, tucker.first, tucker.last), units, "sum")
    a, b = torch.nonzero(units >= 0).unbind(1)
    if len(a) <= _MOST_ENTRIES:
        pairs = rows[a][:, a] * columns[b][:, b]
        joined = pairs.new_zeros(len(right), len(a)).index_add_(0, units[a, b], pairs)
        square = pairs.new_zeros(len(right), len(right)).index_add_(1, units[a, b], joined)
        return _spread(_inverted(square) @ right, units)
    return _spread(_descent(tucker, units, (rows, columns), right), units)


def _descent(
    tucker: Tucker, units: Tensor, squares: tuple[Tensor, Tensor], right: Tensor
) -> Tensor:
    """Conjugate gradients from the core as it is."""
    rows, columns = squares

    def normal(theta: Tensor) -> Tensor:
        whole = _spread(theta, units)
        return _by_unit(torch.einsum("ab,bct,cd->adt", rows, whole, columns), units, "sum")

    theta = _by_unit(tucker.core, units, "mean")
    rest = right - normal(theta)
    step, size = rest, rest.square().sum()
    first = float(size)
    for _ in range(_STEPS):
        if float(size) <= 1e-24 * first:
            break
        image = normal(step)
        length = size / (step * image).sum()
        theta, rest = theta + length * step, rest - length * image
        before, size = size, rest.square().sum()
        step = rest + size / before * step
    return theta


def _spread(theta: Tensor, units: Tensor) -> Tensor:
    """(U, T) numbers as (r2, r1, T) matrices."""
    return theta[units.clamp(min=0)] * (units >= 0)[..., None]


def _by_unit(core: Tensor, units: Tensor, how: str) -> Tensor:
    """(r2, r1, T) matrices summed, or their mean, over the entries of each unit: (U, T)."""
    there = units >= 0
    made = core.new_zeros(int(units.max()) + 1, core.shape[2])
    made = made.index_add(0, units[there], core[there])
    if how == "sum":
        return made
    return made / units[there].bincount()[:, None]
