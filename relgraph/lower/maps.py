"""The maps at both ends of a connection, as arguments: what follows the image, and what does not.

In: a node. Out: arguments of its constructor. Maps follow the image's size; the learned tokens
between the two factors of a matrix, T × 1 places, do not, whatever maps they look like.
"""

from __future__ import annotations

from relgraph.algebra import geometry
from relgraph.lower.module import Argument, MapSize
from relgraph.program import Connect


def map_read(node: Connect) -> Argument:
    """Where the inputs stand; a pooled vector stands on one place."""
    grid = node.connection.in_grid
    if grid is None:
        return 1, 1
    return grid if _leads(node, "spread") else MapSize(*grid)


def map_made(node: Connect) -> Argument:
    """Where the outputs stand."""
    grid = geometry.as_map(node.connection.out_grid)
    return grid if _leads(node, "gather") else MapSize(*grid)


def _leads(node: Connect, factor: str) -> bool:
    """Whether the node is this factor of a matrix. A person's own label may be the same word: then
    it stands on a whole map that stays one, or on something that takes strides."""
    at = node.connection
    full = at.operator.space.connect == "full"
    return node.attr == factor and full and at.in_grid != at.out_grid
