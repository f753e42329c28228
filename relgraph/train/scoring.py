"""A model and labelled images in, a score out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from relgraph.train.request import Score
from relgraph.train.stream import Batch


@dataclass
class Tally:
    """Sums over the images scored so far; tallies of disjoint images add up.

    `per_class` (num_classes, 2) counts right answers and images of each class.
    """

    per_class: Tensor
    sums: Tensor = field(default_factory=lambda: torch.zeros(3, dtype=torch.float64))

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count one batch: logits (B, num_classes), labels (B,)."""
        ranked = logits.topk(min(5, logits.shape[1])).indices == labels[:, None]
        loss = F.cross_entropy(logits.float(), labels, reduction="none")
        parts = (ranked[:, 0], ranked.any(1), loss)
        self.sums += torch.stack([part.double().sum() for part in parts]).cpu()
        right = labels[ranked[:, 0]].cpu()
        classes = len(self.per_class)
        self.per_class[:, 0] += torch.bincount(right, minlength=classes)
        self.per_class[:, 1] += torch.bincount(labels.cpu(), minlength=classes)

    def score(self) -> Score:
        """The score of all images counted."""
        images = int(self.per_class[:, 1].sum())
        top1, top5, loss = (float(total) / max(1, images) for total in self.sums)
        return Score(top1=top1, top5=top5, loss=loss, images=images)


def tally(
    model: nn.Module,
    batches: Iterable[Batch],
    num_classes: int,
    device: torch.device,
    autocast: Callable[[], AbstractContextManager[object]],
    stop: Callable[[], bool] = lambda: False,
) -> Tally | None:
    """Score a model in evaluation mode, which is set back afterwards; None where `stop` said so."""
    counted = Tally(torch.zeros(num_classes, 2, dtype=torch.int64))
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for batch in batches:
                if stop():
                    return None
                with autocast():
                    logits = model(batch.images.to(device))
                counted.add(logits, batch.labels.to(device))
    finally:
        model.train(was_training)
    return counted
