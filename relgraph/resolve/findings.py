"""What resolving one file finds: problems, the names that were read, the edits that hit.

The only mutable value of `relgraph.resolve`: made anew for every resolution, threaded through it,
frozen into its result.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from relgraph.errors import (
    SHOWN,
    Place,
    Problem,
    RelgraphError,
    Severity,
    in_file_order,
    told_as,
    uses_of,
)

MAX_ITEMS = 5_000  # of one model, definitions expanded: a doubling definition would never end
MAX_REPEATED = 20_000  # the same, and each block counted as often as its stage is deep


class RefusedError(Exception):
    """What was being read is already reported; the caller goes on with the next thing."""


@dataclass
class Findings:
    """Everything that is collected along the way. A problem is told once for a place.

    `sized` turns false with the first error after which no size of the model means anything: one
    outside `leaving_sizes`. `covered` are errors of `assemble`, by code and place, that would only
    repeat what is told already. `using` are the uses whose text is being read, outermost first.
    """

    problems: dict[object, Problem] = field(default_factory=dict)
    covered: set[tuple[str, Place | None]] = field(default_factory=set)
    sized: bool = True
    read: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    hits: Counter[int] = field(default_factory=Counter)
    addresses: set[str] = field(default_factory=set)
    items: int = 0
    repeated: int = 0
    using: tuple[Place, ...] = ()
    _leaving: bool = False

    @contextmanager
    def leaving_sizes(self) -> Iterator[None]:
        """While errors are reported that leave sizes what they are, or mark what is unknown."""
        before, self._leaving = self._leaving, True
        try:
            yield
        finally:
            self._leaving = before

    @contextmanager
    def used_at(self, place: Place) -> Iterator[None]:
        """While the text is read that is used at `place`: a mistake in another file than the
        user's own is told with the line that brought it in."""
        before, self.using = self.using, (*self.using, place)
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
        related: Iterable[Place | None] = (),
    ) -> RefusedError:
        """Report a mistake. Returns the exception to raise where reading cannot go on."""
        self._tell("error", code, place, found, expected, hint, related)
        return RefusedError(code)

    def silent(self) -> RefusedError:
        """The exception for what depends on something already refused."""
        return RefusedError("depends on a problem already reported")

    def warn(
        self, code: str, place: Place | None, found: str, expected: str = "", hint: str = ""
    ) -> None:
        """Report something odd that is still a valid spec."""
        self._tell("warning", code, place, found, expected, hint, ())

    def note(self, code: str, place: Place | None, found: str, expected: str = "") -> None:
        """Report something that was decided for the writer."""
        self._tell("note", code, place, found, expected, "", ())

    def _tell(
        self,
        severity: Severity,
        code: str,
        place: Place | None,
        found: str,
        expected: str,
        hint: str,
        related: Iterable[Place | None],
    ) -> None:
        others = tuple(dict.fromkeys(p for p in related if p is not None and p != place))
        problem = Problem(code, found, expected, hint, place, others, severity)
        self.add(problem)

    def add(self, problem: Problem) -> None:
        """Take over a problem that another stage found."""
        if problem.severity == "error" and not self._leaving:
            self.sized = False
        key = told_as(problem)
        uses = dict.fromkeys((*problem.uses, *uses_of(problem.place, self.using)))
        known = self.problems.get(key, problem)
        together = tuple(dict.fromkeys((*known.uses, *uses)))
        self.problems[key] = replace(known, uses=together[:SHOWN])

    def count_item(self, place: Place) -> None:
        """Count one item of the expanded model. Raises RefusedError beyond MAX_ITEMS."""
        self.items += 1
        self.repeated += 1
        if self.items > MAX_ITEMS + 1:
            raise self.silent()
        if self.items > MAX_ITEMS:
            found = f"the model has more than {MAX_ITEMS:,} items"
            raise self.refuse(
                "too-large", place, found, "expected definitions that don't multiply so"
            )

    def count_again(self, items: int, place: Place) -> None:
        """Count the items of a block that stands once more. Raises RefusedError beyond
        MAX_REPEATED."""
        self.repeated += items
        if self.repeated > MAX_REPEATED:
            found = f"the blocks have more than {MAX_REPEATED:,} items in all"
            raise self.refuse("too-large", place, found, "expected a model that can be built")

    @property
    def failed(self) -> bool:
        """Whether an error was reported."""
        return any(problem.severity == "error" for problem in self.problems.values())

    def refused_at(self, place: Place) -> bool:
        """Whether what stands at `place` is already told to say nothing there."""
        return any(
            one.place == place and one.code == "says-nothing" for one in self.problems.values()
        )

    def errors(self) -> tuple[Problem, ...]:
        """What refuses the spec, in file order."""
        return tuple(problem for problem in self.told() if problem.severity == "error")

    def warned(self, code: str) -> tuple[Problem, ...]:
        """The warnings of one code."""
        return tuple(one for one in self.told() if one.code == code and one.severity == "warning")

    def raise_errors(self) -> None:
        """Raise RelgraphError with all errors where there is one."""
        if errors := self.errors():
            raise RelgraphError(errors)

    def told(self) -> tuple[Problem, ...]:
        """All problems, in file order."""
        return in_file_order(self.problems.values())
