"""Batches of tensors, in the order that a plan sets: training images from any update on, and test
images.

Images in memory are prepared here, a batch at a time; pictures on disk are read and changed one by
one, in worker processes. What arrives is the same for any number of workers.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from relgraph.errors import Problem, RelgraphError
from relgraph.spec.recipe_schema import Recipe
from relgraph.train.augment import BatchAugmentation
from relgraph.train.images import Images, ImagesInMemory
from relgraph.train.pictures import read_picture
from relgraph.train.plan import MicroBatch, Plan
from relgraph.train.preparation import Preparation
from relgraph.train.seeds import seed_all
from relgraph.train.transforms import PictureTransform, evaluation_transform, training_transform

# Seconds after which a silent worker is an error: a DataLoader would wait for ever.
_STALLED = 600.0


@dataclass(frozen=True, eq=False)
class Batch:
    """`images` (B, C, H, W) float, `labels` (B,) int64."""

    images: Tensor
    labels: Tensor


def training_batches(
    images: Images, plan: Plan, recipe: Recipe, preparation: Preparation, start: int
) -> Iterator[Batch]:
    """This process's micro-batches from update `start` to the end of the training."""
    if isinstance(images, ImagesInMemory) and not recipe.augmentation.per_image:
        return _from_memory(images, plan, recipe, preparation, start)
    transform = training_transform(recipe.augmentation, preparation)
    pictures = _Pictures(images, transform, recipe.seed)
    return _loaded(pictures, plan.micro_batches(start), recipe.workers)


def evaluation_batches(
    images: Images,
    preparation: Preparation,
    batch_size: int,
    workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
) -> Iterator[Batch]:
    """Every `world_size`-th image from `rank` on, in order: together each image exactly once."""
    own = range(rank, len(images), world_size)
    starts = range(0, len(own), batch_size)
    batches = [MicroBatch(0, tuple(own[at : at + batch_size])) for at in starts]
    if isinstance(images, ImagesInMemory):
        return _prepared(images, preparation, batches)
    pictures = _Pictures(images, evaluation_transform(preparation), seed=0)
    return _loaded(pictures, batches, workers)


def _from_memory(
    images: ImagesInMemory, plan: Plan, recipe: Recipe, preparation: Preparation, start: int
) -> Iterator[Batch]:
    augment = BatchAugmentation(recipe.augmentation, preparation, len(images), recipe.seed)
    for micro_batch in plan.micro_batches(start):
        indices = torch.tensor(micro_batch.indices)
        inputs = augment(images.pixels[indices], micro_batch.epoch, indices)
        yield Batch(inputs, images.labels[indices])


def _prepared(
    images: ImagesInMemory, preparation: Preparation, batches: Iterable[MicroBatch]
) -> Iterator[Batch]:
    for batch in batches:
        indices = torch.tensor(batch.indices)
        yield Batch(preparation.batch(images.pixels[indices]), images.labels[indices])


# -- pictures, one at a time ----------------------------------------------------------------------

_Key = tuple[int, int]
_Sample = tuple[Tensor, int] | Problem


class _Pictures(Dataset[_Sample]):
    """The picture of a key (epoch, image), changed as that epoch and image say.

    An unreadable picture is returned as its Problem: an exception would lose its type and place on
    its way out of a worker.
    """

    def __init__(self, images: Images, transform: PictureTransform, seed: int) -> None:
        self.images = images
        self.transform = transform
        self.seed = seed

    def __getitem__(self, key: _Key) -> _Sample:
        epoch, index = key
        try:
            picture = self._picture(index)
        except RelgraphError as error:
            return error.problems[0]
        seed_all(self.seed, "augment", epoch, index)
        return self.transform(picture), int(self.images.labels[index])

    def _picture(self, index: int) -> Image.Image:
        if isinstance(self.images, ImagesInMemory):
            return Image.fromarray(self.images.pixels[index, 0].numpy()).convert("RGB")
        return read_picture(self.images.paths[index])


class _Keys:
    """The keys of each batch, made when asked for: 300 epochs of them would be many."""

    def __init__(self, batches: Iterable[MicroBatch]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[list[_Key]]:
        for batch in self.batches:
            yield [(batch.epoch, index) for index in batch.indices]


def _loaded(pictures: _Pictures, batches: Iterable[MicroBatch], workers: int) -> Iterator[Batch]:
    loader: DataLoader[_Sample] = DataLoader(
        pictures,
        batch_sampler=_Keys(batches),
        num_workers=workers,
        collate_fn=_collated,
        timeout=_STALLED if workers else 0,
        worker_init_fn=_leave_signals_to_the_main_process,
        pin_memory=torch.cuda.is_available(),
    )
    for loaded in loader:
        if isinstance(loaded, Batch):
            yield loaded
        else:
            raise RelgraphError(loaded)


def _collated(samples: list[_Sample]) -> Batch | list[Problem]:
    problems = [sample for sample in samples if isinstance(sample, Problem)]
    if problems:
        return problems
    pairs = [sample for sample in samples if not isinstance(sample, Problem)]
    inputs = torch.stack([image for image, _ in pairs])
    labels = torch.tensor([label for _, label in pairs])
    return Batch(inputs.contiguous(memory_format=torch.channels_last), labels)


def _leave_signals_to_the_main_process(worker: int) -> None:
    """Ctrl-C reaches the whole process group; workers must live until the step is finished."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
