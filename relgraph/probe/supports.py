"""Connectivity over space from a measured support: the spaces whose table it is.

In: which output place reads which input place, and the two maps. Out: candidates, derived from the
support's rows and columns and each compared with the oracle's table, and the nearest space where
none is the same. It must not know where the support came from.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from relgraph.algebra import geometry
from relgraph.algebra.fit import misfits
from relgraph.algebra.operator import Channel, Connection, Operator, Size, Space
from relgraph.algebra.rules import check
from relgraph.verify.declared import ABSENT, labels


@dataclass(frozen=True)
class Ends:
    """Maps on both ends; `tokens` in front of both. A map of None is a row of places."""

    in_grid: Size | None
    out_grid: Size | None
    inputs: int
    outputs: int
    tokens: int = 0

    def connection(self, operator: Operator, c: int = 1, d: int = 1) -> Connection:
        """A connection between the two ends."""
        into = self.in_grid or (self.inputs - self.tokens, 1)
        out = self.out_grid or (self.outputs - self.tokens, 1)
        return Connection(operator, c, d, into, out, self.tokens)


Kind = Literal["full", "block", "around", "spread", "band"]


@dataclass(frozen=True)
class _Line:
    """What the support is along one axis."""

    kind: Kind
    size: int = 1
    shift: int = 0
    stride: int = 1
    dilation: int = 1
    padding: int | None = None
    wraps: bool = False
    halo: int = 0


def spaces(seen: Tensor, ends: Ends) -> Iterator[Space]:
    """Spaces (sharing and rank left open) whose support is `seen` (O, I), the plainest first."""
    found = []
    proposed = list(_proposed(seen, ends))
    for space in sorted(proposed, key=lambda one: one.padding == "same_tf"):
        if space not in found and _is_support(space, seen, ends):
            found.append(space)
            yield space


def nearest(seen: Tensor, ends: Ends) -> tuple[Space, float]:
    """The space whose support overlaps most with `seen`, and the overlap (common over joint)."""
    rated = [
        (overlap(space, seen, ends), -at, space) for at, space in enumerate(_ordinary(seen, ends))
    ]
    best = max(rated, key=lambda one: one[:2])
    return best[2], best[0]


def overlap(space: Space, seen: Tensor, ends: Ends) -> float:
    """Entries that both have, over those that either has."""
    own = support(space, ends)
    if own is None or own.shape != seen.shape:
        return 0.0
    return float((own & seen).sum() / (own | seen).sum())


def _is_support(space: Space, seen: Tensor, ends: Ends) -> bool:
    own = support(space, ends)
    return own is not None and torch.equal(own, seen)


def support(space: Space, ends: Ends) -> Tensor | None:
    """(O, I) by the oracle's table; None where the space does not fit the ends."""
    found = orbits(space, ends)
    return None if found is None else found != ABSENT


@lru_cache(maxsize=256)
def orbits(space: Space, ends: Ends) -> Tensor | None:
    """(O, I): which learned thing stands there by the oracle, ABSENT where none does."""
    operator = Operator(space, Channel("separate"), bias="none")
    if check(operator) or not _fits(space, ends):
        return None
    connection = ends.connection(operator)
    if any(one.code == "reflects-too-far" for one in misfits(connection)):
        return None
    return labels(connection)[:, 0, :, 0]


def _fits(space: Space, ends: Ends) -> bool:
    if space.connect == "full":
        by_offset = space.share == "positions"
        return not by_offset or (not ends.tokens and ends.in_grid == ends.out_grid is not None)
    if space.connect == "axial":
        return ends.in_grid is not None and ends.in_grid == ends.out_grid
    if ends.in_grid is None or ends.out_grid is None:
        return space.connect == "point" and ends.inputs == ends.outputs
    if space.connect in ("local", "point"):
        return geometry.out_grid(space, ends.in_grid) == ends.out_grid
    sizes = geometry.extent(space, ends.in_grid)
    divided = all(n % k == 0 for n, k in zip(ends.in_grid, sizes, strict=True))
    return (divided or space.pad) and ends.in_grid == ends.out_grid


