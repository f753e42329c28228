"""How wide words are, without a font at hand: the advance widths of Helvetica and its relatives.

In: text and a style. Out: widths and heights in pixels, lines broken at blanks. Fonts that stand in
for Helvetica (Arial, Liberation Sans) have the same widths; DejaVu Sans is a little wider, so
everything gets the room that it needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from relgraph.graph.picture.scene import Line, Style

_ADVANCES = {
    191: "'",
    222: "ijl",
    278: " !,./:;I[\\]ft·|",
    333: "()-`r{}",
    389: '*"',
    500: "Jcksvxyz^",
    549: "≤≥",
    556: "#$0123456789?L_abdeghnopqu†",
    584: "+<=>~×−",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "→…@",
}
"""Advance widths in thousandths of the size, as in the metrics of the PostScript font Helvetica."""
_WIDTHS = {letter: width for width, letters in _ADVANCES.items() for letter in letters}
_OTHER = 640
_FALLBACK = 1.14  # DejaVu Sans against Helvetica, over the words that pictures have
_BOLD = 1.06
MARK = 11.0
"""Room of a sign of order before a line."""


@dataclass(frozen=True)
class Face:
    """The size of a style in pixels, whether it is bold or italic, and its line's height."""

    size: float
    leading: float
    bold: bool = False
    italic: bool = False


FACES: dict[Style, Face] = {
    "name": Face(13, 17, bold=True),
    "label": Face(12, 15, bold=True),
    "plain": Face(11, 14),
    "small": Face(10, 13),
    "call-out": Face(10, 13, italic=True),
}


def width(text: str, style: Style) -> float:
    """The width of a text in the widest of the fonts that may be taken for it, in pixels."""
    face = FACES[style]
    units = sum(_WIDTHS.get(letter, _OTHER) for letter in text)
    return units / 1000 * face.size * _FALLBACK * (_BOLD if face.bold else 1.0)


def line_width(line: Line) -> float:
    """The width of a line with its sign."""
    return width(line.text, line.style) + (MARK if line.mark or line.hangs else 0.0)


def block(lines: Iterable[Line]) -> tuple[float, float]:
    """The width and the height of lines under each other."""
    listed = tuple(lines)
    widest = max((line_width(line) for line in listed), default=0.0)
    return widest, sum(FACES[line.style].leading for line in listed)


def lines(line: Line, room: float) -> tuple[Line, ...]:
    """The line in as many as it needs; those after the first hang where it has a sign."""
    first, *rest = wrap(line.text, line.style, room)
    hangs = line.hangs or line.mark is not None
    more = (replace(line, text=text, mark=None, hangs=hangs) for text in rest)
    return (replace(line, text=first), *more)


def edit_lines(line: Line, room: float) -> tuple[Line, ...]:
    """The words of an edit, broken after what it does: `share space:` / `none → positions`; and
    once more between its values, where these fit into lines of their own only."""
    does, colon, values = line.text.partition(": ")
    if not colon or line_width(line) <= room + MARK:
        return lines(line, room)
    first = lines(replace(line, text=f"{does}:"), room)
    hanging = replace(line, text=values, mark=None, hangs=line.mark is not None)
    parts = [values]
    if line_width(hanging) > room + MARK:
        before, _, after = values.partition(" → ")
        halves = [f"{before} →", after]
        parts = halves if all(width(half, line.style) <= room for half in halves) else parts
    rest = (part for text in parts for part in lines(replace(hanging, text=text), room))
    return (*first, *rest)


def wrap(text: str, style: Style, room: float) -> tuple[str, ...]:
    """The text in lines of at most `room` pixels; a word that is longer stands alone."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, style) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines)
