"""Where the values of W come from: does W change with the image, and through what of it.

In: arrays of one link. Out: a `Dynamism` with numbers. W is taken at images that differ in a known
way: another image with the same mean (pooled weights stay), another feature at one place (of centre
weights the rows around it change, of pair weights what has the place as output or input).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from relgraph.algebra.operator import Size, Source
from relgraph.probe import operations as ops
from relgraph.probe.arrays import Arrays
from relgraph.probe.carry import Way
from relgraph.probe.findings import size
from relgraph.probe.lab import balanced, disturbed, image, sampled
from relgraph.probe.owners import dependence

CHANGED = 1e-9

Rows = Callable[[Tensor], Tensor]
"""What is compared of W (O, I): itself, or logits up to what a softmax leaves open."""


@dataclass(frozen=True)
class Dynamism:
    """`source` is None where no word of the algebra says how W depends on the image; `extent` is
    the side of a centre's region."""

    source: Source | None
    evidence: str
    extent: int = 1


def dynamism(arrays: Arrays, seen: Tensor, softmax: bool) -> Dynamism:
    """The dynamism of a link whose channels are joined as `seen` (D, C)."""
    here = arrays.slices(arrays.context, seen)
    change = _gap(arrays.slices(arrays.at(0, 1), seen), here)
    if change <= CHANGED:
        learned = _gap(arrays.slices(arrays.contexts[1], seen), here)
        if learned <= CHANGED:
            return Dynamism("fixed", f"W changes by {size(learned)} with the parameters")
        return Dynamism("static", f"W changes by {size(change)} from image to image")
    features = image(arrays.link.start_places, 0)
    same_mean = _gap(arrays.slices(arrays.given(0, balanced(features)), seen), here)
    words = f"W changes by {size(change)} from image to image"
    if same_mean <= CHANGED:
        return Dynamism("pooled", f"{words}, by {size(same_mean)} between images of one mean")
    if _homes(arrays) is None:
        return Dynamism(None, f"{words}; outputs and inputs are not the same places")
    return _by_place(arrays, seen, here, words, softmax)


def _by_place(
    arrays: Arrays, seen: Tensor, here: Sequence[Tensor], words: str, softmax: bool
) -> Dynamism:
    features = image(arrays.link.start_places, 0)
    places = sampled(len(features))
    moved = {
        place: arrays.slices(arrays.given(0, disturbed(features, place)), seen) for place in places
    }
    region = _region(arrays, here, moved)
    if region == 1:
        said = f"{words}; an output's weights change with what is at its own place"
        return Dynamism("center", said)
    unread = _unread(arrays)
    homes = _homes(arrays)
    assert homes is not None, "outputs stand at places of the image"
    loose = max(
        _beside(here, other, unread[place], homes == place, softmax)
        for place, other in moved.items()
    )
    # Pairs of near places look like a region, of which only two places count for each weight.
    if loose <= CHANGED:
        what = "up to the sum of the softmax, a weight" if softmax else "a weight"
        said = f"{words}; {what} changes by {size(loose)} with other places than its two"
        return Dynamism("pair", said)
    if region is not None:
        said = f"{words}; an output's weights change with what is in {region}×{region} places"
        return Dynamism("center", f"{said} around it", region)
    said = (
        f"{words}, also between images of one mean; a weight changes by {size(loose)} with places"
    )
    return Dynamism(None, f"{said} that are neither its output nor its input")


def _gap(one: Sequence[Tensor], other: Sequence[Tensor]) -> float:
    scale = max(float(w.abs().max()) for w in other) or 1.0
    return max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True)) / scale


