"""The table of relations, and what they make of a node.

In: a node in canonical form, and the numbers that edits may write. Out: every edit whose result is
consistent, canonical and different, one for each result, in the order of the table. Nothing here
knows which nodes have names.
"""

from __future__ import annotations

from functools import lru_cache

from relgraph.algebra.operator import Operator
from relgraph.relations.channel import CHANNEL
from relgraph.relations.node import Node
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
    """The edits of a node (`core`, or a canonical composite).

    Equal targets are one object as long as the numbers do not change often, so a closure may know
    them by identity. About 30 µs for an operator whose axis values were met before.
    """
    assert isinstance(node, Operator)
    return plans(numbers).edits(node)


@lru_cache(maxsize=4)
def plans(numbers: Numbers) -> Plans:
    """The plans of the whole table with these numbers."""
    return Plans(RELATIONS, numbers)
