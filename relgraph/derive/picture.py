"""The cost plane as SVG: parameters to the right, multiply-adds upwards.

In: variants. Out: the same text for the same variants. A dot is a model; variants of one cost share
a dot. Dots have numbers, and the names stand beside the plane in the same order; the original and
the shipped backbones of its skeleton are marked. The plane ends a little beyond what costs up to
ten times more or less than the original, so that one variant of a thousand times as many parameters
does not make one dot of all others; what lies outside is listed as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from xml.sax.saxutils import escape

from relgraph.assemble.cost import Cost
from relgraph.derive.answer import Derived
from relgraph.derive.plane import Axis, Rectangle, axis, labels
from relgraph.graph.picture.drawing import COLOURS, FONTS, INK, PALE, PAPER
from relgraph.graph.picture.text import width
from relgraph.graph.questions.answer import short

Mark: TypeAlias = Literal["original", "sibling", "near", "far", "further"]

LEFT, TOP, WIDE, HIGH = 74.0, 40.0, 540.0, 440.0
LINE = 14.0
LISTED = 60
"""Variants that get a number; a plane with more could not be read."""
FARTHEST = 10.0
"""Costs that are this many times the original's, or the original's theirs, are in the plane."""
BESIDE = 2.0
"""So far beyond the variants a shipped backbone may lie."""
_COLOUR: dict[Mark, str] = {
    "original": INK,
    "sibling": COLOURS["low rank"],
    "near": COLOURS["sparse"],
    "far": COLOURS["dynamic"],
    "further": COLOURS["sharing"],
}


@dataclass(frozen=True)
class _Dot:
    """One place in the plane: how it is drawn, and what is written beside it."""

    cost: Cost
    mark: Mark
    texts: tuple[str, ...]

    @property
    def text(self) -> str:
        return ", ".join(self.texts)


@dataclass(frozen=True)
class _Entry:
    """One line of the list beside the plane; `inside`: whether its dot is in the plane."""

    mark: Mark
    text: str
    inside: bool = True


def picture(derived: Derived) -> str:
    """The SVG document."""
    dots, entries = _dots(derived), _entries(derived)
    x = axis([dot.cost.parameters for dot in dots], LEFT, LEFT + WIDE)
    y = axis([dot.cost.macs for dot in dots], TOP + HIGH, TOP)
    side = LEFT + WIDE + 24.0
    full = side + 18.0 + max(width(entry.text, "small") for entry in entries) + 14.0
    height = max(TOP + HIGH + 54.0, TOP + LINE * len(entries) + 16.0)
    body = [
        *_grid(x, y),
        *_cross(derived.cost, x, y),
        *_labels(dots, x, y),
        *(_drawn(dot.mark, *_place(dot, x, y)) for dot in reversed(dots)),  # the original on top
        *_list(entries, side),
    ]
    return "\n".join([*_head(derived, full, height), *body, "</svg>"]) + "\n"


def _dots(derived: Derived) -> list[_Dot]:
    """The original first, so that its name gets the best place."""
    found: dict[tuple[int, int], _Dot] = {}
    marked: list[tuple[Cost, Mark, str]] = [(derived.cost, "original", derived.original)]
    marked += [
        (cost, "sibling", chr(ord("a") + at)) for at, (_, cost) in enumerate(_siblings(derived))
    ]
    for at, variant in enumerate(derived.variants, 1):
        marked.append((variant.cost, _step(len(variant.steps)), str(at) if at <= LISTED else ""))
    for cost, mark, text in marked:
        if not _apart(cost, derived.cost, FARTHEST):
            continue
        place = cost.parameters, cost.macs
        known = found.get(place)
        texts = (text,) if text else ()
        found[place] = (
            _Dot(cost, mark, texts)
            if known is None
            else _Dot(known.cost, known.mark, known.texts + texts)
        )
    return list(found.values())


def _apart(cost: Cost, other: Cost, most: float) -> bool:
    """Whether neither measure is more than so many times the other's."""
    pairs = ((cost.parameters, other.parameters), (cost.macs, other.macs))
    return all(max(a, b) <= most * min(a, b) for a, b in pairs)


def _siblings(derived: Derived) -> list[tuple[str, Cost]]:
    """The shipped backbones that are near the original or a variant in the plane."""
    shown = [derived.cost, *(one.cost for one in derived.variants)]
    near = [cost for cost in shown if _apart(cost, derived.cost, FARTHEST)]
    return [
        (name, cost)
        for name, cost in derived.siblings
        if any(_apart(cost, other, BESIDE) for other in near)
    ]


def _place(dot: _Dot, x: Axis, y: Axis) -> tuple[float, float]:
    return x.at(dot.cost.parameters), y.at(dot.cost.macs)


def _step(count: int) -> Mark:
    steps: tuple[Mark, ...] = ("near", "far", "further")
    return steps[min(count, len(steps)) - 1]


def _entries(derived: Derived) -> list[_Entry]:
    entries = [_Entry("original", derived.original)]
    for at, (name, _) in enumerate(_siblings(derived)):
        entries.append(_Entry("sibling", f"{chr(ord('a') + at)}  {name}"))
    for at, variant in enumerate(derived.variants[:LISTED], 1):
        known = f" = {variant.known}" if variant.known else ""
        inside = _apart(variant.cost, derived.cost, FARTHEST)
        text = f"{at}  {variant.name}{known}" + ("" if inside else " (outside)")
        entries.append(_Entry(_step(len(variant.steps)), text, inside))
    more = len(derived.variants) - LISTED
    return entries + (
        [_Entry("further", f"and {more:,} more without a number")] if more > 0 else []
    )


