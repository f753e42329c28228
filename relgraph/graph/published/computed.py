"""Nodes and arrows of the published figure, computed: edits, order, cost, weights.

In: the figure's facts, the shipped specs of its operators, the relations. Out: frozen values. A
node stands for its operator's core as a family; nothing about an arrow is written down but in
`drawn`.

Two orders are told. *Functions*: what can be learned, softmax and predictors included. *W frozen*:
the matrices that W can be for one image, where a value that is computed for each position is a
number of its own. An arrow that leaves the source of W's values alone goes the way that W goes; any
other goes down or up only if every one of its edits does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from relgraph.algebra.operator import Operator, Weight
from relgraph.assemble.cost import Cost
from relgraph.graph.cost import Setting, node_cost
from relgraph.graph.edges import EdgeFacts, facts
from relgraph.graph.named import named
from relgraph.graph.published.call_outs import Placed, placed
from relgraph.graph.published.drawn import DrawnArrow, DrawnNode
from relgraph.graph.sizes import sized
from relgraph.relations.derivation import path
from relgraph.relations.families import family
from relgraph.relations.node import bare, core
from relgraph.relations.order import compare
from relgraph.relations.relation import Compared, Direction, Edit
from relgraph.relations.weight import default_border
from relgraph.relations.words import describe_node, key

Way: TypeAlias = Literal["down", "up", "sideways", "equal", "mixed"]
SETTING = Setting(channels=64, grid=(56, 56))
"""Where the figure's costs are counted: the second stage of most models, or thereabouts."""


@dataclass(frozen=True)
class PublishedNode:
    """An operator of the figure. `core` is its family, `whole` has the projections of its spec
    too; costs are counted at `SETTING` with the numbers of `sizes.SIZES`."""

    drawn: DrawnNode
    cite: str
    core: Operator
    whole: Operator
    cost: Cost
    whole_cost: Cost
    call_outs: tuple[Placed, ...]

    @property
    def name(self) -> str:
        """What the figure calls it."""
        return self.drawn.name

    @property
    def key(self) -> str:
        """The node's key in the graph of families."""
        return key(self.core)

    @property
    def words(self) -> str:
        """Its point of the algebra."""
        return describe_node(self.core)


@dataclass(frozen=True)
class Judged:
    """An edit of an arrow: how its result lies to what it was made of, as functions and with W
    frozen, and whether the arrow's label speaks of it."""

    edit: Edit
    functions: EdgeFacts
    frozen: Compared
    said: bool

    @property
    def way(self) -> Direction:
        """The order of W, where the edit changes what W can be and not where its values come from;
        else that of functions."""
        dynamic = self.edit.axis == "weight" or self.frozen.direction == "equal"
        return self.functions.direction if dynamic else self.frozen.direction


@dataclass(frozen=True)
class PublishedArrow:
    """An arrow of the figure with everything that was computed about it. `functions` has what
    weights do along it, too."""

    drawn: DrawnArrow
    source: PublishedNode
    target: PublishedNode
    edits: tuple[Judged, ...]
    functions: EdgeFacts
    frozen: Compared

    @property
    def keeps_values(self) -> bool:
        """Whether W's values come from the same and are normalised alike at both ends."""
        before, after = self.source.core.weight, self.target.core.weight
        return (before.source, before.normalize) == (after.source, after.normalize)

    @property
    def way(self) -> Way:
        """The order of the whole arrow."""
        if self.keeps_values:
            return self.frozen.direction
        ways = {judged.way for judged in self.edits}
        return ways.pop() if len(ways) == 1 else "mixed"

    @property
    def why(self) -> str:
        """What the order rests on."""
        return self.frozen.reason if self.keeps_values else self.functions.why

    @property
    def parameters(self) -> int:
        """How many more parameters the target's core has (fewer: negative)."""
        return self.target.cost.parameters - self.source.cost.parameters

    @property
    def macs(self) -> int:
        """How many more multiply-adds."""
        return self.target.cost.macs - self.source.cost.macs


def node(drawn: DrawnNode) -> PublishedNode:
    """The figure's operator as its shipped spec has it."""
    spec = named(drawn.spec)
    assert isinstance(spec.node, Operator), "the figure's operators are single points"
    whole = family(spec.node)
    assert isinstance(whole, Operator), "a family of an operator is one"
    plain = bare(whole)
    setting = replace(SETTING, predictor=spec.predictor)
    return PublishedNode(
        drawn,
        spec.cite,
        plain,
        whole,
        node_cost(sized(plain), setting),
        node_cost(sized(whole), setting),
        tuple(placed(call_out, plain) for call_out in drawn.call_outs),
    )


def arrow(drawn: DrawnArrow, nodes: Mapping[str, PublishedNode]) -> PublishedArrow:
    """The figure's arrow between two of the `nodes`."""
    source, target = nodes[drawn.source], nodes[drawn.target]
    return PublishedArrow(
        drawn,
        source,
        target,
        _edits(drawn, source.core, target.core),
        facts(source.core, target.core),
        compare(frozen(source.core), frozen(target.core)),
    )


def frozen(operator: Operator) -> Operator:
    """The matrices that W can be for one image, as a static operator.

    Pairs and features at the centre give every position its own values, whatever functions they
    share; the mean over all positions gives one set for all.
    """
    weight, space = operator.weight, operator.space
    if weight.source in ("pair", "center"):
        space = replace(space, share="none")
    if space.border == default_border(weight.normalize):
        space = replace(space, border=default_border("none"))
    values = weight if weight.source == "fixed" else Weight("static")
    return core(replace(operator, space=space, weight=values))


def _edits(drawn: DrawnArrow, source: Operator, target: Operator) -> tuple[Judged, ...]:
    """The shortest path whose edits are ordered most often; the first such."""
    judged = [_judged(drawn, source, edits) for edits in path(source, target)]
    return max(judged, key=lambda steps: sum(step.way in ("down", "up") for step in steps))


def _judged(drawn: DrawnArrow, source: Operator, edits: tuple[Edit, ...]) -> tuple[Judged, ...]:
    found, here = [], source
    for edit in edits:
        there = edit.target
        assert isinstance(there, Operator), "edits of properties make no composite"
        said = edit.relation in drawn.says.relations and edit.axis == drawn.says.axis
        found.append(Judged(edit, facts(here, there), compare(frozen(here), frozen(there)), said))
        here = there
    return tuple(found)
