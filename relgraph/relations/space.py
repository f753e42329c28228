"""Relations over space: which positions an output reads, which share a weight, of what W is made.

In: an operator in canonical form. Out: the rows of the space axis. A row keeps everything but its
own property; the table drops what is inconsistent or the same operator again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from relgraph.algebra.describe import sides
from relgraph.algebra.operator import (
    BLOCKS,
    STENCILS,
    Operator,
    Rank,
    Size,
    Space,
    SpaceConnect,
    SpaceShare,
)
from relgraph.relations.numbers import Numbers, Overlap
from relgraph.relations.relation import Relation, Step
from relgraph.relations.values import connectivity, rank

# How much of the map an output reads; connectivities of one level are moved into each other.
LEVELS: dict[SpaceConnect, int] = {
    "full": 2,
    "window": 1,
    "stripe": 1,
    "grid": 1,
    "local": 1,
    "axial": 1,
    "outlook": 1,
    "point": 0,
}
# From every entry its own weight to one weight for all.
SHARES: tuple[SpaceShare, ...] = ("none", "windows", "positions", "all")


def sparsify(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """full → local 3×3: fewer positions are read."""
    yield from _connected(operator, numbers, -1)


def densify(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """point → window 7×7: more positions are read."""
    yield from _connected(operator, numbers, 1)


def move(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """window 7×7 → local 7×7: other positions of the same order are read."""
    yield from _connected(operator, numbers, 0)


def _connected(operator: Operator, numbers: Numbers, way: int) -> Iterator[Step]:
    here = operator.space
    for connect, level in LEVELS.items():
        apart = level - LEVELS[here.connect]
        if connect == here.connect or apart * way < 0 or (apart == 0) != (way == 0):
            continue
        for space in _geometries(connect, here, numbers):
            before, after = (connectivity(s, numbers.families) for s in (here, space))
            yield Step(before, after, replace(operator, space=space))


def _geometries(connect: SpaceConnect, here: Space, numbers: Numbers) -> Iterator[Space]:
    """The connectivity at every size that may be written; dilation, shift and completed maps are
    the old geometry's and fall away, sharing, border, stride and rank stay. What is shared over
    the map by offsets where an output has its own neighbourhood, is so by places in windows that
    overlap."""
    plain = replace(
        here,
        connect=connect,
        size=(1, 1),
        dilation=(1, 1),
        shift=(0, 0),
        halo=(0, 0),
        step=(1, 1),
        along="rows",
        share=_share_in(connect, here),
        pad=here.pad and connect in BLOCKS[1:-1],
    )
    if connect == "stripe":
        for along in numbers.along:
            for places in numbers.stripe:
                yield replace(plain, size=band(places, along), along=along)
        return
    if connect == "outlook":
        yield from (overlapping(plain, windows) for windows in numbers.outlook)
        return
    for size, halo in itertools.product(_sizes(connect, numbers), _halos(connect, numbers)):
        yield replace(plain, size=size, halo=halo)


def _halos(connect: SpaceConnect, numbers: Numbers) -> tuple[Size, ...]:
    return numbers.halo if connect == "window" else ((0, 0),)


def widen(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """halo 0×0 → halo 3×3: windows read more of what stands around them."""
    yield from _surrounded(operator, numbers, 1)


def narrow(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """halo 3×3 → halo 0×0: windows read less of what stands around them."""
    yield from _surrounded(operator, numbers, -1)


def _surrounded(operator: Operator, numbers: Numbers, way: int) -> Iterator[Step]:
    """The next halos that may be written, of those that are larger, or smaller, on no axis less."""
    here = operator.space
    if here.connect != "window":
        return
    beyond = [halo for halo in numbers.halo if _lies(here.halo, halo, way)]
    for halo in beyond:
        if any(_lies(other, halo, way) for other in beyond):
            continue  # another one lies between
        before, after = f"halo {sides(here.halo)}", f"halo {sides(halo)}"
        if numbers.families:
            before, after = ("halo" if any(h) else "no halo" for h in (here.halo, halo))
        yield Step(before, after, replace(operator, space=replace(here, halo=halo)))


def _lies(one: Size, other: Size, way: int) -> bool:
    """Whether the other size lies beyond the one: larger, for a way of −1 smaller, on some axis and
    on none the opposite."""
    steps = [way * (b - a) for a, b in zip(one, other, strict=True)]
    return any(steps) and min(steps) >= 0


_SLIDING: tuple[SpaceConnect, ...] = ("point", *STENCILS)


def _share_in(connect: SpaceConnect, here: Space) -> SpaceShare:
    if connect == "outlook" and here.connect in _SLIDING and here.share == "positions":
        return "windows"
    if here.connect == "outlook" and connect in _SLIDING and here.share == "windows":
        return "positions"
    return here.share


def overlapping(space: Space, windows: Overlap) -> Space:
    """An outlook with these windows."""
    rows, columns, down, right = windows
    return replace(space, size=(rows, columns), step=(down, right))


def _sizes(connect: SpaceConnect, numbers: Numbers) -> tuple[Size, ...]:
    sizes = {"local": numbers.kernel, "window": numbers.window, "grid": numbers.grid}
    return sizes.get(connect, ((1, 1),))


def band(places: int, along: str) -> Size:
    """The size of a stripe: what it does not cut is not written."""
    return (places, 1) if along == "rows" else (1, places)


# A place has no windows and one offset, a map is one window: other words for these sharings.
_TOLD_APART: dict[SpaceConnect, tuple[SpaceShare, ...]] = {
    "point": ("none", "positions"),
    "full": ("none", "positions", "all"),
}


def share(operator: Operator, _: Numbers) -> Iterator[Step]:
    """none → positions: entries of more places become one learned thing."""
    yield from _shared(operator, 1)


def untie(operator: Operator, _: Numbers) -> Iterator[Step]:
    """positions → none: one learned thing becomes several."""
    yield from _shared(operator, -1)


def _shared(operator: Operator, way: int) -> Iterator[Step]:
    here = operator.space.share
    for value in _TOLD_APART.get(operator.space.connect, SHARES):
        if (SHARES.index(value) - SHARES.index(here)) * way > 0:
            yield Step(here, value, replace(operator, space=replace(operator.space, share=value)))


def lower_rank(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """full → tokens 16: W is made of smaller connections."""
    if operator.space.rank is None:
        for value in _ranks(numbers):
            yield _ranked(operator, value, numbers)


def raise_rank(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """scales 2, 4 → full: W is one connection."""
    if operator.space.rank is not None:
        yield _ranked(operator, None, numbers)


def _ranks(numbers: Numbers) -> Iterator[Rank]:
    yield from (Rank("reduce", (n,)) for n in numbers.reduce)
    yield from (Rank("tokens", (n,)) for n in numbers.tokens)
    yield Rank("separable")
    yield from (Rank("scales", factors) for factors in numbers.scales)


def _ranked(operator: Operator, value: Rank | None, numbers: Numbers) -> Step:
    before, after = (rank(r, numbers.families) for r in (operator.space.rank, value))
    return Step(before, after, replace(operator, space=replace(operator.space, rank=value)))


_HAN = "Han et al., On the Connection between Local Attention and Dynamic DW Conv., ICLR 2022"
_HALO = "Vaswani et al., Scaling Local Self-Attention (HaloNet), CVPR 2021"
_LECUN = "LeCun et al., Backpropagation Applied to Handwritten Zip Code Recognition, 1989"

SPACE: tuple[Relation, ...] = (
    Relation(
        "sparsify",
        "space",
        "connectivity",
        sparsify,
        "down where the new support is a union of orbits of the old sharing",
        _HAN,
    ),
    Relation(
        "densify",
        "space",
        "connectivity",
        densify,
        "up where the old support is a union of orbits of the new sharing",
        _HAN,
    ),
    Relation(
        "move",
        "space",
        "connectivity",
        move,
        "sideways, but for supports that contain each other at these sizes",
        _HAN,
    ),
    Relation(
        "widen",
        "space",
        "connectivity",
        widen,
        "up where weights are shared by no offset: then a pair of places that both halos have is "
        "one thing in both",
        _HALO,
    ),
    Relation("narrow", "space", "connectivity", narrow, "the opposite of widen", _HALO),
    Relation(
        "share", "space", "sharing", share, "down: every orbit is a union of old ones", _LECUN
    ),
    Relation(
        "untie", "space", "sharing", untie, "up: every old orbit is a union of orbits", _LECUN
    ),
    Relation(
        "lower rank",
        "space",
        "rank",
        lower_rank,
        "down where the product of the factors has the support and the sharing of W; `scales` adds "
        "to W, and is up",
        _HAN,
    ),
    Relation("raise rank", "space", "rank", raise_rank, "the opposite of lower rank", _HAN),
)