def _proposed(seen: Tensor, ends: Ends) -> Iterator[Space]:
    if seen.shape == (1, 1):
        yield Space("point")
    if bool(seen.all()):
        yield Space("full")
        return
    grid, out = ends.in_grid, ends.out_grid
    if grid is None or out is None:
        yield Space("point")
        return
    stride = tuple(max(1, math.ceil(n / m)) for n, m in zip(grid, out, strict=True))
    yield Space("point", stride=(stride[0], stride[1]))
    if ends.tokens:
        return
    yield Space("axial")
    body = seen.view(*out, *grid)
    rows, columns = body.any(1).any(2), body.any(0).any(1)
    for down, across in itertools.product(_lines(rows), _lines(columns)):
        yield from (_completed(space, grid) for space in _joined(down, across, grid))


def _completed(space: Space, grid: Size) -> Space:
    """Blocks that do not divide the map are those of a map that was made larger."""
    if space.connect not in ("window", "stripe", "grid"):
        return space
    divided = all(n % k == 0 for n, k in zip(grid, geometry.extent(space, grid), strict=True))
    return space if divided else replace(space, pad=True)


def _joined(down: _Line, across: _Line, grid: Size) -> Iterator[Space]:
    """The spaces whose rows and columns are these."""
    border: Literal["wrap", "zero"] = "wrap" if down.wraps or across.wraps else "zero"
    kinds = {down.kind, across.kind}
    if kinds == {"block", "full"}:
        along = down.kind == "block"
        size, shift = (down.size, 1), (down.shift, 0)
        if not along:
            size, shift = (1, across.size), (0, across.shift)
        yield Space(
            "stripe", size=size, shift=shift, along="rows" if along else "columns", border=border
        )
    if kinds <= {"block", "full"} and "block" in kinds:
        sizes = [
            n if line.kind == "full" else line.size
            for line, n in zip((down, across), grid, strict=True)
        ]
        yield Space(
            "window", size=(sizes[0], sizes[1]), shift=(down.shift, across.shift), border=border
        )
    alike = down.wraps == across.wraps or "full" in kinds
    if alike and "around" in kinds and kinds <= {"around", "full"}:
        yield _surrounded(down, across, grid, border)
    if kinds == {"spread"}:
        yield Space("grid", size=(down.size, across.size))
    if kinds == {"band"}:
        yield from _locals(down, across, border)


def _surrounded(down: _Line, across: _Line, grid: Size, border: Literal["wrap", "zero"]) -> Space:
    """Windows that read around themselves; along a side that they cover there is no around."""
    lines = tuple(zip((down, across), grid, strict=True))
    sizes = [n if line.kind == "full" else line.size for line, n in lines]
    halos = [line.halo for line, _ in lines]
    return Space("window", (sizes[0], sizes[1]), halo=(halos[0], halos[1]), border=border)


def _locals(down: _Line, across: _Line, border: Literal["wrap", "zero"]) -> Iterator[Space]:
    space = Space(
        "local",
        size=(down.size, across.size),
        stride=(down.stride, across.stride),
        dilation=(down.dilation, across.dilation),
        border=border,
    )
    if max(space.stride) > 1:
        yield replace(space, padding="same_tf")
    if down.padding is None and across.padding is None:
        yield space
    elif down.padding is not None and across.padding is not None:
        yield replace(space, padding=(down.padding, across.padding))


