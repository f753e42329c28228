"""Line charts as inline SVG: lines labelled at their end, few grid lines, values on hover.

In: named series of points. Out: markup. Colours are the page's (classes `series-0`, `series-1`,
`reference`), so charts follow the reader's light or dark setting.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from relgraph.demo.html import Html, tag

Point = tuple[float, float]

WIDTH, HEIGHT = 560, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 120, 16, 40
# Two labels at the line ends need this much room between their base lines.
_LABEL_GAP = 15


@dataclass(frozen=True)
class Series:
    """A named line. `index` picks its colour."""

    name: str
    points: tuple[Point, ...]
    index: int


@dataclass(frozen=True)
class Reference:
    """A named horizontal line to compare with."""

    name: str
    value: float


@dataclass(frozen=True)
class Chart:
    """A line chart: what the axes say and what is drawn. `percent` prints 0.85 as 85%."""

    title: str
    x_label: str
    series: tuple[Series, ...]
    reference: Reference | None = None
    percent: bool = False


@dataclass(frozen=True)
class _Scale:
    """Data to pixels, linear."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        part = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(self.start + part * (self.end - self.start), 2)


def line_chart(chart: Chart) -> Html:
    """The chart as an `<svg>` with a title for screen readers."""
    points = [point for series in chart.series for point in series.points]
    values = [y for _, y in points] + ([chart.reference.value] if chart.reference else [])
    ticks = nice_ticks(min(values), max(values))
    last = max(x for x, _ in points)
    x = _Scale(0, last, _LEFT, WIDTH - _RIGHT)
    y = _Scale(ticks[0], ticks[-1], HEIGHT - _BOTTOM, _TOP)
    parts = [tag("title", chart.title), *_grid(chart, ticks, y), *_bottom_axis(chart, last, x)]
    if chart.reference:
        parts.append(_reference_line(chart.reference, y))
    parts.extend(_line(chart, series, x, y) for series in chart.series)
    parts.extend(_end_labels(chart, x, y))
    view = f"0 0 {WIDTH} {HEIGHT}"
    return tag("svg", *parts, viewBox=view, role="img", class_="chart")


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) that enclose low..high."""
    span = (high - low) or abs(high) or 1.0
    rough = span / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(index * step, 10) for index in range(first, max(last, first + 1) + 1)]


def _grid(chart: Chart, ticks: Sequence[float], y: _Scale) -> list[Html]:
    parts = []
    for tick in ticks:
        at = y(tick)
        parts.append(tag("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=at, y2=at, class_="grid"))
        label = _number(tick, chart.percent)
        parts.append(tag("text", label, x=_LEFT - 8, y=at + 4, text_anchor="end", class_="tick"))
    return parts


def _bottom_axis(chart: Chart, last: float, x: _Scale) -> list[Html]:
    baseline = HEIGHT - _BOTTOM
    marks = [tick for tick in nice_ticks(0, last) if tick <= last]
    parts = [
        tag("text", f"{mark:g}", x=x(mark), y=baseline + 18, text_anchor="middle", class_="tick")
        for mark in marks
    ]
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    label = tag("text", chart.x_label, x=middle, y=HEIGHT - 4, text_anchor="middle", class_="tick")
    return [*parts, label]


def _reference_line(reference: Reference, y: _Scale) -> Html:
    at = y(reference.value)
    return tag("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=at, y2=at, class_="reference")


def _line(chart: Chart, series: Series, x: _Scale, y: _Scale) -> Html:
    path = " ".join(f"{x(px)},{y(py)}" for px, py in series.points)
    dots = [
        tag(
            "circle",
            tag("title", f"{series.name}, {px:g}: {_number(py, chart.percent, digits=2)}"),
            cx=x(px),
            cy=y(py),
            r=3,
        )
        for px, py in series.points
    ]
    return tag("g", tag("polyline", points=path), *dots, class_=f"series-{series.index}")


def _end_labels(chart: Chart, x: _Scale, y: _Scale) -> list[Html]:
    """Names at the line ends, moved apart where they would overlap."""
    ends = [
        (y(series.points[-1][1]), x(series.points[-1][0]), series.name, f"label-{series.index}")
        for series in chart.series
    ]
    if chart.reference:
        end = float(WIDTH - _RIGHT)
        ends.append((y(chart.reference.value), end, chart.reference.name, "label-reference"))
    ends.sort()
    heights = _apart([wanted for wanted, *_ in ends])
    return [
        tag("text", name, x=end + 8, y=height + 4, class_=f"end {style}")
        for height, (_, end, name, style) in zip(heights, ends, strict=True)
    ]


def _apart(wanted: Sequence[float]) -> list[float]:
    """Heights (ascending) pushed down until they are apart, then up until they clear the axis."""
    heights: list[float] = []
    for height in wanted:
        heights.append(max(height, heights[-1] + _LABEL_GAP) if heights else height)
    ceiling = HEIGHT - _BOTTOM - 4.0
    for index in reversed(range(len(heights))):
        heights[index] = min(heights[index], ceiling)
        ceiling = heights[index] - _LABEL_GAP
    return heights


def _number(value: float, percent: bool, digits: int = 0) -> str:
    return f"{100 * value:.{digits}f}%" if percent else f"{value:.{max(digits, 1)}f}"
