from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from relgraph.errors import RelgraphError
from relgraph.spec.recipe import Recipe
from relgraph.spec.recipe_schema import Mixing
from relgraph.train.mixing import Targets

LABELS = torch.tensor([0, 1, 2, 3])


def targets(
    recipe: Recipe, mixing: Mixing | None, smoothing: float = 0.0, size: int = 4
) -> Targets:
    changed = recipe.model_copy(update={"mixing": mixing, "label_smoothing": smoothing})
    return Targets(changed, num_classes=4, micro_batch_size=size)


def test_without_mixing_images_and_labels_pass(recipe: Recipe) -> None:
    made = targets(recipe, None, smoothing=0.1)
    images = torch.rand(4, 1, 6, 6)
    same, labels = made.mixed(images, LABELS)
    assert same is images and labels is LABELS
    logits = torch.randn(4, 4)
    expected = F.cross_entropy(logits, LABELS, label_smoothing=0.1)
    assert torch.equal(made.loss(logits, labels), expected)


@pytest.mark.parametrize("mixing", [Mixing(mixup=1, cutmix=0), Mixing(mixup=0, cutmix=1)])
def test_labels_are_mixed_in_the_share_of_the_images(recipe: Recipe, mixing: Mixing) -> None:
    np.random.seed(3)
    made = targets(recipe, mixing)
    # Image n is of the constant n, so the mean of a mixed image tells the share of each source.
    images = LABELS.float().view(4, 1, 1, 1).expand(4, 1, 8, 8).clone()
    mixed, distributions = made.mixed(images, LABELS)
    torch.testing.assert_close(distributions.sum(1), torch.ones(4))
    assert ((distributions > 0) & (distributions < 1)).any()
    told = distributions @ torch.arange(4.0)
    torch.testing.assert_close(mixed.mean((1, 2, 3)), told, rtol=1e-5, atol=1e-5)


def test_mixed_labels_are_smoothed_once(recipe: Recipe) -> None:
    made = targets(recipe, Mixing(probability=0.0), smoothing=0.2)
    _, distributions = made.mixed(torch.rand(4, 1, 6, 6), LABELS)
    logits = torch.randn(4, 4)
    expected = F.cross_entropy(logits, LABELS, label_smoothing=0.2)
    torch.testing.assert_close(made.loss(logits, distributions), expected)


def test_an_odd_batch_can_not_be_paired(recipe: Recipe) -> None:
    with pytest.raises(RelgraphError, match="3 images per step"):
        targets(recipe, Mixing(), size=3)
