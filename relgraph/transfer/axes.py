"""The two axes of a static weight as lists of entries, and the matrix that takes one to another.

In: connections. Out: for each axis which orbit stands at which entry (output, input), as index
tensors; and M = pinv(B) · A, the least-squares optimum over the entries of W. A weight is
θ[units, orbits] with W = C θ Sᵀ over both axes, so θ_B = M_channel θ_A M_spaceᵀ, and nothing ever
lists P²C² entries (ALGEBRA 2: the axes multiply). Where A ≤ B the matrices embed exactly.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.algebra import geometry
from relgraph.algebra.operator import Connection, Size, SpaceShare
from relgraph.verify import oracle
from relgraph.verify.oracle_channels import channel_orbits, unit_count
from relgraph.verify.oracle_tables import Table, completed_connection, table


@dataclass(frozen=True, eq=False)
class Axis:
    """For every entry that exists its number and the orbit that stands there; `orbits` counts what
    is stored, reached or not. An entry that is reached twice stands there twice."""

    entry: Tensor
    orbit: Tensor
    orbits: int

    def equals(self, other: Axis) -> bool:
        """Whether both list the same orbits at the same entries, in the same order."""
        return (
            self.orbits == other.orbits
            and torch.equal(self.entry, other.entry)
            and torch.equal(self.orbit, other.orbit)
        )


def channel_axis(connection: Connection) -> Axis:
    """Which unit of the weight joins which channels, entry d · C + c."""
    units = channel_orbits(connection)
    entry = torch.nonzero(units.flatten() >= 0).squeeze(1)
    orbit = units.flatten()[entry]
    return Axis(entry, orbit, unit_count(connection))


def space_axis(connection: Connection, share: SpaceShare | None = None) -> Axis:
    """Which orbit joins which positions, entry o · P_in + i on the map itself: positions that `pad`
    adds are zero and cut off again. `share` replaces the operator's own, for position tables."""
    whole = completed_connection(shared(connection, share))
    spot = table(whole)
    inputs, orbit, outputs = _by_slot(spot)
    read = on_map(inputs, whole, connection.in_grid)
    made = on_map(outputs, whole, connection.in_grid)
    there = (read >= 0) & (made >= 0) & (orbit >= 0)
    columns = connection.tokens + geometry.area(connection.key_grid or connection.in_grid)
    return Axis((made * columns + read)[there], orbit[there], spot.orbits)


def slot_axis(connection: Connection, share: SpaceShare | None = None, empty: bool = True) -> Axis:
    """Which orbit stands at which slot that a softmax counts (`empty` ones too, which a sigmoid
    need not), on the completed map: entry o · K + j. Compares where the slots are the same."""
    spot = table(completed_connection(shared(connection, share)))
    inputs, orbit, outputs = _by_slot(spot)
    slot = torch.arange(spot.width).expand(*spot.outputs.shape, -1)
    if connection.operator.space.connect == "outlook":  # an output has slots in several windows
        number = torch.arange(spot.outputs.numel()).view(*spot.outputs.shape, 1)
        outputs = torch.where(outputs < 0, outputs, number)
    present = spot.present.expand(*spot.outputs.shape, -1) & (empty | (inputs >= 0))
    there = (outputs >= 0) & present & (orbit >= 0)
    return Axis((outputs * spot.width + slot)[there], orbit[there], spot.orbits)


def slots(connection: Connection) -> tuple[Tensor, Tensor]:
    """What each output's slots read (O, K; -1: nothing), and which of them take part in a
    normalisation, on the completed map."""
    spot = table(completed_connection(shared(connection, "none")))
    present = spot.present.expand(*spot.outputs.shape, -1).flatten(0, 1)
    counted = oracle.of_outputs(present[None, None], spot)[0, 0].flatten(1)
    return oracle.slots(connection), counted


def center_axis(connection: Connection) -> Axis:
    """Which orbit joins which positions by weights that are read where: entry (n · P + o) · P + i
    for the window n of an outlook, or the output itself. Only what is read at the same place of one
    map can be one function."""
    spot = table(connection)
    inputs, orbit, outputs = _by_slot(spot)
    center = outputs
    if connection.operator.space.connect == "outlook":
        center = torch.arange(len(outputs))[:, None, None].expand_as(outputs)
    places = geometry.area(connection.in_grid)
    there = (outputs >= 0) & (inputs >= 0) & (orbit >= 0)
    return Axis(((center * places + outputs) * places + inputs)[there], orbit[there], spot.orbits)


def shared(connection: Connection, share: SpaceShare | None) -> Connection:
    """The connection with another sharing over space."""
    if share is None:
        return connection
    space = dataclasses.replace(connection.operator.space, share=share, rank=None)
    operator = dataclasses.replace(connection.operator, space=space)
    return dataclasses.replace(connection, operator=operator)


