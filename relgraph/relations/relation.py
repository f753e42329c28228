"""What a relation is: one row of a table, a guard and an edit with a law and a source.

In: nothing. Out: the types that the tables of relations are made of, and what an application of a
row is called. Guards speak of meaning (the edit says something, the result is consistent and
different), never of a figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from relgraph.relations.node import Node
from relgraph.relations.numbers import Numbers

RelationAxis: TypeAlias = Literal["space", "channel", "weight", "frame"]
Property: TypeAlias = Literal["connectivity", "sharing", "rank", "dynamism", "frame", "number"]
Direction: TypeAlias = Literal["down", "up", "sideways", "equal"]


@dataclass(frozen=True)
class Step:
    """One result of an edit before it is judged: the two values of the property in words, and the
    node that it makes (not yet canonical)."""

    before: str
    after: str
    node: Node


@dataclass(frozen=True)
class Relation:
    """A row: `steps` yields every value that the property may take from here; none where the guard
    (part of it) does not hold. `law` says what is true of the edge, `cite` who said it first.

    `name` is what it does, e.g. `sparsify`; with `axis`, e.g. `sparsify space`.
    """

    name: str
    axis: RelationAxis
    property: Property
    steps: Callable[[Node, Numbers], Iterable[Step]]
    law: str
    cite: str


@dataclass(frozen=True)
class Edit:
    """A relation applied: from a node to another that is consistent and different.

    `words` is one line, e.g. `sparsify space: full → local 3×3`.
    """

    relation: str
    axis: RelationAxis
    before: str
    after: str
    target: Node

    @property
    def words(self) -> str:
        """The edit as a person would say it."""
        return f"{self.relation} {self.axis}: {self.before} → {self.after}"


@dataclass(frozen=True)
class Compared:
    """How one node lies to another: `down` if the second is a special case of the first, `up` if
    the first is one of the second; why; and the sizes on which it was tried."""

    direction: Direction
    reason: str
    sizes: tuple[str, ...] = ()
