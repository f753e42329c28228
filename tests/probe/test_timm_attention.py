"""Attentions of timm's models, measured: where they stand is written here, not computed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from timm.layers import Attention, RelPosBias, RotaryEmbeddingCat
from timm.layers.bottleneck_attn import BottleneckAttn
from timm.layers.halo_attn import HaloAttn
from timm.models.beit import Attention as BeitAttention
from timm.models.cait import ClassAttn, TalkingHeadAttn
from timm.models.convit import GPSA
from timm.models.efficientvit_mit import LiteMLA
from timm.models.eva import EvaAttention
from timm.models.hiera import MaskUnitAttention
from timm.models.levit import Attention as LevitAttention
from timm.models.maxxvit import MaxxVitTransformerCfg, PartitionAttentionCl
from timm.models.nest import Attention as NestAttention
from timm.models.pvt_v2 import Attention as PvtAttention
from timm.models.swin_transformer import SwinTransformerBlock, WindowAttention
from timm.models.swin_transformer_v2 import SwinTransformerV2Block
from timm.models.swin_transformer_v2 import WindowAttention as WindowAttentionV2
from timm.models.tnt import Attention as TntAttention
from timm.models.twins import GlobalSubSampleAttn, LocallyGroupedAttn
from timm.models.vision_transformer_relpos import RelPosAttention
from timm.models.volo import OutlookAttention
from timm.models.xcit import XCA
from torch import Tensor, nn

from tests.probe.measured import Found, found, measured

TOKENS = (1, 16, 8)
MAP = (1, 4, 4, 8)

FULL = "full-separate.heads-pair.softmax"
FEED_FORWARD = ("point.positions-full.inner-static", True)


class Eva(nn.Module):
    """EVA's attention with the angles that its model hands to it, on a map of 4×4."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.attention = EvaAttention(16, 2, num_prefix_tokens=0, scale_norm=False)
        self.angles = RotaryEmbeddingCat(
            8, temperature=temperature, in_pixels=False, feat_shape=[4, 4]
        )

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.attention(x, self.angles.get_embed())
        return made


def partition(kind: str) -> nn.Module:
    sizes = MaxxVitTransformerCfg(dim_head=4, window_size=(2, 2), grid_size=(2, 2))
    return PartitionAttentionCl(8, kind, sizes)


