"""One update of the weights, as a function of the weights and of the update's number alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from relgraph.spec.recipe_schema import Recipe
from relgraph.train.engine import any_process
from relgraph.train.mixing import Targets
from relgraph.train.nonfinite import diagnosis
from relgraph.train.optim import set_rate
from relgraph.train.schedule import LearningRate
from relgraph.train.seeds import seed_all
from relgraph.train.state import Trained
from relgraph.train.stream import Batch


@dataclass(frozen=True, eq=False)
class _Step:
    """What one forward pass depends on besides the weights."""

    images: Tensor
    targets: Tensor
    seeds: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Updater:
    """Updates one model. `model` and `optimizer` are as fabric runs them, in `trained` bare."""

    fabric: Fabric
    recipe: Recipe
    rate: LearningRate
    targets: Targets
    trained: Trained
    model: nn.Module
    optimizer: Any

    def update(self, batches: Iterator[Batch], number: int, stop: bool) -> tuple[float, bool]:
        """Make update `number` (from 0): its loss, and whether `stop` was set on any process.

        Raises RelgraphError, with the weights as they were, where the loss or the gradient's norm
        is no finite number.
        """
        set_rate(self.trained.optimizer, self.rate.at(number))
        loss, steps = self._accumulate(batches, number)
        gradients = [p.grad for p in self.trained.model.parameters() if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        finite = bool(torch.isfinite(loss)) and bool(torch.isfinite(norm))
        stopped, broken = any_process(self.fabric, stop, not finite)
        if broken:
            self._refuse(steps, number)
        if self.recipe.clip is not None:
            nn.utils.clip_grads_with_norm_(self.trained.model.parameters(), self.recipe.clip, norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.trained.ema is not None:
            self.trained.ema.update(self.trained.model, step=number + 1)
        return loss.item(), stopped

    def _accumulate(self, batches: Iterator[Batch], number: int) -> tuple[Tensor, list[_Step]]:
        """Add up the update's gradients: its mean loss (0-d), and the steps it was made of."""
        accumulation = self.recipe.accumulation
        total = torch.zeros((), device=self.fabric.device)
        steps = []
        for index in range(accumulation):
            step = self._step(next(batches), (number, index, self.fabric.global_rank))
            waiting = index < accumulation - 1
            with self.fabric.no_backward_sync(self.model, enabled=waiting):  # type: ignore[arg-type]
                loss = self._loss(self.model, step) / accumulation
                self.fabric.backward(loss)
            total += loss.detach()
            steps.append(step)
        return total, steps

    def _step(self, batch: Batch, seeds: tuple[int, int, int]) -> _Step:
        seed_all(self.recipe.seed, "mixing", *seeds)
        images, targets = self.targets.mixed(
            batch.images.to(self.fabric.device, non_blocking=True),
            batch.labels.to(self.fabric.device, non_blocking=True),
        )
        return _Step(images, targets, seeds)

    def _loss(self, model: nn.Module, step: _Step) -> Tensor:
        """The same each time it is called on the same weights: drop path draws from the seeds."""
        seed_all(self.recipe.seed, "forward", *step.seeds)
        with self.fabric.autocast():
            logits = model(step.images)
        return self.targets.loss(logits, step.targets)

    def _refuse(self, steps: list[_Step], number: int) -> NoReturn:
        """Raise what went wrong, judged by the first step whose loss is not finite, if one is."""
        model = self.trained.model
        with torch.no_grad():
            bad = [s for s in steps if not bool(torch.isfinite(self._loss(model, s)))]
        step = (bad or steps)[0]
        raise diagnosis(model, step.images, lambda: self._loss(model, step), number)