def _lines(seen: Tensor) -> Iterator[_Line]:
    """What a support (O, I) along one axis may be."""
    outputs, inputs = seen.shape
    if bool(seen.all()):
        yield _Line("full", inputs)
    if outputs == inputs:
        yield from _blocks(seen)
        yield from _around(seen)
        yield from _spread(seen)
    strides = {max(1, math.ceil(inputs / outputs)), max(1, inputs // outputs)}
    for stride in sorted(strides):
        yield from _bands(seen, stride)


def _blocks(seen: Tensor) -> Iterator[_Line]:
    """Blocks, moved by a shift and cut at the ends or wrapped round."""
    length = len(seen)
    first, size = int(seen[0].sum()), int(seen.sum(1).max())
    if size == length:
        return
    same = (seen == seen[0]).all(1)
    ends = int((~same).long().argmax())  # of the block that the first place is in
    for shift in dict.fromkeys((0, first, (size - first) % size, ends)):
        for wraps in (False, True):
            if wraps and shift == 0:
                continue
            yield _Line("block", size, shift % size, wraps=wraps)
    if length % size == 0:  # wrapped blocks: the first is in two pieces
        for shift in range(1, size):
            block = (torch.arange(length) - shift) % length // size
            if torch.equal(seen, block[:, None] == block):
                yield _Line("block", size, shift, wraps=True)


def _around(seen: Tensor) -> Iterator[_Line]:
    """Blocks whose outputs all read the block and as many places before it as behind."""
    length, same = len(seen), (seen[0] == seen).all(1)
    size = length if bool(same.all()) else int((~same).long().argmax())
    if size in (1, length):  # of one place they are neighbourhoods that slide
        return
    number = torch.arange(length) // size
    for halo in range(1, length):
        first = number[:, None] * size - halo
        step = torch.arange(length) - first
        reach = size + 2 * halo
        if torch.equal(seen, (step >= 0) & (step < reach)):
            yield _Line("around", size, halo=halo)
        if reach < length and torch.equal(seen, step % length < reach):
            yield _Line("around", size, halo=halo, wraps=True)


def _spread(seen: Tensor) -> Iterator[_Line]:
    length, count = len(seen), int(seen[0].sum())
    if 1 < count < length and length % count == 0:
        rest = torch.arange(length) % (length // count)
        if torch.equal(seen, rest[:, None] == rest):
            yield _Line("spread", count)
    if count == 1:
        yield _Line("spread", 1)


def _bands(seen: Tensor, stride: int) -> Iterator[_Line]:
    """A row of taps that moves with the output, ended by the border or wrapped round it."""
    length = seen.shape[1]
    offsets = [(i - o * stride) for o, i in seen.nonzero().tolist()]
    plain = sorted(set(offsets))
    if int(seen.sum()) == _reached(plain, seen.shape, stride):
        yield from _taps(plain, stride, False)
    if stride == 1 and len(seen) == length:
        ring = sorted({(one + length // 2) % length - length // 2 for one in offsets})
        if int(seen.sum()) == len(ring) * length:
            yield from _taps(ring, stride, True)


def _reached(offsets: list[int], shape: torch.Size, stride: int) -> int:
    return sum(0 <= o * stride + one < shape[1] for o in range(shape[0]) for one in offsets)


def _taps(offsets: list[int], stride: int, wraps: bool) -> Iterator[_Line]:
    size = len(offsets)
    steps = {after - one for one, after in itertools.pairwise(offsets)}
    if len(steps) > 1:
        return
    dilation = steps.pop() if steps else 1
    line = _Line("band", size, stride=stride, dilation=dilation, wraps=wraps)
    if offsets[0] == -((size - 1) // 2) * dilation:
        yield line
    if offsets[0] <= 0:
        yield replace(line, padding=-offsets[0])


def _ordinary(seen: Tensor, ends: Ends) -> Iterator[Space]:
    """Spaces of every kind, to compare with a support that is none."""
    yield from (Space("full"), Space("point"), Space("axial"))
    grid = ends.in_grid
    if grid is None or grid != ends.out_grid:
        return
    for size in range(2, max(grid)):
        if size % 2:
            yield Space("local", size=(size, size))
        if all(n % size == 0 for n in grid):
            yield Space("window", size=(size, size))
            yield Space("grid", size=(size, size))
