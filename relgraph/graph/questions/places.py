"""A pair of operators that stand in the same place of two backbones: edits, and what they cost.

In: two operators with their frames, and the width and map of the place. Out: the shortest path
between the cores and the change of cost after each of its edits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from relgraph.algebra.operator import Operator
from relgraph.assemble.cost import Cost
from relgraph.graph.cost import Setting, cost_or_none
from relgraph.graph.named import without_frame
from relgraph.graph.numbering import only_numbers
from relgraph.graph.questions.parts import NOTHING, Between
from relgraph.graph.style import alike, frame_changes
from relgraph.relations.derivation import Paths, paths
from relgraph.relations.node import Node
from relgraph.relations.relation import Edit


@dataclass(frozen=True)
class Place:
    """A pair of operators, with frames, where their cost is counted, and the elements between the
    factors of each."""

    first: Operator
    second: Operator
    setting: Setting
    between: Between = NOTHING

    @property
    def start(self) -> Node:
        """The first core; in the usual style where the second has another."""
        return self._cores[0]

    @property
    def found(self) -> Paths:
        """The shortest ways between the cores: their number, and some of them."""
        return _paths(*self._cores[:2])

    @property
    def beside(self) -> tuple[str, ...]:
        """Differences that no edit makes: style and projections."""
        return (*self._cores[2], *frame_changes(self.first, self.second))

    @property
    def _cores(self) -> tuple[Node, Node, tuple[str, ...]]:
        return alike(without_frame(self.first), without_frame(self.second))

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The first of the shortest ways between the cores; none where no edits lead there."""
        return self.found.ways[0][0] if self.found.count else ()

    def change(self, steps: int) -> Cost | None:
        """What so many edits change of the cost, inside the first operator's frame; None where the
        map does not suit what they make."""
        if not steps:
            return Cost(0, 0, 0)
        made = self.edits[steps - 1].target
        assert isinstance(made, Operator), "edits of operators make operators"
        before = cost_or_none(self.first, self.setting)
        after = cost_or_none(replace(made, frame=self.first.frame), self.setting)
        if before is None or after is None:
            return None
        return Cost(
            after.parameters - before.parameters,
            after.macs - before.macs,
            after.activation_elements - before.activation_elements,
        )


@lru_cache(maxsize=1024)
def _paths(first: Node, second: Node) -> Paths:
    """Blocks repeat, and so do the paths between their operators."""
    return paths(first, second, only_numbers((first, second)))
