"""One map for two connections: where their entries are compared.

In: two connections. Out: the same two on a common input map, or why there is none. Kernels and
windows whose parameters no map changes are compared on a small generic one, so that what is said of
them holds on every map; everything else on its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from relgraph.algebra import geometry
from relgraph.algebra.operator import Connection, Size, Space
from relgraph.transfer.carried import Refused

Placed: TypeAlias = tuple[Connection, Connection] | Refused


def maps(source: Connection, target: Connection) -> Iterator[Placed]:
    """Both connections with one input map: a generic one where they are free, then their own. At
    least one result; a refusal tells why they cannot be compared there."""
    if is_free(source) and is_free(target):
        grid = _generic(source, target)
        yield _compared(_moved(source, grid), _moved(target, grid))
        if source.in_grid != target.in_grid:
            return
    yield _compared(source, target)


def _compared(source: Connection, target: Connection) -> Placed:
    if source.tokens != target.tokens:
        return Refused(f"{source.tokens} extra tokens against {target.tokens}")
    for one, other, where in (
        (source.in_grid, target.in_grid, "they read"),
        (source.out_grid, target.out_grid, "their outputs stand on"),
        (source.key_grid, target.key_grid, "their keys stand on"),
    ):
        if one != other:
            return Refused(f"{where} different maps: {sides(one)} and {sides(other)}")
    return source, target


def is_free(connection: Connection) -> bool:
    """Whether the parameters are the same on every map: kernels, and windows smaller than it."""
    space = connection.operator.space
    if connection.tokens or connection.in_grid is None or connection.key_grid is not None:
        return False
    if connection.operator.weight.position == "absolute":
        return False
    if space.connect == "outlook":
        return space.share == "windows"
    if space.connect in ("local", "point"):
        return space.share in ("positions", "all") or connection.operator.weight.source == "pair"
    inside = all(n < side for n, side in zip(space.size, connection.in_grid, strict=True))
    return space.connect == "window" and space.share in ("positions", "windows") and inside


def sides(grid: Size | None) -> str:
    """14×14, as sizes are written; a vector stands on no map."""
    return "no map" if grid is None else f"{grid[0]}×{grid[1]}"


def _generic(source: Connection, target: Connection) -> Size:
    rows, columns = (_side(source, target, axis) for axis in geometry.AXES)
    return rows, columns


def _side(source: Connection, target: Connection, axis: int) -> int:
    """A side on which every tap is met and no window is the map, with the own map's remainder by
    the strides, on which TensorFlow's padding depends."""
    spaces = [source.operator.space, target.operator.space]
    windows = [space.size[axis] for space in spaces if space.connect == "window"]
    reach = max(_reach(space, axis) + 2 * space.halo[axis] for space in spaces)
    before = max(max(geometry.before(space, 64, axis), 0) for space in spaces)
    steps = math.lcm(*(space.stride[axis] * space.step[axis] for space in spaces))
    if windows:
        block = math.lcm(*windows)
        return block * math.ceil(max(2 * block, 2 * reach + 1) / block)
    own = geometry.as_map(source.in_grid)[axis]
    return 2 * max(reach, before) * steps + steps + own % steps


def _reach(space: Space, axis: int) -> int:
    """Places from the first that an output reads to the last."""
    if space.connect == "outlook":
        return 2 * space.size[axis] - 1
    return geometry.span(space, axis)


def _moved(connection: Connection, grid: Size) -> Connection:
    out = geometry.out_grid(connection.operator.space, grid)
    return replace(connection, in_grid=grid, out_grid=out)
