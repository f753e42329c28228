"""What flows through a growing spec: shapes at every place where one piece of text is used.

A block is written once and used in every stage, so whatever grows inside it carries one `Flow` for
each use; an item is possible where all of them allow it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

Size = tuple[int, int]
ORIGIN = -1  # a flow of the stem; stages count from 0, the head follows the last


@dataclass(frozen=True)
class Flow:
    """A value at one use: its channels, its map (None: a vector), extra tokens, the stage it is in,
    and what `$stride` and `$channels` mean there."""

    channels: int
    grid: Size | None
    tokens: tuple[str, ...] = ()
    stage: int = ORIGIN
    stride: int = 1
    target: int = 1

    @property
    def map(self) -> Size:
        """The map of a value that has one."""
        assert self.grid is not None
        return self.grid


Flows = tuple[Flow, ...]


def all_maps(flows: Flows) -> bool:
    """Whether all are maps without extra tokens."""
    return all(flow.grid is not None and not flow.tokens for flow in flows)


def with_channels(flows: Flows, channels: Callable[[Flow], int]) -> Flows:
    """The same maps with other widths."""
    return tuple(replace(flow, channels=channels(flow)) for flow in flows)


def strided(flows: Flows, stride: Callable[[Flow], int]) -> Flows:
    """Maps over a stride, rounded up, as centred taps leave them."""
    return tuple(
        replace(flow, grid=(ceil(flow.map[0] / stride(flow)), ceil(flow.map[1] / stride(flow))))
        for flow in flows
    )


def divisors(number: int) -> list[int]:
    """All of them, in order."""
    return [n for n in range(1, number + 1) if number % n == 0]


def windows(flow: Flow) -> list[int]:
    """Sides of square windows that cut the map without remainder; larger ones shrink to it."""
    rows, columns = flow.map
    sides = range(1, max(rows, columns) + 4)
    return [n for n in sides if rows % min(n, rows) == 0 and columns % min(n, columns) == 0]


def factors(flow: Flow) -> list[int]:
    """Whole numbers from 2 that divide both sides."""
    rows, columns = flow.map
    return [n for n in range(2, min(rows, columns) + 1) if rows % n == 0 and columns % n == 0]
