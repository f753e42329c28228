"""What a relation is: one row of a table, a guard and an edit with a law and a source.

In: nothing. Out: the types that the tables of relations are made of, and what an application of a
row is called. Guards speak of meaning (the edit says something, the result is consistent and
different), never of a figure. A row reads the space and the weight, or the
channel and the weight, never all three: that is what makes large closures cheap (`plans`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from relgraph.algebra.operator import Operator
from relgraph.relations.node import Node
from relgraph.relations.numbers import Numbers

RelationAxis: TypeAlias = Literal["space", "channel", "weight", "frame"]
Property: TypeAlias = Literal["connectivity", "sharing", "rank", "dynamism", "frame", "number"]
Direction: TypeAlias = Literal["down", "up", "sideways", "equal"]


class Step(NamedTuple):
    """One result of an edit before it is judged: the two values of the property in words, and the
    operator that it makes (not yet canonical)."""

    before: str
    after: str
    node: Operator


Steps: TypeAlias = Callable[[Operator, Numbers], Iterable[Step]]


@dataclass(frozen=True)
class Relation:
    """A row: `steps` yields every value that the property may take from here, none where the edit
    says nothing; whether a result is consistent and different is the table's business.

    `law` says what is true of the edge, `cite` who said it first.
    `name` is what it does, e.g. `sparsify`; with `axis`, e.g. `sparsify space`.
    """

    name: str
    axis: RelationAxis
    property: Property
    steps: Steps
    law: str
    cite: str


class Edit(NamedTuple):
    """A relation applied: from a node to another that is consistent and different.

    A named tuple, not a dataclass: a closure makes millions of them.
    """

    relation: str
    axis: RelationAxis
    before: str
    after: str
    target: Node

    @property
    def words(self) -> str:
        """One line: `sparsify space: full → local 3×3`; W's values and the frame have no axis."""
        axis = f" {self.axis}" if self.axis in ("space", "channel") else ""
        return f"{self.relation}{axis}: {self.before} → {self.after}"


@dataclass(frozen=True)
class Compared:
    """How one node lies to another: `down` if the second is a special case of the first, `up` if
    the first is one of the second; why; and the sizes on which it was tried."""

    direction: Direction
    reason: str
    sizes: tuple[str, ...] = ()
