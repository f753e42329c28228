"""Where a measured operator stands in the relation graph.

In: a node. Out: its family, the named operators that it equals, and the nearest with the edits
between them. The graph is that of families, made once.
"""

from __future__ import annotations

from functools import cache

from relgraph.graph.closure import families
from relgraph.graph.model import RelationGraph
from relgraph.graph.named import Names, named_operators
from relgraph.graph.questions.asked import Asked
from relgraph.graph.questions.spot import Spot
from relgraph.graph.questions.where import where_operator
from relgraph.graph.uses import named_uses
from relgraph.relations.node import Node


def placed(word: str, node: Node, names: Names | None = None) -> Spot:
    """The place of one operator among `names` (the shipped ones by default)."""
    known, graph = _graph(names)
    return where_operator(Asked(word, node), known, graph).spots[0]


@cache
def _graph(names: Names | None) -> tuple[Names, RelationGraph]:
    named = named_operators() if names is None else names
    known = Names((*named.operators, *named_uses(named.operators)))
    return known, families(known.operators)
