"""Attention between channels: both forms mean what the oracle and timm's layer say."""

from __future__ import annotations

import itertools

import pytest
import torch
from timm.models.xcit import XCA

from relgraph.algebra.cost import macs
from relgraph.algebra.operator import Channel, Frame, Operator, Space, Weight
from relgraph.algebra.parameters import parameters
from relgraph.lower import candidates, lower
from relgraph.lower.module import Module
from relgraph.program import Connect
from relgraph.verify.oracle import multiply_adds
from tests.lower.against_oracle import (
    assert_compiles,
    assert_composes,
    assert_equals_oracle,
    assert_exports,
    assert_runs_in_bfloat16,
    assert_survives_meta,
    node,
    randomize,
)
from tests.support import build

BOTH = Frame(value=True, output=True)


def attention(heads: int = 2, frame: Frame = BOTH, normalize: str = "softmax") -> Operator:
    weight = Weight("channels", normalize, qkv_bias=frame.value_bias, score="cosine")  # type: ignore[arg-type]
    channel = Channel("groups", groups=heads) if heads > 1 else Channel()
    return Operator(Space("point", share="positions"), channel, weight, "none", frame)


NODES: dict[str, Connect] = {
    "map": node(attention(), 6, (3, 4)),
    "tokens": node(attention(), 6, (3, 4), tokens=2),
    "one head": node(attention(1), 6, (3, 4)),
    "without biases": node(attention(3, Frame(True, True, False, False)), 6, (2, 3)),
}
OTHERS: dict[str, Connect] = {
    f"{heads} {normalize} {frame.value} {frame.output}": node(
        attention(heads, frame, normalize), 6, (2, 3)
    )
    for heads, normalize, frame in itertools.product(
        (1, 2), ("none", "softmax"), (Frame(), Frame(value=True), Frame(output=True), BOTH)
    )
}


@pytest.mark.parametrize("name", NODES)
def test_as_a_person_writes_it(name: str) -> None:
    lowered = lower(NODES[name])
    assert isinstance(lowered, Module)
    assert lowered.constructor.startswith("CrossCovarianceAttention")
    made = assert_equals_oracle(NODES[name], lowered)
    assert_composes(made, NODES[name])
    assert_survives_meta(lowered, NODES[name])
    assert_runs_in_bfloat16(lowered, NODES[name])


@pytest.mark.parametrize("name", ["map", "tokens"])
def test_it_compiles_and_exports(name: str) -> None:
    lowered = lower(NODES[name])
    assert isinstance(lowered, Module)
    made = assert_equals_oracle(NODES[name], lowered)
    assert_compiles(made, NODES[name])
    assert_exports(made, NODES[name])


@pytest.mark.parametrize("name", OTHERS)
def test_every_form_of_every_frame(name: str) -> None:
    at = OTHERS[name]
    assert macs(at.connection) == multiply_adds(at.connection)
    for form, lowered in candidates(at):
        assert isinstance(lowered, Module), form
        made = assert_equals_oracle(at, lowered)
        assert_composes(made, at)
        shapes = {n: tuple(p.shape) for n, p in made.named_parameters()}
        assert shapes == {p.name: p.shape for p in parameters(at.connection)}, form


@pytest.mark.parametrize(("dim", "heads"), [(12, 3), (16, 2)])
def test_it_is_timms_xca(dim: int, heads: int) -> None:
    theirs = randomize(XCA(dim, num_heads=heads, qkv_bias=True)).eval()
    x = torch.randn(2, dim, 3, 4, dtype=torch.float64)
    expected = theirs(x.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, (3, 4))
    for form, lowered in candidates(node(attention(heads), dim, (3, 4))):
        assert isinstance(lowered, Module), form
        ours = build(lowered).double()
        ours.load_state_dict(theirs.state_dict(), strict=False)
        assert {n for n, _ in ours.named_parameters()} == {n for n, _ in theirs.named_parameters()}
        found = ours(x)
        assert (found - expected).abs().max() <= 1e-9 * expected.abs().max(), form
