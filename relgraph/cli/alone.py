"""An operator by itself: used once, with its defaults, for `check` and `show`.

A spec of an operator names no widths and no map, so it is right where *some* ordinary width and map
suit it: the first of the lists below that do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from relgraph.assemble import assemble, size_problems
from relgraph.errors import Problem, RelgraphError
from relgraph.program import Program
from relgraph.resolve import RefusedOperatorError, ResolvedUse, resolve_use
from relgraph.resolved import Backbone, OperatorUse, Scope, Stage

# Widths and sides of a model's second stage or thereabouts; then numbers with many divisors.
WIDTHS = (64, 96, 60, 72, 840, 5040)
SIDES = (56, 64, 60, 72, 840, 5040)

_Tried = TypeVar("_Tried")


@dataclass(frozen=True)
class Alone:
    """An operator's use with its defaults, the program that holds nothing else, and the warnings
    of its file."""

    use: OperatorUse | Scope
    program: Program
    notes: tuple[Problem, ...] = ()

    @property
    def where(self) -> str:
        """The width and the map of the use, in words."""
        shape = self.program.input
        return f"{shape.channels} channels on {'×'.join(map(str, shape.grid or ()))}"


def alone(word: str) -> Alone:
    """The operator of a shipped name or of a file.

    Raises RelgraphError with all its problems, of text and of sizes, at the width and side where
    it has fewest.
    """
    width, found = _resolved(word)
    use, notes = found.use, found.problems
    return _first_that_works(
        SIDES, lambda side: Alone(use, assemble(_around(use, width, side)), notes)
    )


def _resolved(word: str) -> tuple[int, ResolvedUse]:
    """The operator at the first width that suits it."""
    refused = []
    for width in WIDTHS:
        try:
            return width, resolve_use(word, width)
        except RefusedOperatorError as error:
            refused.append((width, error))
    raise _with_sizes(*min(refused, key=lambda one: len(one[1].problems)))


def _with_sizes(width: int, refused: RefusedOperatorError) -> RelgraphError:
    """The refusal with the sizes that cannot work in what is left of the operator."""
    rest = refused.rest
    if rest is None:
        return refused
    fewest = min((size_problems(_around(rest, width, side)) for side in SIDES), key=len)
    new = [one for one in fewest if (one.code, one.place) not in refused.covered]
    return RelgraphError((*refused.problems, *new))


def _around(use: OperatorUse | Scope, width: int, side: int) -> Backbone:
    """A backbone of one block that is the operator."""
    return Backbone(
        name=use.name,
        cite=use.cite,
        size=(side, side),
        in_chans=width,
        classes=1,
        stem=(),
        stages=(Stage(channels=width, blocks=((use,),)),),
        head=(),
    )


def _first_that_works(numbers: Iterable[int], attempt: Callable[[int], _Tried]) -> _Tried:
    """The first attempt that raises no RelgraphError; where all do, the one of fewest problems."""
    errors = []
    for number in numbers:
        try:
            return attempt(number)
        except RelgraphError as error:
            errors.append(error)
    raise min(errors, key=lambda error: len(error.problems))
