"""Single operators against layers of timm, random weights, float64: tolerances of `test_parity`."""

from __future__ import annotations

import math

import pytest
import torch
from timm.layers.attention2d import MultiQueryAttentionV2
from timm.layers.halo_attn import HaloAttn
from timm.models.cait import TalkingHeadAttn
from timm.models.efficientvit_mit import LiteMLA
from timm.models.swin_transformer_v2 import WindowAttention

from relgraph.algebra.operator import Channel, Frame, Operator, Size, Space, Weight
from relgraph.lower import candidates
from relgraph.lower.module import Module
from relgraph.program import Connect
from tests.lower.against_oracle import node, randomize
from tests.support import build

DIM, HEADS = 12, 3


def swin_v2(window: Size) -> WindowAttention:
    """timm's layer, random; the network of offsets ends in zeros, so that its bias is one number,
    which a softmax does not see. One head asks for more than 100 times the cosine."""
    layer = randomize(WindowAttention(DIM, window, HEADS)).eval()
    assert isinstance(layer, WindowAttention)
    layer.cpb_mlp[2].weight.data.zero_()
    layer.k_bias.zero_()
    layer.logit_scale.data[1] = math.log(200)
    layer._init_buffers()
    return layer


def carried(theirs: WindowAttention) -> dict[str, torch.Tensor]:
    """timm's tensors under our names. Keys have no bias there."""
    q_bias, v_bias = theirs.q_bias, theirs.v_bias
    return {
        "qkv.weight": theirs.qkv.weight,
        "qkv.bias": torch.cat([q_bias, torch.zeros_like(q_bias), v_bias]),
        "logit_scale": theirs.logit_scale.flatten(),
        "proj.weight": theirs.proj.weight,
        "proj.bias": theirs.proj.bias,
    }


def cosine(space: Space, grid: Size) -> Connect:
    weight = Weight("pair", "softmax", score="cosine")
    channel = Channel("separate", share="heads", heads=HEADS)
    return node(Operator(space, channel, weight, "none", Frame(True, True)), DIM, grid)


