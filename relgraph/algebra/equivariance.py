"""Which circular shifts of the map a connection commutes with, in closed form.

In: a `Connection`. Out: for each axis the smallest shift that moves what comes out by as much (over
the stride), and where: everywhere, on the torus that the map then is; or inside the map, at outputs
whose inputs and context move whole. Nothing is claimed where places have parameters of their own.
Other shifts of an axis are the multiples of its step; shifts of both axes compose. Coincidences of
special weights are not looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from relgraph.algebra import geometry
from relgraph.algebra.operator import (
    STENCILS,
    Connection,
    Size,
    Space,
    SpaceShare,
    position_share,
)

Where: TypeAlias = Literal["everywhere", "inside the map", "nowhere"]
Unit: TypeAlias = Literal["any", "stride", "block", "step"]
_UNITS: dict[Unit, str] = {
    "any": "by any shift",
    "stride": "by multiples of the stride",
    "block": "by whole blocks",
    "step": "by multiples of the step",
}


@dataclass(frozen=True)
class AxisShifts:
    """Shifts along one axis: multiples of `step` places, 0 where nothing is claimed. `unit` is what
    one step is, `reason` why nothing is claimed."""

    step: int
    unit: Unit
    where: Where
    reason: str = ""

    def __str__(self) -> str:
        if self.where == "nowhere":
            return f"not claimed: {self.reason}"
        return f"{_UNITS[self.unit]}, {self.where}"


@dataclass(frozen=True)
class Shifts:
    """The shifts along both axes."""

    rows: AxisShifts
    columns: AxisShifts

    def __str__(self) -> str:
        rows, columns = str(self.rows), str(self.columns)
        return rows if rows == columns else f"rows {rows}; columns {columns}"


def shifts(connection: Connection) -> Shifts:
    """The shifts that the connection commutes with, whatever its parameters.

    Parameters of the frame and predictors are shared over positions, and a mean over the map is the
    same after a shift: they never stand in the way.
    """
    reason = _own_parameters(connection)
    if reason:
        axis = AxisShifts(0, "any", "nowhere", reason)
        return Shifts(axis, axis)
    return Shifts(_axis(connection, 0), _axis(connection, 1))


def tie(connection: Connection) -> SpaceShare:
    """Which entries of W are one function of what is read, wherever they stand: the sharing, of the
    position bias where a pair has one; given averages are `all`."""
    operator = connection.operator
    if operator.weight.source == "fixed":
        return "all"
    if operator.weight.source != "pair":
        return operator.space.share
    return position_share(operator.weight.position) or "all"


def _own_parameters(connection: Connection) -> str:
    """Why no shift is claimed at all, or nothing."""
    operator, space = connection.operator, connection.operator.space
    if connection.in_grid is None:
        return "a vector has no positions"
    if connection.out_grid != geometry.out_grid(space, connection.in_grid):
        return "one map is not a part of the other"
    if operator.bias in ("positions", "both"):
        return "own bias per position"
    if tie(connection) != "none" or _reads_one(connection):
        return ""
    pair = operator.weight.source == "pair"
    return "own position bias per pair of places" if pair else "own weights per position"


def _reads_one(connection: Connection) -> bool:
    """Whether a softmax stands over a single place: it is 1 there, whatever is learned."""
    operator, space = connection.operator, connection.operator.space
    if operator.weight.normalize != "softmax" or space.connect != "window" or connection.tokens:
        return False
    return geometry.read_extent(space, geometry.as_map(connection.in_grid)) == (1, 1)


def _axis(connection: Connection, axis: geometry.Axis) -> AxisShifts:
    space, grid = connection.operator.space, geometry.as_map(connection.in_grid)
    if grid[axis] == 1:
        return AxisShifts(0, "any", "nowhere", "a single place has nowhere to move")
    if space.connect in ("point", "local"):
        step, unit, whole = space.stride[axis], _unit(space, axis), _taps_stay(connection, axis)
    elif space.connect == "outlook":
        # A window of one place meets no border.
        step, unit, whole = *_windows(space, axis), space.size[axis] == 1
    else:
        found = _blocks(connection, grid, axis)
        if isinstance(found, str):
            return AxisShifts(0, "any", "nowhere", found)
        step, unit, whole = found
    where: Where = "everywhere" if whole and _context_stays(connection, axis) else "inside the map"
    return AxisShifts(step, unit, where)


def _windows(space: Space, axis: geometry.Axis) -> tuple[int, Unit]:
    step = space.step[axis]
    return step, "step" if step > 1 else "any"


def _unit(space: Space, axis: geometry.Axis) -> Unit:
    return "stride" if space.stride[axis] > 1 else "any"


def _taps_stay(connection: Connection, axis: geometry.Axis) -> bool:
    """Whether outputs lie on the torus at equal distances, and no tap meets a border on it."""
    space, length = connection.operator.space, geometry.as_map(connection.in_grid)[axis]
    taps = geometry.first_taps(space, length, axis)
    if len(taps) * space.stride[axis] != length:
        return False
    weight = connection.operator.weight
    if weight.fixed == "identity" or (weight.fixed == "shift" and space.border != "wrap"):
        step = weight.offset[axis]
        return all(0 <= center + step < length for center in _centers(space, length, axis))
    inside = taps[0] >= 0 and geometry.after(space, length, axis) == 0
    return inside or space.border == "wrap"


def _centers(space: Space, length: int, axis: geometry.Axis) -> list[int]:
    taps, dilation = geometry.kernel(space, axis)
    return [
        first + (taps - 1) // 2 * dilation for first in geometry.first_taps(space, length, axis)
    ]


def _context_stays(connection: Connection, axis: geometry.Axis) -> bool:
    """Whether what a weight is predicted from at a place lies on the map for every output."""
    space, weight = connection.operator.space, connection.operator.weight
    if weight.source not in ("center", "pair") or _is_average(connection):
        return True
    length, before = geometry.as_map(connection.in_grid)[axis], (weight.extent - 1) // 2
    centers = list(range(length))
    if space.connect in ("point", "local"):
        centers = _centers(space, length, axis)
    return all(before <= one < length - (weight.extent - 1 - before) for one in centers)


def _is_average(connection: Connection) -> bool:
    """Whether one function stands at every slot of a softmax: whatever it gives is divided out."""
    weight = connection.operator.weight
    alike = weight.source != "pair" and tie(connection) == "all"
    return alike and weight.normalize == "softmax"


def _blocks(
    connection: Connection, grid: Size, axis: geometry.Axis
) -> tuple[int, Unit, bool] | str:
    """Step, unit and whether it holds everywhere, for blocks and crosses; or why nothing does."""
    space, same = connection.operator.space, tie(connection)
    places = grid[axis] if space.connect in STENCILS else geometry.extent(space, grid)[axis]
    ring = space.border == "wrap" and same == "positions"
    if same == "all" and (places == grid[axis] or space.connect == "grid"):
        return 1, "any", True
    if ring and (places == grid[axis] or space.connect == "grid"):
        return 1, "any", True
    if places == grid[axis]:
        return "what an output reads ends at the border"
    if space.connect == "grid":  # of one cell, blocks keep to their line
        return 1, "any", places == 1
    moved = geometry.shift(space, grid)[axis]
    still = moved == 0 and geometry.halo(space, grid)[axis] == 0
    whole = grid[axis] % places == 0 and (still or space.border == "wrap")
    return places, "block", whole
