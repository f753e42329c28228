"""Position biases of a network and turned queries and keys against layers of timm, random weights,
float64. Their tables of coordinates and angles are float32: 1e-6."""

from __future__ import annotations

import math

import pytest
import torch
from timm.layers import RotaryEmbeddingCat
from timm.models.eva import EvaAttention
from timm.models.swin_transformer_v2 import WindowAttention

from relgraph.algebra.operator import Channel, Frame, Operator, Size, Space, Weight
from relgraph.lower import candidates
from relgraph.lower.module import Module
from tests.lower.against_oracle import node, randomize
from tests.support import build

GRID: Size = (3, 4)
BOTH = Frame(value=True, output=True)


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


def without_key_bias(theirs: WindowAttention | EvaAttention) -> dict[str, torch.Tensor]:
    return {
        "qkv.weight": theirs.qkv.weight,
        "qkv.q_bias": theirs.q_bias,
        "qkv.v_bias": theirs.v_bias,
        "proj.weight": theirs.proj.weight,
        "proj.bias": theirs.proj.bias,
    }


@pytest.mark.parametrize("space", [Space("full"), Space("window", GRID)], ids=["map", "windows"])
def test_a_bias_made_of_the_offset_is_swin_v2s(space: Space) -> None:
    """Their offsets are query − key, ours input − output."""
    theirs = randomize(WindowAttention(12, GRID, 3)).eval()
    assert isinstance(theirs, WindowAttention)
    theirs.logit_scale.data[1] = math.log(200)
    theirs._init_buffers()
    x = torch.randn(2, *GRID, 12, dtype=torch.float64)
    carried = without_key_bias(theirs) | {
        "logit_scale": theirs.logit_scale.flatten(),
        "cpb_mlp.0.weight": -theirs.cpb_mlp[0].weight,
        "cpb_mlp.0.bias": theirs.cpb_mlp[0].bias,
        "cpb_mlp.2.weight": theirs.cpb_mlp[2].weight,
    }
    weight = Weight("pair", "softmax", position="continuous", score="cosine", key_bias=False)
    channel = Channel("separate", share="heads", heads=3)
    wanted = theirs(x.flatten(1, 2)).view_as(x)
    compare(Operator(space, channel, weight, "none", BOTH), 12, carried, wanted, x)


@pytest.mark.parametrize("temperature", [10000.0, 100.0])
def test_turned_queries_and_keys_are_evas(temperature: float) -> None:
    dim, heads = 16, 2
    theirs = randomize(EvaAttention(dim, heads, num_prefix_tokens=0, scale_norm=False)).eval()
    assert isinstance(theirs, EvaAttention)
    theirs.k_bias.zero_()
    turns = RotaryEmbeddingCat(
        dim // heads,
        temperature=temperature,
        in_pixels=False,
        feat_shape=list(GRID),
        dtype=torch.float64,
    )
    x = torch.randn(2, *GRID, dim, dtype=torch.float64)
    wanted = theirs(x.flatten(1, 2), turns.get_embed()).view_as(x)
    weight = Weight("pair", "softmax", position="rotary", key_bias=False, temperature=temperature)
    operator = Operator(
        Space("full"), Channel("separate", share="heads", heads=heads), weight, "none", BOTH
    )
    compare(operator, dim, without_key_bias(theirs), wanted, x)
