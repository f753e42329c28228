"""Where an edited operator stands: its core, its width, its map; and numbers that fit there.

In: sites of a backbone and its program. Out: contexts, and for each the numbers that edits may
write. Some numbers follow the width (heads, groups, an inner width) or the map (tokens), so that
one edit writes another number in every stage: those are known by their slot, the place in their
list.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from relgraph.algebra.operator import Operator, Size
from relgraph.derive.sites import Found, Site
from relgraph.graph.bodies import core_of
from relgraph.program import Program
from relgraph.relations.numbers import Numbers
from relgraph.resolved import OperatorUse

KERNELS = (3, 5, 7)
HEAD_WIDTHS = (32, 16, 8, 4)
WINDOWS = (7, 8, 6, 4, 10, 12, 14, 5, 3, 2)
"""Sides of windows that are tried, the usual ones first."""
MOST_WINDOWS = 2


@dataclass(frozen=True)
class Context:
    """One operator at one or more places that are all alike: of a site, in a stage, as one use.

    `grid` is the stage's map. Edits are of the `core` within its frame.
    """

    site: int
    stage: int
    use: OperatorUse
    grid: Size

    @property
    def core(self) -> Operator:
        """The node that is edited."""
        return core_of(self.use)

    @property
    def width(self) -> int:
        """What channels are divided into groups of: the width of both ends."""
        return math.gcd(self.use.in_channels, self.use.out_channels)


def contexts(chosen: Sequence[Site], program: Program) -> tuple[Context, ...]:
    """The different operators of the sites, by site, then by stage."""
    found: dict[Context, None] = {}
    for at, site in enumerate(chosen):
        for one in site.found:
            found.setdefault(context_of(one, at, program))
    return tuple(found)


def context_of(found: Found, site: int, program: Program) -> Context:
    """The context of one use."""
    output = program.stages[found.stage].output
    assert output.grid is not None, "a stage ends with a map"
    return Context(site, found.stage, replace(found.use, label=None), output.grid)


def numbers(
    places: Sequence[Context], said: Numbers | None = None, kinds: Iterable[str] = ()
) -> tuple[Numbers, ...]:
    """For each context the numbers that edits may write there. Of the `kinds` that were said, the
    numbers are those of `said`, the same everywhere."""
    grids = [place.grid for place in places]
    same = _same_everywhere(grids)
    widths = {kind: _slots(places, make) for kind, make in _BY_WIDTH.items()}
    told: dict[str, Any] = {kind: getattr(said, kind) for kind in kinds}
    found: list[Numbers] = []
    for at in range(len(places)):
        own: dict[str, Any] = {kind: tuple(s[at] for s in slots) for kind, slots in widths.items()}
        found.append(replace(same, **{**own, **told}))
    return tuple(found)


def _same_everywhere(grids: Sequence[Size]) -> Numbers:
    """Sizes that fit all maps: kernels that do not reach over the whole map on both sides, windows
    and factors that divide."""
    sides = [side for grid in grids for side in grid]
    common = reduce(math.gcd, sides)
    kernels = [k for k in KERNELS if k <= 2 * min(sides) - 1]
    windows = [n for n in WINDOWS if common % n == 0 and n < max(sides)][:MOST_WINDOWS]
    factor = next((n for n in range(2, common) if common % n == 0), None)
    squares = tuple((n, n) for n in sorted(windows))
    return Numbers(
        kernel=tuple((k, k) for k in kernels),
        window=squares,
        grid=squares[-1:],
        stripe=tuple(n for n, _ in squares[-1:]),
        reduce=(factor,) if factor else (),
        scales=((factor,),) if factor else (),
        along=("rows",),
        sized=True,
    )


Made = Callable[[Context], int]


def _heads(channels: int) -> Made:
    return lambda place: _parts(place.width, channels)


def _parts(width: int, channels: int) -> int:
    return width // channels if width % channels == 0 else 0


def _quarter(place: Context) -> int:
    return place.width // 4 if place.width % 4 == 0 else 0


def _four(place: Context) -> int:
    return 4 if place.width % 4 == 0 and place.width > 4 else 0


def _tokens(place: Context) -> int:
    return place.grid[0] * place.grid[1] // 4


def _own_heads(place: Context) -> int:
    channel = place.core.channel
    return channel.heads if channel.share == "heads" else 0


_BY_WIDTH: Mapping[str, tuple[Made, ...]] = {
    "heads": (_own_heads, *(_heads(width) for width in HEAD_WIDTHS)),
    "groups": (_four, _heads(16)),
    "inner": (_quarter,),
    "tokens": (_tokens,),
}
"""Numbers by the place that they are for; 0 where there is none that fits."""


def _slots(places: Sequence[Context], makers: Iterable[Made]) -> list[tuple[int, ...]]:
    """The numbers of a kind, each for all places; one that is 1 or missing anywhere is left out."""
    found: dict[tuple[int, ...], None] = {}
    for make in makers:
        slot = tuple(map(make, places))
        if min(slot) > 1:
            found.setdefault(slot)
    # Two slots that meet in one place could not be told apart there.
    kept: list[tuple[int, ...]] = []
    for slot in found:
        if all(n != m for other in kept for n, m in zip(slot, other, strict=True)):
            kept.append(slot)
    return kept[:2]
