"""Norm statistics counted anew: what batch norms see after weights before them have changed.

In: a model and images. Out: the same model, its batch norms' running mean and variance those of the
images; nothing else is changed, and nothing is learned.
"""

from __future__ import annotations

import torch
from torch import nn

from relgraph.train.model import Backbone
from relgraph.transfer.pictures import Pictures

Norms = tuple[nn.BatchNorm1d | nn.BatchNorm2d, ...]


def recalibrate(model: Backbone, pictures: Pictures) -> int:
    """Average the statistics of all batches, each layer behind the recalibrated ones before it.

    Returns the number of batch norms."""
    norms = batch_norms(model)
    before = [norm.momentum for norm in norms]
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over batches, every one with the same weight
        norm.train()
    with torch.no_grad():
        for batch in pictures.batches():
            if len(batch) > 1:  # one value has no variance
                model(batch)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
        norm.eval()
    return len(norms)


def batch_norms(model: nn.Module) -> Norms:
    """Every batch norm of a model."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
    return tuple(module for module in model.modules() if isinstance(module, kinds))
