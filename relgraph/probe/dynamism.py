"""Where the values of W come from: does W change with the image, and through what of it.

In: arrays of one link. Out: a `Dynamism` with numbers. W is taken at images that differ in a known
way: another image with the same mean (pooled weights stay), another feature at one place (of centre
weights the rows around it change, of pair weights what has the place as output or input).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.algebra.operator import Size, Source
from relgraph.errors import counted
from relgraph.probe.arrays import Arrays
from relgraph.probe.carry import Way
from relgraph.probe.findings import size
from relgraph.probe.lab import DRAWS, balanced, constant, disturbed, image, sampled
from relgraph.probe.owners import dependence
from relgraph.probe.tape import Values

CHANGED = 1e-9
FAR = 10.0
"""How far from zero, in features, images are moved that wake a predictor up."""
# Outputs of a wide link whose weights are looked at one by one.
ROWS = 16

Rows = Callable[[Tensor], Tensor]
"""What is compared of W (O, I): itself, or logits up to what a normalisation leaves open."""


@dataclass(frozen=True)
class Dynamism:
    """`source` is None where no word of the algebra says how W depends on the image; `extent` is
    the side of a centre's region."""

    source: Source | None
    evidence: str
    extent: int = 1


def dynamism(arrays: Arrays, seen: Tensor, sums: bool) -> Dynamism:
    """The dynamism of a link whose channels are joined as `seen` (D, C)."""
    for at in _images(arrays):
        here = _looked(arrays, at.context, seen)
        change = gap(_looked(arrays, at.given(at.other), seen), here)
        if change > CHANGED:
            return _changing(at, seen, sums, here, change)
    learned = gap(_looked(arrays, arrays.contexts[1], seen), _looked(arrays, arrays.context, seen))
    if learned <= CHANGED:
        return Dynamism("fixed", f"W changes by {size(learned)} with the parameters")
    return Dynamism("static", f"W changes by {size(change)} from image to image")


@dataclass(frozen=True, eq=False)
class _Images:
    """One draw of parameters, and two images that W is compared at."""

    arrays: Arrays
    draw: int
    features: Tensor
    other: Tensor

    @property
    def context(self) -> Values:
        """Values at the first image."""
        if self.draw == 0 and torch.equal(self.features, image(self.arrays.link.start_places, 0)):
            return self.arrays.context
        return self.given(self.features)

    def given(self, features: Tensor) -> Values:
        """Values at another image."""
        return self.arrays.given(self.draw, features)


def _images(arrays: Arrays) -> Iterator[_Images]:
    """Where W may change. If W is made of x, it may stand still at images that a predictor's
    cut-off hides (all of its hidden numbers below zero): other draws, and images far on both sides,
    are tried before that is believed."""
    into = arrays.link.start_places
    one, other = image(into, 0), image(into, 1)
    for draw in range(DRAWS if arrays.frozen else 1):
        yield _Images(arrays, draw, one, other)
    for side in (FAR, -FAR) if arrays.frozen else ():
        far = side * constant(into, 0)
        yield _Images(arrays, 0, one + far, other + far)


def _changing(
    at: _Images, seen: Tensor, sums: bool, here: Sequence[Tensor], change: float
) -> Dynamism:
    same_mean = gap(_looked(at.arrays, at.given(balanced(at.features)), seen), here)
    words = f"W changes by {size(change)} from image to image"
    if same_mean <= CHANGED:
        return Dynamism("pooled", f"{words}, by {size(same_mean)} between images of one mean")
    if _homes(at.arrays) is None:
        return Dynamism(None, f"{words}; outputs and inputs are not the same places")
    return _by_place(at, seen, words, sums)


def _looked(arrays: Arrays, context: Values, seen: Tensor) -> Sequence[Tensor]:
    """What tells whether W changes, row by row: W of a few channels, of wide links what W makes of
    random features."""
    return arrays.slices(context, seen) if arrays.whole else arrays.sketch(context)


