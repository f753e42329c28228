"""Convolutions, gates and token mixers of timm's models, measured; and whole blocks of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from timm.layers import EcaModule, SEModule
from timm.models._efficientnet_blocks import (
    DepthwiseSeparableConv,
    InvertedResidual,
    SqueezeExcite,
)
from timm.models.convmixer import Residual
from timm.models.convnext import ConvNeXtBlock
from timm.models.metaformer import MetaFormerBlock, Pooling
from timm.models.mlp_mixer import MixerBlock, ResBlock, SpatialGatingBlock
from timm.models.resnet import BasicBlock, Bottleneck
from timm.models.sequencer import LSTM2d
from torch import nn

from tests.probe.measured import Found, found, measured

MAP = (1, 8, 5, 5)
TOKENS = (1, 16, 8)

CONV = ("local.positions-full-static", True)
DEPTHWISE = ("local.positions-separate-static", True)
POINT = ("point.positions-full-static", True)
FEED_FORWARD = ("point.positions-full.inner-static", True)
AVERAGE = ("local.mask-separate-fixed.average", True)
EXCITE = ("point.positions-separate-pooled.sigmoid", True)
TOKEN_MLP = "full.none{}-separate.all-static"


def conv_mixer() -> nn.Module:
    depthwise = nn.Conv2d(8, 8, 3, groups=8, padding="same")
    mixed = Residual(nn.Sequential(depthwise, nn.GELU(), nn.BatchNorm2d(8)))
    return nn.Sequential(mixed, nn.Conv2d(8, 8, 1), nn.GELU(), nn.BatchNorm2d(8))


ROWS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], dict[str, Any], list[Found]]] = {
    "resnet, basic": (lambda: BasicBlock(8, 8), MAP, {}, [CONV, CONV]),
    "resnet, bottleneck": (
        lambda: Bottleneck(16, 4),
        (1, 16, 4, 4),
        {},
        [("local.positions-full.inner-static", True)],
    ),
    "resnext": (
        lambda: Bottleneck(16, 4, cardinality=2, base_width=64),
        (1, 16, 4, 4),
        {},
        [("local.positions-groups.inner-static", True)],
    ),
    "mobilenet v1": (lambda: DepthwiseSeparableConv(8, 8), MAP, {}, [DEPTHWISE, POINT]),
    "mobilenet v2": (
        lambda: InvertedResidual(8, 8, exp_ratio=2),
        MAP,
        {},
        [POINT, DEPTHWISE, POINT],
    ),
    "efficientnet": (
        lambda: InvertedResidual(8, 8, exp_ratio=2, se_layer=SqueezeExcite),
        MAP,
        {},
        [POINT, DEPTHWISE, EXCITE, POINT],
    ),
    "convnext": (
        lambda: ConvNeXtBlock(8, kernel_size=3),
        MAP,
        {},
        [DEPTHWISE, FEED_FORWARD],
    ),
    "convmixer": (conv_mixer, MAP, {}, [DEPTHWISE, POINT]),
    "senet": (lambda: SEModule(16), (1, 16, 4, 4), {}, [EXCITE]),
    "eca": (
        lambda: EcaModule(8),
        (1, 8, 4, 4),
        {},
        [("product2_point-separate-fixed.identity_point.positions-local.all-static", True)],
    ),
    "poolformer, token mixer": (lambda: Pooling(3), MAP, {}, [AVERAGE]),
    "poolformer, block": (
        lambda: MetaFormerBlock(8, token_mixer=Pooling),
        MAP,
        {},
        [AVERAGE, FEED_FORWARD],
    ),
    "mixer": (
        lambda: MixerBlock(8, 16),
        TOKENS,
        {},
        [(TOKEN_MLP.format(".tokens"), True), FEED_FORWARD],
    ),
    "mixer, token mlp alone": (
        lambda: MixerBlock(8, 16).mlp_tokens,
        (1, 8, 16),
        {"layout": "BCN"},
        [(TOKEN_MLP.format(".tokens"), True)],
    ),
    "resmlp": (
        lambda: ResBlock(8, 16),
        TOKENS,
        {},
        [(TOKEN_MLP.format(""), True), FEED_FORWARD],
    ),
    "gmlp": (
        lambda: SpatialGatingBlock(8, 16),
        TOKENS,
        {},
        [
            POINT,
            (f"splitproduct2_point-separate-fixed.identity_{TOKEN_MLP.format('')}", True),
            POINT,
        ],
    ),
    # Recurrences along rows and columns: the places are right, the weights are no point.
    "sequencer": (
        lambda: LSTM2d(8, 4),
        (1, 3, 3, 8),
        {"layout": "NHWC"},
        [("axial.none-full-center", False), POINT],
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_mixer_stands_where_it_is(name: str) -> None:
    made, shape, told, wanted = ROWS[name]
    assert list(found(made(), shape, **told)) == wanted


def test_numbers_are_measured_too() -> None:
    (bottleneck,) = measured(Bottleneck(16, 4), (1, 16, 4, 4)).operators
    assert bottleneck.key == "local3x3.positions-full.inner4-static"
    assert bottleneck.names == ("bottleneck",)
    mixer, feed_forward = measured(MixerBlock(8, 16), TOKENS).operators
    assert mixer.key == "full.none.tokens4-separate.all-static"
    assert feed_forward.part.place == "in a residual branch"


def test_a_pool_from_which_its_input_is_taken_off_says_so() -> None:
    (pool,) = measured(Pooling(3), MAP).operators
    assert pool.names[0] == "average_pooling"
    assert pool.part.place == "in a branch from which its input is taken off"
