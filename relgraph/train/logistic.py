"""Logistic regression on raw pixels: the score that a model must beat to have learned something."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from relgraph.spec.recipe_schema import DataSource
from relgraph.train.images import ImagesInMemory, open_images
from relgraph.train.request import Score
from relgraph.train.scoring import Tally

# Candidate strengths of the penalty on the squared weights; the best on held-out images is taken.
_STRENGTHS = (3e-3, 1e-3, 3e-4)
_TRIAL_ITERATIONS, _ITERATIONS = 60, 100


def logistic_regression(source: DataSource | None = None) -> Score:
    """The test score of multinomial logistic regression on images in memory.

    Fitted by L-BFGS on the whole training set, with the penalty that does best on a tenth of it
    that a first fit leaves out; no random numbers. `source` is by default the embedded set.
    """
    images = open_images(source or DataSource())
    assert isinstance(images.train, ImagesInMemory) and isinstance(images.test, ImagesInMemory)
    x, y = _features(images.train.pixels), images.train.labels
    held_out = torch.arange(len(y)) % 10 == 9
    classes = len(images.classes)

    trials: list[tuple[float, float]] = []
    weights = torch.zeros(classes, x.shape[1])
    for strength in _STRENGTHS:
        # From strong to weak, each trial goes on from the one before: that is near its own optimum.
        weights = _fit(x[~held_out], y[~held_out], weights, strength, _TRIAL_ITERATIONS)
        loss = F.cross_entropy(_logits(weights, x[held_out]), y[held_out])
        trials.append((float(loss), strength))
    weights = _fit(x, y, weights, min(trials)[1], _ITERATIONS)
    counted = Tally(torch.zeros(classes, 2, dtype=torch.int64))
    counted.add(_logits(weights, _features(images.test.pixels)), images.test.labels)
    return counted.score()


def _features(pixels: Tensor) -> Tensor:
    """Bytes (N, C, H, W) as rows (N, C·H·W + 1) in 0..1, the last column a constant."""
    return F.pad(pixels.flatten(1).float() / 255, (0, 1), value=1.0)


def _logits(weights: Tensor, x: Tensor) -> Tensor:
    return x @ weights.T


def _fit(x: Tensor, y: Tensor, start: Tensor, strength: float, iterations: int) -> Tensor:
    """The weights (classes, features) of least penalised loss; the constant is not penalised."""
    weights = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [weights], max_iter=iterations, history_size=10, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        penalty = strength * weights[:, :-1].square().sum() / 2
        value = F.cross_entropy(_logits(weights, x), y) + penalty
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach()
