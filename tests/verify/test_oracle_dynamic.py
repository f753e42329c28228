"""The oracle against attention and predicted weights written by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import relgraph.verify.oracle as oracle
from relgraph.algebra.operator import (
    Channel,
    Connection,
    Frame,
    Operator,
    Predictor,
    Space,
    Weight,
)
from tests.verify.oracle_inputs import C, H, W, close, predictor, rand, rows


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


# Attention on full maps


def attention_tensors(c: int, position: Tensor | None = None) -> dict[str, Tensor]:
    tensors = {"qkv.weight": rand(3 * c, c), "qkv.bias": rand(3 * c)}
    tensors |= {"proj.weight": rand(c, c), "proj.bias": rand(c)}
    return tensors if position is None else tensors | {"position_bias": position}


def test_global_attention_with_tokens_and_absolute_position() -> None:
    tokens, p, heads = 2, H * W, 2
    tensors = attention_tensors(C, rand(heads, p + tokens, p + tokens))
    x = rand(2, p + tokens, C)
    qkv = F.linear(x, tensors["qkv.weight"], tensors["qkv.bias"])
    q, k, v = qkv.reshape(2, -1, 3, heads, C // heads).permute(2, 0, 3, 1, 4)
    y = F.scaled_dot_product_attention(q, k, v, tensors["position_bias"])
    y = F.linear(y.transpose(1, 2).flatten(2), tensors["proj.weight"], tensors["proj.bias"])
    operator = Operator(
        Space("full", border="mask"),
        Channel("separate", share="heads", heads=heads),
        Weight("pair", normalize="softmax", position="absolute"),
        "none",
        Frame(value=True, output=True),
    )
    connection = Connection(operator, C, C, (H, W), (H, W), tokens)
    close(oracle.connect(connection, tensors, x), y)


def test_keys_of_a_reduced_map() -> None:
    heads, keys = 2, rand(2, 12, C)
    tensors = {"q.weight": rand(C, C), "q.bias": rand(C), "kv.weight": rand(2 * C, C)}
    tensors |= {"kv.bias": rand(2 * C), "proj.weight": rand(C, C)}
    x = rand(2, H * W, C)
    q = F.linear(x, tensors["q.weight"], tensors["q.bias"])
    k, v = F.linear(keys, tensors["kv.weight"], tensors["kv.bias"]).chunk(2, -1)
    q, k, v = (t.unflatten(2, (heads, -1)).transpose(1, 2) for t in (q, k, v))
    y = (
        F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        @ tensors["proj.weight"].T
    )
    operator = Operator(
        Space("full", border="mask"),
        Channel("separate", share="heads", heads=heads),
        Weight("pair", normalize="softmax"),
        "none",
        Frame(value=True, output=True, output_bias=False),
    )
    connection = Connection(operator, C, C, (H, W), (H, W), key_grid=(4, 3))
    close(oracle.connect(connection, tensors, x, keys), y)
    p = H * W
    assert oracle.multiply_adds(connection) == 2 * p * C * C + 2 * 12 * C * C + 2 * p * 12 * C


@pytest.mark.parametrize("border", ["zero", "mask"])
def test_a_softmax_counts_zero_slots_and_not_absent_ones(border: str) -> None:
    """Local attention by unfolding: the value and the key of a zero slot are 0, whatever their
    projections' biases; its position bias still counts."""
    heads, k = 2, 3
    table = rand(k * k, heads)
    tensors = attention_tensors(C) | {"relative_position_bias_table": table}
    x = rand(2, H, W, C)
    q, key, v = F.linear(x, tensors["qkv.weight"], tensors["qkv.bias"]).chunk(3, -1)

    def unfold(t: Tensor) -> Tensor:
        taps = F.unfold(t.permute(0, 3, 1, 2), k, padding=1)
        return taps.reshape(2, heads, C // heads, k * k, H * W)

    logits = torch.einsum("bphc,bhckp->bphk", q.reshape(2, H * W, heads, -1), unfold(key))
    logits = logits * (C // heads) ** -0.5 + table.T
    inside = F.unfold(torch.ones(1, 1, H, W, dtype=torch.float64), k, padding=1)[0].T > 0
    if border == "mask":
        logits = logits.masked_fill(~inside[None, :, None], float("-inf"))
    y = torch.einsum("bphk,bhckp->bphc", logits.softmax(-1), unfold(v)).flatten(2)
    y = F.linear(y, tensors["proj.weight"], tensors["proj.bias"])
    operator = Operator(
        Space("local", (k, k), border=border),  # type: ignore[arg-type]
        Channel("separate", share="heads", heads=heads),
        Weight("pair", normalize="softmax", position="relative"),
        "none",
        Frame(value=True, output=True),
    )
    connection = Connection(operator, C, C, (H, W), (H, W))
    close(oracle.connect(connection, tensors, x.flatten(1, 2)), y)


# Predicted weights


def predict(t: dict[str, Tensor], context: Tensor, training: bool) -> Tensor:
    z = F.linear(context, t["squeeze.weight"], t["squeeze.bias"])
    mean = z.mean(0) if training else t["norm.running_mean"]
    variance = z.var(0, correction=0) if training else t["norm.running_var"]
    z = (z - mean) / (variance + 1e-5).sqrt() * t["norm.weight"] + t["norm.bias"]
    return F.linear(z.relu(), t["expand.weight"], t["expand.bias"])


@pytest.mark.parametrize("training", [False, True])
def test_pooled_dynamic_depthwise_convolution(training: bool) -> None:
    x, t, bias = rand(3, C, H, W), predictor(C * 9, 2, C), rand(C)
    kernels = predict(t, x.mean((2, 3)), training).reshape(3, C, 1, 3, 3)
    y = torch.cat(
        [F.conv2d(one[None], k, bias, 1, 1, 1, C) for one, k in zip(x, kernels, strict=True)]
    )
    weight = Weight("pooled", predictor=Predictor(2, True, "batch_norm"))
    space = Space("local", (3, 3), share="positions")
    operator = Operator(space, Channel("separate"), weight)
    connection = Connection(operator, C, C, (H, W), (H, W))
    close(oracle.connect(connection, t | {"bias": bias}, rows(x), training=training), rows(y))
    products = 9 * C * H * W + 2 * C + 2 * 9 * C
    assert oracle.multiply_adds(connection) == products


@pytest.mark.parametrize("training", [False, True])
def test_involution(training: bool) -> None:
    groups, k = 2, 3
    x, t = rand(2, C, H, W), predictor(groups * k * k, 2, C)
    contexts = rows(x).flatten(0, 1)
    weights = predict(t, contexts, training).reshape(2, H * W, groups, k * k)
    taps = F.unfold(x, k, padding=1).reshape(2, groups, C // groups, k * k, H * W)
    y = torch.einsum("bpgk,bgckp->bpgc", weights, taps).flatten(2)
    weight = Weight("center", predictor=Predictor(2, True, "batch_norm"))
    space = Space("local", (k, k), share="positions")
    channel = Channel("separate", share="heads", heads=groups)
    operator = Operator(space, channel, weight, "none")
    connection = Connection(operator, C, C, (H, W), (H, W))
    close(oracle.connect(connection, t, rows(x), training=training), y)
    assert oracle.multiply_adds(connection) == H * W * (9 * C + 2 * C + 2 * 9 * groups)


def test_center_region_is_a_convolution_of_the_input() -> None:
    """Weights read from a 3×3 region, strided: the predictor is a 3×3 convolution."""
    x, expand, bias = rand(2, C, H, W), rand(9, C * 9), rand(9)
    predicted = F.conv2d(x, expand.reshape(9, C, 3, 3), bias, 2, 1)
    taps = F.unfold(x, 3, padding=1, stride=2).reshape(2, C, 9, -1)
    y = torch.einsum("bkp,bckp->bpc", predicted.flatten(2), taps)
    space = Space("local", (3, 3), (2, 2), share="positions")
    operator = Operator(space, Channel("separate", share="all"), Weight("center", extent=3), "none")
    connection = Connection(operator, C, C, (H, W), (H // 2, W // 2))
    close(oracle.connect(connection, {"expand.weight": expand, "expand.bias": bias}, rows(x)), y)


def test_squeeze_excite_is_a_point_with_pooled_source() -> None:
    x, t = rand(2, C, H, W), {"expand.weight": rand(C, C), "expand.bias": rand(C)}
    gate = F.linear(x.mean((2, 3)), t["expand.weight"], t["expand.bias"]).sigmoid()
    weight = Weight("pooled", normalize="sigmoid")
    operator = Operator(Space("point", share="positions"), Channel("separate"), weight, "none")
    connection = Connection(operator, C, C, (H, W), (H, W))
    close(oracle.connect(connection, t, rows(x)), rows(x) * gate[:, None])
