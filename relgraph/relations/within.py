"""Whether one axis of W holds another: supports and sharings as spans of matrices, on small maps.

In: two spaces, or two channels, of static weights (of functions, of logits). Out: whether every
matrix of the first is one of the second, on generic maps: all sizes smaller than the map and
dividing it, two maps each. All connectivities but the cross are a product of rows and columns, and
so are their sharings, so rows and columns are compared by themselves and maps can be long.

Rank words: `reduce` by averaging ties the inputs of a cell, and is compared exactly; `scales` is a
sum that contains its finest term; `tokens`, `separable` and `inner` are products: their span lies
in the connection without the word, and one product in another where each factor does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from relgraph.algebra import geometry
from relgraph.algebra.operator import Channel, Connection, Operator, Rank, Size, Space
from relgraph.algebra.orbits import Orbits, orbits
from relgraph.algebra.tables import AxisTable, channel_table, space_table
from relgraph.algebra.terms import along_columns, along_rows

_FEWEST = 4  # positions of an axis that no size asks more of


@lru_cache(maxsize=1 << 14)
def space_within(inner: Space, outer: Space) -> bool:
    """Whether the inner class is a special case of the outer one, rank words included; False where
    that is not known."""
    inner, outer = _one_number(inner), _one_number(outer)
    word = outer.rank.word if outer.rank else ""
    if word == "scales":
        return _within_scales(inner, outer)
    if word == "tokens":
        return _within_tokens(inner, outer)
    if word == "separable":
        return _within_separable(inner, outer)
    if word == "reduce" and not _averages(outer):
        return inner == outer
    if inner.rank is not None and inner.rank.word == "scales":
        return _holds_scales(inner, outer)
    exact = inner if _averages(inner) else _plain(inner)
    return _spans_within(exact, outer)


@lru_cache(maxsize=1 << 12)
def tap_within(kernel: Space, offset: Size, outer: Space) -> bool:
    """Whether one tap of a kernel, `offset` taps from its centre, is a matrix of the outer class;
    False where that is not known."""
    word = outer.rank.word if outer.rank else ""
    if word in ("tokens", "reduce") or kernel.stride != outer.stride:
        return False
    if not geometry.has_tap(kernel, offset):
        return False
    wide, (rows, columns) = _plain(outer), offset
    lines = (wide, wide)
    if word == "separable":
        lines = _factors(outer)
    if wide.connect == "axial":
        return _has_tap(wide, kernel, offset, _map(kernel, wide))
    return all(
        _has_tap(line, one, (step, 0), (length, 1))
        for axis, step in enumerate((rows, columns))
        for line, one in ((_line(lines[axis], axis), _line(kernel, axis)),)
        for length in _lengths(one, line, 0)
    )


def _has_tap(outer: Space, kernel: Space, offset: Size, grid: Size) -> bool:
    if geometry.out_grid(outer, grid) != geometry.out_grid(kernel, grid):
        return False
    (row, column), (down, right) = geometry.middle(kernel), offset
    tap = (row + down) * kernel.size[1] + column + right
    shared = Operator(replace(_plain(kernel), share="positions"), Channel("separate"), bias="none")
    table = space_table(Connection(shared, 1, 1, grid, geometry.out_grid(kernel, grid)))
    own = tuple(tuple((i, 0) for i, orbit in row if orbit == tap) for row in table.rows)
    return _orbits(outer, grid).contains(orbits(AxisTable(own, table.inputs, 1)))


def _one_number(space: Space) -> Space:
    """One number for all rows times one for all columns is one for all entries, and so is one for
    all averages of a map's cells, or one into tokens times one out of them."""
    if space.rank is None or space.share != "all":
        return space
    whole = space.connect == "full" and (_averages(space) or space.rank.word == "tokens")
    return _plain(space) if whole or space.rank.word == "separable" else space


def _plain(space: Space) -> Space:
    return replace(space, rank=None)


