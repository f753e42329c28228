"""The shipped attention with a network's position bias, and that with turned queries and keys,
against layers of timm: random weights, float64. Their tables of coordinates and angles are float32,
so 1e-6."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from timm.layers import RotaryEmbeddingCat
from timm.models.eva import EvaAttention
from timm.models.swin_transformer_v2 import WindowAttention

from relgraph.algebra.operator import Operator, Size, Space
from relgraph.lower import candidates
from relgraph.lower.module import Module
from relgraph.resolve import resolve_operator
from relgraph.resolved import OperatorUse
from tests.lower.against_oracle import node, randomize
from tests.support import build

GRID: Size = (3, 4)


def shipped(name: str, dim: int, **params: bool | float | list[int]) -> Operator:
    use = resolve_operator(name, dim, params=params)
    assert isinstance(use, OperatorUse)
    return use.operator


def compare(
    operator: Operator,
    dim: int,
    carried: dict[str, torch.Tensor],
    wanted: torch.Tensor,
    x: torch.Tensor,
) -> None:
    """Every form of the operator with the carried weights: x, wanted (B, H, W, C)."""
    for name, lowered in candidates(node(operator, dim, GRID)):
        assert isinstance(lowered, Module), name
        ours = build(lowered).double()
        missing, unexpected = ours.load_state_dict(carried, strict=False)
        assert not unexpected and not [one for one in missing if "weight" in one], name
        with torch.no_grad():
            found = ours(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        assert (found - wanted).abs().max() <= 1e-6 * wanted.abs().max(), name


def projections(
    theirs: WindowAttention | EvaAttention, key_bias: bool = False
) -> dict[str, torch.Tensor]:
    """timm's tensors under our names. It keeps a key bias in a buffer: 0, unless a test sets it."""
    q_bias, k_bias, v_bias = theirs.q_bias, theirs.k_bias, theirs.v_bias
    joined = {"qkv.bias": torch.cat([q_bias, k_bias, v_bias])}
    apart = {"qkv.q_bias": q_bias, "qkv.v_bias": v_bias}
    return {
        "qkv.weight": theirs.qkv.weight,
        "proj.weight": theirs.proj.weight,
        "proj.bias": theirs.proj.bias,
    } | (joined if key_bias else apart)


@pytest.mark.parametrize("space", [Space("full"), Space("window", GRID)], ids=["map", "windows"])
def test_a_bias_made_of_the_offset_is_swin_v2s(space: Space) -> None:
    """Their offsets are query − key, ours input − output."""
    theirs = randomize(WindowAttention(12, GRID, 3)).eval()
    assert isinstance(theirs, WindowAttention)
    theirs.logit_scale.data[1] = math.log(200)
    theirs._init_buffers()
    x = torch.randn(2, *GRID, 12, dtype=torch.float64)
    carried = projections(theirs) | {
        "logit_scale": theirs.logit_scale.flatten(),
        "cpb_mlp.0.weight": -theirs.cpb_mlp[0].weight,
        "cpb_mlp.0.bias": theirs.cpb_mlp[0].bias,
        "cpb_mlp.2.weight": theirs.cpb_mlp[2].weight,
    }
    operator = shipped("window_attention_v2", 12, heads=3, window=[*GRID])
    wanted = theirs(x.flatten(1, 2)).view_as(x)
    compare(replace(operator, space=space), 12, carried, wanted, x)


@pytest.mark.parametrize("temperature", [10000.0, 100.0])
@pytest.mark.parametrize("key_bias", [True, False], ids=["keys biased", "keys without bias"])
def test_turned_queries_and_keys_are_evas(key_bias: bool, temperature: float) -> None:
    """A bias of the keys is no constant here: it turns with them."""
    dim, heads = 16, 2
    theirs = randomize(EvaAttention(dim, heads, num_prefix_tokens=0, scale_norm=False)).eval()
    assert isinstance(theirs, EvaAttention)
    theirs.k_bias.normal_().mul_(key_bias)
    turns = RotaryEmbeddingCat(
        dim // heads,
        temperature=temperature,
        in_pixels=False,
        feat_shape=list(GRID),
        dtype=torch.float64,
    )
    x = torch.randn(2, *GRID, dim, dtype=torch.float64)
    wanted = theirs(x.flatten(1, 2), turns.get_embed()).view_as(x)
    operator = shipped(
        "rotary_attention", dim, heads=heads, temperature=temperature, key_bias=key_bias
    )
    assert operator.weight.temperature == temperature
    compare(operator, dim, projections(theirs, key_bias), wanted, x)
