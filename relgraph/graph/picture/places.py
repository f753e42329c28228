"""Where everything stands: the second half of a layered layout.

In: rows of slots in order. Out: a place in pixels for every slot, and the height of every row. Each
slot goes as near to the mean of its neighbours as its row's order allows: with fixed neighbours
that is an isotonic regression, solved exactly by pooling adjacent violators (Ayer et al., Annals of
Mathematical Statistics 26, 1955), row by row until nothing moves much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from relgraph.graph.picture.layers import Rows

PASSES = 240
APART = 12.0
"""Between two slots of a row, in pixels."""
BETWEEN, STEEPEST, WIDEST = 18.0, 0.06, 56.0
"""Between two rows: at least, the more the further lines go to the side there, and at most."""
STRAIGHT, STRAIGHTENED = 30.0, 3
"""How much more a long line wants to be straight than a box wants to be in the middle; and how
often lines that are nearly straight are made so in the end."""


@dataclass(frozen=True)
class Places:
    """`x` of every slot's line, and the top and bottom of every row; the whole width and height."""

    x: tuple[float, ...]
    tops: tuple[float, ...]
    bottoms: tuple[float, ...]
    level: tuple[int, ...]
    width: float
    height: float

    def middle(self, at: int) -> float:
        """The middle of the row that a slot stands in."""
        return (self.tops[self.level[at]] + self.bottoms[self.level[at]]) / 2

    def top(self, at: int, rows: Rows) -> float:
        """The upper edge of a slot."""
        return self.middle(at) - rows.extents[at].height / 2

    def bottom(self, at: int, rows: Rows) -> float:
        """The lower edge of a slot."""
        return self.middle(at) + rows.extents[at].height / 2


def places(rows: Rows) -> Places:
    """The places of a layout's slots, from (0, 0) on."""
    level = [0] * len(rows.extents)
    for number, row in enumerate(rows.order):
        for at in row:
            level[at] = number
    x = _across(rows)
    tops, bottoms, y = [], [], 0.0
    gaps = _gaps(rows, level, x)
    for number, row in enumerate(rows.order):
        tops.append(y)
        y += max((rows.extents[at].height for at in row), default=0.0)
        bottoms.append(y)
        y += gaps[number]
    width = max((x[at] + rows.extents[at].right for at in range(len(x))), default=0.0)
    height = bottoms[-1] if bottoms else 0.0
    return Places(tuple(x), tuple(tops), tuple(bottoms), tuple(level), width, height)


def _gaps(rows: Rows, level: Sequence[int], x: Sequence[float]) -> list[float]:
    """The room under each row."""
    gaps = [BETWEEN] * len(rows.order)
    for chain in rows.chains:
        for upper, lower in pairwise(chain):
            needed = BETWEEN + STEEPEST * abs(x[upper] - x[lower])
            gaps[level[upper]] = max(gaps[level[upper]], round(min(needed, WIDEST), 1))
    return gaps


def _across(rows: Rows) -> list[float]:
    links = _links(rows)
    x = [0.0] * len(rows.extents)
    for row in rows.order:
        for at, place in zip(row, _offsets(rows, row), strict=True):
            x[at] = place
    for number in range(PASSES):
        levels = rows.order if number % 2 == 0 else rows.order[::-1]
        for row in levels:
            _settle(rows, row, links, x)
    for _ in range(STRAIGHTENED):
        _straighten(rows, x)
    leftmost = min((x[at] - rows.extents[at].left for at in range(len(x))), default=0.0)
    return [round(place - leftmost, 1) for place in x]


def _links(rows: Rows) -> Mapping[int, list[tuple[int, float]]]:
    """The neighbours of every slot, with weights."""
    boxes = {end for chain in rows.chains for end in (chain[0], chain[-1])}
    links: dict[int, list[tuple[int, float]]] = {at: [] for at in range(len(rows.extents))}
    for chain in rows.chains:
        for upper, lower in pairwise(chain):
            weight = 1.0 if {upper, lower} & boxes else STRAIGHT
            links[upper].append((lower, weight))
            links[lower].append((upper, weight))
    return links


def _offsets(rows: Rows, row: Sequence[int]) -> list[float]:
    """The places of a row that is pushed together."""
    found, edge = [], 0.0
    for at in row:
        extent = rows.extents[at]
        found.append(edge + extent.left)
        edge += extent.width + APART
    return found


def _settle(
    rows: Rows, row: Sequence[int], links: Mapping[int, list[tuple[int, float]]], x: list[float]
) -> None:
    """Move the slots of one row as near to their neighbours' mean as the order allows."""
    offsets = _offsets(rows, row)
    wanted, weights = [], []
    for at, offset in zip(row, offsets, strict=True):
        total = sum(weight for _, weight in links[at])
        mean = sum(x[n] * weight for n, weight in links[at]) / total if total else x[at]
        wanted.append(mean - offset)
        weights.append(total or 0.1)
    for at, offset, shift in zip(row, offsets, _isotonic(wanted, weights), strict=True):
        x[at] = shift + offset


def _straighten(rows: Rows, x: list[float]) -> None:
    """Put all inner slots of an arrow under each other, where their rows leave room for that."""
    beside = {}
    for row in rows.order:
        for before, at, after in zip((None, *row), row, (*row[1:], None), strict=False):
            beside[at] = (before, after)
    for chain in rows.chains:
        inner = chain[1:-1]
        lowest, highest = zip(*(_free(rows, x, at, *beside[at]) for at in inner), strict=True)
        low, high = max(lowest), min(highest)
        if low <= high:
            middle = sorted(x[at] for at in inner)[len(inner) // 2]
            for at in inner:
                x[at] = min(max(middle, low), high)


def _free(
    rows: Rows, x: Sequence[float], at: int, before: int | None, after: int | None
) -> tuple[float, float]:
    """From where to where a slot may stand between its neighbours in the row."""
    extents = rows.extents
    low = -math.inf
    if before is not None:
        low = x[before] + extents[before].right + APART + extents[at].left
    high = math.inf
    if after is not None:
        high = x[after] - extents[after].left - APART - extents[at].right
    return low, high


def _isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to `values` in weighted squares."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, count
    for value, weight in zip(values, weights, strict=True):
        pool = (value, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, mass, count = pools.pop()
            total = mass + pool[1]
            pool = ((mean * mass + pool[0] * pool[1]) / total, total, count + pool[2])
        pools.append(pool)
    return [mean for mean, _, count in pools for _ in range(count)]
