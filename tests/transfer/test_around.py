"""What stands around several items, beside them or between them: exact where it can be, in float64
to 1e-10; and new gates that can learn."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from relgraph.verify.draws import draw, inventory
from relgraph.verify.reference import run
from tests.designs import program
from tests.transfer.spec_pairs import Pair, carried

WIDE = "pointwise: {{ratio: {0}}}, batch_norm, relu6, depthwise_conv: {1}, batch_norm, relu6, {2}"
# The body of a residual: from → to.
EXACT = {
    "a gate around two items": (
        "depthwise_conv: 3, pointwise",
        "product: [[depthwise_conv: 3, pointwise], [global_pool, pointwise, sigmoid]]",
    ),
    "a gate around what bends": (
        "depthwise_conv: 3, batch_norm, gelu",
        "product: [[pointwise, hardsigmoid], [depthwise_conv: 5, batch_norm, gelu]]",
    ),
    "a sum around two items": (
        "layer_norm, depthwise_conv: 3, gelu",
        "layer_norm, sum: [[depthwise_conv: 3, gelu], [pointwise, gelu]]",
    ),
    "branches merged into a kernel": (
        "sum: [[conv: 3, batch_norm], [pointwise, batch_norm], [batch_norm]], relu",
        "conv: 3, relu",
    ),
    "a kernel into branches": (
        "conv: 3, relu",
        "sum: [[conv: 3, batch_norm], [pointwise, batch_norm], [batch_norm]], relu",
    ),
    "wider beside a gate that is new": (
        WIDE.format(2, 3, "pointwise: $channels"),
        WIDE.format(4, 5, "squeeze_excite, pointwise: $channels"),
    ),
    "wider, and a norm that is gone": (
        "pointwise: {ratio: 2}, batch_norm, gelu, pointwise: $channels",
        "pointwise: {ratio: 4}, gelu, pointwise: $channels",
    ),
    "a bias into the norm behind it": (
        "depthwise_conv: 3, dropout: 0.1, batch_norm, relu",
        "conv: {size: 5, bias: false}, batch_norm, relu",
    ),
    "biases into norms that are new": (
        "batch_norm, conv: 3, relu, pointwise",
        "batch_norm, conv: {size: 3, bias: false}, batch_norm, relu, pointwise: {bias: false}, "
        "batch_norm",
    ),
    "wider around a layer that mixes": (
        "pointwise: {ratio: 2}, batch_norm, relu, conv: 3, batch_norm, relu, pointwise: $channels",
        "pointwise: {ratio: 3}, batch_norm, relu, conv: 5, batch_norm, relu, pointwise: $channels",
    ),
    "biases of attention and of what is wider": (
        "local_attention: {window: 3, heads: 2}, batch_norm, pointwise: {ratio: 2}, relu, "
        "pointwise: $in, batch_norm",
        "local_attention: {window: 3, heads: 2, out_bias: false}, batch_norm, "
        "pointwise: {ratio: 4, bias: false}, batch_norm, relu, "
        "pointwise: {channels: $channels, bias: false}, batch_norm",
    ),
    "wider, and factors before it": (
        "depthwise_conv: {size: 3, bias: false}, pointwise, pointwise: {ratio: 2}, gelu, "
        "pointwise: $channels",
        "conv: 3, pointwise: {ratio: 4}, gelu, pointwise: $channels",
    ),
}


def residuals(folder: Path, before: str, after: str) -> Pair:
    """The two as bodies of a residual block."""
    one, other = (
        "- residual: [" + ", ".join(_item(item) for item in _items(text)) + "]"
        for text in (before, after)
    )
    return carried(folder, one, other)


def _items(text: str) -> list[str]:
    """The items of a list without its brackets."""
    found, depth = [""], 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return [one.strip() for one in found]


def _item(text: str) -> str:
    return f"{{{text}}}" if ":" in text else text


@pytest.mark.parametrize("name", EXACT)
def test_the_function_is_the_same(name: str, tmp_path: Path) -> None:
    pair = residuals(tmp_path, *EXACT[name])
    assert pair.outcome.is_exact, pair.changed
    assert pair.difference < 1e-10


def test_a_bias_that_no_norm_takes_is_told(tmp_path: Path) -> None:
    before, after = "conv: 3, layer_norm", "conv: {size: 3, bias: false}, layer_norm"
    (row,) = residuals(tmp_path, before, after).changed
    assert row.method == "projection" and "it is lost" in row.reason


def test_branches_that_are_gone_are_told(tmp_path: Path) -> None:
    before, after = EXACT["a gate around two items"]
    pair = residuals(tmp_path, after, before)
    (row,) = pair.changed
    assert row.method == "partial" and "other branches" in row.reason
    assert pair.difference > 1e-3


# A gate that is new: what stands before it and behind it, and which layer is doubled.
GATES = {
    "behind a layer": ("depthwise_conv: 3", "squeeze_excite", "depthwise_conv"),
    "behind an activation that scales": (
        "depthwise_conv: 3, relu",
        "squeeze_excite",
        "depthwise_conv",
    ),
    "before a layer": ("silu", "squeeze_excite, pointwise", "pointwise"),
    "with a hard sigmoid": (
        "depthwise_conv: 3, batch_norm",
        "squeeze_excite: {gate: hardsigmoid}",
        "norm",
    ),
}


@pytest.mark.parametrize("name", GATES)
def test_a_new_gate_is_half_open_and_learns(name: str, tmp_path: Path) -> None:
    before, gated, twice = GATES[name]
    behind = gated.partition(", ")[2]
    pair = residuals(tmp_path, ", ".join(filter(None, (before, behind))), f"{before}, {gated}")
    assert pair.outcome.is_exact and pair.difference < 1e-10
    rows = {layer.path.rpartition(".")[2]: layer for layer in pair.changed}
    assert "gate of ½" in rows["squeeze_excite"].reason
    assert rows[twice].method == "embedding" and "doubled" in rows[twice].reason
    assert largest_gradient(tmp_path, pair) > 1e-6


def test_a_gate_that_nothing_can_make_up_for_says_that_it_is_stuck(tmp_path: Path) -> None:
    pair = residuals(tmp_path, "depthwise_conv: 3, silu", "depthwise_conv: 3, silu, squeeze_excite")
    (gate,) = pair.changed
    assert pair.outcome.is_exact and "flat end" in gate.reason
    assert largest_gradient(tmp_path, pair) < 1e-10


def largest_gradient(folder: Path, pair: Pair) -> float:
    """Of the loss by the last layer of the gate, with the carried weights."""
    target = program(folder / "wanted.yaml")
    tensors = {**draw(inventory(target), 2), **pair.outcome.tensors}
    (name, *_) = [n for n in tensors if n.endswith("squeeze_excite.pointwise2.weight")]
    last = tensors[name].clone().requires_grad_()
    assert target.input.grid is not None
    generator = torch.Generator().manual_seed(3)
    shape = (2, target.input.channels, *target.input.grid)
    pictures = torch.randn(shape, generator=generator, dtype=torch.float64)
    with torch.enable_grad():
        loss = run(target, {**tensors, name: last}, pictures).logits.square().sum()
        (gradient,) = torch.autograd.grad(loss, last)
    return float(gradient.abs().max())