def _averages(space: Space) -> bool:
    rank = space.rank
    return rank is not None and rank.word == "reduce" and bool(rank.numbers)


def _numbers(space: Space, word: str) -> tuple[int, ...] | None:
    rank = space.rank
    return rank.numbers if rank is not None and rank.word == word else None


def _within_scales(inner: Space, outer: Space) -> bool:
    """A sum of fewer scales, or what its finest term holds."""
    coarse, finer = _numbers(inner, "scales"), _numbers(outer, "scales")
    if coarse is None:
        return space_within(inner, _plain(outer))
    assert finer is not None
    return set(coarse) <= set(finer) and _spans_within(_plain(inner), _plain(outer))


def _holds_scales(inner: Space, outer: Space) -> bool:
    """An entry of a coarse term has weights of its own phase: only where nothing is shared."""
    if outer.share != "none" or outer.connect not in ("full", "local"):
        return False
    factor = max(_numbers(inner, "scales") or (1,))
    rows, columns = (
        2 * (factor * (geometry.span(_plain(inner), axis) // 2) + factor - 1) + 1
        for axis in geometry.AXES
    )
    widest = replace(_plain(inner), size=(rows, columns), dilation=(1, 1), share="none")
    return _spans_within(widest, outer)


def _within_tokens(inner: Space, outer: Space) -> bool:
    """Fewer tokens; or one weight for all, which passes one token."""
    mine, theirs = _numbers(inner, "tokens"), _numbers(outer, "tokens")
    average = inner.rank is None and inner.share == "all"
    few = average or (mine is not None and theirs is not None and mine <= theirs)
    return few and _spans_within(_plain(inner), _plain(outer))


def _within_separable(inner: Space, outer: Space) -> bool:
    """Each factor within the other's; a point, and one weight for all, are products too."""
    product = inner.connect == "point" or inner.share == "all"
    if not (_numbers(inner, "separable") is not None or (product and inner.rank is None)):
        return False
    pairs = zip(_factors(inner), _factors(outer), strict=True)
    return all(_spans_within(mine, theirs) for mine, theirs in pairs)


def _factors(space: Space) -> tuple[Space, Space]:
    plain = _plain(space)
    if plain.connect == "full" and plain.share == "none":
        plain = replace(plain, share="windows")
    return along_columns(plain), along_rows(plain)


def _spans_within(inner: Space, outer: Space) -> bool:
    if inner.stride != outer.stride:
        return False
    if "axial" in (inner.connect, outer.connect):
        return _beside_a_cross(inner, outer)
    return all(_line_within(inner, outer, axis) for axis in geometry.AXES)


def _beside_a_cross(inner: Space, outer: Space) -> bool:
    """A cross is no product of its axes. How far apart taps are says nothing beside it: it holds
    whole lines, and no kernel holds one. Taps that touch need the smallest map."""
    near, around = (replace(space, dilation=(1, 1)) for space in (inner, outer))
    return _contains(around, near, _map(near, around))


def _line_within(inner: Space, outer: Space, axis: int) -> bool:
    one, other = _line(inner, axis), _line(outer, axis)
    return all(_contains(other, one, (n, 1)) for n in _lengths(one, other, 0))


@lru_cache(maxsize=1 << 14)
def _contains(outer: Space, inner: Space, grid: Size) -> bool:
    if geometry.out_grid(outer, grid) != geometry.out_grid(inner, grid):
        return False
    return _orbits(outer, grid).contains(_orbits(inner, grid))


@lru_cache(maxsize=1 << 10)
def _orbits(space: Space, grid: Size) -> Orbits:
    operator = Operator(_plain(space), Channel("separate"), bias="none")
    out, keys = geometry.out_grid(space, grid), None
    if _averages(space):
        assert space.rank is not None
        rows, columns = _cell(space.rank, grid)
        keys = grid[0] // rows, grid[1] // columns
    table = space_table(Connection(operator, 1, 1, grid, out, key_grid=keys))
    return orbits(table if keys is None else _spread(table, grid, keys))


def _cell(rank: Rank, grid: Size) -> Size:
    """The averaged square; along one axis, its side."""
    return rank.numbers[0], 1 if grid[1] == 1 else rank.numbers[0]


def _spread(table: AxisTable, grid: Size, keys: Size) -> AxisTable:
    """A table that reads a reduced map, as one that reads each of its cells' positions."""
    cells: dict[int, list[int]] = {}
    for at in range(grid[0] * grid[1]):
        row, column = divmod(at, grid[1])
        cell = row * keys[0] // grid[0] * keys[1] + column * keys[1] // grid[1]
        cells.setdefault(cell, []).append(at)
    rows = tuple(
        tuple((i, orbit) for cell, orbit in row for i in cells[cell]) for row in table.rows
    )
    return AxisTable(rows, grid[0] * grid[1], table.orbits)


def _line(space: Space, axis: int) -> Space:
    """One axis of a space, as a space over rows."""
    padding = space.padding if isinstance(space.padding, str) else (space.padding[axis], 0)
    line = replace(
        space,
        size=(space.size[axis], 1),
        stride=(space.stride[axis], 1),
        step=(space.step[axis], 1),
        dilation=(space.dilation[axis], 1),
        shift=(space.shift[axis], 0),
        halo=(space.halo[axis], 0),
        padding=padding,
        pad=False,
        along="rows",
    )
    if space.connect == "stripe":
        cut = geometry.band_axis(space) == axis
        return line if cut else replace(line, connect="full", size=(1, 1), shift=(0, 0))
    return line


def _map(one: Space, other: Space) -> Size:
    """A map that is not square."""
    rows, columns = (list(_lengths(one, other, axis)) for axis in geometry.AXES)
    return rows[0], columns[1]


def _lengths(one: Space, other: Space, axis: int) -> Iterator[int]:
    """Two lengths of a generic axis: sizes divide them and are smaller."""
    sizes, reach = [1], _FEWEST - 1
    for space in (one, other):
        places = space.size[axis]
        cut = space.connect in ("window", "grid") or (
            space.connect == "stripe" and axis == geometry.band_axis(space)
        )
        sizes += [places if cut else 1, space.stride[axis], *(_numbers(space, "reduce") or ())]
        if space.connect == "outlook":
            sizes, cut, places = [*sizes, space.step[axis]], True, 2 * places - 1
        taps = places + 2 * space.halo[axis] if cut else geometry.span(space, axis)
        reach = max(reach, taps)
    step = math.lcm(*sizes)
    first = step * (reach // step + 1)
    yield from (first, first + step)


@lru_cache(maxsize=1 << 12)
def channel_within(inner: Channel, outer: Channel) -> bool:
    """The same over channels: the points around an inner width read all channels, so its span does;
    a width lies in a larger one."""
    if outer.rank is None:
        mine = Channel() if inner.rank is not None else inner
        return _channels_contain(outer, mine)
    if inner.rank is None or inner.rank.numbers > outer.rank.numbers:
        return False
    if inner.rank != outer.rank and outer.connect != "full":
        return False
    return _channels_contain(replace(outer, rank=None), replace(inner, rank=None))


def _channels_contain(outer: Channel, inner: Channel) -> bool:
    step = 2 * math.lcm(*(n for c in (outer, inner) for n in (c.groups, c.heads)))
    width = step * (max(outer.size, inner.size) // 2 + 1)  # a group is wider than a band
    return _channel_orbits(outer, width).contains(_channel_orbits(inner, width))


@lru_cache(maxsize=1 << 10)
def _channel_orbits(channel: Channel, width: int) -> Orbits:
    operator = Operator(channel=channel, bias="none")
    return orbits(channel_table(Connection(operator, width, width, (1, 1), (1, 1))))
