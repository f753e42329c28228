"""The published relation graph: twelve operators, thirteen arrows, and what is computed of them.

In: the figure's facts (`drawn`), the shipped specs, the relations. Out: `published()`. The figure
is data to compare with; no relation is fitted to it.
"""

from __future__ import annotations

from relgraph.graph.published.answer import Published, published

__all__ = ["Published", "published"]
