"""Queries and keys that are turned by where they stand: the angles, from logits of equal features.

In: a measurement of weights from pairs whose places say more beside one feature than beside
another. Out: whether the logit of a pair whose features are equal is a sum of turns by the rows and
by the columns from output to input, at angles of the definition (Heo et al., ECCV 2024), and at
what temperature.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from relgraph.algebra.operator import Size
from relgraph.probe.lab import constant

if TYPE_CHECKING:
    from relgraph.probe.measuring import Measuring

STRAIGHT = 1e-7
ROUNDED = 1e-6
"""Tables of angles are float32 in many modules."""
USUAL = (10000.0, 100.0, 10.0, 1000.0, 100000.0, 500000.0)
_GRID = tuple(10 ** (0.25 + 0.05 * step) for step in range(116))
TELLS = 10.0
"""How much further off another temperature has to be."""


@dataclass(frozen=True)
class Turns:
    """How far logits are from a sum of turns, at the temperature that fits best; None where a map
    of this size leaves it open."""

    off: float
    temperature: float | None


def is_straight(made: Measuring, there: Tensor) -> bool:
    """Whether logits change in a straight line as all places go along one: queries or keys meet
    something of the places, but not each other."""
    places = made.arrays.link.start_places
    middle, step = constant(places, 0), 0.5 * constant(places, 7)
    logits = []
    for times in (-1.0, 0.0, 1.0):
        context = made.arrays.given(0, middle + times * step)
        logits.append(_levelled(made.arrays.slices(context, made.joined)[0], there))
    second = (logits[2] - 2 * logits[1] + logits[0])[there].abs().max()
    return bool(second <= STRAIGHT * (logits[2] - logits[0])[there].abs().max())


def _levelled(w: Tensor, there: Tensor) -> Tensor:
    """Logits less the first of each row."""
    logits = torch.where(there, w.clamp_min(1e-300).log(), 0.0)
    return logits - logits.gather(1, there.long().argmax(1, keepdim=True))


def turns(made: Measuring, there: Tensor) -> Turns | None:
    """The turns that fit best; None where heads have no planes or places no map."""
    channel, grid, tokens = made.channel, made.ends.in_grid, made.ends.tokens
    if channel is None or grid is None or grid != made.ends.out_grid:
        return None
    heads = channel.heads if channel.share == "heads" else 1
    planes = made.arrays.link.width // heads // 4
    if planes < 1 or channel.share == "none":
        return None
    return _fitted(_Rows(_logits(made, there, tokens), there[tokens:, tokens:], grid), planes)


def _logits(made: Measuring, there: Tensor, tokens: int) -> Tensor:
    """(entries, slices) of several draws and features, extra tokens left out."""
    own = there[tokens:, tokens:]
    slices = [w[tokens:, tokens:] for w in made.draws(made.arrays.constants)]
    return torch.stack([w.clamp_min(1e-300).log()[own] for w in slices], 1)


@dataclass(frozen=True, eq=False)
class _Rows:
    """Logits of entries (o, i), each row of them up to a constant: its mean is taken off."""

    logits: Tensor
    there: Tensor
    grid: Size

    def off(self, temperature: float, planes: int) -> float:
        """The largest residual of logits as turns by `planes` angles for each axis."""
        made = []
        for plane in range(planes):
            for step in self._steps():
                angle = step.double() * temperature ** (-plane / planes)
                made += [angle.cos(), angle.sin()]
        design, logits = self._levelled(torch.stack(made, 1)), self._levelled(self.logits)
        solved = torch.linalg.lstsq(design, logits, driver="gelsd").solution
        return float((design @ solved - logits).abs().max())

    def _steps(self) -> tuple[Tensor, Tensor]:
        """Rows and columns from output to input, of each entry."""
        output, read = self.there.nonzero().unbind(1)
        width = self.grid[1]
        return read // width - output // width, read % width - output % width

    def _levelled(self, values: Tensor) -> Tensor:
        output, _ = self.there.nonzero().unbind(1)
        sums = torch.zeros(len(self.there), values.shape[1], dtype=values.dtype)
        means = sums.index_add(0, output, values) / self.there.sum(1, keepdim=True)
        return values - means[output]


def _fitted(rows: _Rows, planes: int) -> Turns:
    if planes == 1:  # one angle, of one radian
        return Turns(rows.off(USUAL[0], 1), USUAL[0])
    if planes + 1 >= min(rows.grid):
        return Turns(rows.off(USUAL[0], planes), None)
    usual = [(rows.off(one, planes), one) for one in USUAL]
    best = min(usual)
    if best[0] > ROUNDED:
        best = min([best, *((rows.off(one, planes), one) for one in _GRID)])
        best = min(best, _refined(rows, planes, best[1]))
    best = min([best, *_plainer(rows, planes, best)], key=lambda one: len(f"{one[1]:g}"))
    others = min(rows.off(best[1] * by, planes) for by in (0.3, 3.0))
    return Turns(best[0], best[1] if others > TELLS * best[0] else None)


def _plainer(rows: _Rows, planes: int, best: tuple[float, float]) -> Iterator[tuple[float, float]]:
    """Rounder temperatures that fit as well."""
    for digits in (1, 2, 3, 4):
        rounder = float(f"{best[1]:.{digits}g}")
        off = rows.off(rounder, planes)
        if off <= max(2 * best[0], 1e-9):
            yield off, rounder


def _refined(rows: _Rows, planes: int, near: float) -> tuple[float, float]:
    """The best temperature between the neighbours of `near`, by thirds."""
    low, high = near / 1.13, near * 1.13
    for _ in range(40):
        one, other = low + (high - low) / 3, high - (high - low) / 3
        if rows.off(one, planes) < rows.off(other, planes):
            high = other
        else:
            low = one
    middle = (low + high) / 2
    return rows.off(middle, planes), middle
