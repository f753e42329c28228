"""Windows that overlap and are summed, each with weights of its own centre: outlook attention.

In: a measurement whose weights went through a softmax, but whose rows sum to more than 1. Out: the
windows, where the oracle's table of them has the measured support and its sums of normalised
weights are equal just where the measured ones are, at images whose places are all equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from relgraph.algebra.operator import Border, Channel, Operator, Size, Space, Weight
from relgraph.probe import operations as ops
from relgraph.probe.draws import noise
from relgraph.probe.dynamism import CHANGED, Dynamism, gap
from relgraph.probe.findings import size
from relgraph.probe.lab import disturbed, image, sampled
from relgraph.probe.normalising import Normalisation
from relgraph.verify.declared import ABSENT, inside, labels
from relgraph.verify.sharing import shared_values

if TYPE_CHECKING:
    from relgraph.probe.measuring import Measuring

_BORDERS: tuple[Border, ...] = ("zero", "mask")


@dataclass(frozen=True)
class Overlapping:
    """The windows and where their weights come from."""

    space: Space
    dynamism: Dynamism
    normalisation: Normalisation
    evidence: str


def overlapping(made: Measuring) -> Overlapping | None:
    """The overlapping windows of a link, None where it is nothing of the kind."""
    ends, reading = made.ends, made.arrays.link.way.reading
    names = {ops.name(one) for node in made.arrays.frozen for one in reading.made_of(node)}
    if made.over_slots.sums or not names & ops.SOFTMAX.keys():
        return None
    same = ends.in_grid is not None and ends.in_grid == ends.out_grid and not ends.tokens
    if not same or made.arrays.link.start_places.count != ends.inputs:
        return None
    for space in _windows(made):
        source = _source(made, space)
        evidence = _sums(made, space) if source is not None else ""
        if source is not None and evidence:
            return Overlapping(space, source, Normalisation("softmax"), evidence)
    return None


def _windows(made: Measuring) -> Iterator[Space]:
    """Overlapping windows with the measured support."""
    grid = made.ends.in_grid
    assert grid is not None, "windows stand on a map"
    for side in range(2, min(grid) + 1):
        for step in range(1, min(side // 2 + 1, side - 1) + 1):
            for border in _BORDERS:
                space = Space(
                    "outlook", (side, side), step=(step, step), share="windows", border=border
                )
                if torch.equal(_labels(made, space) != ABSENT, made.seen):
                    yield space


def _labels(made: Measuring, space: Space) -> Tensor:
    """(O, I): equal where the same normalised weights are summed."""
    return labels(made.ends.connection(_operator(space)))[:, 0, :, 0]


def _operator(space: Space) -> Operator:
    return Operator(space, Channel("separate"), Weight("center", "softmax"), "none")


def _sums(made: Measuring, space: Space) -> str:
    """What was compared, empty where entries that the table has equal differ, or others do not."""
    own = _labels(made, space)
    there = inside(made.ends.connection(_operator(space)))[:, None]
    found = shared_values(made.draws(made.arrays.constants), torch.where(there, own, ABSENT))
    return f"{found.things} different sums of normalised weights" if found.ok else ""


def _source(made: Measuring, space: Space) -> Dynamism | None:
    """Centre, where the windows whose cell has a place change with it and no others; of a cell of
    several places no more than their mean counts."""
    arrays, seen = made.arrays, made.joined
    features, here = image(arrays.link.start_places, 0), arrays.slices(arrays.context, seen)
    change = gap(arrays.slices(arrays.at(0, 1), seen), here)
    for place in sampled(len(features), 7):
        moved = arrays.slices(arrays.given(0, disturbed(features, place)), seen)
        rows = torch.stack([(a - b).abs().amax(1) for a, b in zip(moved, here, strict=True)])
        changed = rows.amax(0) > CHANGED * max(float(w.abs().max()) for w in here)
        if not torch.equal(changed, _reached(made, space, place)):
            return None
    step = space.step[0]
    said = f"W changes by {size(change)} from image to image; windows change with what is at their"
    if step == 1:
        return Dynamism("center", f"{said} centre")
    other = features + _balanced(made, step)
    still = gap(arrays.slices(arrays.given(0, other), seen), here)
    if still > CHANGED:
        return None
    return Dynamism(
        "center", f"{said} {step}×{step} cell, and by {size(still)} where its mean stays"
    )


def _reached(made: Measuring, space: Space, place: int) -> Tensor:
    """(O,): the outputs in the window of the cell that has this place."""
    grid = made.ends.in_grid
    assert grid is not None, "windows stand on a map"
    lines = []
    for axis, at in enumerate(divmod(place, grid[1])):
        middle = at // space.step[axis] * space.step[axis]
        step = torch.arange(grid[axis]) - middle
        lines.append((step >= -((space.size[axis] - 1) // 2)) & (step <= space.size[axis] // 2))
    return (lines[0][:, None] & lines[1]).flatten()


def _balanced(made: Measuring, step: int) -> Tensor:
    """(P, C): random changes whose mean over each whole cell is nothing."""
    grid, places = made.ends.in_grid, made.arrays.link.start_places
    assert grid is not None, "windows stand on a map"
    change = noise((*grid, places.channels), 700)
    whole: Size = (grid[0] // step * step, grid[1] // step * step)
    cells = change[: whole[0], : whole[1]].clone()
    cells = cells.view(whole[0] // step, step, whole[1] // step, step, -1)
    made_ = torch.zeros_like(change)
    made_[: whole[0], : whole[1]] = (cells - cells.mean((1, 3), keepdim=True)).reshape(*whole, -1)
    return made_.flatten(0, 1)
