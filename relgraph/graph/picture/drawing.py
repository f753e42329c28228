"""A scene as SVG: the same text for the same scene, whatever the machine.

In: a `Scene`. Out: an SVG document with fonts by name only, colours that print and that people who
see few colours can tell apart, and another dash for each of them. All numbers are rounded to a
tenth of a pixel, so that no processor's last digit shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from relgraph.graph.picture.layers import Extent, Join, rows
from relgraph.graph.picture.places import Places, places
from relgraph.graph.picture.routes import Point, routes
from relgraph.graph.picture.scene import Arrow, Kind, Line, Mark, Sample, Scene
from relgraph.graph.picture.text import FACES, MARK, block, width, wrap

FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
COLOURS: dict[Kind, str] = {
    "sparse": "#0060a8",
    "low rank": "#00785a",
    "dynamic": "#b84a00",
    "sharing": "#7b3f8c",
    "other": "#4d4d4d",
}
DASHES: dict[Kind, str] = {
    "sparse": "",
    "low rank": "8 3 2 3",
    "dynamic": "6 4",
    "sharing": "12 4",
    "other": "4 2",
}
DOTS = "1.5 3.5"
INK, PALE, PAPER, BOX = "#1a1a1a", "#5c5c5c", "#ffffff", "#f7f7f4"
MARGIN = 18.0
PADDING = 9.0
PORT = 12.0
"""Room of one arrow at a side of a box."""
BESIDE = 9.0
"""From an arrow's line to its words."""
AXIS = 34.0
NARROWEST = 420.0
ROOM = 900.0
"""Width that a row of boxes may have before it is cut into two."""


@dataclass(frozen=True)
class _Part:
    """Some elements, and the height that they take."""

    elements: tuple[str, ...]
    height: float


def svg(scene: Scene) -> str:
    """The picture of the scene."""
    boxes = _extents(scene)
    number = {box.key: at for at, box in enumerate(scene.boxes)}
    joins = [Join(number[a.source], number[a.target], _words_extent(a)) for a in scene.arrows]
    found = rows(boxes, joins, ROOM)
    placed = places(found)
    left = MARGIN + (AXIS if scene.axis else 0.0)
    full = max(left + placed.width + MARGIN, NARROWEST)
    top = MARGIN
    legend = _legend(scene.legend, full - 2 * MARGIN)
    notes = _notes(scene.notes, full - 2 * MARGIN)
    under = top + placed.height + 16.0
    height = under + legend.height + notes.height + MARGIN
    body = [
        *(_axis(scene.axis, top, placed.height) if scene.axis else ()),
        *_moved(left, top, [*_arrows(scene, routes(found, placed)), *_boxes(scene, boxes, placed)]),
        *_moved(left, top, _words(scene, found.words, placed)),
        *_moved(MARGIN, under, legend.elements),
        *_moved(MARGIN, under + legend.height, notes.elements),
    ]
    return "\n".join([*_head(scene, full, height), *body, "</svg>"]) + "\n"


def _head(scene: Scene, full: float, height: float) -> Iterator[str]:
    size = f'width="{_n(full)}" height="{_n(height)}" viewBox="0 0 {_n(full)} {_n(height)}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONTS}" fill="{INK}">'
    yield f"<title>{escape(scene.title)}</title>"
    yield f'<rect width="100%" height="100%" fill="{PAPER}"/>'


def _moved(x: float, y: float, elements: Iterable[str]) -> list[str]:
    return [f'<g transform="translate({_n(x)} {_n(y)})">', *elements, "</g>"]


def _extents(scene: Scene) -> list[Extent]:
    """The room of each box: for its words, and for its arrows beside each other."""
    sides = Counter((a.source, "below") for a in scene.arrows)
    sides += Counter((a.target, "above") for a in scene.arrows)
    found = []
    for box in scene.boxes:
        wide, high = block(box.lines)
        busiest = max(sides[box.key, side] for side in ("above", "below"))
        half = round(max(wide / 2 + PADDING, busiest * PORT / 2 + PADDING), 1)
        found.append(Extent(half, half, round(high + 2 * PADDING - 4.0, 1)))
    return found


def _words_extent(arrow: Arrow) -> Extent:
    wide, high = block(arrow.lines)
    return Extent(6.0, round(BESIDE + wide, 1), round(high, 1))


def _axis(text: str, top: float, height: float) -> Iterator[str]:
    x = MARGIN + 8.0
    yield f'<path d="M{_n(x)} {_n(top)}V{_n(top + height - 9)}" stroke="{PALE}" fill="none"/>'
    yield _head_at((x, top + height), PALE, down=True)
    middle = top + height / 2
    yield (
        f'<text transform="translate({_n(x + 15)} {_n(middle)}) rotate(-90)" font-size="12" '
        f'font-style="italic" text-anchor="middle" fill="{PALE}">{escape(text)}</text>'
    )


def _arrows(scene: Scene, lines: Sequence[tuple[str, Point, bool]]) -> Iterator[str]:
    for arrow, (path, tip, down) in zip(scene.arrows, lines, strict=True):
        yield f"<path d={quoteattr(path)} {_stroke(arrow.kind, arrow.dotted)}/>"
        yield _head_at(tip, COLOURS[arrow.kind], down)


