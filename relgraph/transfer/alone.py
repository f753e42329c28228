"""An operator of the algebra as an item of a program, by itself, on a map.

In: an operator, perhaps with rank words; its widths and its map. Out: the connection, or the scope
of several that a rank word stands for, as a backbone would have it. For single edges of the graph.
"""

from __future__ import annotations

from relgraph.algebra.operator import Operator, Size
from relgraph.assemble.connections import connect
from relgraph.assemble.flow import Findings, Flow
from relgraph.errors import RelgraphError
from relgraph.program import Body, Connect, Scope, Shape
from relgraph.resolved import Body as ResolvedBody
from relgraph.resolved import OperatorUse


def operator_alone(operator: Operator, channels: int, grid: Size) -> Connect | Scope:
    """The operator between `channels` channels on `grid`. Raises RelgraphError for sizes that do
    not fit it."""
    use = OperatorUse(
        name="operator", operator=operator, in_channels=channels, out_channels=channels
    )
    findings = Findings()
    (node,), _ = connect(use, Flow(Shape(channels, grid)), findings, _nothing_inside)
    if findings.problems:
        raise RelgraphError(findings.problems)
    assert isinstance(node, Connect | Scope), "an operator is one connection or several"
    return node


def _nothing_inside(body: ResolvedBody, flow: Flow) -> tuple[Body, Flow]:
    assert not body, "an operator of the algebra has no bodies"
    return (), flow
