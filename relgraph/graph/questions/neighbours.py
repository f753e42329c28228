"""`neighbours A`: everything that one edit makes of an operator.

In: an operator, and where costs are counted. Out: its edits in the order of the table, each with
its direction, what trained weights do, and what its result is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from relgraph.assemble.cost import Cost
from relgraph.graph.cost import Setting, cost_or_none
from relgraph.graph.named import Names
from relgraph.graph.numbering import own_numbers
from relgraph.graph.questions.answer import Table, cost_json, plural, setting_json
from relgraph.graph.questions.asked import Asked
from relgraph.graph.questions.steps import Step, cost_headers, costs, family_names, reasons, step
from relgraph.relations.families import family
from relgraph.relations.node import Node
from relgraph.relations.numbers import GENERIC, Numbers
from relgraph.relations.table import edits
from relgraph.relations.words import key


@dataclass(frozen=True)
class NeighboursAnswer:
    """The edits of one core. Without a setting it is a family, and has no cost."""

    source: Asked
    start: Node
    steps: tuple[Step, ...]
    setting: Setting | None
    cost: Cost | None
    reasoned: bool = False

    def lines(self) -> Iterable[str]:
        """What is asked about."""
        yield f"{self.source.word}: {self.source.words}"
        yield f"{plural(len(self.steps), 'edit')} of its core, {key(self.start)}"

    def tables(self) -> Iterable[Table]:
        """One row for each edit; a result that no spec names goes by its key."""
        rows = tuple(
            (
                one.edit.words,
                one.facts.direction,
                one.shown,
                *costs(one.cost, self.setting),
                ", ".join(one.names) or key(one.node),
            )
            for one in self.steps
        )
        headers = ("edit", "order", "weights", *cost_headers(self.setting), "makes")
        yield Table(headers, rows)
        if self.reasoned:
            yield reasons(self.steps)

    def to_json(self) -> dict[str, object]:
        """The same facts as plain data."""
        return {
            "question": "neighbours",
            "of": {**self.source.to_json(), "cost": cost_json(self.cost)},
            "setting": setting_json(self.setting),
            "edits": [one.to_json() for one in self.steps],
        }


def neighbours(
    source: Asked, names: Names, setting: Setting | None = None, numbers: Numbers = GENERIC
) -> NeighboursAnswer:
    """Every edit of the core: of its family, or with a `setting` of the operator with its numbers,
    to which edits add `numbers`."""
    numbers = GENERIC if setting is None else numbers
    start = family(source.core) if setting is None else source.core
    legal = own_numbers(replace(numbers, sized=setting is not None), (start,))
    called = family_names(names)
    inside = source.between, source.between
    steps = tuple(step(start, edit, called, setting, inside) for edit in edits(start, legal))
    cost = None if setting is None else cost_or_none(start, setting)
    return NeighboursAnswer(source, start, steps, setting, cost)
