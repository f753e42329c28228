"""Depth-wise convolutions with predicted kernels: emitted modules mean what the oracle says."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch

from relgraph.algebra import geometry
from relgraph.algebra.operator import Channel, Operator, Predictor, Size, Space, Weight
from relgraph.algebra.parameters import buffers, parameters
from relgraph.lower import candidates
from relgraph.lower.center import accepts_center
from relgraph.lower.module import Module
from relgraph.lower.pooled import accepts_pooled
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
from tests.support import build, run_definitions

OWN = Channel("separate")
HEADS = Channel("separate", share="heads", heads=3)
ALL = Channel("separate", share="all")
PUBLISHED = {
    "pooled": Predictor(reduction=2, norm="batch_norm"),
    "center": Predictor(reduction=2, norm="batch_norm", bias=True),
}


def _at(source: str, channel: Channel, size: int = 3, grid: Size = (5, 6), **more: Any) -> Connect:
    space = Space(
        "local",
        (size, size),
        share="positions",
        stride=more.pop("stride", (1, 1)),
        dilation=more.pop("dilation", (1, 1)),
        border=more.pop("border", "zero"),
    )
    bias = more.pop("bias", "channels")
    more.setdefault("predictor", PUBLISHED[source])
    weight = Weight(source, **more)  # type: ignore[arg-type]
    operator = Operator(space, channel, weight, bias=bias)
    return node(operator, 6, grid, out_grid=geometry.out_grid(space, grid))


def _both(name: str, channel: Channel = OWN, **more: Any) -> dict[str, Connect]:
    return {f"{source} {name}": _at(source, channel, **more) for source in PUBLISHED}


GELU = Predictor(reduction=3, norm="none", act="gelu", bias=True)
NODES: dict[str, Connect] = (
    _both("as published")
    | _both("kernel of five, heads share", HEADS, size=5, bias="none")
    | _both("all share", ALL)
    | _both("larger than the map", size=5, grid=(2, 2))
    | _both("strided", stride=(2, 2))
    | _both("dilated and strided", dilation=(2, 2), stride=(2, 2))
    | _both("linear", predictor=Predictor())
    | _both("gelu without norm", predictor=GELU)
    | _both("sigmoid", normalize="sigmoid", border="mask")
    | _both("softmax over zeros", normalize="softmax", border="zero")
    | {
        "center softmax": _at("center", HEADS, normalize="softmax", border="mask"),
        "center softmax, strided": _at(
            "center", HEADS, normalize="softmax", border="mask", stride=(2, 2), dilation=(2, 2)
        ),
    }
)
each = pytest.mark.parametrize("name", NODES)
# Forms of predictor differ in `weights` alone; a graph of each shape of sum is traced.
SUMS = ("as published", "five, heads share", "dilated and strided", "softmax", "zeros")
each_sum = pytest.mark.parametrize("name", [name for name in NODES if name.endswith(SUMS)])


def _lower(at: Connect) -> Module:
    pooled = at.connection.operator.weight.source == "pooled"
    assert (accepts_pooled if pooled else accepts_center)(at)
    return candidates(at)[0][1]


@each
@pytest.mark.parametrize("training", [False, True])
def test_equals_the_oracle(name: str, training: bool) -> None:
    made = assert_equals_oracle(NODES[name], _lower(NODES[name]), training=training)
    assert_composes(made, NODES[name])


@each
def test_parameters_are_the_contracts(name: str) -> None:
    connection, made = NODES[name].connection, build(_lower(NODES[name]))
    found = {name: tuple(p.shape) for name, p in made.named_parameters()}
    assert found == {p.name: p.shape for p in parameters(connection)}
    assert {name for name, _ in made.named_buffers()} == {p.name for p in buffers(connection)}


@each_sum
def test_compiles_as_one_graph(name: str) -> None:
    assert_compiles(randomize(build(_lower(NODES[name]))), NODES[name])


@each_sum
def test_exports_with_a_dynamic_batch(name: str) -> None:
    assert_exports(randomize(build(_lower(NODES[name]))), NODES[name])


@each
def test_runs_in_bfloat16_and_survives_meta(name: str) -> None:
    assert_runs_in_bfloat16(_lower(NODES[name]), NODES[name])
    assert_survives_meta(_lower(NODES[name]), NODES[name])


@pytest.mark.parametrize("name", ["pooled as published", "center as published"])
def test_a_second_size_and_any_memory(name: str) -> None:
    at = NODES[name]
    made = randomize(build(_lower(at)))
    larger = node(at.connection.operator, 6, (9, 4))
    assert_equals_oracle(larger, _lower(at), module=made)
    x = laid_out(draw(at.input), at.input)
    wide = torch.zeros(*x.shape[:3], 2 * x.shape[3], dtype=x.dtype)
    wide[..., ::2] = x
    expected = made(x)
    assert made(x.contiguous(memory_format=torch.channels_last)).is_contiguous(
        memory_format=torch.channels_last
    )
    for other in (x.contiguous(), wide[..., ::2]):
        assert_close(made(other), expected, "another memory")


def test_one_image_cannot_train_a_batch_norm_of_pooled_vectors() -> None:
    made = build(_lower(NODES["pooled as published"])).train()
    with pytest.raises(ValueError, match="two or more images"):
        made(torch.randn(1, 6, 5, 6))
    assert made.eval()(torch.randn(1, 6, 5, 6)).shape == (1, 6, 5, 6)
    without = build(_lower(NODES["pooled linear"])).train()
    assert without(torch.randn(1, 6, 5, 6)).shape == (1, 6, 5, 6)


def test_gradients_of_the_shifted_sum_are_those_of_finite_differences() -> None:
    definition = _lower(NODES["center dilated and strided"]).definition
    assert definition is not None
    aggregate = run_definitions([definition]).LocalAggregation.apply
    x = torch.randn(2, 4, 5, 6, dtype=torch.float64, requires_grad=True)
    w = torch.randn(2, 2, 9, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, w: aggregate(x, w, 3, 2, 2), (x, w))


@pytest.mark.parametrize("name", ["as published", "linear", "gelu without norm"])
@pytest.mark.parametrize("source", ["pooled", "center"])
def test_the_squared_sum_of_a_kernel_starts_near_one(source: str, name: str) -> None:
    at = NODES[f"{source} {name}"]
    predictor = at.connection.operator.weight.predictor
    assert predictor is not None
    wider = dataclasses.replace(predictor, reduction=predictor.reduction and 4)
    weight = dataclasses.replace(at.connection.operator.weight, predictor=wider)
    operator = dataclasses.replace(at.connection.operator, weight=weight)
    made: Any = build(_lower(node(operator, 64, (6, 6))))
    with torch.no_grad():
        w = made.train().weights(torch.randn(64, 64, 6, 6))
    kernels = w.flatten(2) if source == "pooled" else w.flatten(3).transpose(2, 3).flatten(0, 2)
    found = kernels.square().sum(-1).mean().item()
    assert math.isclose(found, 1.0, rel_tol=0.35)


@pytest.mark.parametrize("source", ["pooled", "center"])
def test_leaves_other_operators_to_others(source: str) -> None:
    at = _at(source, OWN)
    accepts = accepts_pooled if source == "pooled" else accepts_center
    assert accepts(at)
    space, weight = at.connection.operator.space, at.connection.operator.weight
    others: list[dict[str, Any]] = [
        {"space": dataclasses.replace(space, border="wrap")},
        {"space": dataclasses.replace(space, size=(4, 4))},
        {"space": dataclasses.replace(space, size=(3, 5))},
        {"space": dataclasses.replace(space, padding=(0, 0))},
        {"space": dataclasses.replace(space, share="none")},
        {"channel": Channel("full")},
        {"bias": "positions"},
        {"weight": dataclasses.replace(weight, source="static", predictor=None)},
    ]
    for change in others:
        operator = dataclasses.replace(at.connection.operator, **change)
        assert not accepts(node(operator, 6, (5, 6))), change
