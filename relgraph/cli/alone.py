"""An operator by itself: used once, with its defaults, for `check` and `show`.

A spec of an operator names no widths and no map, so it is right where *some* ordinary width and map
suit it: the first of the lists below that do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from relgraph.assemble import assemble
from relgraph.errors import RelgraphError
from relgraph.program import Program
from relgraph.resolve import resolve_operator
from relgraph.resolved import Backbone, OperatorUse, Scope, Stage

# Widths and sides of a model's second stage or thereabouts; then numbers with many divisors.
WIDTHS = (64, 96, 60, 72, 840, 5040)
SIDES = (56, 64, 60, 72, 840, 5040)

_Tried = TypeVar("_Tried")


@dataclass(frozen=True)
class Alone:
    """An operator's use with its defaults, and the program that holds nothing else."""

    use: OperatorUse | Scope
    program: Program

    @property
    def where(self) -> str:
        """The width and the map of the use, in words."""
        shape = self.program.input
        return f"{shape.channels} channels on {'×'.join(map(str, shape.grid or ()))}"


def alone(word: str) -> Alone:
    """The operator of a shipped name or of a file.

    Raises RelgraphError with the problems that it has at the first width and side.
    """
    width, use = _first_that_works(WIDTHS, lambda width: (width, resolve_operator(word, width)))
    return _first_that_works(SIDES, lambda side: Alone(use, assemble(_around(use, width, side))))


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
    """The first attempt that raises no RelgraphError; where all do, the first one's error."""
    first: RelgraphError | None = None
    for number in numbers:
        try:
            return attempt(number)
        except RelgraphError as error:
            first = first or error
    assert first is not None, "there is a number to try"
    raise first