def _stroke(kind: Kind, dotted: bool) -> str:
    dash = DOTS if dotted else DASHES[kind]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    cap = ' stroke-linecap="round"' if dotted else ""
    return f'fill="none" stroke="{COLOURS[kind]}" stroke-width="1.6"{dashed}{cap}'


def _head_at(tip: Point, colour: str, down: bool) -> str:
    x, y = tip
    back = y - 9.0 if down else y + 9.0
    corners = f"{_n(x - 4)},{_n(back)} {_n(x + 4)},{_n(back)} {_n(x)},{_n(y)}"
    return f'<polygon points="{corners}" fill="{colour}"/>'


def _boxes(scene: Scene, extents: Sequence[Extent], placed: Places) -> Iterator[str]:
    for at, (box, extent) in enumerate(zip(scene.boxes, extents, strict=True)):
        y = placed.middle(at) - extent.height / 2
        x = placed.x[at] - extent.left
        frame = f'stroke-width="{2 if box.strong else 1}"'
        frame += ' stroke-dasharray="4 3"' if box.faint else ""
        yield (
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(extent.width)}" '
            f'height="{_n(extent.height)}" rx="5" fill="{PAPER if box.faint else BOX}" '
            f'stroke="{PALE if box.faint else INK}" {frame}><title>{escape(box.key)}</title></rect>'
        )
        baseline = y + PADDING - 2.0
        for line in box.lines:
            face = FACES[line.style]
            yield from _text(line, placed.x[at], baseline + face.leading - 4.5, centred=True)
            baseline += face.leading


def _words(scene: Scene, slots: Sequence[int], placed: Places) -> Iterator[str]:
    for arrow, at in zip(scene.arrows, slots, strict=True):
        y = placed.middle(at) - block(arrow.lines)[1] / 2
        for line in arrow.lines:
            face = FACES[line.style]
            yield from _text(line, placed.x[at] + BESIDE, y + face.leading - 3.5)
            y += face.leading


def _text(line: Line, x: float, y: float, centred: bool = False) -> Iterator[str]:
    face = FACES[line.style]
    if line.mark:
        yield _mark(line.mark, x + 4.0, y - face.size * 0.36, face.size * 0.29)
    if line.mark or line.hangs:
        x += MARK
    colour = f' fill="{COLOURS[line.kind]}"' if line.kind else ""
    if line.style in ("small", "call-out") and not line.kind:
        colour = f' fill="{PALE}"'
    weight = ' font-weight="bold"' if face.bold else ""
    slant = ' font-style="italic"' if face.italic else ""
    anchor = ' text-anchor="middle"' if centred else ""
    yield (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(face.size)}"{weight}{slant}{anchor}'
        f"{colour}>{escape(line.text)}</text>"
    )


def _mark(mark: Mark, x: float, y: float, r: float) -> str:
    """▼ down, ▲ up, ◇ sideways, ◆ mixed, a bar for equal; drawn, since not every font has them."""
    shapes = {
        "down": ((-r, -r * 0.8), (r, -r * 0.8), (0.0, r)),
        "up": ((-r, r * 0.8), (r, r * 0.8), (0.0, -r)),
        "sideways": ((-r, 0.0), (0.0, -r), (r, 0.0), (0.0, r)),
        "mixed": ((-r, 0.0), (0.0, -r), (r, 0.0), (0.0, r)),
        "equal": ((-r, -1.0), (r, -1.0), (r, 1.0), (-r, 1.0)),
    }
    corners = " ".join(f"{_n(x + dx)},{_n(y + dy)}" for dx, dy in shapes[mark])
    fill = PAPER if mark == "sideways" else INK
    return f'<polygon points="{corners}" fill="{fill}" stroke="{INK}" stroke-width="0.9"/>'


def _legend(samples: Sequence[Sample], room: float) -> _Part:
    """Samples beside each other, in as many rows as they need."""
    elements: list[str] = []
    x, y = 0.0, 6.0
    for sample in samples:
        drawn = 34.0 if sample.kind else 13.0
        wide = drawn + width(sample.text, "plain") + 18.0
        if x and x + wide > room:
            x, y = 0.0, y + 18.0
        if sample.kind:
            line = f'd="M{_n(x)} {_n(y + 4)}h28" {_stroke(sample.kind, sample.dotted)}'
            elements.append(f"<path {line}/>")
        if sample.mark:
            elements.append(_mark(sample.mark, x + 4.0, y + 4.0, 3.4))
        elements += _text(Line(sample.text), x + drawn, y + 8.0)
        x += wide
    return _Part(tuple(elements), y + 20.0 if samples else 0.0)


def _notes(notes: Sequence[str], room: float) -> _Part:
    elements: list[str] = []
    y = 0.0
    for note in notes:
        for text in wrap(note, "small", room):
            y += 13.0
            elements += _text(Line(text, "small"), 0.0, y)
    return _Part(tuple(elements), y)


def _n(value: float) -> str:
    """A number as short as it can be, to a tenth."""
    text = f"{value:.1f}"
    return "0" if text == "-0.0" else text.removesuffix(".0")
