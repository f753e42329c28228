"""What relgraph tells a person who made a mistake: problems with a place, never a traceback.

In: what a stage found wrong. Out: one exception that carries *all* problems of a file. This module
knows nothing of specs, models or terminals; how problems are printed is `relgraph.cli`'s affair.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands in a file: `line` and `column` count from 1, `end` is exclusive."""

    file: str
    line: int
    column: int
    end: int | None = None
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Problem:
    """One mistake: a stable `code`, what was found, what was expected, how to mend it.

    `related` are further places that take part, e.g. the other half of a contradiction.
    """

    code: str
    found: str
    expected: str = ""
    hint: str = ""
    place: Place | None = None
    related: tuple[Place, ...] = ()
    severity: Severity = "error"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterable[str]:
        sentence = printable("; ".join(part for part in (self.found, self.expected) if part))
        if self.place is None:
            yield f"{self.code}: {sentence}"
        else:
            yield f"{self.place}: {self.code}"
            yield from _caret(self.place, sentence)
        for other in self.related:
            yield f"{other}: see also"
            yield from _caret(other, "here")
        if self.hint:
            yield f"  hint: {printable(self.hint)}"

    def to_json(self) -> dict[str, object]:
        """The same facts as plain data, for editors and CI."""
        return asdict(self)


def _caret(place: Place, sentence: str) -> Iterable[str]:
    if not place.text:
        yield f"  {sentence}"
        return
    yield "  " + "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in place.text)
    width = max(1, (place.end or place.column + 1) - place.column)
    yield "  " + " " * (place.column - 1) + "^" * min(width, 40) + f" {sentence}"


class RelgraphError(Exception):
    """A user's mistake. Carries every problem that was found, in file order.

    Exit code 2 on the command line.
    """

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        listed = (problems,) if isinstance(problems, Problem) else tuple(problems)
        assert listed, "an error without a problem is a bug of ours"
        self.problems: tuple[Problem, ...] = in_file_order(listed)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def in_file_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems sorted by where they stand; those without a place come last, in their own order."""
    return tuple(sorted(problems, key=lambda p: (p.place is None, p.place or Place("", 0, 0))))


def printable(text: str) -> str:
    """`text` with control characters escaped: what a spec says must not steer a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def counted(number: int, noun: str) -> str:
    """`1 stage`, `2 stages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def nearest(word: str, legal: Iterable[str]) -> str:
    """A hint naming the legal word nearest to `word`, or listing a few when none is near."""
    candidates = sorted(set(legal))
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    if not candidates:
        return ""
    shown = ", ".join(candidates[:12]) + (", …" if len(candidates) > 12 else "")
    return f"one of: {shown}"
