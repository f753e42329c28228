"""The table of relations, and what they make of a node.

In: a node in canonical form, and the numbers that edits may write. Out: every edit whose result is
consistent, canonical and different, one for each result, in the order of the table. Nothing here
knows which nodes have names.
"""

from __future__ import annotations

from functools import lru_cache

from relgraph.algebra.operator import Operator
from relgraph.relations.channel import CHANNEL
from relgraph.relations.composite import composed
from relgraph.relations.frame import frame_edits
from relgraph.relations.node import Composite, Node
from relgraph.relations.number import NUMBER
from relgraph.relations.numbers import GENERIC, Numbers
from relgraph.relations.plans import Plans
from relgraph.relations.relation import Edit, Relation
from relgraph.relations.space import SPACE
from relgraph.relations.weight import WEIGHT

# Numbers first: the first of several shortest paths then changes a size where another would leave a
# connectivity and come back to it.
RELATIONS: tuple[Relation, ...] = (*NUMBER, *SPACE, *CHANNEL, *WEIGHT)


def edits(node: Node, numbers: Numbers = GENERIC, frames: bool = False) -> tuple[Edit, ...]:
    """The edits of a node (`core`, or a canonical composite, whose parts are edited one by one).

    Equal operators among the targets are one object as long as the numbers do not change often, so
    a closure may know them by identity. About 30 µs for an operator of which the axis values were
    met before.
    """
    found = plans(numbers).edits(node) if isinstance(node, Operator) else _inside(node, numbers)
    return (*found, *frame_edits(node)) if frames else found


def _inside(node: Composite, numbers: Numbers) -> tuple[Edit, ...]:
    """Edits of one part, with the part's place; one for each result."""
    found: dict[Node, Edit] = {}
    for at, part in enumerate(node.parts):
        for edit in edits(part, numbers):
            parts = (*node.parts[:at], edit.target, *node.parts[at + 1 :])
            target, before = composed(node.kind, parts), f"in part {at + 1}, {edit.before}"
            if target != node:
                found.setdefault(target, edit._replace(before=before, target=target))
    return tuple(found.values())


@lru_cache(maxsize=4)
def plans(numbers: Numbers) -> Plans:
    """The plans of the whole table with these numbers."""
    return Plans(RELATIONS, numbers)
