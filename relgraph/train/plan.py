"""Which images make which update: the order of a training as a pure function of its seed.

In: counts and a seed. Out: for any update, the image numbers of each micro-batch of each process.
Nothing here reads an image. The images of an update do not depend on the number of processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from relgraph.errors import Problem, RelgraphError
from relgraph.train.seeds import generator


@dataclass(frozen=True)
class MicroBatch:
    """What one process feeds the model at once: `indices` into the training images."""

    epoch: int
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The order of a training on `images` images by `world_size` processes.

    An update takes `batch_size` images: `accumulation` rounds of one micro-batch per process. The
    images left over at the end of an epoch wait for the next epoch's order.
    """

    images: int
    batch_size: int
    accumulation: int
    epochs: int
    seed: int
    world_size: int = 1
    rank: int = 0

    def __post_init__(self) -> None:
        if self.images < self.batch_size:
            raise _impossible(f"a batch of {self.batch_size} from {self.images} training images")
        share = self.accumulation * self.world_size
        if self.batch_size % share:
            raise _impossible(
                f"{self.batch_size} images over {self.world_size} processes and "
                f"{self.accumulation} accumulated steps",
                f"expected a multiple of {share}",
            )

    @property
    def updates_per_epoch(self) -> int:
        """Whole batches in the training images."""
        return self.images // self.batch_size

    @property
    def updates(self) -> int:
        """Updates of the whole training."""
        return self.updates_per_epoch * self.epochs

    @property
    def micro_batch_size(self) -> int:
        """Images that one process feeds the model at once."""
        return self.batch_size // (self.accumulation * self.world_size)

    def micro_batches(self, start: int = 0) -> Iterator[MicroBatch]:
        """This process's micro-batches from update `start` (of the whole training) to the end."""
        first_epoch, first_update = divmod(start, self.updates_per_epoch)
        for epoch in range(first_epoch, self.epochs):
            order = self._order(epoch)
            for update in range(first_update, self.updates_per_epoch):
                images = order[update * self.batch_size : (update + 1) * self.batch_size]
                yield from self._own_share(epoch, images)
            first_update = 0

    def _order(self, epoch: int) -> list[int]:
        shuffled = torch.randperm(self.images, generator=generator(self.seed, "order", epoch))
        return [int(index) for index in shuffled]

    def _own_share(self, epoch: int, images: list[int]) -> Iterator[MicroBatch]:
        size = self.micro_batch_size
        for step in range(self.accumulation):
            start = (step * self.world_size + self.rank) * size
            yield MicroBatch(epoch, tuple(images[start : start + size]))


def _impossible(found: str, expected: str = "expected a smaller batch_size") -> RelgraphError:
    return RelgraphError(
        Problem("batch-size", found, expected, hint="set batch_size=… or accumulation=…")
    )
