"""Pictures of relation graphs: SVG text of our own, and PNG where a library can draw it.

In: a `Scene` of boxes and arrows with words. Out: the same bytes every time. Layout is by layers:
arrows point down, their words stand in rows of their own, and nothing overlaps by construction.
"""
