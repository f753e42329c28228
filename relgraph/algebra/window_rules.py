"""The rules of windows that read around themselves and of shifts by an offset: rows of the table in
`rules`.

In: an `Operator` as written. Out: rows, each of which refuses something that no other does.
"""

from __future__ import annotations

from relgraph.algebra import geometry
from relgraph.algebra.operator import Operator
from relgraph.algebra.rule import Rule


def _reads_around(o: Operator) -> bool:
    return o.space.connect == "window" and o.space.halo != (0, 0)


def _has_scales(o: Operator) -> bool:
    return o.space.rank is not None and o.space.rank.word == "scales"


def _moves_by_tap(o: Operator) -> bool:
    return o.weight.fixed == "shift" and o.space.connect == "local"


AROUND: tuple[Rule, ...] = (
    Rule(
        55,
        ("space.halo", "space.connect"),
        lambda o: o.space.halo != (0, 0) and o.space.connect != "window",
        "a halo is what a window reads around itself; nothing else has one",
    ),
    Rule(
        56,
        ("space.halo", "space.shift"),
        lambda o: _reads_around(o) and o.space.shift != (0, 0),
        "moved windows that read around themselves are not supported yet",
        "U",
    ),
    Rule(
        57,
        ("space.rank", "space.halo"),
        lambda o: _reads_around(o) and o.space.share == "none" and _has_scales(o),
        "coarse scales of windows that read around themselves are not supported yet",
        "U",
    ),
)

MOVED: tuple[Rule, ...] = (
    Rule(
        58,
        ("weight.fixed", "space.connect"),
        lambda o: o.weight.fixed == "shift" and o.space.connect != "local",
        "a shift reads one tap of a kernel, and only local connectivity has taps",
    ),
    Rule(
        58,
        ("weight.offset", "space.size"),
        lambda o: _moves_by_tap(o) and not geometry.has_tap(o.space, o.weight.offset),
        "the offset lies outside the kernel",
    ),
    Rule(
        59,
        ("weight.offset", "weight.fixed"),
        lambda o: o.weight.offset != (0, 0) and o.weight.fixed != "shift",
        "only a shift (`fixed: shift`) goes by an offset",
    ),
    Rule(
        59,
        ("space.dilation", "weight.fixed"),
        lambda o: _moves_by_tap(o) and o.space.dilation != (1, 1),
        "an offset counts places, and one tap has no distance to others",
    ),
)
