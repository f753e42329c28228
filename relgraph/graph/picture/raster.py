"""A picture as PNG, where a library that draws SVG is installed.

In: SVG text. Out: PNG bytes with two pixels for each of the SVG's. The library is resvg, a part of
the extra `explore`; letters come from the fonts of the machine, so the bytes differ between
machines, unlike those of the SVG.
"""

from __future__ import annotations

from relgraph.errors import Problem, RelgraphError

ZOOM = 2


def png(svg: str) -> bytes:
    """The picture in pixels. Raises RelgraphError where resvg is not installed."""
    try:
        import resvg_py
    except ImportError:
        raise RelgraphError(
            Problem(
                "missing-extra",
                "resvg-py is not installed",
                "it, to draw PNG",
                "pip install 'relgraph[explore]', or write .svg instead",
            )
        ) from None
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=ZOOM))
