from __future__ import annotations

import math

import pytest
import torch

from relgraph.spec.recipe import Recipe
from relgraph.spec.recipe_schema import Optimizer
from relgraph.train.model import Architecture, Backbone, build
from relgraph.train.optim import adamw, set_rate
from relgraph.train.schedule import learning_rate
from tests.train.conftest import MODEL


@pytest.fixture
def model() -> Backbone:
    return build(MODEL, Architecture(num_classes=4, in_chans=1, img_size=(12, 12)))


def names_of(model: Backbone, parameters: list[torch.nn.Parameter]) -> set[str]:
    named = {id(parameter): name for name, parameter in model.named_parameters()}
    return {named[id(parameter)] for parameter in parameters}


def test_only_weights_of_two_dimensions_or_more_decay(model: Backbone) -> None:
    groups = adamw(model, Optimizer()).param_groups
    by_decay = {group["weight_decay"]: names_of(model, group["params"]) for group in groups}
    assert set(by_decay) == {0.05, 0.0}
    everything = dict(model.named_parameters())
    assert by_decay[0.05] | by_decay[0.0] == set(everything)
    assert "position" in by_decay[0.0], "the model's own word, though it has three dimensions"
    assert {n for n, p in everything.items() if p.ndim <= 1} <= by_decay[0.0]
    assert by_decay[0.05] == {
        n for n, p in everything.items() if p.ndim > 1 and n not in ("position",)
    }


def test_layer_decay_slows_the_blocks_towards_the_stem(model: Backbone) -> None:
    optimizer = adamw(model, Optimizer(layer_decay=0.5))
    set_rate(optimizer, 1.0)
    rates = {
        name: group["lr"]
        for group in optimizer.param_groups
        for name in names_of(model, group["params"])
    }
    blocks = [f"stages.{stage}.blocks.{block}.conv.weight" for stage in (0, 1) for block in (0, 1)]
    expected = {"stem.weight": 5, "position": 5, **dict(zip(blocks, (4, 3, 2, 1), strict=True))}
    expected |= {"norm.weight": 0, "head.weight": 0, "head.bias": 0}
    assert {name: rates[name] for name in expected} == {
        name: 0.5**depth for name, depth in expected.items()
    }


def test_the_rate_warms_up_and_follows_half_a_cosine(recipe: Recipe) -> None:
    changed = recipe.model_copy(
        update={
            "epochs": 10,
            "optimizer": Optimizer(lr=1.0, base_batch=32),
            "schedule": recipe.schedule.model_copy(
                update={"warmup_epochs": 2.0, "warmup_lr": 0.1, "min_lr": 0.01}
            ),
        }
    )
    rate = learning_rate(changed, updates_per_epoch=5)
    # batch_size 16 of base_batch 32: all three rates are halved.
    assert rate.at(0) == pytest.approx(0.05)
    assert rate.at(5) == pytest.approx((0.05 + 0.5) / 2)
    assert rate.at(10) == pytest.approx(0.5)
    assert rate.at(30) == pytest.approx((0.5 + 0.005) / 2)
    assert rate.at(50) == pytest.approx(0.005)
    quarter = 0.005 + 0.495 * (1 + math.cos(math.pi / 4)) / 2
    assert rate.at(20) == pytest.approx(quarter)


def test_a_constant_rate_stays_at_its_peak(recipe: Recipe) -> None:
    schedule = recipe.schedule.model_copy(update={"name": "constant"})
    rate = learning_rate(recipe.model_copy(update={"schedule": schedule}), 6)
    assert rate.at(6) == rate.at(17) == recipe.optimizer.lr
