"""The learning rate of every update, a pure function of its number: nothing to save or restore."""

from __future__ import annotations

import math
from dataclasses import dataclass

from relgraph.spec.recipe_schema import Recipe


@dataclass(frozen=True)
class LearningRate:
    """A straight warm-up from `start` to `peak`, then half a cosine to `end` (or `peak` for ever).

    Cosine annealing: Loshchilov and Hutter, SGDR, 2017, equation 5 without restarts, counted from
    the end of the warm-up.
    """

    start: float
    peak: float
    end: float
    warmup: int
    updates: int
    cosine: bool = True

    def at(self, update: int) -> float:
        """The rate of update number `update`, from 0."""
        if update < self.warmup:
            return self.start + (self.peak - self.start) * update / self.warmup
        if not self.cosine:
            return self.peak
        progress = (update - self.warmup) / max(1, self.updates - self.warmup)
        return self.end + (self.peak - self.end) * (1 + math.cos(math.pi * progress)) / 2


def learning_rate(recipe: Recipe, updates_per_epoch: int) -> LearningRate:
    """The schedule of a recipe, its rates scaled to the batch size."""
    base = recipe.optimizer.base_batch
    factor = 1.0 if base is None else recipe.batch_size / base
    return LearningRate(
        start=recipe.schedule.warmup_lr * factor,
        peak=recipe.optimizer.lr * factor,
        end=recipe.schedule.min_lr * factor,
        warmup=round(recipe.schedule.warmup_epochs * updates_per_epoch),
        updates=recipe.epochs * updates_per_epoch,
        cosine=recipe.schedule.name == "cosine",
    )
