"""Equivariance: by which circular shifts of the map a connection's class only moves its result.

In: the class from the file and its small node. Out: a check: the closed form of
`relgraph.algebra.equivariance` beside what is measured, every shift of either axis in turn. Which
outputs lie inside the map for a shift is read off the oracle's tables: those whose inputs, learned
things and context move whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from relgraph.algebra.equivariance import AxisShifts, Shifts, shifts, tie
from relgraph.algebra.fit import misfits
from relgraph.algebra.operator import Channel, Connection, Frame, Size, Space, Weight
from relgraph.program import Connect
from relgraph.verify import oracle
from relgraph.verify.compare import TOLERANCE
from relgraph.verify.connectivity import output_name
from relgraph.verify.extremes import resized
from relgraph.verify.oracle_tables import as_map, centers, completed_connection, table
from relgraph.verify.report import Check
from relgraph.verify.small import CannotBuildError, Inputs, Small, build, forward, random_inputs

AXES = (0, 1)
NAMES = ("row", "column")
Claims = Callable[[Connection], Shifts]


@dataclass(frozen=True)
class Moved:
    """One shift of one axis: which outputs moved with it, which should have, and by how much the
    others are off: (T + P, C) each, of the output after the shift."""

    axis: int
    by: int
    equal: Tensor
    inside: Tensor
    found: Tensor
    wanted: Tensor


def check_shifts(
    subject: str, cls: type[nn.Module], node: Connect, claims: Claims = shifts
) -> Check | None:
    """Hold `claims` against what every shift does; None where no shift has a meaning, or where the
    class does not build on a map that is large enough."""
    grid = _roomy(node.connection)
    if grid is None:
        return None
    roomy = resized(node, grid)
    if misfits(roomy.connection):
        return None
    try:
        small = build(cls, roomy, seed=1, bare=False)
    except CannotBuildError:
        return None
    claim = claims(roomy.connection)
    moves = list(_moves(small))
    by_axis = [[one for one in moves if one.axis == axis] for axis in AXES]
    measured = Shifts(
        *(_measured(on, said) for on, said in zip(by_axis, _both(claim), strict=True))
    )
    problem = next(_problems(roomy, moves, claim, measured), "")
    return Check("shifts", subject, str(claim), str(measured), not problem, problem)


def _both(claim: Shifts) -> tuple[AxisShifts, AxisShifts]:
    return claim.rows, claim.columns


def _measured(moves: list[Moved], claim: AxisShifts) -> AxisShifts:
    """The smallest shift of an axis after which the result is only moved."""
    for one in moves:
        if bool(one.equal.all()):
            unit = claim.unit if claim.step == one.by else "any"
            return AxisShifts(one.by, unit, "everywhere")
        if bool(one.inside.any()) and bool(one.equal[one.inside].all()):
            unit = claim.unit if claim.step == one.by else "any"
            return AxisShifts(one.by, unit, "inside the map")
    reason = claim.reason or "no shift leaves the result"
    return AxisShifts(0, "any", "nowhere", reason)


def _problems(node: Connect, moves: list[Moved], claim: Shifts, measured: Shifts) -> Iterator[str]:
    """Shifts that are claimed and do not hold, then those that hold and are not claimed."""
    for one in moves:
        said = _both(claim)[one.axis]
        if said.step == 0 or one.by % said.step:
            continue
        wrong = ~one.equal if said.where == "everywhere" else ~one.equal & one.inside
        if bool(wrong.any()):
            place = wrong.nonzero()[0].tolist()
            yield _said(node, one, place)
    for axis, (said, found) in enumerate(zip(_both(claim), _both(measured), strict=True)):
        if (said.step, said.where) != (found.step, found.where):
            name = NAMES[axis]
            yield f"{name}s: claimed is {said}; the smallest shift found is {found.step}, {found}"


def _said(node: Connect, one: Moved, place: list[int]) -> str:
    count = f"{one.by} {NAMES[one.axis]}{'s' if one.by > 1 else ''}"
    found, wanted = (float(values[tuple(place)]) for values in (one.found, one.wanted))
    name = output_name(node, place)
    return f"shifted by {count}, {name} is {found:.6g}; before the shift it was {wanted:.6g}"


def _moves(small: Small) -> Iterator[Moved]:
    """Every shift of either axis by a multiple of its stride, all of them in one batch."""
    connection = small.node.connection
    grid, stride = as_map(connection.in_grid), _stride(connection.operator.space)
    steps = [(a, by) for a in AXES for by in range(stride[a], grid[a], stride[a])]
    if not steps:
        return
    inputs = random_inputs(small, seed=1)
    batch = torch.cat([inputs.x, *(_rolled(inputs.x, grid, a, by) for a, by in steps)])
    keys = None if inputs.keys is None else inputs.keys.expand(len(batch), -1, -1)
    made = forward(small, Inputs(batch, keys))
    out, scale = as_map(connection.out_grid), float(made[0].abs().max())
    for number, (axis, by) in enumerate(steps, start=1):
        wanted = _rolled(made[:1], out, axis, by // stride[axis])[0]
        equal = (made[number] - wanted).abs() <= TOLERANCE * scale
        inside = _inside(connection, axis, by)[:, None].expand_as(equal)
        yield Moved(axis, by, equal, inside, made[number], wanted)


def _stride(space: Space) -> Size:
    return space.stride if space.connect in ("point", "local") else (1, 1)


def _rolled(x: Tensor, grid: Size, axis: int, by: int) -> Tensor:
    """The map of `x` (B, T + P, C) moved round; extra tokens stay in front."""
    tokens = x.shape[1] - grid[0] * grid[1]
    moved = x[:, tokens:].unflatten(1, grid).roll(by, 1 + axis).flatten(1, 2)
    return torch.cat([x[:, :tokens], moved], 1)


def _inside(connection: Connection, axis: int, by: int) -> Tensor:
    """(T + P,): outputs after the shift whose inputs, learned things and context moved whole."""
    out = as_map(connection.out_grid)
    count = connection.tokens + out[0] * out[1]
    if connection.operator.bias in ("positions", "both") or tie(connection) == "none":
        return torch.zeros(count, dtype=torch.bool)
    codes = _codes(connection)
    stride = _stride(connection.operator.space)[axis]
    places = torch.arange(count)[None, :, None]
    before = _rolled(places, out, axis, by // stride)[0, :, 0]  # what stood here
    moved = codes[before]
    if connection.key_grid is None:
        grid = as_map(connection.in_grid)
        own = connection.tokens + grid[0] * grid[1]
        moved = torch.cat(
            [_rolled(moved[..., :own, None], grid, axis, by)[..., 0], moved[:, own:]], 1
        )
    same = (moved == codes).all(1)
    lines = torch.tensor(_context_moves(connection, axis, by))
    allowed = lines[:, None].expand(out) if axis == 0 else lines[None].expand(out)
    return same & torch.cat([torch.ones(connection.tokens, dtype=torch.bool), allowed.flatten()])


def _codes(connection: Connection) -> Tensor:
    """(O, I) of one channel: equal numbers where an input is read by one learned thing, 0 where it
    is not read. Positions that `pad` adds stand behind the others."""
    operator, given = connection.operator, connection.operator.weight.source == "fixed"
    twin = replace(
        connection,
        in_channels=1,
        out_channels=1,
        operator=replace(
            operator,
            space=replace(operator.space, share=tie(connection)),
            channel=Channel("separate", share="all"),
            weight=operator.weight if given else Weight(),
            bias="none",
            frame=Frame(),
        ),
    )
    whole = completed_connection(twin)
    things = torch.rand(table(whole).orbits, generator=torch.Generator().manual_seed(7)) + 1
    source = twin.key_grid or whole.in_grid
    count = twin.tokens + as_map(source)[0] * as_map(source)[1]
    blank = torch.zeros(1, count, 1, dtype=torch.float64)
    own = blank[:, : twin.tokens + as_map(twin.in_grid)[0] * as_map(twin.in_grid)[1]]
    dense = oracle.dense(twin, {"weight": things.double()}, own, blank if twin.key_grid else None)
    return _own_first(twin, dense[0, :, 0, :, 0])


def _own_first(connection: Connection, codes: Tensor) -> Tensor:
    """Outputs of the map alone; its inputs first, then those that `pad` adds."""
    whole, grid = completed_connection(connection).in_grid, connection.in_grid
    if whole == grid or whole is None or grid is None:
        return codes
    places = torch.arange(whole[0] * whole[1]).view(whole)
    own = places[: grid[0], : grid[1]].flatten()
    added = torch.ones(whole[0] * whole[1], dtype=torch.bool)
    added[own] = False
    return codes[own][:, torch.cat([own, added.nonzero()[:, 0]])]


def _context_moves(connection: Connection, axis: int, by: int) -> list[bool]:
    """For every output row (column) after the shift, whether the region around its centre came
    there whole, and not over the border."""
    space, weight = connection.operator.space, connection.operator.weight
    if space.connect == "outlook":
        return _windows_move(connection, axis, by)
    length, out = as_map(connection.in_grid)[axis], as_map(connection.out_grid)[axis]
    line = centers(space, as_map(connection.in_grid), as_map(connection.out_grid))[axis]
    reach = range(-((weight.extent - 1) // 2), weight.extent - (weight.extent - 1) // 2)
    regions = [[i + r if 0 <= i + r < length else None for r in reach] for i in line]
    steps = by // _stride(space)[axis]
    reads = weight.source in ("center", "pair")
    return [
        at >= steps
        and (not reads or regions[at] == [_plus(i, by, length) for i in regions[at - steps]])
        for at in range(out)
    ]


def _windows_move(connection: Connection, axis: int, by: int) -> list[bool]:
    """The same where an output's weights are those of the windows that it lies in: whether the
    cells around each came there whole."""
    space, weight = connection.operator.space, connection.operator.weight
    length, step, size = as_map(connection.in_grid)[axis], space.step[axis], space.size[axis]
    cells, moved = range(0, length, step), by // step
    reach = range(-((weight.extent - 1) // 2), weight.extent - (weight.extent - 1) // 2)
    regions = [[c + r if 0 <= c + r < len(cells) else None for r in reach]
               for c in range(len(cells))]  # fmt: skip

    def whole(at: int) -> bool:
        return all(
            regions[c] == [_plus(i, moved, len(cells)) for i in regions[c - moved]]
            for c, middle in enumerate(cells)
            if -(size // 2) <= middle - at <= (size - 1) // 2
        )

    reads = weight.source == "center"
    return [at >= by and (not reads or (by % step == 0 and whole(at))) for at in range(length)]


def _plus(place: int | None, by: int, length: int) -> int | None:
    return None if place is None else (place + by) % length


def _roomy(connection: Connection) -> Size | None:
    """A map on which every claim has an output inside, as small as that allows; None for vectors
    and where the map that comes out is of its own size."""
    space, grid = connection.operator.space, connection.in_grid
    claim = shifts(connection)
    if grid is None or claim.rows.reason.startswith("one map"):
        return None
    if claim.rows.reason and claim.rows == claim.columns:
        return grid  # Nothing is claimed: no output has to lie inside.
    if space.connect in ("point", "local"):
        rows, columns = (_length(space, axis) for axis in AXES)
        least = 5 if connection.operator.weight.extent > 1 else 1
        return max(rows, least), max(columns + space.stride[1], least)
    if space.connect == "outlook":
        more = 2 if connection.operator.weight.extent > 1 else 0
        rows, columns = (
            (-(-(4 * k - 2) // s) + 2 + more) * s
            for k, s in zip(space.size, space.step, strict=True)
        )
        return rows, columns + space.step[1]
    if space.connect in ("window", "grid"):
        missing = 1 if space.pad else 0
        rows, columns = (
            size * (4 + 2 * -(-around // size))
            for size, around in zip(space.size, space.halo, strict=True)
        )
        return rows - missing, columns
    if space.connect == "stripe":
        bands = (4 * space.size[0], 4), (4, 4 * space.size[1])
        return bands[0] if space.along == "rows" else bands[1]
    if grid[1] == 1:
        return grid
    return (5, 6) if connection.operator.weight.extent > 1 else (3, 4)


def _length(space: Space, axis: int) -> int:
    """Room for the kernel, a step, and what the stride leaves over."""
    stride = space.stride[axis]
    span = (space.size[axis] - 1) * space.dilation[axis] + 1 if space.connect == "local" else 1
    return -(-(2 * span + 2 * stride) // stride) * stride
