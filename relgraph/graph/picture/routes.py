"""How lines run between placed slots: straight down through rows, curved in the gaps between.

In: rows and places. Out: an SVG path for every arrow, its tip, and whether it points down. Lines
that leave or reach one box do so beside each other, in the order of where they go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from relgraph.graph.picture.layers import Rows
from relgraph.graph.picture.places import Places

Point: TypeAlias = tuple[float, float]
PORTS = 20.0
"""Between two lines at one side of a box, where there is room."""
TIP = 8.0


def routes(rows: Rows, placed: Places) -> tuple[tuple[str, Point, bool], ...]:
    """The path, the tip and the sense of each arrow, in the order of the chains."""
    leaving, reaching = _ports(rows, placed, 0), _ports(rows, placed, -1)
    found = []
    for arrow, chain in enumerate(rows.chains):
        down = arrow not in rows.flipped
        start = (leaving[arrow], placed.bottom(chain[0], rows))
        end = (reaching[arrow], placed.top(chain[-1], rows))
        tip = end if down else start
        path = _path(chain, placed, _back(start, not down, 1), _back(end, down, -1))
        found.append((path, tip, down))
    return tuple(found)


def _back(point: Point, is_tip: bool, way: int) -> Point:
    """Where the line ends, so that it does not look out under its tip."""
    return (point[0], point[1] + way * TIP) if is_tip else point


def _path(chain: tuple[int, ...], placed: Places, start: Point, end: Point) -> str:
    (x, y), parts = start, [f"M{_n(start[0])} {_n(start[1])}"]
    levels = [placed.level[at] for at in chain]
    for at, level in zip(chain[1:], levels[1:], strict=True):
        parts.append(f"V{_n(placed.bottoms[level - 1])}")
        y = placed.bottoms[level - 1]
        last = at == chain[-1]
        to = end[0] if last else placed.x[at]
        top = placed.tops[level]
        if abs(to - x) > 0.05:
            middle = (y + top) / 2
            parts.append(
                f"C{_n(x)} {_n(middle)} {_n(to)} {_n(middle)} {_n(to)} {_n(top)}",
            )
        x = to
        parts.append(f"V{_n(end[1] if last else placed.bottoms[level])}")
    return "".join(parts)


def _ports(rows: Rows, placed: Places, side: int) -> Mapping[int, float]:
    """Where each arrow meets the box at its upper (0) or lower (-1) end."""
    meeting: dict[int, list[int]] = {}
    for arrow, chain in enumerate(rows.chains):
        meeting.setdefault(chain[side], []).append(arrow)
    ports = {}
    for box, arrows in meeting.items():
        next_to = 1 if side == 0 else -2
        ordered = sorted(arrows, key=lambda a: (placed.x[rows.chains[a][next_to]], a))
        step = min(PORTS, (rows.extents[box].width - 20.0) / len(ordered))
        for place, arrow in enumerate(ordered):
            ports[arrow] = round(placed.x[box] + (place - (len(ordered) - 1) / 2) * step, 1)
    return ports


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
