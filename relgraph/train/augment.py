"""Random shift, flip and erasing of a whole batch of small images at once.

In: images in memory and their numbers. Out: the model's inputs. Every random number of an epoch
stands in one table with a row per image, so an image's change is a function of (seed, epoch, image)
whatever batch it is in; a batch costs a gather and a mask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from relgraph.spec.recipe_schema import Augmentation
from relgraph.train.preparation import Preparation
from relgraph.train.seeds import generator

# The columns of the table: uniform numbers in 0..1.
_DOWN, _RIGHT, _FLIP, _ERASE, _AREA, _ASPECT, _TOP, _LEFT = range(8)

# Share of the image that a hole takes, and its aspect ratio (Zhong et al., 2020; timm's values).
_HOLE_AREA = (0.02, 1 / 3)
_LOG_ASPECT = (math.log(0.3), math.log(1 / 0.3))

DEFAULT_PADDING = 2


@dataclass
class BatchAugmentation:
    """Changes training images in memory, a batch at a time."""

    augmentation: Augmentation
    preparation: Preparation
    images: int
    seed: int
    _epoch: int = field(default=-1, init=False)
    _table: Tensor = field(default_factory=lambda: torch.empty(0), init=False)

    def __call__(self, pixels: Tensor, epoch: int, indices: Tensor) -> Tensor:
        """Bytes (B, C, h, w) of the images `indices` (B,) as inputs (B, C, H, W)."""
        chance = self._rows(epoch)[indices]
        values = self._moved(self.preparation.fitted(pixels), chance)
        return self._erased(self.preparation.normalised(values), chance)

    def _rows(self, epoch: int) -> Tensor:
        """The epoch's table (images, 8); the last one asked for is kept."""
        if epoch != self._epoch:
            source = generator(self.seed, "augment", epoch)
            self._table = torch.rand(self.images, 8, generator=source)
            self._epoch = epoch
        return self._table

    def _moved(self, values: Tensor, chance: Tensor) -> Tensor:
        """Shifted by up to `padding` pixels (black comes in) and mirrored, in one gather."""
        height, width = values.shape[-2:]
        margin = 0
        if self.augmentation.crop == "shift":
            margin = self.augmentation.padding or DEFAULT_PADDING
        reach = 2 * margin + 1
        down = (chance[:, _DOWN] * reach).long().clamp_(max=reach - 1)
        right = (chance[:, _RIGHT] * reach).long().clamp_(max=reach - 1)
        rows = down[:, None] + torch.arange(height)
        columns = right[:, None] + torch.arange(width)
        mirrored = (chance[:, _FLIP] < self.augmentation.flip)[:, None]
        columns = torch.where(mirrored, columns.flip(1), columns)
        padded = F.pad(values, (margin,) * 4)
        image = torch.arange(len(values))[:, None, None]
        # Indices around the full slice put the channel last: the memory that models run best in.
        gathered = padded[image, :, rows[:, :, None], columns[:, None, :]]
        return gathered.permute(0, 3, 1, 2)

    def _erased(self, inputs: Tensor, chance: Tensor) -> Tensor:
        """With a hole of mean colour (0 once normalised) in a share of the images."""
        if self.augmentation.random_erasing == 0:
            return inputs
        height, width = inputs.shape[-2:]
        area = _between(*_HOLE_AREA, chance[:, _AREA]) * height * width
        log_aspect = _between(*_LOG_ASPECT, chance[:, _ASPECT])
        tall = (area * log_aspect.exp()).sqrt().clamp(1, height - 1).round()
        wide = (area / log_aspect.exp()).sqrt().clamp(1, width - 1).round()
        inside_rows = _span(height, chance[:, _TOP], tall)[:, :, None]
        inside_columns = _span(width, chance[:, _LEFT], wide)[:, None, :]
        chosen = (chance[:, _ERASE] < self.augmentation.random_erasing)[:, None, None]
        return inputs.masked_fill_((inside_rows & inside_columns & chosen)[:, None], 0.0)


def _between(low: float, high: float, chance: Tensor) -> Tensor:
    return low + (high - low) * chance


def _span(size: int, chance: Tensor, length: Tensor) -> Tensor:
    """(B, size) booleans: `length` (B,) neighbours, starting anywhere that they fit."""
    start = (chance * (size - length + 1)).floor()[:, None]
    place = torch.arange(size)
    return (place >= start) & (place < start + length[:, None])
