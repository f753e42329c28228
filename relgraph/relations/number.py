"""Relations between instances of one family: a number goes to the next value that may be written.

In: an operator in canonical form and the numbers. Out: the rows that no closure of families takes,
since there every number has one value. A number of the operator that is not among those given lies
between the next smaller and the next larger of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from relgraph.algebra.describe import sides
from relgraph.algebra.operator import Operator, Rank, Size, Space
from relgraph.relations.numbers import Numbers, Overlap
from relgraph.relations.relation import Relation, RelationAxis, Step, Steps
from relgraph.relations.space import band, overlapping
from relgraph.relations.values import connectivity, mixing, rank, source, ties

Value = TypeVar("Value", int, Size, Overlap, tuple[int, ...])


def _next(values: Iterable[Value], here: Value) -> Iterator[Value]:
    """The next smaller and the next larger of the values; sizes by their places, then rows."""
    ranked = sorted(values, key=_magnitude)
    yield from [n for n in ranked if _magnitude(n) < _magnitude(here)][-1:]
    yield from [n for n in ranked if _magnitude(n) > _magnitude(here)][:1]


def _magnitude(value: int | tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    numbers = (value,) if isinstance(value, int) else value
    return math.prod(numbers), numbers


def resize_support(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """local 3×3 → local 5×5; window 7×7 → window 14×14; stripe of 1 rows → stripe of 2 rows."""
    here = operator.space
    for space in _resized(here, numbers):
        yield Step(
            connectivity(here, numbers.families),
            connectivity(space, numbers.families),
            replace(operator, space=space),
        )


def _resized(here: Space, numbers: Numbers) -> Iterator[Space]:
    if here.connect == "outlook":
        windows = _next(numbers.outlook, (*here.size, *here.step))
        yield from (overlapping(here, one) for one in windows)
    yield from (replace(here, size=size) for size in _sizes(here, numbers))


def _sizes(space: Space, numbers: Numbers) -> Iterator[Size]:
    if space.connect == "stripe":
        here = space.size[0 if space.along == "rows" else 1]
        yield from (band(places, space.along) for places in _next(numbers.stripe, here))
        return
    sizes = {"local": numbers.kernel, "window": numbers.window, "grid": numbers.grid}
    if space.connect in sizes:
        yield from _next(sizes[space.connect], space.size)


def dilate(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """1×1 → 2×2: the taps of a kernel stand further apart."""
    here = operator.space
    if here.connect == "local":
        for dilation in _next(numbers.dilation, here.dilation):
            space = replace(here, dilation=dilation)
            yield Step(sides(here.dilation), sides(dilation), replace(operator, space=space))


def shift(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """0×0 → 3×3: windows stand elsewhere; stripes move across their bands only."""
    here = operator.space
    if here.connect not in ("window", "stripe"):
        return
    for moved in _next(tuple(_across(here, s) for s in numbers.shift), here.shift):
        space = replace(here, shift=moved)
        yield Step(sides(here.shift), sides(moved), replace(operator, space=space))


def _across(space: Space, moved: Size) -> Size:
    if space.connect == "window":
        return moved
    return (moved[0], 0) if space.along == "rows" else (0, moved[1])


def turn(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """stripe of 2 rows → stripe of 2 columns."""
    here = operator.space
    for along in numbers.along:
        if here.connect == "stripe" and along != here.along:
            rows, columns = here.size[::-1], here.shift[::-1]
            space = replace(here, along=along, size=rows, shift=columns)
            before, after = (connectivity(s, numbers.families) for s in (here, space))
            yield Step(before, after, replace(operator, space=space))


def resize_space_rank(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """tokens 16 → tokens 32; scales 2 → scales 2, 4."""
    here = operator.space.rank
    for value in _ranks(here, numbers):
        space = replace(operator.space, rank=value)
        before, after = (rank(r, numbers.families) for r in (here, value))
        yield Step(before, after, replace(operator, space=space))


def resize_inner(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """inner 16 → inner 32."""
    here = operator.channel.rank
    for value in _ranks(here, numbers):
        channel = replace(operator.channel, rank=value)
        before, after = (rank(r, numbers.families) for r in (here, value))
        yield Step(before, after, replace(operator, channel=channel))


def _ranks(here: Rank | None, numbers: Numbers) -> Iterator[Rank]:
    if here is None or not here.numbers:  # separable, and a map reduced by a body
        return
    if here.word == "scales":
        yield from (Rank("scales", factors) for factors in _next(numbers.scales, here.numbers))
        return
    counts = {"reduce": numbers.reduce, "tokens": numbers.tokens, "inner": numbers.inner}
    yield from (Rank(here.word, (n,)) for n in _next(counts[here.word], here.numbers[0]))


def regroup(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """groups 2 → groups 4."""
    here = operator.channel
    if here.connect == "groups":
        for groups in _next(numbers.groups, here.groups):
            there = replace(here, groups=groups)
            before, after = (mixing(c, numbers.families) for c in (here, there))
            yield Step(before, after, replace(operator, channel=there))


def resize_band(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """local 3 → local 5: a channel reads more of those around it."""
    here = operator.channel
    if here.connect == "local":
        for size in _next(numbers.band, here.size):
            there = replace(here, size=size)
            before, after = (mixing(c, numbers.families) for c in (here, there))
            yield Step(before, after, replace(operator, channel=there))


def regroup_heads(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """heads 4 → heads 8: of weights from pairs at the same width in all."""
    here = operator.channel
    if here.share == "heads":
        for heads in _next(numbers.heads, here.heads):
            there = replace(here, heads=heads)
            before, after = (ties(c, numbers.families) for c in (here, there))
            yield Step(before, after, replace(operator, channel=there))


def resize_region(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """center → center 3×3: weights are predicted from a larger region."""
    here = operator.weight
    if here.source == "center":
        for extent in _next(numbers.extent, here.extent):
            there = replace(here, extent=extent)
            yield Step(source(here), source(there), replace(operator, weight=there))


def _row(name: str, axis: RelationAxis, steps: Steps, law: str) -> Relation:
    return Relation(name, axis, "number", steps, law, "")


NUMBER: tuple[Relation, ...] = (
    _row(
        "resize",
        "space",
        resize_support,
        "down to a smaller kernel of one dilation; windows only to a divisor, if not shared over "
        "positions; stripes likewise",
    ),
    _row("dilate", "space", dilate, "sideways, but where one kernel's taps lie among the other's"),
    _row("shift", "space", shift, "sideways"),
    _row("turn", "space", turn, "sideways"),
    _row("resize rank", "space", resize_space_rank, "up to more tokens or to more scales"),
    _row("resize rank", "channel", resize_inner, "up to a wider place"),
    _row(
        "regroup",
        "channel",
        regroup,
        "down to a multiple; where all groups share a matrix, too",
    ),
    _row("resize", "channel", resize_band, "down to a narrower band"),
    _row(
        "regroup heads",
        "channel",
        regroup_heads,
        "up to a multiple; sideways for weights from pairs, whose queries become narrower",
    ),
    _row("resize region", "weight", resize_region, "up to a larger region"),
)
