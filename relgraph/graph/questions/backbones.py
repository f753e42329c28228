"""`path A B` for backbones: what turns one model into another, edits and everything else.

In: two backbones as understood. Out: for all operators that stand in the same place, the edits
between their cores, in how many blocks, and what the whole model costs after each; beside them what
is no relation: elements, projections, stem, head, depth and width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from relgraph.assemble.cost import Cost, cost
from relgraph.graph.questions.alignment import frame_changes
from relgraph.graph.questions.answer import Table, amount, cost_json
from relgraph.graph.questions.group import Group, GroupEdit
from relgraph.graph.questions.groups import groups
from relgraph.understanding import Understood


@dataclass(frozen=True)
class ModelStep:
    """An edit made in all blocks of a group (numbered from 0), and the cost of the model after it
    (None where the maps do not suit it)."""

    group: int
    edit: GroupEdit
    cost: Cost | None


@dataclass(frozen=True)
class BackbonesAnswer:
    """`groups` of blocks that change alike; `steps` in order, each in all blocks of its group;
    `others` are the differences outside of blocks."""

    first: str
    second: str
    groups: tuple[Group, ...]
    steps: tuple[ModelStep, ...]
    others: tuple[str, ...]
    before: Cost
    after: Cost
    reasoned: bool = False

    def lines(self) -> Iterable[str]:
        """What happens to which operators, and what else differs."""
        yield f"{self.first} → {self.second}"
        if not self.groups and not self.others:
            yield "the same operators in the same places"
        for number, group in enumerate(self.groups):
            mark = f"{number + 1}. " if number in self._marked else ""
            yield from (mark + line if at == 0 else line for at, line in enumerate(group.lines()))
        if self.others:
            yield "not relations, outside of blocks: " + "; ".join(self.others)
        elif self.groups:
            yield "the same outside of blocks"

    @property
    def _marked(self) -> frozenset[int]:
        """The groups with edits, where there are several: the table tells which is which."""
        edited = frozenset(step.group for step in self.steps)
        return edited if len(edited) > 1 else frozenset()

    def _words(self, step: ModelStep) -> str:
        mark = f"{step.group + 1}. " if step.group in self._marked else ""
        return mark + step.edit.words

    def _row(self, step: ModelStep) -> tuple[str, ...]:
        return self._words(step), step.edit.direction, step.edit.shown, *_cells(step.cost)

    def tables(self) -> Iterable[Table]:
        """The model after each edit; the rest is what no relation is."""
        rows: list[tuple[str, ...]] = [(self.first, "", "", *_cells(self.before))]
        rows += [self._row(step) for step in self.steps]
        last = self.steps[-1].cost if self.steps else self.before
        if last is not None and last != self.after:
            rest = (self.after.parameters - last.parameters, self.after.macs - last.macs)
            rows.append(("what is no relation", "", "", f"{rest[0]:+,}", f"{rest[1]:+,}"))
        rows.append((self.second, "", "", *_cells(self.after)))
        yield Table(
            ("in every such block", "order", "weights", "parameters", "multiply-adds"), tuple(rows)
        )
        if self.reasoned and self.steps:
            said = tuple((self._words(one), one.edit.ordered, one.edit.why) for one in self.steps)
            yield Table(("edit", "order, because", "weights, because"), said)

    def to_json(self) -> Mapping[str, object]:
        """The same facts as plain data."""
        return {
            "question": "path",
            "from": {"name": self.first, "cost": cost_json(self.before)},
            "to": {"name": self.second, "cost": cost_json(self.after)},
            "blocks": [group.to_json() for group in self.groups],
            "steps": [
                {
                    "group": step.group,
                    "edit": step.edit.words,
                    "direction": step.edit.direction,
                    "why": step.edit.ordered,
                    "weights": step.edit.weights,
                    "weights_why": step.edit.why,
                    "cost": cost_json(step.cost),
                }
                for step in self.steps
            ],
            "not_relations": list(self.others),
        }


def backbone_path(first: Understood, second: Understood) -> BackbonesAnswer:
    """How the first backbone becomes the second."""
    one, other = first.resolution.backbone, second.resolution.backbone
    found = groups(first, second)
    before, after = cost(first.program), cost(second.program)
    return BackbonesAnswer(
        one.name,
        other.name,
        found,
        _steps(found, before),
        tuple(frame_changes(one, other)),
        before,
        after,
    )


def _steps(found: tuple[Group, ...], before: Cost) -> tuple[ModelStep, ...]:
    """The edits of every group, one group after the other, with running totals."""
    steps: list[ModelStep] = []
    total: Cost | None = before
    for number, group in enumerate(found):
        start = total
        for at, edit in enumerate(group.edits):
            total = _plus(start, group.change(at + 1))
            steps.append(ModelStep(number, edit, total))
    return tuple(steps)


def _plus(total: Cost | None, change: Cost | None) -> Cost | None:
    if total is None or change is None:
        return None
    return Cost(
        total.parameters + change.parameters,
        total.macs + change.macs,
        total.activation_elements + change.activation_elements,
    )


def _cells(found: Cost | None) -> tuple[str, str]:
    return ("–", "–") if found is None else (amount(found.parameters), amount(found.macs))
