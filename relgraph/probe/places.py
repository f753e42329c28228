"""Which entry of a tensor stands at which place and channel.

In: a tensor's shape and its layout, as letters of timm's kind (`NCHW`, `NHWC`, `BNC`, `BCN`, `BC`).
Out: `Places`, by which a value of any layout is read and written as (batch, places, channels),
extra tokens in front of the positions. It must not know a module.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from relgraph.algebra.operator import Size
from relgraph.errors import Problem, RelgraphError

Layout = Literal["NCHW", "NHWC", "BNC", "BCN", "BC"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
_OF_RANK: dict[int, tuple[Layout, ...]] = {2: ("BC",), 3: ("BNC", "BCN"), 4: ("NCHW", "NHWC")}


@dataclass(frozen=True, eq=False)
class Places:
    """`entries[p, c]`: the flat index, within one image, of place p's channel c. `grid` is the map
    that the places make, None where they are no map; `tokens` places stand in front of it."""

    shape: tuple[int, ...]
    entries: Tensor
    grid: Size | None
    tokens: int = 0

    @property
    def count(self) -> int:
        """How many places there are, extra tokens counted."""
        return int(self.entries.shape[0])

    @property
    def channels(self) -> int:
        """Channels of each place."""
        return int(self.entries.shape[1])

    def read(self, value: Tensor) -> Tensor:
        """(K, *shape) → (K, P, C)."""
        return value.reshape(len(value), -1)[:, self.entries]

    def write(self, value: Tensor) -> Tensor:
        """(K, P, C) → (K, *shape)."""
        made = value.new_zeros(len(value), math.prod(self.shape))
        made[:, self.entries.flatten()] = value.flatten(1)
        return made.view(len(value), *self.shape)

    def named(self, place: int) -> str:
        """`(row, column)`, or the token's name."""
        if place < self.tokens:
            return f"token {place}"
        if self.grid is None:
            return f"place {place}"
        return str(divmod(place - self.tokens, self.grid[1]))


def detected(shape: Sequence[int], told: str | None, grid: Size | None = None) -> Layout:
    """The layout that was told, or the one that the sizes show: the two equal neighbours of a
    4-d shape are the map. Ambiguous ones are read as NCHW or BNC. Raises RelgraphError."""
    options = _OF_RANK.get(len(shape))
    if options is None:
        raise _wrong(f"an input of {len(shape)} dimensions", "2, 3 or 4 of them, the batch's first")
    if told is not None:
        if told not in options:
            raise _wrong(f"layout {told} for the shape {said(shape)}", " or ".join(options))
        return next(one for one in options if one == told)
    if len(shape) != 4:
        return options[0]
    last_are_map = tuple(shape[1:3]) == grid or (shape[1] == shape[2] != shape[3])
    return "NHWC" if last_are_map and tuple(shape[2:]) != grid else "NCHW"


def places(
    shape: Sequence[int], layout: Layout, tokens: int = 0, grid: Size | None = None
) -> Places:
    """The places of one image's tensor, `shape` with its batch dimension of 1 in front.

    Raises RelgraphError where the positions make no map of the size told.
    """
    index = torch.arange(math.prod(shape)).view(*shape[1:])
    if layout == "NCHW":
        height, width = shape[2:]
        return _made(shape, index.flatten(1).T, 0, (height, width))
    if layout == "NHWC":
        height, width = shape[1:3]
        return _made(shape, index.flatten(0, 1), 0, (height, width))
    if layout == "BC":
        return _made(shape, index[None], 0, None)
    entries = index if layout == "BNC" else index.T
    return _made(shape, entries, tokens, grid or square(len(entries) - tokens))


def _made(shape: Sequence[int], entries: Tensor, tokens: int, grid: Size | None) -> Places:
    positions = len(entries) - tokens
    if positions < 0 or (grid is not None and grid[0] * grid[1] != positions):
        expected = f"a map of {positions} positions" if positions >= 0 else "fewer tokens"
        found = f"{tokens} tokens" if grid is None else f"a map of {grid[0]}×{grid[1]}"
        raise _wrong(f"{found} among {len(entries)} places", expected)
    return Places(tuple(shape), entries.contiguous(), grid, tokens)


def square(positions: int) -> Size | None:
    """The square map of so many positions, if there is one."""
    side = math.isqrt(max(positions, 0))
    return (side, side) if side * side == positions and side > 1 else None


def like(shape: Sequence[int], other: Places, layout: Layout) -> Places | None:
    """The places of a value inside a module, by its shape: those of `other` where it has as many,
    else by the layout of what comes in; None where the shape fits neither."""
    if len(shape) == 4 and shape[0] == 1 and layout in _OF_RANK[4]:
        return places(shape, layout)
    sizes = [size for at, size in enumerate(shape) if at == 0 or size != 1 or at > len(shape) - 2]
    full = (1, *sizes[1:]) if sizes[0] == 1 else (1, *sizes)
    options = _OF_RANK.get(len(full), ())
    if not options or len(full) == 2:
        return None
    kind = layout if layout in options else _by_count(full, other, options)
    tokens, grid = 0, None
    if len(full) == 3:
        kind = _by_count(full, other, options, kind)
        count = full[1] if kind == "BNC" else full[2]
        if count == other.count:
            tokens, grid = other.tokens, other.grid
    found = places(full, kind, tokens, grid)
    return Places(tuple(shape), found.entries, found.grid, found.tokens)


def _by_count(
    shape: Sequence[int], other: Places, options: Sequence[Layout], default: Layout | None = None
) -> Layout:
    """The option under which there are as many places as in `other`."""
    usual = default if default in options else options[0]
    assert usual is not None
    for option in (usual, *options):
        if option in ("BNC", "BCN") and shape[1 if option == "BNC" else 2] == other.count:
            return option
    return usual


def said(shape: Sequence[int]) -> str:
    """1×64×14×14."""
    return "×".join(map(str, shape))


def _wrong(found: str, expected: str) -> RelgraphError:
    hint = "tell --shape, and --layout, --grid or --tokens where the sizes do not show them"
    return RelgraphError(Problem("wrong-layout", found, expected, hint))
