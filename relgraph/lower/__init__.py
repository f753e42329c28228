"""From a node of the program to the code of a module: `lower` picks, `candidates` lists.

Goes in: a connection or an element with its sizes. Comes out: a constructor call or an expression,
with the classes it needs as text. All lowerings of a connection have the same parameters under the
same names and mean the same; they differ in speed. What encloses the node is not known here.
"""

from __future__ import annotations

from relgraph.lower.module import Lowered, Module
from relgraph.lower.table import CONNECTIONS, ELEMENTS
from relgraph.program import Connect, Element

__all__ = ["candidates", "lower"]


def lower(node: Connect | Element) -> Lowered:
    """The lowering of `node`: the one that it names, else the first row that accepts it."""
    if isinstance(node, Element):
        return ELEMENTS[node.word](node)
    fitting = (row for row in CONNECTIONS if row.accepts(node))
    row = next((row for row in fitting if node.form in ("", row.name)), None)
    assert row is not None, f"no lowering accepts {node}"
    return row.build(node)


def candidates(node: Connect) -> list[tuple[str, Module]]:
    """Every lowering that fits `node`, by name, fastest first; the general one comes last."""
    return [(row.name, row.build(node)) for row in CONNECTIONS if row.accepts(node)]