def _by_place(at: _Images, seen: Tensor, words: str, sums: bool) -> Dynamism:
    arrays, features = at.arrays, at.features
    changed = {place: at.given(disturbed(features, place)) for place in sampled(len(features))}
    looked = {place: _looked(arrays, one, seen) for place, one in changed.items()}
    before = _looked(arrays, at.context, seen)
    if all(gap(one, before) <= CHANGED for one in looked.values()):
        said = f"{words}, but with none of {counted(len(looked), 'place')} that were changed alone"
        return Dynamism(None, said)
    region = _region(arrays, before, looked)
    if region == 1:
        said = f"{words}; an output's weights change with what is at its own place"
        return Dynamism("center", said)
    unread = _unread(arrays)
    homes = _homes(arrays)
    assert homes is not None, "outputs stand at places of the image"
    count = arrays.link.out.count
    rows = range(count) if arrays.whole else sampled(count, ROWS)
    here = arrays.rows(at.context, seen, rows)
    loose = max(
        _beside(here, arrays.rows(one, seen, rows), unread[place], homes[list(rows)] == place, sums)
        for place, one in changed.items()
    )
    # Pairs of near places look like a region, of which only two places count for each weight.
    if loose <= CHANGED and all(int((w != 0).sum(1).max()) <= 1 for w in here):
        said = f"{words}; an output reads one place, and no other changes its weight"
        return Dynamism("center", said)
    if loose <= CHANGED:
        what = "up to the sum of its row, a weight" if sums else "a weight"
        said = f"{words}; {what} changes by {size(loose)} with other places than its two"
        return Dynamism("pair", said)
    if region is not None:
        said = f"{words}; an output's weights change with what is in {region}×{region} places"
        return Dynamism("center", f"{said} around it", region)
    said = (
        f"{words}, also between images of one mean; a weight changes by {size(loose)} with places"
    )
    return Dynamism(None, f"{said} that are neither its output nor its input")


def gap(one: Sequence[Tensor], other: Sequence[Tensor]) -> float:
    """The largest difference between two lists of W, relative to the largest entry."""
    scale = max(float(w.abs().max()) for w in other) or 1.0
    return max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True)) / scale


def _region(
    arrays: Arrays, here: Sequence[Tensor], moved: dict[int, Sequence[Tensor]]
) -> int | None:
    """The side of the square of outputs around it that one place changes; None where it changes
    others, or where the square is all of the map."""
    into = arrays.link.start_places
    scale = max(float(w.abs().max()) for w in here)
    changed = {}
    for place, other in moved.items():
        rows = torch.stack([(a - b).abs().amax(1) for a, b in zip(other, here, strict=True)])
        changed[place] = rows.amax(0) > CHANGED * scale
    if len(here[0]) != into.count:
        return None
    own = torch.eye(len(here[0]), dtype=torch.bool)
    if all(torch.equal(rows, own[place]) for place, rows in changed.items()):
        return 1
    if into.grid is None or into.tokens:
        return None
    far = _distances(into.grid)
    reaches = [int(far[place][rows].max()) for place, rows in changed.items() if bool(rows.any())]
    reach = max(reaches, default=0)
    square = all(torch.equal(rows, far[place] <= reach) for place, rows in changed.items())
    return 2 * reach + 1 if square and 2 * reach + 1 < min(into.grid) else None


def _distances(grid: Size) -> Tensor:
    """(P, P): the larger of the steps between two places down and across."""
    y, x = torch.arange(grid[0] * grid[1]) // grid[1], torch.arange(grid[0] * grid[1]) % grid[1]
    return torch.maximum((y[:, None] - y).abs(), (x[:, None] - x).abs())


def _unread(arrays: Arrays) -> Tensor:
    """(P, I): whether input place i of the link is made of nothing that stands at place p of where
    images are changed."""
    link = arrays.link
    way = Way.of(link.way.reading, arrays.start, link.way.start)
    if way.is_nothing:
        return ~torch.eye(link.into.count, dtype=torch.bool)
    seen = dependence(way, arrays.context, link.start_places)
    return ~seen[:, link.into.entries].any(2)


def _homes(arrays: Arrays) -> Tensor | None:
    """(O,): the place of the image where each output stands; one output of many places with tokens
    in front stands at the first. None where that is not known."""
    count, places = arrays.link.out.count, arrays.link.start_places
    if count == places.count:
        return torch.arange(count)
    return torch.zeros(1, dtype=torch.long) if count == 1 and places.tokens else None


def _beside(
    here: Sequence[Tensor], other: Sequence[Tensor], unread: Tensor, own: Tensor, sums: bool
) -> float:
    """How much weights change that have the moved place neither as output (`own`, (O,)) nor as
    input (not `unread`, (I,))."""
    worst = 0.0
    for before, after in zip(here, other, strict=True):
        there = (before != 0) & unread & ~own[:, None]
        if sums:
            change = torch.where(there, (after / before).abs().log(), torch.nan)
            change = change - change.nanmedian(1, keepdim=True).values
        else:
            change = torch.where(there, (after - before) / before.abs().max(), torch.nan)
        worst = max(worst, float(change.nan_to_num(0.0).abs().max()))
    return worst
