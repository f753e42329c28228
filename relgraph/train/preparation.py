"""How a test image becomes a model's input: one frozen value that a run folder keeps.

In: bytes of pixels or a picture. Out: normalised floats (B, C, H, W) in channels-last memory.
Random changes are `augment`'s and `transforms`' affair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from relgraph.spec.recipe_schema import Recipe
from relgraph.train.images import ImagesInMemory, LabelledImages

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# ITU-R BT.601 luma, Pillow's weights of red, green and blue in a grey value.
_LUMA = (0.299, 0.587, 0.114)

Interpolation = Literal["bicubic", "bilinear", "nearest"]


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """Resize so that the centre crop of `size` keeps `crop_ratio` of the side, then normalise.

    `size` is (height, width); `mean` and `std` are of values in 0..1, one per channel.
    """

    size: tuple[int, int]
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    crop_ratio: float = 1.0
    interpolation: Interpolation = "bicubic"

    def batch(self, pixels: Tensor) -> Tensor:
        """Bytes (B, 1 or 3, h, w) as the model's input (B, C, H, W)."""
        return self.normalised(self.fitted(pixels))

    def picture(self, picture: Image.Image) -> Tensor:
        """One RGB picture as the model's input (1, C, H, W)."""
        pixels = torch.from_numpy(np.array(picture, dtype=np.uint8)).permute(2, 0, 1)
        return self.batch(pixels[None])

    def fitted(self, pixels: Tensor) -> Tensor:
        """Bytes as floats in 0..255 with the right channels and size."""
        values = self._channels(pixels).float()
        height, width = values.shape[-2:]
        if (height, width) == self.size and self.crop_ratio == 1:
            return values
        scale = max(self.size[0] / height, self.size[1] / width) / self.crop_ratio
        target = (round(height * scale), round(width * scale))
        return self._cropped(self._resized(values, target))

    def normalised(self, values: Tensor) -> Tensor:
        """Floats in 0..255 with mean taken off, divided by std, in channels-last memory."""
        mean = torch.tensor(self.mean).mul_(255).view(-1, 1, 1)
        std = torch.tensor(self.std).mul_(255).view(-1, 1, 1)
        return values.sub(mean).div_(std).contiguous(memory_format=torch.channels_last)

    def _channels(self, pixels: Tensor) -> Tensor:
        if pixels.shape[1] == self.channels:
            return pixels
        if self.channels == 3:
            return pixels.expand(-1, 3, -1, -1)
        weights = torch.tensor(_LUMA).view(1, 3, 1, 1)
        return (pixels.float() * weights).sum(1, keepdim=True).round()

    def _resized(self, values: Tensor, target: tuple[int, int]) -> Tensor:
        if self.interpolation == "nearest":
            return F.interpolate(values, target, mode="nearest")
        smooth = F.interpolate(values, target, mode=self.interpolation, antialias=True)
        return smooth.clamp_(0, 255)

    def _cropped(self, values: Tensor) -> Tensor:
        height, width = self.size
        top, left = (values.shape[-2] - height) // 2, (values.shape[-1] - width) // 2
        return values[..., top : top + height, left : left + width]


def preparation(recipe: Recipe, images: LabelledImages, size: tuple[int, int]) -> Preparation:
    """The preparation of a recipe's test images for a model whose input is `size`."""
    channels = channels_of(recipe, images)
    mean, std = _statistics(recipe, images, channels)
    return Preparation(
        size=size,
        channels=channels,
        mean=mean,
        std=std,
        crop_ratio=recipe.evaluation.crop_ratio,
        interpolation=recipe.evaluation.interpolation,
    )


def channels_of(recipe: Recipe, images: LabelledImages) -> int:
    """Channels that the model gets: the recipe's word, else what the images have."""
    if recipe.data.channels is not None:
        return recipe.data.channels
    return images.train.pixels.shape[1] if isinstance(images.train, ImagesInMemory) else 3


def _statistics(
    recipe: Recipe, images: LabelledImages, channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if recipe.data.mean is not None and recipe.data.std is not None:
        return _spread(recipe.data.mean, channels), _spread(recipe.data.std, channels)
    if isinstance(images.train, ImagesInMemory):
        # float64 sums of bytes are exact, so the figures don't depend on the number of threads.
        values = images.train.pixels.double()
        mean = float(values.sum() / values.numel())
        variance = float(values.square().sum() / values.numel()) - mean * mean
        return (mean / 255,) * channels, (max(math.sqrt(variance), 1.0) / 255,) * channels
    if channels == 3:
        return IMAGENET_MEAN, IMAGENET_STD
    return (0.449,), (0.226,)  # the means of ImageNet's three


def _spread(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    return values * channels if len(values) == 1 else values
