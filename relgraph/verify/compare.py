"""How far two tensors are apart, and where: numbers and the sentence that shows the place.

In: what the file computes and what the reference computes. Out: relative differences, and the entry
that differs most. Tolerances are DESIGN 6's: 1e-9 relative in float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

TOLERANCE = 1e-9
# Logits nearer than this part of the largest are equal for all images: 1e-9 of it is rounding.
NEAR = 1e-4


@dataclass(frozen=True)
class Difference:
    """`relative`: the largest difference over `scale`; `index`, `found`, `wanted`: where it is."""

    relative: float
    index: tuple[int, ...] = ()
    found: float = 0.0
    wanted: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the two are equal as far as float64 can tell."""
        return self.relative <= TOLERANCE

    def __str__(self) -> str:
        return f"{self.found:.6g} at {self.index}, the reference has {self.wanted:.6g}"


def difference(found: Tensor, wanted: Tensor, scale: float | None = None) -> Difference:
    """How far `found` is from `wanted`, relative to `scale` (default: the largest |wanted|).

    Values that are not finite, and shapes that differ, are infinitely far.
    """
    if found.shape != wanted.shape:
        return Difference(math.inf)
    gap = (found.detach() - wanted.detach()).abs()
    if gap.numel() == 0:
        return Difference(0.0)
    gap = torch.where(gap.isfinite(), gap, math.inf)
    flat = int(gap.argmax())
    index = tuple(int(i) for i in torch.unravel_index(torch.tensor(flat), gap.shape))
    largest = float(wanted.detach().abs().max()) if scale is None else scale
    worst = float(gap.flatten()[flat])
    relative = worst / largest if largest > 0 else (math.inf if worst > 0 else 0.0)
    return Difference(relative, index, float(found[index]), float(wanted[index]))


def spread(logits: Tensor) -> float:
    """The scale of logits: how far two images are apart, or one image's classes; never less than
    what float64 can tell apart beside the largest logit."""
    # What all images share would hide a wrong eps.
    apart = logits[0] - logits[1] if len(logits) > 1 else logits - logits.mean()
    return max(float(apart.abs().max()), NEAR * float(logits.abs().max()))


def said(gap: Difference) -> str:
    """A difference in a form that reads: `equal to 3e-14`, `differs by 2e-01`."""
    return f"{'equal to' if gap.ok else 'differs by'} {gap.relative:.0e}"
