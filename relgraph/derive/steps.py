"""States of a backbone's operators, one edit after the other, by nodes alone.

In: contexts and the numbers of each, which relations and axes, how many steps. Out: every state
that so many edits reach, each once, with the first path to it. One step is one edit of one site,
made wherever it says something; nothing is assembled here, so that states are counted before
variants are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from relgraph.algebra.operator import Operator
from relgraph.derive.contexts import Context
from relgraph.relations.node import Node
from relgraph.relations.numbers import Numbers
from relgraph.relations.relation import Edit, RelationAxis
from relgraph.relations.table import edits

State = tuple[Node, ...]
"""The node of every context."""

_COUNTED = re.compile(r"\b(heads|groups|inner|tokens) (\d+)")


class Kind(NamedTuple):
    """What an edit is, whatever the width: `after` has slots in place of numbers by width."""

    site: int
    relation: str
    axis: RelationAxis
    after: str


@dataclass(frozen=True)
class Step:
    """One edit of a site: its kind, and the edit of every context that has it. `stages` (from 1)
    are those that it is made in, where it says nothing in others of the site."""

    kind: Kind
    edits: tuple[tuple[int, Edit], ...]
    stages: tuple[int, ...] = ()

    @property
    def relation(self) -> str:
        """The relation's name."""
        return self.kind.relation

    @property
    def words(self) -> str:
        """`share channel: none → heads 3/6/12`: numbers of several stages after each other."""
        where = ""
        if self.stages:
            several = "s" if len(self.stages) > 1 else ""
            where = f" in stage{several} {', '.join(map(str, self.stages))}"
        return merged([edit.words for _, edit in self.edits]) + where

    @property
    def after(self) -> str:
        """The property after the edit, numbers of several stages after each other."""
        return merged([edit.after for _, edit in self.edits])


@dataclass(frozen=True)
class Reached:
    """A state, and the first of the shortest paths to it."""

    state: State
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Allowed:
    """Which edits are taken: relations and axes by name, none named: all."""

    relations: frozenset[str] = frozenset()
    axes: frozenset[str] = frozenset()

    def takes(self, edit: Edit) -> bool:
        """Whether an edit is one of those."""
        relation = not self.relations or edit.relation in self.relations
        return relation and (not self.axes or edit.axis in self.axes)


def merged(said: Sequence[str]) -> str:
    """Sentences that differ in numbers as one: the different values of each number."""
    shapes = dict.fromkeys(re.sub(r"\d+", "#", one) for one in said)
    if len(shapes) > 1:
        groups = (
            merged([one for one in said if re.sub(r"\d+", "#", one) == shape]) for shape in shapes
        )
        return " or ".join(groups)
    columns = zip(*(re.findall(r"\d+", one) for one in said), strict=True)
    values = iter(["/".join(dict.fromkeys(column)) for column in columns])
    return re.sub(r"\d+", lambda _: next(values), said[0])


def reached(
    places: Sequence[Context],
    numbers: Sequence[Numbers],
    steps: range,
    allowed: Allowed,
    most: int,
) -> Iterator[Reached]:
    """Every state that is as many steps away as `steps` says, nearest first; it ends after
    `most` + 1 of them, since those are too many."""
    walk = _Walk(places, numbers, allowed)
    start: State = tuple(place.core for place in places)
    seen, layer, given = {start}, [Reached(start, ())], 0
    for depth in range(1, steps.stop):
        following: list[Reached] = []
        for one in layer:
            for step, state in walk.steps(one.state):
                if state in seen:
                    continue
                seen.add(state)
                found = Reached(state, (*one.steps, step))
                following.append(found)
                if depth in steps:
                    given += 1
                    yield found
                if given > most:
                    return
        layer = following


class _Walk:
    """The steps of states; contexts with equal nodes have equal edits."""

    def __init__(
        self, places: Sequence[Context], numbers: Sequence[Numbers], allowed: Allowed
    ) -> None:
        self._places, self._numbers, self._allowed = places, numbers, allowed
        self._slots = [_slots(one) for one in numbers]
        self._known: dict[tuple[int, Node], dict[Kind, Edit]] = {}

    def steps(self, state: State) -> Iterator[tuple[Step, State]]:
        """Every step from a state, with the state that it makes."""
        kinds: dict[Kind, list[tuple[int, Edit]]] = {}
        for at, node in enumerate(state):
            for kind, edit in self._edits(at, node).items():
                kinds.setdefault(kind, []).append((at, edit))
        for kind, made in kinds.items():
            changed = {at: edit.target for at, edit in made}
            following = tuple(changed.get(at, node) for at, node in enumerate(state))
            yield Step(kind, tuple(made), self._partial(kind.site, made)), following

    def _partial(self, site: int, made: Sequence[tuple[int, Edit]]) -> tuple[int, ...]:
        """The stages of an edit, if they are not all that the site has."""
        whole = {place.stage for place in self._places if place.site == site}
        touched = {self._places[at].stage for at, _ in made}
        return () if touched == whole else tuple(sorted(stage + 1 for stage in touched))

    def _edits(self, at: int, node: Node) -> Mapping[Kind, Edit]:
        known = self._known.get((at, node))
        if known is None:
            taken = (edit for edit in edits(node, self._numbers[at]) if self._allowed.takes(edit))
            known = {self._kind(at, edit): edit for edit in taken}
            self._known[at, node] = known
        return known

    def _kind(self, at: int, edit: Edit) -> Kind:
        slots = self._slots[at]

        def slot(match: re.Match[str]) -> str:
            place = slots.get((match[1], int(match[2])))
            return match[0] if place is None else f"{match[1]} #{place}"

        after = _COUNTED.sub(slot, edit.after)
        return Kind(self._places[at].site, edit.relation, edit.axis, after)


def _slots(numbers: Numbers) -> dict[tuple[str, int], int]:
    counted = ("heads", "groups", "inner", "tokens")
    return {
        (kind, value): at for kind in counted for at, value in enumerate(getattr(numbers, kind))
    }


def operators(state: State) -> tuple[Operator, ...]:
    """The state's nodes, which edits of operators keep operators."""
    assert all(isinstance(node, Operator) for node in state)
    return tuple(node for node in state if isinstance(node, Operator))
