"""Convolutions and point-wise layers: emitted modules mean what the oracle says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from relgraph.algebra import geometry
from relgraph.algebra.operator import Border, Channel, Frame, Operator, Size, Space, Weight
from relgraph.algebra.parameters import parameters
from relgraph.lower import candidates, conv, pointwise
from relgraph.lower.module import Module
from relgraph.program import Connect
from tests.lower.against_oracle import (
    assert_close,
    assert_compiles,
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

DENSE = Channel("full")
OWN = Channel("separate")
GROUPS = Channel("groups", groups=2)
SHARED_GROUPS = Channel("groups", groups=2, share="all")
HEADS = Channel("separate", share="heads", heads=3)
ALL = Channel("separate", share="all")


def _local(
    size: Size, channel: Channel, grid: Size = (7, 6), bias: str = "channels", **space: Any
) -> Connect:
    stencil = Space("local", size, share="positions", **space)
    operator = Operator(stencil, channel, bias=bias)  # type: ignore[arg-type]
    out = 6 if channel.connect == "separate" else 4
    made = geometry.out_grid(stencil, grid)
    return node(operator, 6, grid, out_channels=out, out_grid=made)


def _point(channel: Channel, bias: str = "channels", **where: Any) -> Connect:
    stride = where.pop("stride", (1, 1))
    space = Space("point", stride=stride, share="positions")
    grid: Size | None = where.pop("grid", (5, 4))
    made = geometry.out_grid(space, grid)
    operator = Operator(space, channel, bias=bias)  # type: ignore[arg-type]
    return node(operator, 6, grid, out_channels=4, out_grid=made, **where)


def _average(size: Size, **space: Any) -> Connect:
    stencil = Space("local", size, share="positions", **space)
    operator = Operator(stencil, OWN, Weight("fixed", fixed="average"), bias="none")
    return node(operator, 6, (7, 6), out_grid=geometry.out_grid(stencil, (7, 6)))


BORDERS: tuple[Border, ...] = ("wrap", "reflect", "clamp")
CONVOLUTIONS: dict[str, Connect] = {
    "dense": _local((3, 3), DENSE),
    "dense without bias": _local((3, 5), DENSE, bias="none"),
    "grouped": _local((3, 3), GROUPS),
    "groups share": _local((3, 3), SHARED_GROUPS),
    "groups share, strided": _local((3, 3), SHARED_GROUPS, stride=(2, 2), bias="none"),
    "depth-wise": _local((5, 5), OWN),
    "depth-wise, heads share": _local((3, 3), HEADS),
    "depth-wise, all share": _local((3, 3), ALL, dilation=(2, 1)),
    "kernel larger than the map": _local((9, 9), OWN, grid=(4, 3)),
    "strided": _local((3, 3), DENSE, stride=(2, 2)),
    "strided unevenly": _local((3, 3), OWN, stride=(2, 1)),
    "dilated": _local((3, 3), OWN, dilation=(2, 2)),
    "whole kernels": _local((3, 3), DENSE, padding=(0, 0)),
    "stem": _local((7, 7), DENSE, stride=(2, 2), padding=(3, 3), grid=(9, 8)),
    "patches": _local((3, 2), DENSE, stride=(3, 2), padding=(0, 0), grid=(9, 8)),
    "masked": _local((3, 3), OWN, border="mask"),
    "even": _local((4, 2), DENSE),
    "even, strided and dilated": _local((4, 4), OWN, stride=(2, 2), dilation=(2, 2)),
    "same as TensorFlow": _local((3, 3), DENSE, stride=(2, 2), padding="same_tf"),
    "same as TensorFlow, even": _local((4, 3), OWN, stride=(2, 3), padding="same_tf"),
    **{f"{border}": _local((3, 5), OWN, border=border) for border in BORDERS},
    **{f"{border}, even": _local((2, 4), DENSE, border=border) for border in BORDERS},
    "wrap, strided": _local((3, 3), DENSE, border="wrap", stride=(2, 2)),
    "wrap beyond the map": _local((9, 7), OWN, grid=(3, 2), border="wrap"),
    "clamp beyond the map": _local((9, 7), OWN, grid=(3, 2), border="clamp"),
}
POINTS: dict[str, Connect] = {
    "map": _point(DENSE),
    "map without bias": _point(DENSE, bias="none"),
    "sequence": _point(DENSE, tokens=2),
    "vector": _point(DENSE, grid=None),
    "strided": _point(DENSE, stride=(2, 2), grid=(5, 4)),
    "grouped map": _point(GROUPS),
    "grouped sequence": _point(GROUPS, tokens=1, bias="none"),
    "grouped vector": _point(GROUPS, grid=None),
    "groups share": _point(SHARED_GROUPS),
    "groups share, sequence": _point(SHARED_GROUPS, tokens=1, bias="none"),
}
AVERAGES: dict[str, Connect] = {
    "of three": _average((3, 3)),
    "of three, the map alone": _average((3, 3), border="mask"),
    "strided": _average((3, 5), stride=(2, 2), border="mask"),
    "whole": _average((2, 3), stride=(2, 3), padding=(0, 0)),
    "padded": _average((4, 4), stride=(2, 2), padding=(1, 2)),
}
NODES = (
    {f"conv {name}": at for name, at in CONVOLUTIONS.items()}
    | {f"point {name}": at for name, at in POINTS.items()}
    | {f"average {name}": at for name, at in AVERAGES.items()}
)
each = pytest.mark.parametrize("name", NODES)


def _lower(at: Connect) -> Module:
    connect, source = at.connection.operator.space.connect, at.connection.operator.weight.source
    name = "average" if source == "fixed" else {"point": "pointwise", "local": "conv"}[connect]
    first, lowered = candidates(at)[0]
    assert first == name
    return lowered


@each
def test_equals_the_oracle(name: str) -> None:
    assert_equals_oracle(NODES[name], _lower(NODES[name]))


@each
def test_parameters_are_the_contracts(name: str) -> None:
    made = build(_lower(NODES[name]))
    found = {name: tuple(p.shape) for name, p in made.named_parameters()}
    assert found == {p.name: p.shape for p in parameters(NODES[name].connection)}


@each
def test_compiles_as_one_graph(name: str) -> None:
    assert_compiles(randomize(build(_lower(NODES[name]))), NODES[name])


@each
def test_exports_with_a_dynamic_batch(name: str) -> None:
    assert_exports(randomize(build(_lower(NODES[name]))), NODES[name])


@each
def test_runs_in_bfloat16_and_survives_meta(name: str) -> None:
    assert_runs_in_bfloat16(_lower(NODES[name]), NODES[name])
    assert_survives_meta(_lower(NODES[name]), NODES[name])


@pytest.mark.parametrize("name", [name for name, at in NODES.items() if at.input.layout == "map"])
def test_memory_does_not_matter(name: str) -> None:
    at = NODES[name]
    made = randomize(build(_lower(at)))
    x = laid_out(draw(at.input), at.input)
    wide = torch.zeros(*x.shape[:3], 2 * x.shape[3], dtype=x.dtype)
    wide[..., ::2] = x
    expected = made(x)
    for other in (x.contiguous(), wide[..., ::2]):
        assert_close(made(other), expected, "another memory")


@pytest.mark.parametrize("name", ["same as TensorFlow", "even", "wrap, even", "reflect", "strided"])
def test_a_second_size_needs_no_new_module(name: str) -> None:
    at = CONVOLUTIONS[name]
    space, grid = at.connection.operator.space, (10, 11)
    other = node(
        at.connection.operator,
        6,
        grid,
        out_channels=at.output.channels,
        out_grid=geometry.out_grid(space, grid),
    )
    assert_equals_oracle(other, _lower(at), module=randomize(build(_lower(at))))


def test_maps_stay_in_channels_last_memory() -> None:
    x = torch.randn(2, 6, 7, 6).to(memory_format=torch.channels_last)
    for name in ("dense", "depth-wise", "even", "same as TensorFlow", "wrap"):
        y = build(_lower(CONVOLUTIONS[name]))(x)
        assert y.is_contiguous(memory_format=torch.channels_last), name


@pytest.mark.parametrize(("name", "variance"), [("dense", 2 / 36), ("depth-wise", 2 / 25)])
def test_kernels_start_with_the_variance_of_their_fan_out(name: str, variance: float) -> None:
    lowered = _lower(CONVOLUTIONS[name])
    drawn = [build(lowered).state_dict() for _ in range(200)]
    found = torch.cat([state["weight"].flatten() for state in drawn]).var().item()
    assert abs(found / variance - 1) < 0.1
    assert all(not state["bias"].any() for state in drawn)


def test_torch_does_what_torch_can() -> None:
    made = build(_lower(CONVOLUTIONS["stem"]))
    assert isinstance(made, nn.Conv2d)
    assert made.extra_repr() == "6, 4, kernel_size=(7, 7), stride=(2, 2), padding=(3, 3)"
    assert isinstance(build(_lower(POINTS["vector"])), nn.Linear)


@pytest.mark.parametrize(
    "operator",
    [
        Operator(Space("local", (3, 3), share="none"), OWN),
        Operator(Space("local", (3, 3), share="positions"), OWN, Weight(normalize="softmax")),
        Operator(Space("local", (3, 3), share="positions"), OWN, bias="positions"),
        Operator(Space("local", (3, 3), share="positions"), OWN, frame=Frame(output=True)),
        Operator(Space("point", share="none"), DENSE),
        Operator(Space("point", share="positions"), OWN),
    ],
)
def test_leaves_other_operators_to_others(operator: Operator) -> None:
    at = node(operator, 6, (5, 5))
    assert not conv.accepts_conv(at)
    assert not pointwise.accepts_pointwise(at)