@pytest.mark.parametrize("space", [Space("full"), Space("window", (3, 4))], ids=["map", "windows"])
def test_scaled_cosines_are_swin_v2s(space: Space) -> None:
    theirs = swin_v2((3, 4))
    x = torch.randn(2, 3, 4, DIM, dtype=torch.float64)
    expected = theirs(x.flatten(1, 2)).view_as(x)
    for name, lowered in candidates(cosine(space, (3, 4))):
        assert isinstance(lowered, Module), name
        ours = build(lowered).double()
        ours.load_state_dict(carried(theirs), strict=False)
        with torch.no_grad():
            found = ours(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        assert (found - expected).abs().max() <= 1e-9 * expected.abs().max(), name


@pytest.mark.parametrize("halo", [1, 3])
def test_windows_with_a_halo_are_halonets(halo: int) -> None:
    """timm's layer without its position terms, which are products with the query."""
    theirs = randomize(HaloAttn(16, num_heads=2, block_size=4, halo_size=halo)).eval()
    theirs.pos_embed.height_rel.data.zero_()
    theirs.pos_embed.width_rel.data.zero_()
    key, value = theirs.kv.weight.flatten(1).unflatten(0, (2, 2, 8)).unbind(1)
    joined = torch.cat([theirs.q.weight.flatten(1), key.flatten(0, 1), value.flatten(0, 1)])
    carried = {"qkv.weight": joined, "proj.weight": torch.eye(16, dtype=torch.float64)}
    operator = Operator(
        Space("window", (4, 4), halo=(halo, halo), border="zero"),
        Channel("separate", share="heads", heads=2),
        Weight("pair", "softmax", qkv_bias=False),
        "none",
        Frame(True, True, output_bias=False),
    )
    x = torch.randn(2, 16, 8, 12, dtype=torch.float64)
    for name, lowered in candidates(node(operator, 16, (8, 12))):
        assert isinstance(lowered, Module), name
        ours = build(lowered).double()
        ours.load_state_dict(carried, strict=False)
        with torch.no_grad():
            found, expected = ours(x), theirs(x)
        assert (found - expected).abs().max() <= 1e-9 * expected.abs().max(), name


def linear_tensors(theirs: LiteMLA) -> dict[str, torch.Tensor]:
    """timm's tensors under our names: rows go head by head there, part by part here."""
    rows = theirs.qkv.conv.weight.flatten(1).view(HEADS, 3, DIM // HEADS, DIM)
    return {
        "qkv.weight": rows.transpose(0, 1).flatten(0, 2),
        "proj.weight": theirs.proj.conv.weight.flatten(1),
    }


def test_products_of_relu_features_are_efficientvits() -> None:
    """One scale, no norm. They add 1e-5 to the sum and work in float32; we take the sum as it is,
    which for sums near 1 is a relative difference of 1e-5: it is set near 0, then left."""
    made = LiteMLA(DIM, DIM, heads=HEADS, dim=DIM // HEADS, scales=(), norm_layer=(None, None))
    theirs = randomize(made).eval()
    assert isinstance(theirs, LiteMLA)
    weight = Weight("pair", "l1", score="relu", qkv_bias=False)
    channel = Channel("separate", share="heads", heads=HEADS)
    operator = Operator(Space("full"), channel, weight, "none", Frame(True, True, False, False))
    x = torch.randn(2, DIM, 3, 4, dtype=torch.float64)
    for eps, tolerance in ((1e-12, 1e-5), (1e-5, 1e-3)):
        theirs.eps = eps
        expected = theirs(x)
        for name, lowered in candidates(node(operator, DIM, (3, 4))):
            assert isinstance(lowered, Module), name
            ours = build(lowered).double()
            ours.load_state_dict(linear_tensors(theirs))
            with torch.no_grad():
                gap = (ours(x) - expected).abs().max()
            assert gap <= tolerance * expected.abs().max(), (name, eps)


def test_keys_of_all_heads_are_multi_query_attention() -> None:
    """timm keeps queries as (heads, width, C), keys as (C, width), the output as (C, heads, width);
    nothing has a bias."""
    made = MultiQueryAttentionV2(DIM, num_heads=HEADS, key_dim=DIM // HEADS, value_dim=DIM // HEADS)
    theirs = randomize(made).eval()
    assert isinstance(theirs, MultiQueryAttentionV2)
    weight = Weight("pair", "softmax", qkv_bias=False, kv_heads=1)
    channel = Channel("separate", share="heads", heads=HEADS)
    operator = Operator(Space("full"), channel, weight, "none", Frame(True, True, False, False))
    queries = theirs.query_proj.flatten(0, 1)
    tensors = {
        "qkv.weight": torch.cat([queries, theirs.key_proj.T, theirs.value_proj.T]),
        "proj.weight": theirs.out_proj.flatten(1),
    }
    x = torch.randn(2, DIM, 3, 4, dtype=torch.float64)
    expected = theirs(x)
    for name, lowered in candidates(node(operator, DIM, (3, 4))):
        assert isinstance(lowered, Module), name
        ours = build(lowered).double()
        ours.load_state_dict(tensors)
        with torch.no_grad():
            gap = (ours(x) - expected).abs().max()
        assert gap <= 1e-9 * expected.abs().max(), name


def test_talking_heads_are_caits() -> None:
    """All names are timm's."""
    theirs = randomize(TalkingHeadAttn(DIM, HEADS, qkv_bias=True)).eval()
    weight = Weight("pair", "softmax", talking_heads="both")
    channel = Channel("separate", share="heads", heads=HEADS)
    operator = Operator(Space("full"), channel, weight, "none", Frame(True, True))
    x = torch.randn(2, DIM, 3, 4, dtype=torch.float64)
    expected = theirs(x.flatten(2).transpose(1, 2)).transpose(1, 2).view_as(x)
    for name, lowered in candidates(node(operator, DIM, (3, 4))):
        assert isinstance(lowered, Module), name
        ours = build(lowered).double()
        ours.load_state_dict(theirs.state_dict())
        with torch.no_grad():
            gap = (ours(x) - expected).abs().max()
        assert gap <= 1e-9 * expected.abs().max(), name