def _head(derived: Derived, full: float, height: float) -> Iterator[str]:
    size = f'width="{_n(full)}" height="{_n(height)}" viewBox="0 0 {_n(full)} {_n(height)}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONTS}" fill="{INK}">'
    title = f"Variants of {derived.original} by edits of {', '.join(derived.sites)}"
    yield f"<title>{escape(title)}</title>"
    yield f'<rect width="100%" height="100%" fill="{PAPER}"/>'
    yield f'<text x="{_n(LEFT)}" y="24" font-size="13" font-weight="bold">{escape(title)}</text>'


def _grid(x: Axis, y: Axis) -> Iterator[str]:
    frame = f'x="{_n(LEFT)}" y="{_n(TOP)}" width="{_n(WIDE)}" height="{_n(HIGH)}"'
    yield f'<rect {frame} fill="none" stroke="{PALE}"/>'
    bottom = TOP + HIGH
    for value in x.marks():
        across = x.at(value)
        yield f'<path d="M{_n(across)} {_n(TOP)}V{_n(bottom)}" stroke="#e4e4e0"/>'
        place = f'x="{_n(across)}" y="{_n(bottom + 16)}" text-anchor="middle"'
        yield _words(short(round(value)), place)
    for value in y.marks():
        up = y.at(value)
        yield f'<path d="M{_n(LEFT)} {_n(up)}H{_n(LEFT + WIDE)}" stroke="#e4e4e0"/>'
        place = f'x="{_n(LEFT - 7)}" y="{_n(up + 4)}" text-anchor="end"'
        yield _words(short(round(value)), place)
    middle = f'x="{_n(LEFT + WIDE / 2)}" y="{_n(bottom + 38)}" text-anchor="middle"'
    yield _words("parameters", middle, 12)
    turned = f'transform="translate(18 {_n(TOP + HIGH / 2)}) rotate(-90)" text-anchor="middle"'
    yield _words("multiply-adds", turned, 12)


def _cross(cost: Cost, x: Axis, y: Axis) -> Iterator[str]:
    """What the original costs, along both axes."""
    across, up = _n(y.at(cost.macs)), _n(x.at(cost.parameters))
    dash = f'stroke="{PALE}" stroke-dasharray="3 4"'
    yield f'<path d="M{_n(LEFT)} {across}H{_n(LEFT + WIDE)}" {dash}/>'
    yield f'<path d="M{up} {_n(TOP)}V{_n(TOP + HIGH)}" {dash}/>'


def _drawn(mark: Mark, x: float, y: float) -> str:
    colour = _COLOUR[mark]
    if mark == "original":
        corners = " ".join(f"{_n(x + dx)},{_n(y + dy)}" for dx, dy in _DIAMOND)
        return f'<polygon points="{corners}" fill="{colour}"/>'
    if mark == "sibling":
        place = f'x="{_n(x - 4)}" y="{_n(y - 4)}" width="8" height="8"'
        return f'<rect {place} fill="{PAPER}" stroke="{colour}" stroke-width="2"/>'
    fill = colour if mark == "near" else PAPER
    return (
        f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{3 if mark == "further" else 4}" fill="{fill}" '
        f'stroke="{colour}" stroke-width="1.6"/>'
    )


_DIAMOND = ((-6.0, 0.0), (0.0, -6.0), (6.0, 0.0), (0.0, 6.0))


# Lines stop short of words.
_HALO = f'paint-order="stroke" stroke="{PAPER}" stroke-width="3"'


def _labels(dots: Sequence[_Dot], x: Axis, y: Axis) -> Iterator[str]:
    inside: Rectangle = (LEFT, TOP, LEFT + WIDE, TOP + HIGH)
    points = [(*_place(dot, x, y), dot.text) for dot in dots]
    found = [one for one in zip(dots, labels(points, inside), strict=True) if one[0].text]
    for dot, label in found:
        end = label and label.leader(*_place(dot, x, y))
        if end:
            start, line = _place(dot, x, y), f'stroke="{PALE}" stroke-width="0.8"'
            yield f'<path d="M{_n(start[0])} {_n(start[1])}L{_n(end[0])} {_n(end[1])}" {line}/>'
    for dot, label in found:
        if label is not None:
            bold = ' font-weight="bold"' if dot.mark == "original" else ""
            place = f'x="{_n(label.x)}" y="{_n(label.y)}"{bold} {_HALO}'
            yield _words(label.text, place, 10)


def _list(entries: Sequence[_Entry], x: float) -> Iterator[str]:
    for at, entry in enumerate(entries):
        y = TOP + LINE * at + 4.0
        if entry.inside:
            yield _drawn(entry.mark, x + 4.0, y)
        yield _words(entry.text, f'x="{_n(x + 16)}" y="{_n(y + 3.5)}"', 10)


def _words(text: str, place: str, size: int = 11) -> str:
    return f'<text {place} font-size="{size}">{escape(text)}</text>'


def _n(value: float) -> str:
    """A number as short as it can be, to a tenth."""
    text = f"{value:.1f}"
    return "0" if text == "-0.0" else text.removesuffix(".0")
