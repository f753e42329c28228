"""What is threaded through assembly: the value's shape, the map's scale, what went wrong.

A `Flow` is the value at one place of the model. `Findings` collects every size problem and every
divisibility that the input must satisfy, so that all problems of a spec are reported at once and
the resolution contract falls out of the same walk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil

from relgraph.algebra.operator import Size
from relgraph.errors import Place, Problem, uses_of
from relgraph.program import Shape

MAX_CHANNELS = 1 << 20
MAX_SIDE = 1 << 14
MAX_PARAMETERS = 1 << 40


@dataclass(frozen=True)
class Flow:
    """A value: its shape, and input pixels per map position on both axes. `known` is false after
    an item that was refused before: the shape is then a guess that no problem may follow from."""

    shape: Shape
    stride: tuple[Fraction, Fraction] = (Fraction(1), Fraction(1))
    known: bool = True

    def with_shape(self, shape: Shape) -> Flow:
        """The same place on the input's scale with another shape; strides follow the map."""
        return replace(self, shape=shape)

    def with_stride(self, factor: tuple[Fraction, Fraction]) -> Flow:
        """The value after the map shrank by `factor` (below 1: grew)."""
        rows, columns = self.stride
        return replace(self, stride=(rows * factor[0], columns * factor[1]))


@dataclass
class Findings:
    """Collected during one assembly; the only mutable value of this package.

    `multiples` are sizes in input pixels that the input's height and width must be divisible by;
    `fixed` turns true where a parameter depends on the map. `refused` counts every refusal, also
    those that were told before. `using` are the uses around the item that is walked.
    """

    problems: list[Problem] = field(default_factory=list)
    multiples: list[Size] = field(default_factory=list)
    fixed: bool = False
    refused: int = 0
    using: tuple[Place, ...] = ()

    @contextmanager
    def used_at(self, place: Place | None) -> Iterator[None]:
        """While the items are walked that the use at `place` stands for."""
        before = self.using
        self.using = before if place is None else (*before, place)
        try:
            yield
        finally:
            self.using = before

    def refuse(
        self,
        code: str,
        place: Place | None,
        found: str,
        expected: str = "",
        hint: str = "",
        related: Sequence[Place] = (),
    ) -> None:
        """Record a mistake; assembly goes on, to find the others."""
        self.refused += 1
        uses = uses_of(place, self.using)
        problem = Problem(code, found, expected, hint, place, tuple(related), uses=uses)
        if problem not in self.problems:
            self.problems.append(problem)

    def need_multiple(self, flow: Flow, of: Size) -> None:
        """The map at `flow` must be divisible by `of`: a multiple in input pixels. By 1 every map
        is, also one that was rounded up on the way."""
        rows, columns = (
            ceil(side * stride) if side > 1 else 1
            for side, stride in zip(of, flow.stride, strict=True)
        )
        self.multiples.append((max(1, rows), max(1, columns)))
