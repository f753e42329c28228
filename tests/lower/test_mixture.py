"""Mixtures of expert kernels: emitted modules mean what the oracle and timm's layer say.

Dense and grouped kernels for each image are here too, whatever predicts them.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from relgraph.algebra import geometry
from relgraph.algebra.operator import Channel, Operator, Predictor, Space, Weight
from relgraph.algebra.parameters import parameters
from relgraph.lower import candidates, lower
from relgraph.lower.module import Module
from relgraph.program import Connect
from tests.lower.against_oracle import (
    assert_close,
    assert_compiles,
    assert_composes,
    assert_equals_oracle,
    assert_exports,
    assert_runs_in_bfloat16,
    assert_survives_meta,
    draw,
    laid_out,
    node,
    randomize,
)
from tests.support import build

EXPERTS = Predictor(bias=True, act="sigmoid", experts=3)
HIDDEN = Predictor(reduction=2, bias=True, norm="batch_norm", act="gelu")
DENSE, GROUPS, OWN = Channel(), Channel("groups", groups=2), Channel("separate")
KERNEL = Space("local", (3, 3), share="positions")


def _at(channel: Channel, source: str = "pooled", space: Space = KERNEL, **more: Any) -> Connect:
    predictor = more.pop("predictor", EXPERTS)
    weight = Weight(source, more.pop("normalize", "none"), predictor=predictor)  # type: ignore[arg-type]
    operator = Operator(space, channel, weight, more.pop("bias", "none"))
    out = None if channel.connect == "separate" else 4
    grid = geometry.out_grid(space, (5, 6))
    return node(operator, 6, (5, 6), out_channels=out, out_grid=grid)


SPACED = Space("local", (3, 3), stride=(2, 2), dilation=(2, 2), share="positions")
NODES: dict[str, Connect] = {
    "dense": _at(DENSE),
    "dense, biased": _at(DENSE, bias="channels"),
    "groups": _at(GROUPS),
    "groups, spaced": _at(GROUPS, space=SPACED),
    "dense, spaced, biased": _at(DENSE, space=SPACED, bias="channels"),
    "dense, hidden layer": _at(DENSE, predictor=HIDDEN, bias="channels"),
    "groups, linear": _at(GROUPS, predictor=None),
    "depth-wise": _at(OWN),
    "heads": _at(Channel("separate", share="heads", heads=2), bias="channels"),
    "center": _at(Channel("separate", share="heads", heads=3), "center"),
    "center, softmax": _at(OWN, "center", normalize="softmax"),
    "a point": _at(DENSE, space=Space("point", share="positions")),
    "windows": _at(OWN, "center", Space("window", (5, 3), share="windows"), normalize="softmax"),
}
FAST = {"pooled", "pooled depth-wise", "center depth-wise"}
GENERAL = {"a point", "windows"}


def _lower(at: Connect) -> Module:
    lowered = lower(at)
    assert isinstance(lowered, Module)
    return lowered


@pytest.mark.parametrize("name", NODES)
def test_every_form_equals_the_oracle(name: str) -> None:
    at = NODES[name]
    listed = candidates(at)
    assert (listed[0][0] in FAST) == (name not in GENERAL)
    for _, lowered in listed:
        made = assert_equals_oracle(at, lowered)
        assert_composes(made, at)
        found = {n: tuple(p.shape) for n, p in made.named_parameters()}
        assert found == {p.name: p.shape for p in parameters(at.connection)}


@pytest.mark.parametrize("name", ["dense, spaced, biased", "groups", "center"])
def test_compiles_exports_and_resets(name: str) -> None:
    at, lowered = NODES[name], _lower(NODES[name])
    made = assert_equals_oracle(at, lowered)
    assert_compiles(made, at)
    assert_exports(made, at)
    assert_survives_meta(lowered, at)
    assert_runs_in_bfloat16(lowered, at)


def test_a_hidden_layer_with_a_norm_trains_on_batches() -> None:
    at = NODES["dense, hidden layer"]
    made = assert_equals_oracle(at, _lower(at), training=True)
    with pytest.raises(ValueError, match="two or more images"):
        made.train()(laid_out(draw(at.input, batch=1), at.input))


@pytest.mark.parametrize("form", [0, 1])
@pytest.mark.parametrize("channel", [DENSE, GROUPS, OWN], ids=lambda channel: channel.connect)
def test_a_mixed_kernel_starts_with_a_squared_sum_near_1(channel: Channel, form: int) -> None:
    predictor = Predictor(bias=True, act="sigmoid", experts=8)
    operator = Operator(KERNEL, channel, Weight("pooled", predictor=predictor), "none")
    torch.manual_seed(0)
    made: Any = build(candidates(node(operator, 64, (5, 6)))[form][1])
    with torch.no_grad():
        x = laid_out(
            draw(node(operator, 64, (5, 6)).input).float(), node(operator, 64, (5, 6)).input
        )
        w = made.weights(x)
    fan_in = {"full": 64 * 9, "groups": 32 * 9, "separate": 9}[channel.connect]
    assert math.isclose(float(w.square().mean()) * fan_in, 1.0, rel_tol=0.2)


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_equals_timms_layer(groups: int) -> None:
    """CondConv2d takes gates that its block makes: sigmoid(linear(mean)). Its experts are rows."""
    from timm.layers import CondConv2d

    channel = {1: DENSE, 2: GROUPS, 6: OWN}[groups]
    at = _at(channel, space=Space("local", (3, 3), stride=(2, 2), share="positions"))
    made: Any = randomize(build(_lower(at)))
    width = at.output.channels
    theirs = CondConv2d(6, width, 3, stride=2, padding=1, groups=groups, num_experts=3).double()
    with torch.no_grad():
        theirs.weight.copy_(made.expand.weight.T)
        x = laid_out(draw(at.input, batch=4), at.input)
        gates = made.squeeze(x.mean((2, 3))).sigmoid()
        assert_close(made(x), theirs(x, gates), "timm's CondConv2d")
