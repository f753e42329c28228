"""Which operators of two bodies correspond: an alignment in order with the fewest changes.

In: two lists of nodes. Out: pairs of places, one of which may be missing. The change from one core
to another is at least as long as `relations.distance` says; leaving an operator out, or putting one
in, counts as much as three edits, so that two unlike operators are rather changed than exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

from relgraph.graph.named import without_frame
from relgraph.graph.style import alike
from relgraph.relations.distance import at_least
from relgraph.relations.node import Composite, Node

Match: TypeAlias = tuple[int | None, int | None]
ALONE = 3
"""What an operator without a counterpart counts, in edits."""


def matched(first: Sequence[Node], second: Sequence[Node]) -> tuple[int, tuple[Match, ...]]:
    """The cheapest alignment and what it counts; the earliest operators are paired where several
    are."""

    @cache
    def best(a: int, b: int) -> tuple[int, tuple[Match, ...]]:
        """The cost and the pairs of what stands from `a` and from `b` on."""
        if a == len(first):
            rest = tuple((None, at) for at in range(b, len(second)))
            return ALONE * len(rest), rest
        if b == len(second):
            left = tuple((at, None) for at in range(a, len(first)))
            return ALONE * len(left), left
        ways = (
            _plus(_distance(first[a], second[b]), (a, b), best(a + 1, b + 1)),
            _plus(ALONE, (a, None), best(a + 1, b)),
            _plus(ALONE, (None, b), best(a, b + 1)),
        )
        return min(ways, key=lambda way: way[0])

    return best(0, 0)


def _plus(
    own: int, match: Match, rest: tuple[int, tuple[Match, ...]]
) -> tuple[int, tuple[Match, ...]]:
    return own + rest[0], (match, *rest[1])


def _distance(first: Node, second: Node) -> int:
    """Edits that lie between the cores at least; terms are equal or as good as exchanged."""
    one, other, _ = alike(without_frame(first), without_frame(second))
    if one == other:
        return 0
    if isinstance(one, Composite) or isinstance(other, Composite):
        return 2 * ALONE
    return at_least(one, other)