def _by_slot(spot: Table) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, orbits and outputs of every slot, each (n, q, k)."""
    shape = (*spot.outputs.shape, spot.width)
    return (
        spot.inputs[:, None].expand(shape),
        spot.orbit.expand(shape),
        spot.outputs[:, :, None].expand(shape),
    )


def on_map(index: Tensor, whole: Connection, grid: Size | None) -> Tensor:
    """Positions of the completed map `whole` as those of the map; -1 for what was added."""
    if whole.in_grid == grid:
        return index
    (height, width), (_, columns) = geometry.as_map(grid), geometry.as_map(whole.in_grid)
    y, x = index // columns, index % columns
    inside = (index >= 0) & (y < height) & (x < width)
    return torch.where(inside, y * width + x, -1)


@dataclass(frozen=True, eq=False)
class Transition:
    """θ_target = matrix · θ_source along one axis. `exact`: the source's classes are all among the
    target's. `covered`: which of the target's orbits meet an entry of the source, or meet none;
    `whole`: these meet all entries of the source and no others.
    """

    matrix: Tensor
    exact: bool
    covered: Tensor
    whole: bool

    def apply(self, theta: Tensor) -> Tensor:
        """(orbits, …) of the source → (orbits, …) of the target, float64."""
        flat = torch.sparse.mm(self.matrix, theta.reshape(theta.shape[0], -1))
        made: Tensor = flat.reshape(self.matrix.shape[0], *theta.shape[1:])
        return made


def transition(source: Axis, target: Axis, logits: bool = False) -> Transition:
    """The matrix from one axis to another over the same entries.

    Entries that the source lacks count as zero; under a normalisation (`logits`) they are absent,
    so an orbit takes the mean over the entries that are there.
    """
    if source.equals(target):
        every = torch.arange(source.orbits)
        matrix = _sparse(every, every, torch.ones(source.orbits), source.orbits, source.orbits)
        return Transition(matrix, True, torch.ones(source.orbits, dtype=torch.bool), True)
    overlap = _overlap(target, source)
    own = gram(target)
    matrix = _solved(target, own, overlap)
    exact = _is_exact(source, overlap, matrix)
    met = torch.sparse.sum(overlap, 1).to_dense()
    if logits:
        rows, columns = overlap.indices()
        mean = overlap.values() / met[rows]
        matrix = _sparse(rows, columns, mean, target.orbits, source.orbits)
    dead = torch.ones(target.orbits, dtype=torch.bool)
    dead[target.orbit] = False
    lacking = torch.zeros(target.orbits, dtype=torch.bool)
    lacking[target.orbit[~torch.isin(target.entry, source.entry)]] = True
    kept = bool(torch.isin(source.entry, target.entry).all())
    whole = kept and not bool((lacking & (met > 0)).any())
    return Transition(matrix, exact, (met > 0) | dead, whole)


def gram(axis: Axis) -> Tensor:
    """Bᵀ B, sparse (orbits, orbits): diagonal where no entry is reached by two orbits."""
    return _overlap(axis, axis)


def _overlap(one: Axis, other: Axis) -> Tensor:
    """How often two orbits meet at an entry, sparse (one's orbits, other's orbits)."""
    order = other.entry.argsort(stable=True)
    keys, orbits = other.entry[order], other.orbit[order]
    first = torch.searchsorted(keys, one.entry)
    count = torch.searchsorted(keys, one.entry, right=True) - first
    rows = one.orbit.repeat_interleave(count)
    within = torch.arange(len(rows)) - (count.cumsum(0) - count).repeat_interleave(count)
    columns = orbits[first.repeat_interleave(count) + within]
    return _sparse(rows, columns, torch.ones(len(rows)), one.orbits, other.orbits)


def _solved(target: Axis, own: Tensor, overlap: Tensor) -> Tensor:
    """pinv(B) A = pinv(BᵀB) BᵀA, by division where orbits do not overlap."""
    weight = _diagonal(own)
    if len(own.values()) == int((weight > 0).sum()):  # no two orbits share an entry
        rows, columns = overlap.indices()
        return _sparse(rows, columns, overlap.values() / weight[rows], *overlap.shape)
    if _one_entry_each(target):
        return _parallel(own, overlap)
    inverse = torch.linalg.pinv(own.to_dense(), hermitian=True, rtol=1e-12)
    matrix: Tensor = (inverse @ overlap.to_dense()).to_sparse().coalesce()
    return matrix


def _one_entry_each(axis: Axis) -> bool:
    """Whether every orbit stands at a single entry, so that orbits are parallel or orthogonal."""
    lowest = torch.full((axis.orbits,), torch.iinfo(torch.long).max).scatter_reduce(
        0, axis.orbit, axis.entry, "amin"
    )
    highest = torch.full((axis.orbits,), -1).scatter_reduce(0, axis.orbit, axis.entry, "amax")
    live = highest >= 0
    return torch.equal(lowest[live], highest[live])


def _parallel(own: Tensor, overlap: Tensor) -> Tensor:
    """The pseudoinverse for orbits of which several stand at one entry: Σc² of them, over n · c."""
    rows, columns = overlap.indices()
    weight = _diagonal(own)  # c² of each orbit
    first, second = own.indices()
    together = torch.zeros_like(weight).index_add(0, first, weight[second])
    return _sparse(rows, columns, overlap.values() / together[rows], *overlap.shape)


def _is_exact(source: Axis, overlap: Tensor, matrix: Tensor) -> bool:
    """Whether B M = A: no orbit of the source loses anything of its square under projection."""
    kept = torch.sparse.sum(overlap * matrix, 0).to_dense()
    full = _diagonal(gram(source))
    return bool(((full - kept).abs() <= 1e-9 * full).all())


def _diagonal(square: Tensor) -> Tensor:
    rows, columns = square.indices()
    on = rows == columns
    empty = torch.zeros(square.shape[0], dtype=torch.float64)
    return empty.index_add(0, rows[on], square.values()[on])


def _sparse(rows: Tensor, columns: Tensor, values: Tensor, *size: int) -> Tensor:
    indices = torch.stack([rows, columns])
    return torch.sparse_coo_tensor(indices, values.double(), size, check_invariants=True).coalesce()
