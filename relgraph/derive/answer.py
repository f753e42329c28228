"""What `derive` hands back: variants with their costs, and what became of the others.

In: nothing. Out: frozen values, their sentences, tables and plain data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from relgraph.assemble.cost import Cost
from relgraph.derive.drafts import Draft
from relgraph.derive.steps import Step
from relgraph.graph.questions.answer import Table, amount, plural

Direction: TypeAlias = Literal["down", "up", "sideways", "equal", "mixed"]


@dataclass(frozen=True)
class Adjusted:
    """A variant's widths or depths, so that it costs what the original costs: the columns of
    `stages` by name, whether they differ from the original's, and the difference of cost that
    remains, as a fraction of the original's."""

    by: Literal["width", "depth"]
    columns: tuple[tuple[str, tuple[int, ...]], ...]
    changed: bool
    remains: float

    @property
    def words(self) -> str:
        """`channels 104/208, -0.6%`."""
        said = [f"{key} {'/'.join(map(str, column))}" for key, column in self.columns]
        return ", ".join([*said, f"{self.remains:+.1%}"])

    def to_json(self) -> dict[str, object]:
        """The same facts as plain data."""
        return {**vars(self), "columns": dict(self.columns)}


@dataclass(frozen=True)
class Variant:
    """A backbone that was derived: `draft` makes its files; `known` is a shipped backbone that is
    the same model, where there is one; without `mixes` nothing that was edited reads more than its
    own position."""

    name: str
    steps: tuple[Step, ...]
    direction: Direction
    cost: Cost
    draft: Draft
    adjusted: Adjusted | None = None
    known: str = ""
    mixes: bool = True

    @property
    def words(self) -> str:
        """The edits, in order."""
        return "; ".join(step.words for step in self.steps)

    def to_json(self, original: Cost) -> dict[str, object]:
        """The variant as plain data."""
        return {
            "name": self.name,
            "edits": [step.words for step in self.steps],
            "direction": self.direction,
            "parameters": self.cost.parameters,
            "macs": self.cost.macs,
            "parameters_ratio": round(self.cost.parameters / original.parameters, 4),
            "macs_ratio": round(self.cost.macs / original.macs, 4),
            "adjusted": None if self.adjusted is None else self.adjusted.to_json(),
            "same_as": self.known or None,
        }


@dataclass(frozen=True)
class Lost:
    """States that are no variants, and why: counts by reason, in the order of the pipeline;
    `closest` is what comes nearest of those that cannot be matched, in words."""

    duplicates: int = 0
    over_budget: int = 0
    unmatched: int = 0
    closest: str = ""
    refused: tuple[tuple[str, int], ...] = ()
    unwritten: int = 0

    def lines(self) -> Iterator[str]:
        """One line for each kind of loss that there was."""
        if self.refused:
            total = sum(count for _, count in self.refused)
            why = ", ".join(f"{code} ({count:,})" for code, count in self.refused)
            yield f"{total:,} do not assemble: {why}"
        if self.duplicates:
            verb = "is" if self.duplicates == 1 else "are"
            same = "the same model at this size as another variant or the original"
            yield f"{self.duplicates:,} {verb} {same}"
        if self.over_budget:
            yield f"{self.over_budget:,} are outside of the budget"
        if self.unmatched:
            near = f"; the closest, {self.closest}" if self.closest else ""
            yield f"{self.unmatched:,} cannot be matched{near}"
        if self.unwritten:
            yield (
                f"{self.unwritten:,} have no short spec: blocks of one stage would need different "
                "operators, or the body of a rank word another place"
            )


@dataclass(frozen=True)
class Derived:
    """All variants, ranked; `siblings` are shipped backbones of the same skeleton with their costs;
    `considered` states were looked at."""

    original: str
    cost: Cost
    sites: tuple[str, ...]
    considered: int
    variants: tuple[Variant, ...]
    lost: Lost
    siblings: tuple[tuple[str, Cost], ...] = ()

    def lines(self) -> Iterable[str]:
        """What was derived from what, and what was not."""
        where = ", ".join(self.sites)
        yield (
            f"{plural(len(self.variants), 'variant')} of {self.original} by edits of {where} "
            f"({self.considered:,} considered)"
        )
        yield from self.lost.lines()

    def tables(self, shown: int | None = None) -> Iterable[Table]:
        """The original and its variants."""
        headers = ("variant", "edits", "order", "parameters", "", "multiply-adds", "")
        rows: list[tuple[object, ...]] = [(self.original, "", "", *self._cells(self.cost))]
        rows += [self._row(variant) for variant in self.variants[:shown]]
        yield Table(headers, tuple(rows))

    def _row(self, variant: Variant) -> tuple[object, ...]:
        edits = variant.words
        if variant.adjusted is not None and variant.adjusted.changed:
            edits += f" [{variant.adjusted.words}]"
        name = f"{variant.name} = {variant.known}" if variant.known else variant.name
        return (name, edits, variant.direction, *self._cells(variant.cost))

    def _cells(self, cost: Cost) -> tuple[str, str, str, str]:
        return (
            amount(cost.parameters),
            _relative(cost.parameters, self.cost.parameters),
            amount(cost.macs),
            _relative(cost.macs, self.cost.macs),
        )

    def to_json(self) -> Mapping[str, object]:
        """The same facts as plain data."""
        return {
            "question": "derive",
            "original": {
                "name": self.original,
                "parameters": self.cost.parameters,
                "macs": self.cost.macs,
            },
            "operators": list(self.sites),
            "considered": self.considered,
            "lost": {**vars(self.lost), "refused": dict(self.lost.refused)},
            "siblings": [
                {"name": name, "parameters": cost.parameters, "macs": cost.macs}
                for name, cost in self.siblings
            ],
            "variants": [variant.to_json(self.cost) for variant in self.variants],
        }


def _relative(value: int, original: int) -> str:
    return "" if value == original else f"{value / original - 1:+.1%}"
