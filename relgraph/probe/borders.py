"""What stands outside a map, where the support does not tell: a border that repeats places of the
map adds weights up at its edge.

In: W (O, I) of a sliding neighbourhood at images made for it. Out: the border, by the oracle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from relgraph.algebra.operator import Border, Channel, Operator, Size, Space, Weight
from relgraph.probe.draws import noise
from relgraph.probe.lab import DRAWS
from relgraph.probe.supports import Ends
from relgraph.verify import oracle

if TYPE_CHECKING:
    from relgraph.probe.measuring import Measuring

SAME = 1e-9
INSIDE: tuple[Border, ...] = ("clamp", "reflect")
"""Those that put places of the map outside it."""


def repeated(draws: Sequence[Tensor], space: Space, ends: Ends) -> Border | None:
    """The border by which W counts the slots that stand on each place, whatever they weigh: pairs
    of equal features, which weigh alike."""
    if space.connect != "local" or space.border != "zero":
        return None
    average = Weight("fixed", fixed="average")
    for border in INSIDE:
        counted = _dense(replace(space, border=border), average, None, ends)
        if all(_apart(w, counted, True) <= SAME for w in draws):
            return border
    return None


def by_offset(draws: Sequence[Tensor], space: Space, ends: Ends) -> Border | None:
    """The border by which W at the edge is what it is in the middle, of slots that stand on the
    same places, up to the sums of rows."""
    if space.connect != "local" or space.border != "zero" or ends.in_grid is None:
        return None
    middle = _middle(ends.in_grid)
    for border in INSIDE:
        own = replace(space, border=border)
        if all(
            int((w[middle] != 0).sum()) == space.size[0] * space.size[1]
            and _apart(w, _dense(own, Weight(), w[middle][w[middle] != 0], ends), True) <= SAME
            for w in draws
        ):
            return border
    return None


def is_hidden(made: Measuring, space: Space) -> bool:
    """Whether weights at the edge were not compared: what predicts them sees less there."""
    slides = space.connect == "local" and space.border != "wrap" and space.share != "none"
    return slides and made.dynamism.source == "center" and made.dynamism.extent > 1


def predicted(made: Measuring, space: Space) -> Border | None:
    """The border of weights that are predicted from a region around each output. Around a place
    that alone is not zero, a predictor that sees zeros outside predicts the same at the edge as in
    the middle. None where no border makes W of that, or the map is too small to ask."""
    ends, into = made.ends, made.arrays.link.start_places
    if ends.in_grid is None or ends.in_grid != ends.out_grid or into.count != ends.inputs:
        return None
    middle = _middle(ends.in_grid)
    taps = made.seen[middle]
    if int(taps.sum()) != space.size[0] * space.size[1]:
        return None
    asked = [
        (kernel[taps], at, one)
        for draw in range(DRAWS)
        for at in _edge(ends.in_grid)
        for kernel, one in zip(_alone(made, draw, middle), _alone(made, draw, at), strict=True)
    ]
    for border in ("zero", *INSIDE):
        own = replace(space, border=border)
        if all(
            _apart(one[None], _dense(own, Weight(), kernel, ends)[at][None], made.sums) <= SAME
            for kernel, at, one in asked
        ):
            return border
    return None


def _alone(made: Measuring, draw: int, place: int) -> list[Tensor]:
    """(I,) of the output at a place, for a few channels, where only that place is not zero."""
    into = made.arrays.link.start_places
    features = torch.zeros(into.count, into.channels, dtype=torch.float64)
    features[place] = noise((into.channels,), 700)
    return [w[place] for w in made.arrays.slices(made.arrays.given(draw, features), made.joined)]


def _middle(grid: Size) -> int:
    return grid[0] // 2 * grid[1] + grid[1] // 2


def _edge(grid: Size) -> Iterator[int]:
    """The corners, and a place in the middle of each side."""
    height, width = grid
    for row in (0, height // 2, height - 1):
        for column in (0, width // 2, width - 1):
            if (row, column) != (height // 2, width // 2):
                yield row * width + column


def _dense(space: Space, weight: Weight, kernel: Tensor | None, ends: Ends) -> Tensor:
    """(O, I) by the oracle."""
    plain = replace(space, share="positions", rank=None)
    operator = Operator(plain, Channel("separate", share="all"), weight, "none")
    tensors = {} if kernel is None else {"weight": kernel[None]}
    places = torch.zeros(1, ends.inputs, 1, dtype=torch.float64)
    return oracle.dense(ends.connection(operator), tensors, places)[0, :, 0, :, 0]


def _apart(one: Tensor, other: Tensor, sums: bool) -> float:
    """How far two W (O, I) are apart, up to the sums of their rows."""
    if sums:
        one, other = (w / w.abs().sum(1, keepdim=True) for w in (one, other))
    scale = float(one.abs().max()) or 1.0
    return float((one - other).abs().nan_to_num(torch.inf).max()) / scale