ROWS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], dict[str, Any], list[Found]]] = {
    "vit": (lambda: Attention(8, 2, qkv_bias=True), TOKENS, {}, [(FULL, True)]),
    "deit with its class token": (
        lambda: Attention(8, 2, qkv_bias=True),
        (1, 17, 8),
        {"tokens": 1},
        [(FULL, True)],
    ),
    "swin, what is inside a window": (
        lambda: WindowAttention(8, 2, window_size=4),
        TOKENS,
        {},
        [(f"{FULL}.relative", True)],
    ),
    "swin block": (
        lambda: SwinTransformerBlock(8, (4, 4), num_heads=2, window_size=2),
        MAP,
        {"layout": "NHWC"},
        [("window-separate.heads-pair.softmax.relative", True), FEED_FORWARD],
    ),
    "swin block, shifted": (
        lambda: SwinTransformerBlock(8, (6, 6), num_heads=2, window_size=3, shift_size=1),
        (1, 6, 6, 8),
        {"layout": "NHWC"},
        [("window-separate.heads-pair.softmax.relative", True), FEED_FORWARD],
    ),
    "swin v2 block": (
        lambda: SwinTransformerV2Block(8, (4, 4), num_heads=2, window_size=2),
        MAP,
        {"layout": "NHWC"},
        [("window-separate.heads-pair.softmax.continuous.cosine", True), FEED_FORWARD],
    ),
    "swin v2, what is inside a window": (
        lambda: WindowAttentionV2(8, (4, 4), 2),
        TOKENS,
        {},
        [(f"{FULL}.continuous.cosine", True)],
    ),
    "xcit": (lambda: XCA(8, 2), TOKENS, {}, [("point-groups-channels.softmax", True)]),
    "volo": (
        lambda: OutlookAttention(8, 2, kernel_size=3),
        (1, 7, 7, 8),
        {"layout": "NHWC"},
        [("outlook.windows.zero-separate.heads-center.softmax", True)],
    ),
    "volo, a window every second place": (
        lambda: OutlookAttention(8, 2, kernel_size=3, stride=2),
        (1, 6, 6, 8),
        {"layout": "NHWC"},
        [("outlook.windows.zero-separate.heads-center.softmax", True)],
    ),
    "efficientvit": (
        lambda: LiteMLA(8, 8, heads=2, dim=4, scales=()),
        (1, 8, 4, 4),
        {},
        [("full-separate.heads-pair.l1.relu", True)],
    ),
    "eva": (lambda: Eva(100.0), (1, 16, 16), {}, [(f"{FULL}.rotary", True)]),
    "pvt v2": (
        lambda: PvtAttention(8, 2, sr_ratio=2),
        TOKENS,
        {"call": ((4, 4),)},
        [("full.reduce-separate.heads-pair.softmax", True)],
    ),
    "twins, local": (
        lambda: LocallyGroupedAttn(8, 2, ws=2),
        TOKENS,
        {"call": ((4, 4),)},
        [("window-separate.heads-pair.softmax", True)],
    ),
    "twins, sub-sampled": (
        lambda: GlobalSubSampleAttn(8, 2, sr_ratio=2),
        TOKENS,
        {"call": ((4, 4),)},
        [("full.reduce-separate.heads-pair.softmax", True)],
    ),
    # A block of positions in each row of what it is called with.
    "nest": (
        lambda: NestAttention(8, 2),
        (1, 4, 9, 8),
        {"layout": "NHWC"},
        [("stripe-separate.heads-pair.softmax", True)],
    ),
    # Mask units are interleaved: every fourth token, which is a column of four.
    "hiera, mask units": (
        lambda: MaskUnitAttention(8, 8, 2, window_size=4, use_mask_unit_attn=True),
        TOKENS,
        {},
        [("stripe-separate.heads-pair.softmax", True)],
    ),
    "maxvit, windows": (
        lambda: partition("block"),
        MAP,
        {"layout": "NHWC"},
        [("window-separate.heads-pair.softmax.relative", True), FEED_FORWARD],
    ),
    "maxvit, grids": (
        lambda: partition("grid"),
        MAP,
        {"layout": "NHWC"},
        [("grid-separate.heads-pair.softmax.relative", True), FEED_FORWARD],
    ),
    "vit with relative positions": (
        lambda: RelPosAttention(8, 2, rel_pos_cls=partial(RelPosBias, window_size=(4, 4))),
        TOKENS,
        {},
        [(f"{FULL}.relative", True)],
    ),
    # Its table has rows of its own for the class token: no table by offsets alone.
    "beit": (
        lambda: BeitAttention(8, 2, window_size=(4, 4)),
        (1, 17, 8),
        {"tokens": 1},
        # A number for each offset, and three for what the class token has: no table of pairs.
        [(f"{FULL}.absolute", False)],
    ),
    "tnt": (lambda: TntAttention(8, 8, 2), TOKENS, {}, [(FULL, True)]),
    "cait, class attention": (
        lambda: ClassAttn(8, 2),
        (1, 17, 8),
        {"tokens": 1},
        [(FULL, True)],
    ),
    "cait, talking heads": (
        lambda: TalkingHeadAttn(8, 2),
        TOKENS,
        {},
        [(f"{FULL}.talking", True)],
    ),
    # What follows is none of the algebra's points, and is said to be near one only.
    "convit": (lambda: GPSA(8, 2), TOKENS, {}, [(FULL, False)]),
    "levit": (
        lambda: LevitAttention(8, 4, 2, resolution=(4, 4)),
        TOKENS,
        {},
        [(f"{FULL}.relative", False)],
    ),
    "botnet": (
        lambda: BottleneckAttn(8, feat_size=(4, 4), num_heads=2, dim_head=4),
        (1, 8, 4, 4),
        {},
        [(f"{FULL}.relative", False)],
    ),
    # Its position terms are products with the query.
    "halonet": (
        lambda: HaloAttn(8, num_heads=2, block_size=2, halo_size=1),
        (1, 8, 6, 6),
        {},
        [("window.zero.halo-separate.heads-pair.softmax.relative", False)],
    ),
    "vit with norms of queries and keys": (
        lambda: Attention(8, 2, qk_norm=True, norm_layer=nn.LayerNorm),
        TOKENS,
        {},
        [(FULL, False)],
    ),
    "efficientvit, of several scales": (
        lambda: LiteMLA(8, 8, heads=2, dim=4, scales=(3,)),
        (1, 8, 4, 4),
        {},
        [("full-separate-pair.l1.relu", False)],
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_attention_stands_where_it_is(name: str) -> None:
    made, shape, told, wanted = ROWS[name]
    assert list(found(made(), shape, **told)) == wanted


def test_what_is_no_point_says_in_what_it_differs() -> None:
    (halo,) = measured(HaloAttn(8, num_heads=2, block_size=2, halo_size=1), (1, 8, 6, 6)).operators
    (normed,) = measured(Attention(8, 2, qk_norm=True, norm_layer=nn.LayerNorm), TOKENS).operators
    assert any("each offset has is multiplied" in text for text in halo.part.measured.differs)
    by_name = {one.name: one for one in normed.part.measured.properties}
    assert not by_name["score"].decided
    assert "layer norm" in by_name["score"].evidence


def test_numbers_of_pairs_are_measured_too() -> None:
    (swin,) = measured(WindowAttentionV2(8, (4, 4), 2), TOKENS).operators
    weight = swin.part.measured.operator.weight
    assert (weight.hidden, weight.qkv_bias, weight.key_bias) == (512, True, False)
    (eva,) = measured(Eva(37.0), (1, 16, 16)).operators
    assert eva.part.measured.operator.weight.temperature == 37.0
    (volo,) = measured(
        OutlookAttention(8, 2, kernel_size=3, stride=2), (1, 6, 6, 8), layout="NHWC"
    ).operators
    space = volo.part.measured.operator.space
    assert (space.size, space.step, space.border) == ((3, 3), (2, 2), "zero")


def test_what_is_done_for_the_machines_sake_is_told() -> None:
    found = measured(LiteMLA(8, 8, heads=2, dim=4, scales=()), (1, 8, 4, 4))
    rounded, added = found.notes
    assert "3 casts" in rounded
    assert "1e-05" in added
