"""Images to compute from: the first training images of the data set that a recipe names.

In: a run's recipe and preparation, or a recipe and a model's size. Out: batches (B, C, H, W) as the
model gets them in evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from relgraph.errors import Problem, RelgraphError
from relgraph.spec.recipe_schema import Recipe
from relgraph.train.images import ImageFiles, Images, ImagesInMemory, open_images
from relgraph.train.model import Architecture
from relgraph.train.preparation import Preparation, preparation
from relgraph.train.stream import evaluation_batches
from relgraph.transfer.request import Progress, silent

BATCH = 64


@dataclass(frozen=True, eq=False)
class Pictures:
    """The first `count` training images, prepared as for evaluation. `progress` is told about them
    as `what` they are for."""

    images: Images
    preparation: Preparation
    count: int
    dtype: torch.dtype = torch.float32
    progress: Progress = silent
    what: str = ""

    def batches(self) -> Iterator[Tensor]:
        """All of them, some at a time."""
        done = 0
        for batch in evaluation_batches(self.images, self.preparation, BATCH):
            self.progress(self.what, done, self.count)
            yield batch.images.to(self.dtype)
            done += len(batch.images)

    def only(self, first: int, end: int) -> Pictures:
        """Of these those from `first` up to `end`."""
        images = _slice(self.images, first, end)
        return replace(self, images=images, count=len(images))


def open_pictures(
    recipe: Recipe, prepared: Preparation | None, architecture: Architecture, count: int
) -> Pictures:
    """The images of a recipe's data set. `prepared` is a run's own preparation.

    Raises RelgraphError where they cannot be had or have other channels than the model."""
    labelled = open_images(recipe.data)
    images = _slice(labelled.train, 0, count)
    if prepared is None:
        assert architecture.img_size is not None, "a program has a size"
        prepared = preparation(recipe, labelled, architecture.img_size)
    if prepared.channels != architecture.in_chans:
        found = f"images of {prepared.channels} channels"
        expected = f"the model's {architecture.in_chans}"
        raise RelgraphError(Problem("other-channels", found, expected, "set data.channels"))
    return Pictures(images, prepared, len(images))


def _slice(images: Images, first: int, end: int) -> Images:
    if isinstance(images, ImagesInMemory):
        return replace(images, pixels=images.pixels[first:end], labels=images.labels[first:end])
    return ImageFiles(images.paths[first:end], images.labels[first:end])
