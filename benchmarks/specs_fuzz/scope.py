"""Where a piece of text stands, and the ways in which a value may be written there.

A number that must suit several uses is a plain one if one suits all, a stage's variable where each
stage has its own, a parameter inside definitions and operator files, whose use then says it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Literal, TypeVar

from benchmarks.specs_fuzz.shapes import Flow, Flows

Text = Any  # what YAML says: a word, a number, a truth, a list, a map
Kind = Literal["section", "stage", "definition", "operator"]
T = TypeVar("T")


class NoChoiceError(Exception):
    """Nothing of the asked kind is possible here; something else is tried."""


@dataclass
class Files:
    """What grows besides bodies: stage rows, definitions, own operators, names that are taken."""

    chance: random.Random
    rows: list[dict[str, Text]] = field(default_factory=list)
    define: dict[str, Text] = field(default_factory=dict)
    operators: dict[str, dict[str, Text]] = field(default_factory=dict)
    labels: dict[str, Labelled] = field(default_factory=dict)
    known: list[Known] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    left: int = 40  # items that may still be written: specs stay small

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What is written while it lasts is taken back where a NoChoiceError ends it."""
        tables = (self.define, self.operators, self.labels, *self.rows)
        before, known = [dict(table) for table in tables], list(self.known)
        try:
            yield
        except NoChoiceError:
            for table, old in zip(tables, before, strict=True):
                table.clear()
                table.update(old)
            self.known[:] = known
            raise

    def name(self, what: str) -> str:
        """A fresh name."""
        self.numbers[what] = self.numbers.get(what, 0) + 1
        return f"{what}_{self.numbers[what]}"

    def sometimes(self, chance: float) -> bool:
        return self.chance.random() < chance

    def one_of(self, options: Sequence[T]) -> T:
        """One of them; the first and the last, being corners, twice as often."""
        if not options:
            raise NoChoiceError
        return self.chance.choice([options[0], options[-1], *options])


@dataclass(frozen=True)
class Labelled:
    """An item that has a label of its own: what flows there, its word, and the labels inside."""

    flows: Flows
    word: str
    inside: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Known:
    """A definition that may be used again where the same flows."""

    name: str
    before: Flows
    after: Flows


@dataclass
class Scope:
    """One body's surroundings. `entry` is `$in` at each use; `params` and `given` grow with what
    becomes a parameter."""

    files: Files
    kind: Kind
    entry: tuple[int, ...]
    outer: Scope | None = None
    params: dict[str, Text] = field(default_factory=dict)
    given: dict[str, Text] = field(default_factory=dict)
    depth: int = 0

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """As `Files.attempt`, and parameters are taken back too, outwards."""
        params, given = dict(self.params), dict(self.given)
        try:
            with (self.outer or self.files).attempt():
                yield
        except NoChoiceError:
            for table, old in ((self.params, params), (self.given, given)):
                table.clear()
                table.update(old)
            raise

    def value(self, flows: Flows, legal: Callable[[Flow], Iterable[T]]) -> Text:
        """A value that is legal at every use, somehow written. Raises NoChoiceError."""
        return self._written([list(legal(flow)) for flow in flows], flows)

    def word(self, flows: Flows, options: Sequence[T]) -> Text:
        """One of a few words or truths, the same ones at every use."""
        return self._written([list(options)] * len(flows), flows)

    def _written(self, options: list[list[T]], flows: Flows) -> Text:
        common = _in_all(options)
        if common and self.files.sometimes(0.75):
            return self.files.one_of(common)
        if self.kind in ("definition", "operator"):
            return self._param(options, common, flows)
        if self.kind == "stage":
            return self._variable(options, flows)
        return self.files.one_of(common)

    def _param(self, options: list[list[T]], common: list[T], flows: Flows) -> Text:
        assert self.outer is not None
        name = self.files.name("p")
        if not common or self.files.sometimes(0.5):
            self.given[name] = self.outer._written(options, flows)
        # A default that no use leaves standing may be anything.
        self.params[name] = self.files.one_of(common or options[0])
        return f"${name}"

    def _variable(self, options: list[list[T]], flows: Flows) -> Text:
        by_stage: dict[int, list[list[T]]] = {}
        for flow, legal in zip(flows, options, strict=True):
            by_stage.setdefault(flow.stage, []).append(legal)
        chosen = {stage: self.files.one_of(_in_all(legal)) for stage, legal in by_stage.items()}
        name = self.files.name("v")
        for stage, value in chosen.items():
            self.files.rows[stage][name] = value
        return f"${name}"


def _in_all(options: list[list[T]]) -> list[T]:
    return reduce(lambda known, other: [one for one in known if one in other], options)
