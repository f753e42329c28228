"""What relgraph tells a person who made a mistake: problems with a place, never a traceback.

In: what a stage found wrong. Out: one exception that carries *all* problems of a file. This module
knows nothing of specs, models or terminals; how problems are printed is `relgraph.cli`'s affair.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from typing import Literal

Severity = Literal["error", "warning", "note"]
SHOWN = 3  # of several like places or findings; the rest are counted


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

    `related` are further places that take part, e.g. the other half of a contradiction. `uses`
    are the lines of other files that brought this one in, the nearest first.
    """

    code: str
    found: str
    expected: str = ""
    hint: str = ""
    place: Place | None = None
    related: tuple[Place, ...] = ()
    severity: Severity = "error"
    uses: tuple[Place, ...] = ()

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
        for use in self.uses:
            yield f"{use}: used here"
            yield from _caret(use, "")
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
    yield "  " + " " * (place.column - 1) + "^" * min(width, 40) + f" {sentence}".rstrip()


class RelgraphError(Exception):
    """A user's mistake. Carries every problem that was found, in file order.

    Exit code 2 on the command line.
    """

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        listed = (problems,) if isinstance(problems, Problem) else tuple(problems)
        assert listed, "an error without a problem is a bug of ours"
        self.problems: tuple[Problem, ...] = in_file_order(told_once(listed))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def in_file_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems sorted by where they stand; those without a place come last, in their own order."""
    return tuple(sorted(problems, key=lambda p: (p.place is None, p.place or Place("", 0, 0))))


def told_once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems of one code at one place as one: a block's mistake repeats in every stage.

    The one with the fewest choices in its hint stands for all, and lists what the others found.
    """
    groups: dict[object, list[Problem]] = {}
    for number, problem in enumerate(problems):
        key = (number, told_as(problem)) if problem.place is None else told_as(problem)
        groups.setdefault(key, []).append(problem)
    return tuple(_as_one(group) for group in groups.values())


def told_as(problem: Problem) -> tuple[object, ...]:
    """What is told once: a code at a place; of what is missing there, or where a place is a whole
    file, each thing."""
    whole = problem.place is not None and not problem.place.text
    what = problem.found if whole or problem.code.startswith("missing") else ""
    return problem.code, problem.place, what


def _as_one(group: list[Problem]) -> Problem:
    if len(group) == 1:
        return group[0]
    principal = min(group, key=lambda problem: len(problem.hint))
    founds = list(dict.fromkeys((principal.found, *(problem.found for problem in group))))
    uses = dict.fromkeys(use for problem in group for use in problem.uses)
    return replace(principal, found=_listed(founds), uses=tuple(uses)[:SHOWN])


def _listed(founds: list[str]) -> str:
    """The first in full, of some others what is different: `windows of 5×5 on 8×8 (also 4×4)`."""
    first, *others = founds
    shown = [_rest(first, other) for other in others[:SHOWN]]
    more = [f"{len(others) - SHOWN} more"] if len(others) > SHOWN else []
    return f"{first} (also {', '.join([*shown, *more])})" if others else first


def _rest(first: str, other: str) -> str:
    """`other` without the words that both begin with."""
    pairs = zip(first.split(), other.split(), strict=False)
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
    return " ".join(other.split()[same:])


def uses_of(place: Place | None, using: Iterable[Place]) -> tuple[Place, ...]:
    """The lines of other files that lead to `place`, the nearest first; `using` are all uses that
    are being expanded, outermost first. None for what stands in the outermost file itself."""
    around = tuple(using)
    if place is None or not around or place.file == around[0].file:
        return ()
    others = (use for use in reversed(around) if use.file != place.file)
    return tuple(dict.fromkeys(others))


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
