"""The axes of the cost plane: where numbers lie, which are marked, where labels have room.

In: costs and sizes in pixels. Out: places. Both axes are logarithmic, since what counts is how many
times more a variant costs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relgraph.graph.picture.text import width

_STEPS = (1, 2, 5)
_NARROW = 4.0
"""Up to this ratio, numbers at even distances are marked; above, 1, 2 and 5 of every power."""
_MARKS = 5


@dataclass(frozen=True)
class Axis:
    """Numbers from `low` to `high`, drawn from `start` to `end` in pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a number lies."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def marks(self) -> tuple[float, ...]:
        """The numbers that are marked, a few."""
        wide = self.high / self.low > _NARROW
        found = _powers(self.low, self.high) if wide else _even(self.low, self.high)
        return tuple(n for n in found if self.low <= n <= self.high)


def axis(values: Sequence[int], start: float, end: float) -> Axis:
    """An axis with some room around the values."""
    low, high = min(values), max(values)
    room = max((high / low) ** 0.08, 1.04)
    return Axis(low / room, high * room, start, end)


def _powers(low: float, high: float) -> Iterator[float]:
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        yield from (step * 10.0**power for step in _STEPS)


def _even(low: float, high: float) -> Iterator[float]:
    rough = (high - low) / _MARKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(n * power for n in (1, 2, 5, 10) if n * power >= rough)
    first = math.ceil(low / step)
    yield from (step * n for n in range(first, math.floor(high / step) + 1))


@dataclass(frozen=True)
class Label:
    """A text with its left end and its baseline."""

    text: str
    x: float
    y: float

    def leader(self, x: float, y: float) -> tuple[float, float] | None:
        """Where a line from the point at (x, y) meets the text; None where it stands beside it."""
        left, top, right, bottom = _box(self, width(self.text, "small"))
        end = min(max(x, left), right), min(max(y, top), bottom)
        return end if math.hypot(end[0] - x, end[1] - y) > _BESIDE else None


Rectangle = tuple[float, float, float, float]
_HEIGHT = 11.0
_BESIDE = 9.0
"""A text that is nearer to its point than this needs no line to it."""


def labels(
    points: Sequence[tuple[float, float, str]], inside: Rectangle, marked: Sequence[Rectangle] = ()
) -> tuple[Label | None, ...]:
    """A place for the text of every point where it covers no point and no other text; None where
    there is none."""
    taken: list[Rectangle] = [(x - 5, y - 5, x + 5, y + 5) for x, y, _ in points] + list(marked)
    found: list[Label | None] = []
    for x, y, text in points:
        wide = width(text, "small")
        spots = [Label(text, *spot) for spot in _around(x, y, wide)]
        free = next((one for one in spots if _is_free(_box(one, wide), taken, inside)), None)
        if free is not None:
            taken.append(_box(free, wide))
        found.append(free)
    return tuple(found)


def _around(x: float, y: float, wide: float) -> Iterator[tuple[float, float]]:
    """Right, left, above and below a point, then the corners, then the same further away."""
    for far in (0.0, 9.0, 18.0, 27.0):
        yield x + 7 + far, y + 4
        yield x - 7 - far - wide, y + 4
        yield x - wide / 2, y - 7 - far
        yield x - wide / 2, y + 15 + far
        for dx in (5 + far, -5 - far - wide):
            yield x + dx, y - 5 - far
            yield x + dx, y + 13 + far


def _box(label: Label, wide: float) -> Rectangle:
    return label.x, label.y - _HEIGHT + 2, label.x + wide, label.y + 2


def _is_free(box: Rectangle, taken: Sequence[Rectangle], inside: Rectangle) -> bool:
    left, top, right, bottom = box
    if left < inside[0] or top < inside[1] or right > inside[2] or bottom > inside[3]:
        return False
    return not any(
        left < other[2] and right > other[0] and top < other[3] and bottom > other[1]
        for other in taken
    )
