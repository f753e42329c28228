"""The training loop: a prepared training in, a trained model and its traces on disk out.

What stands in `Position` and `Trained` is all that a resumed run needs to go on bit for bit as the
uninterrupted one would have.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import safetensors.torch
from lightning_fabric import Fabric

from relgraph.spec.recipe_schema import Recipe
from relgraph.train import checkpoint as files
from relgraph.train.display import Display
from relgraph.train.engine import any_process, share_buffers, summed
from relgraph.train.images import LabelledImages
from relgraph.train.metrics import Metrics
from relgraph.train.plan import Plan
from relgraph.train.preparation import Preparation
from relgraph.train.request import Score
from relgraph.train.scoring import tally
from relgraph.train.signals import StopRequest
from relgraph.train.state import Position
from relgraph.train.stream import Batch, evaluation_batches, training_batches
from relgraph.train.update import Updater

# Every so many updates one record goes to metrics.jsonl.
LOG_EVERY = 20


@dataclass
class Stopwatch:
    """Images and seconds of training proper: evaluation and saving don't count."""

    images: int = 0
    seconds: float = 0.0

    def add(self, images: int, seconds: float) -> None:
        """Count one update."""
        self.images += images
        self.seconds += seconds

    @property
    def speed(self) -> float:
        """Images per second."""
        return self.images / self.seconds if self.seconds else 0.0


@dataclass
class Training:
    """One training as one process sees it. `metrics` is None in all but the main process."""

    fabric: Fabric
    recipe: Recipe
    images: LabelledImages
    preparation: Preparation
    plan: Plan
    updater: Updater
    folder: Path
    position: Position
    stop: StopRequest
    metrics: Metrics | None
    display: Display
    whole: Stopwatch = field(default_factory=Stopwatch)
    epoch: Stopwatch = field(default_factory=Stopwatch)

    def run(self) -> bool:
        """Train to the end (True), or until a stop is asked for (False). Either way all is saved.

        Raises RelgraphError where the loss is no number or an image can't be read.
        """
        start = self.position.updates
        stream = training_batches(
            self.images.train, self.plan, self.recipe, self.preparation, start
        )
        self.updater.model.train()
        if start == 0:
            # A run that is killed before its first epoch ends can be resumed too, --init and all.
            self._save()
        while self.position.epochs < self.recipe.epochs:
            if not (self._train_epoch(stream) and self._finish_epoch()):
                self._save()
                return False
        return True

    def _train_epoch(self, stream: Iterator[Batch]) -> bool:
        """The rest of the current epoch's updates; False where a stop was asked for."""
        self.epoch = Stopwatch()
        end = (self.position.epochs + 1) * self.plan.updates_per_epoch
        every = self.recipe.checkpoint_every
        while self.position.updates < end:
            if self._update(stream):
                return False
            done = self.position.updates
            if every is not None and done % every == 0 and done < end:
                self._save()
        return True

    def _update(self, stream: Iterator[Batch]) -> bool:
        began = time.perf_counter()
        number = self.position.updates
        loss, stopped = self.updater.update(stream, number, self.stop.requested)
        for watch in (self.whole, self.epoch):
            watch.add(self.plan.batch_size, time.perf_counter() - began)
        self.position = replace(
            self.position, updates=number + 1, loss_sum=self.position.loss_sum + loss
        )
        self._report_update(loss)
        return stopped

    def _finish_epoch(self) -> bool:
        """Evaluate, record, save; False where a stop was asked for and more epochs are to come.

        An evaluation that a stop cuts short is made again by the resumed run.
        """
        score = self._evaluate()
        if score is None:
            return False
        mean_loss = self.position.loss_sum / self.plan.updates_per_epoch
        best = self.position.best_top1
        improved = best is None or score.top1 > best
        self.position = replace(
            self.position,
            epochs=self.position.epochs + 1,
            loss_sum=0.0,
            best_top1=score.top1 if improved else best,
            score=score,
        )
        self._report_epoch(score, mean_loss)
        self._save(best=improved)
        (stopped,) = any_process(self.fabric, self.stop.requested)
        return not stopped or self.position.epochs == self.recipe.epochs

    def _evaluate(self) -> Score | None:
        """The score on the test images, each process taking its share; None where stopped."""
        model = self.updater.trained.best_weights
        share_buffers(self.fabric, model)
        batches = evaluation_batches(
            self.images.test,
            self.preparation,
            self.recipe.evaluation.batch_size or self.plan.micro_batch_size,
            self.recipe.workers,
            self.fabric.global_rank,
            self.fabric.world_size,
        )
        counted = tally(
            model,
            batches,
            len(self.images.classes),
            self.fabric.device,
            self.fabric.autocast,
            stop=lambda: self.stop.requested,
        )
        (stopped,) = any_process(self.fabric, counted is None)
        if stopped or counted is None:
            return None
        counted.sums = summed(self.fabric, counted.sums)
        counted.per_class = summed(self.fabric, counted.per_class)
        return counted.score()

    def _report_update(self, loss: float) -> None:
        done = self.position.updates
        self.display.step(done, self.position.epochs, loss, self.epoch.speed)
        if self.metrics is not None and done % LOG_EVERY == 0:
            self.metrics.step(
                {
                    "update": done,
                    "epoch": self.position.epochs + 1,
                    "lr": self.updater.rate.at(done - 1),
                    "loss": loss,
                    "images_per_second": round(self.epoch.speed, 2),
                }
            )

    def _report_epoch(self, score: Score, mean_loss: float) -> None:
        figures = {
            "epoch": self.position.epochs,
            "update": self.position.updates,
            "lr": self.updater.rate.at(self.position.updates - 1),
            "train_loss": mean_loss,
            "test_loss": score.loss,
            "top1": score.top1,
            "top5": score.top5,
            "images_per_second": round(self.epoch.speed, 2),
            "seconds": round(self.epoch.seconds, 3),
        }
        if self.metrics is not None:
            self.metrics.epoch(figures)
        self.display.epoch(figures)

    def _save(self, best: bool = False) -> None:
        """Write a checkpoint from the main process, with `best` also as the best one."""
        share_buffers(self.fabric, self.updater.trained.model)
        if self.fabric.is_global_zero:
            folder = self.folder / "checkpoints"
            written = files.write_checkpoint(folder, self.position.updates, self._contents())
            files.publish(folder, "last", written)
            if best:
                files.publish(folder, "best", written)
            files.prune(folder)
        self.fabric.barrier()

    def _contents(self) -> dict[str, bytes]:
        trained = self.updater.trained
        trained.refuse_non_finite()
        contents = {
            f"{part}.safetensors": safetensors.torch.save(tensors)
            for part, tensors in trained.tensors().items()
        }
        state = json.dumps(self.position.to_json(), indent=2, allow_nan=False) + "\n"
        return {**contents, "state.json": state.encode()}
