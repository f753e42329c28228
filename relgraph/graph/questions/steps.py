"""Edits as they are shown: words, direction, what weights do, names, and the cost after each.

In: a node and edits that follow one another. Out: one row for each. Shared by the questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from relgraph.assemble.cost import Cost
from relgraph.graph.cost import Setting, cost_or_none
from relgraph.graph.edges import EdgeFacts, facts
from relgraph.graph.named import Names
from relgraph.graph.questions.answer import Table, amount, cost_json
from relgraph.graph.questions.parts import NOTHING, Between, shown, through
from relgraph.relations.families import family
from relgraph.relations.node import Node
from relgraph.relations.relation import Edit
from relgraph.relations.words import describe_node, key


@dataclass(frozen=True)
class Step:
    """An edit, and the node that it makes. `names` are the specs of that node's family;
    `shown` is what a table says of weights; without `sized` its numbers stand for any."""

    edit: Edit
    facts: EdgeFacts
    names: tuple[str, ...]
    cost: Cost | None
    shown: str
    sized: bool

    @property
    def node(self) -> Node:
        """What the edit makes."""
        return self.edit.target

    def to_json(self) -> dict[str, object]:
        """The step as plain data."""
        return {
            "edit": self.edit.words,
            "relation": self.edit.relation,
            "axis": self.edit.axis,
            "before": self.edit.before,
            "after": self.edit.after,
            "direction": self.facts.direction,
            "why": self.facts.why,
            "weights": self.facts.weights,
            "weights_why": self.facts.carried,
            "key": key(self.node),
            "words": describe_node(self.node, self.sized),
            "names": list(self.names),
            "cost": cost_json(self.cost),
        }


def family_names(names: Names) -> dict[str, tuple[str, ...]]:
    """The names of specs by the key of their core's family."""
    found: dict[str, tuple[str, ...]] = {}
    for one in names.operators:
        word = key(family(one.core))
        found[word] = (*found.get(word, ()), one.name)
    return found


def walk(
    start: Node,
    edits: Iterable[Edit],
    names: Mapping[str, tuple[str, ...]],
    setting: Setting | None,
    between: Between = NOTHING,
) -> Iterator[Step]:
    """The edits one after the other, each judged from where the one before it led."""
    here = start
    for edit in edits:
        yield step(here, edit, names, setting, between)
        here = edit.target


def step(
    here: Node,
    edit: Edit,
    names: Mapping[str, tuple[str, ...]],
    setting: Setting | None,
    between: Between = NOTHING,
) -> Step:
    """One edit of `here`; without a setting it has no cost."""
    called = names.get(key(family(edit.target)), ())
    cost = None if setting is None else cost_or_none(edit.target, setting)
    plain = facts(here, edit.target, instances=setting is not None)
    known = through(plain, edit, between)
    return Step(edit, known, called, cost, shown(known, plain), sized=setting is not None)


def table(
    first: tuple[str, Cost | None], steps: Iterable[Step], setting: Setting | None, title: str = ""
) -> Table:
    """Where one starts, and each step; costs only where there is a setting for them."""
    name, cost = first
    rows = [("", "", "", *costs(cost, setting), name)]
    for one in steps:
        said = (one.edit.words, one.facts.direction, one.shown)
        rows.append((*said, *costs(one.cost, setting), ", ".join(one.names)))
    headers = ("edit", "order", "weights", *cost_headers(setting), "makes")
    return Table(headers, tuple(rows), title)


def reasons(steps: Iterable[Step]) -> Table:
    """Why each step goes the way it does, and what weights do on it."""
    rows = tuple((one.edit.words, one.facts.why, one.facts.carried) for one in steps)
    return Table(("edit", "order, because", "weights, because"), rows)


def cost_headers(setting: Setting | None) -> tuple[str, ...]:
    """The columns of a cost, if there is a setting for it."""
    return () if setting is None else ("parameters", f"multiply-adds, {setting.words}")


def costs(cost: Cost | None, setting: Setting | None) -> tuple[str, ...]:
    """The cells of a cost; `–` where the map does not suit the node."""
    if setting is None:
        return ()
    return ("–", "–") if cost is None else (amount(cost.parameters), amount(cost.macs))
