"""Mixup, cutmix and label smoothing: a batch in, mixed inputs and a loss out.

The mixing of a step is a function of the seed, the update and the process, not of what was drawn
before it.
"""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from timm.data.mixup import Mixup
from torch import Tensor

from relgraph.errors import Problem, RelgraphError
from relgraph.spec.recipe_schema import Recipe


class Targets:
    """Makes what the loss compares with: class numbers, or distributions where images are mixed."""

    def __init__(self, recipe: Recipe, num_classes: int, micro_batch_size: int) -> None:
        self.label_smoothing = recipe.label_smoothing
        self.mixup: Mixup | None = None
        if recipe.mixing is None:
            return
        if micro_batch_size % 2:
            raise _odd(micro_batch_size)
        self.mixup = Mixup(  # type: ignore[no-untyped-call]
            mixup_alpha=recipe.mixing.mixup,
            cutmix_alpha=recipe.mixing.cutmix,
            prob=recipe.mixing.probability,
            switch_prob=recipe.mixing.switch,
            label_smoothing=recipe.label_smoothing,
            num_classes=num_classes,
        )

    def mixed(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) and targets: (B,) classes, or (B, num_classes) distributions.

        Draws from numpy's global generator, which the caller seeds for the step.
        """
        if self.mixup is None:
            return images, labels
        return cast("tuple[Tensor, Tensor]", self.mixup(images, labels))

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy, in float32 whatever the model computes in."""
        # timm's mixed targets are smoothed already.
        smoothing = self.label_smoothing if targets.ndim == 1 else 0.0
        return F.cross_entropy(logits.float(), targets, label_smoothing=smoothing)


def _odd(size: int) -> RelgraphError:
    return RelgraphError(
        Problem(
            "batch-size",
            found=f"{size} images per step on each device",
            expected="an even number, for mixup and cutmix pair them",
            hint="change batch_size or accumulation, or set mixing=null",
        )
    )
