"""The rules of windows that overlap (`connect: outlook`): rows of the table in `rules`.

In: an `Operator` as written. Out: rows, each of which refuses something that no other does.
"""

from __future__ import annotations

from relgraph.algebra.operator import Operator
from relgraph.algebra.rule import Rule


def _overlaps(o: Operator) -> bool:
    return o.space.connect == "outlook"


def _learned(o: Operator) -> bool:
    return o.weight.source in ("static", "pooled", "center")


def _leaves_gaps(o: Operator) -> bool:
    """Whether the last place of a cell may lie in no window: at the end of the map only the window
    around the cell's first place reaches it."""
    return any(s > k // 2 + 1 for k, s in zip(o.space.size, o.space.step, strict=True))


OVERLAPPING: tuple[Rule, ...] = (
    Rule(
        65,
        ("space.step", "space.connect"),
        lambda o: o.space.step != (1, 1) and not _overlaps(o),
        "only the windows of an outlook stand a step apart; outputs stand a `stride` apart",
    ),
    Rule(
        66,
        ("space.share", "space.connect"),
        lambda o: _overlaps(o) and _learned(o) and o.space.share != "windows",
        "weights of an outlook that differ from window to window, or follow from the offset, are "
        "not supported yet; use `share: windows`",
        "U",
    ),
    Rule(
        67,
        ("weight.source", "space.connect"),
        lambda o: _overlaps(o) and not _learned(o),
        "queries and keys, or given weights, in windows that overlap are not supported yet; use "
        "`center`, `pooled` or static weights",
        "U",
    ),
    Rule(
        68,
        ("space.rank", "space.connect"),
        lambda o: _overlaps(o) and o.space.rank is not None,
        "factors of windows that overlap are not supported yet",
        "U",
    ),
    Rule(
        68,
        ("space.border", "space.connect"),
        lambda o: _overlaps(o) and o.space.border == "wrap",
        "windows that overlap and go round the border are not supported yet; use `zero` or `mask`",
        "U",
    ),
    Rule(
        69,
        ("space.step", "space.size"),
        lambda o: _overlaps(o) and _leaves_gaps(o),
        "windows further apart than that leave places in none of them: a `step` of at most "
        "size // 2 + 1",
    ),
)