def _region(
    arrays: Arrays, here: Sequence[Tensor], moved: dict[int, tuple[Tensor, ...]]
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
    reach = max(int(far[place][rows].max()) for place, rows in changed.items() if bool(rows.any()))
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
    here: Sequence[Tensor], other: Sequence[Tensor], unread: Tensor, own: Tensor, softmax: bool
) -> float:
    """How much weights change that have the moved place neither as output (`own`, (O,)) nor as
    input (not `unread`, (I,))."""
    worst = 0.0
    for before, after in zip(here, other, strict=True):
        there = (before != 0) & unread & ~own[:, None]
        if softmax:
            gap = torch.where(there, (after / before).log(), torch.nan)
            gap = gap - gap.nanmedian(1, keepdim=True).values
        else:
            gap = torch.where(there, (after - before) / before.abs().max(), torch.nan)
        worst = max(worst, float(gap.nan_to_num(0.0).abs().max()))
    return worst


def bilinear(
    arrays: Arrays, seen: Tensor, softmax: bool, bend: Callable[[Tensor], Tensor]
) -> bool | None:
    """Whether the logit of a pair is affine in the input's feature and in the output's: then it is
    query · key. `bend` makes logits of weights that no softmax made. None where no output reads two
    other places, or inputs are no places of the image."""
    features = image(arrays.link.start_places, 0)
    w = arrays.slices(arrays.context, seen)[0]
    row = len(w) // 2
    reads = [int(i) for i in w[row].nonzero().flatten() if int(i) != row]
    if arrays.link.into.count != len(features) or len(w) != len(features) or len(reads) < 2:
        return None
    place, third = reads[0], reads[1]
    change = 0.5 * image(arrays.link.start_places, 9)[place]
    for moved in (place, row):
        logits = []
        for times in (0.0, 1.0, 2.0):
            other = features.clone()
            other[moved] += times * change
            own = arrays.slices(arrays.given(0, other), seen)[0][row]
            ratio = own[place] / own[third] if softmax else own[place]
            logits.append(float(ratio.log() if softmax else bend(ratio)))
        second, slope = logits[2] - 2 * logits[1] + logits[0], logits[2] - logits[0]
        if abs(second) > 1e-7 * abs(slope):
            return False
    return True


Normalised = Literal["softmax", "sigmoid", "none"]


@dataclass(frozen=True)
class Normalisation:
    """What normalises weights over the slots, what no word of the algebra says of it, and whether
    rows of positive weights sum to 1: then they are known up to that. Where the border cuts a row
    its sum is less, if slots outside are counted (`counts`)."""

    word: Normalised
    beside: str = ""
    sums: bool = False
    counts: bool = False


def normalisation(arrays: Arrays, seen: Tensor) -> Normalisation:
    """The normalisation of a link whose channels are joined as `seen` (D, C)."""
    reading = arrays.link.way.reading
    steps = [
        reading.step(node) for node in arrays.link.way.nodes if node is not arrays.link.way.start
    ]
    frozen = [step.frozen for step in steps if step.frozen is not None]
    w = torch.cat([one for context in arrays.contexts for one in arrays.slices(context, seen)])
    # One slot, or given weights, that sum to 1 are not normalised by that.
    several = (
        int((w != 0).sum(1).max()) > 1
        and _gap(w.chunk(len(arrays.contexts))[:1], w.chunk(len(arrays.contexts))[1:2]) > CHANGED
    )
    slots = (w != 0).sum(1)
    gaps = (w.sum(1) - 1.0).abs()
    sums, whole = float(gaps.max()), float(gaps[slots == slots.max()].max())
    if several and bool((w >= 0).all()) and whole <= CHANGED:
        if any(ops.name(node) in ops.SOFTMAX for node in reading.tape.nodes):
            return Normalisation("softmax", sums=True, counts=sums > CHANGED)
        return Normalisation("none", "rows sum to 1, but by no softmax", sums=True)
    words = [reading.last_bend(node) for node in frozen]
    last = next((word for word in reversed(words) if word), "")
    if last == "sigmoid" and len(frozen) == 1:
        return Normalisation("sigmoid")
    if last == "softmax" or (not last and any(step.through == "softmax" for step in steps)):
        said = f"a softmax stands on the way of the weights, but rows sum to 1 ± {size(sums)}"
        return Normalisation("none", said)
    said = f"the weights end in {last}, which is no normalisation of the algebra"
    return Normalisation("none", said if last else "")
