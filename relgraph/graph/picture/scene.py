"""What a picture shows, before anything has a place: boxes, arrows, and words with a style.

In: nothing. Out: frozen values that the layout places and the writer draws. They know no graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Style: TypeAlias = Literal["name", "label", "plain", "small", "call-out"]
Mark: TypeAlias = Literal["down", "up", "sideways", "equal", "mixed"]
Kind: TypeAlias = Literal["sparse", "low rank", "dynamic", "sharing", "other"]


@dataclass(frozen=True)
class Line:
    """One line of words; `mark` is a sign of order before it, `kind` colours it. A line that
    `hangs` goes on from one with a sign, and stands where that one's words begin."""

    text: str
    style: Style = "plain"
    mark: Mark | None = None
    kind: Kind | None = None
    hangs: bool = False


@dataclass(frozen=True)
class Box:
    """A node: its lines from above. `strong` boxes have a thick frame, `faint` a broken one."""

    key: str
    lines: tuple[Line, ...]
    strong: bool = False
    faint: bool = False


@dataclass(frozen=True)
class Arrow:
    """An edge between two boxes by their keys, with its words and the style of its line."""

    source: str
    target: str
    lines: tuple[Line, ...]
    kind: Kind
    dotted: bool = False


@dataclass(frozen=True)
class Sample:
    """One entry of the legend: a line of this kind, or a sign of order."""

    text: str
    kind: Kind | None = None
    mark: Mark | None = None
    dotted: bool = False


@dataclass(frozen=True)
class Scene:
    """A whole picture. `title` is for readers of the file, not drawn; `axis` is written beside an
    arrow that points down."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    legend: tuple[Sample, ...] = ()
    notes: tuple[str, ...] = ()
    axis: str = ""
