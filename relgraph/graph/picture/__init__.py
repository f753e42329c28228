"""Pictures of relation graphs: SVG text of our own, and PNG where a library can draw it.

In: a `Scene` of boxes and arrows with words. Out: the same bytes every time. Layout is by layers:
arrows point down, their words stand in rows of their own, and nothing overlaps by construction.
"""

from __future__ import annotations

from relgraph.graph.picture.drawing import svg
from relgraph.graph.picture.figure import published_scene
from relgraph.graph.picture.named import named_scene
from relgraph.graph.picture.neighbourhood import neighbourhood_scene
from relgraph.graph.picture.raster import png

__all__ = ["named_scene", "neighbourhood_scene", "png", "published_scene", "svg"]
