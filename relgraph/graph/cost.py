"""What a node costs: parameters and multiply-adds at a width and on a map, exact.

In: a node. Out: the cost of a program that holds nothing else, as `relgraph show` counts it, with
no bias but those of projections and predictors. A node has no numbers of its own for these: the
width and the map are the reader's choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from relgraph.algebra.operator import Operator, Predictor, Size
from relgraph.assemble import assemble
from relgraph.assemble.cost import Cost
from relgraph.assemble.cost import cost as count
from relgraph.errors import RelgraphError
from relgraph.relations.node import Composite, Kind, Node
from relgraph.resolved import Backbone, Body, Branches, OperatorUse, Split, Stage


@dataclass(frozen=True)
class Setting:
    """Where costs are counted: `channels` in and out, the map, and the hidden layer of predictors
    where the operator that is asked about has one (a node forgets it)."""

    channels: int = 64
    grid: Size = (56, 56)
    predictor: Predictor | None = None

    @property
    def words(self) -> str:
        """The width and the map, as a person would say them."""
        return f"{self.channels} channels on {self.grid[0]}×{self.grid[1]}"


SETTING = Setting()
_COMBINE: Mapping[Kind, Literal["sum", "product", "concat"]] = {
    "split": "concat",
    "splitsum": "sum",
    "splitproduct": "product",
}
SIDES = (56, 64, 60, 72, 840, 5040)
"""Sides of maps that are tried where none was asked for: numbers with many divisors."""


def node_cost(node: Node, setting: Setting = SETTING) -> Cost:
    """The cost of one node. Raises RelgraphError where the map or the width does not suit it."""
    return count(assemble(around(as_body(node, setting), setting)))


def cost_or_none(node: Node, setting: Setting = SETTING) -> Cost | None:
    """The cost, or None where the map or the width does not suit the node."""
    try:
        return node_cost(node, setting)
    except RelgraphError:
        return None


def suiting(nodes: tuple[Node, ...], channels: int = 64) -> Setting:
    """The first of the ordinary maps that suits all nodes (else the first of all)."""
    for side in SIDES:
        setting = Setting(channels, (side, side))
        if all(cost_or_none(node, setting) for node in nodes):
            return setting
    return Setting(channels)


def around(body: Body, setting: Setting) -> Backbone:
    """A backbone of one block that is the body."""
    return Backbone(
        name="node",
        cite="",
        size=setting.grid,
        in_chans=setting.channels,
        classes=1,
        stem=(),
        stages=(Stage(channels=setting.channels, blocks=(body,)),),
        head=(),
    )


def as_body(node: Node, setting: Setting) -> Body:
    """The node written out as the body of a block."""
    if isinstance(node, Operator):
        return (_use(node, setting),)
    if node.kind == "chain":
        return tuple(item for part in node.parts for item in as_body(part, setting))
    if node.kind == "sum" or node.kind == "product":
        branches = tuple(as_body(part, setting) for part in node.parts)
        return (Branches(combine=node.kind, branches=branches),)
    return (_split(node, setting),)


def _split(node: Composite, setting: Setting) -> Split:
    """Equal parts of the channels; the first one takes the rest."""
    parts = node.parts
    each, rest = divmod(setting.channels, len(parts))
    sizes = (each + rest, *([each] * (len(parts) - 1)))
    bodies = (as_body(p, replace(setting, channels=n)) for p, n in zip(parts, sizes, strict=True))
    combine = _COMBINE[node.kind]
    return Split(sizes=sizes, branches=tuple(bodies), combine=combine)


def _use(operator: Operator, setting: Setting) -> OperatorUse:
    predicted = operator.weight.source in ("pooled", "center")
    if predicted and setting.predictor is not None:
        operator = replace(operator, weight=replace(operator.weight, predictor=setting.predictor))
    return OperatorUse(
        name="node",
        operator=operator,
        in_channels=setting.channels,
        out_channels=setting.channels,
    )
