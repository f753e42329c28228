"""Modules that no library has, measured: where they stand is written here."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from tests.probe import handwritten as own
from tests.probe.measured import Found, found, measured

MAP = (1, 8, 5, 5)
TOKENS = (1, 16, 8)
POINT = ("point.positions-full-static", True)

ROWS: dict[str, tuple[nn.Module, tuple[int, ...], dict[str, Any], list[Found]]] = {
    "involution": (
        own.Involution(),
        MAP,
        {},
        [("local.positions-separate.heads-center", True)],
    ),
    "dynamic depthwise": (
        own.DynamicDepthwise(),
        MAP,
        {},
        [("local.positions-separate-pooled", True)],
    ),
    "linearly predicted": (
        own.LinearlyPredicted(),
        MAP,
        {},
        [("local.positions-separate-pooled", True)],
    ),
    "condconv": (own.CondConv(), MAP, {}, [("local.positions-full-pooled", True)]),
    "lightweight attention": (
        own.LightweightAttention(),
        MAP,
        {},
        [("local.positions.zero-separate.heads-center.softmax", True)],
    ),
    "linear attention": (
        own.LinearAttention(),
        TOKENS,
        {},
        [("full-separate.heads-pair.l1.elu", True)],
    ),
    "row attention": (
        own.RowAttention(),
        (1, 4, 4, 8),
        {"layout": "NHWC"},
        [("stripe-separate.heads-pair.softmax", True)],
    ),
    "rows times columns": (
        own.RowsTimesColumns(),
        MAP,
        {},
        [("local.positions.separable-separate-static", True)],
    ),
    "low rank": (
        own.LowRank(),
        (1, 8, 16),
        {"layout": "BCN"},
        [("full.none.tokens-separate.all-static", True)],
    ),
    "repvgg": (own.RepVgg(), MAP, {}, [("local.positions-full-static", True)]),
    "large kernel attention": (
        own.LargeKernelAttention(),
        (1, 8, 7, 7),
        {},
        [
            (
                "product2_point-separate-fixed.identity_chain3_local.positions-separate-static"
                "_local.positions-separate-static_point.positions-full-static",
                True,
            )
        ],
    ),
    "global filter": (
        own.GlobalFilter(),
        (1, 4, 5, 5),
        {},
        [("full.positions.wrap-separate-static", True)],
    ),
    "norm written out": (
        own.HandMadeNorm(),
        MAP,
        {},
        [("local.positions-separate-static", True)],
    ),
    "swiglu": (
        own.SwiGlu(),
        TOKENS,
        {},
        [POINT, ("point.positions-separate-center", True), POINT],
    ),
    "strided depthwise": (
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8),
        (1, 8, 6, 6),
        {},
        [("local.positions-separate-static", True)],
    ),
    "reflected conv": (
        nn.Conv2d(8, 4, 3, padding=1, padding_mode="reflect"),
        MAP,
        {},
        [("local.positions.reflect-full-static", True)],
    ),
    "repeated border": (
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="replicate", groups=4),
        (1, 4, 6, 5),
        {},
        [("local.positions.clamp-separate-static", True)],
    ),
    "wrapped conv": (
        nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular", groups=2),
        MAP,
        {},
        [("local.positions.wrap-groups-static", True)],
    ),
    "dilated conv": (
        nn.Conv2d(4, 4, 3, padding=2, dilation=2),
        (1, 4, 6, 7),
        {},
        [("local.positions-full-static", True)],
    ),
    "queries, keys and values told": (
        nn.MultiheadAttention(8, 2, batch_first=True),
        TOKENS,
        {"call": ("x", "x")},
        [("full-separate.heads-pair.softmax", True)],
    ),
    "neighbourhood attention": (
        own.NeighbourhoodAttention(),
        MAP,
        {},
        [("local.zero-separate.heads-pair.softmax", True)],
    ),
    "unshared kernels": (
        own.Unshared(),
        (1, 4, 5, 5),
        {},
        [("local.none-separate-static", True)],
    ),
    # Together they have fewer parameters than a full matrix has weights, and are told apart.
    "shuffled groups": (
        own.Shuffled(),
        (1, 8, 3, 3),
        {},
        [("point.positions-groups-static", True), ("point.positions-groups-static", True)],
    ),
    "a vector": (nn.Linear(8, 5), (1, 8), {}, [POINT]),
    # Chosen by values: no sum over inputs, and no claim.
    "max pool": (
        nn.MaxPool2d(2),
        (1, 4, 4, 4),
        {},
        [("local.positions.separable-separate.all-static", False)],
    ),
    "a shortcut and an activation": (nn.ReLU(), MAP, {}, []),
}


@pytest.mark.parametrize("name", ROWS)
def test_module_stands_where_it_is(name: str) -> None:
    module, shape, told, wanted = ROWS[name]
    assert list(found(module, shape, **told)) == wanted


def test_numbers_of_geometry() -> None:
    def only(module: nn.Module, shape: tuple[int, ...]) -> str:
        (one,) = measured(module, shape).operators
        return one.key

    strided = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8)
    assert only(strided, (1, 8, 6, 6)) == "local3x3.positions.s2x2-separate-static"
    dilated = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
    assert only(dilated, (1, 4, 6, 7)) == "local3x3.positions.d2x2-full-static"
    patches = nn.Conv2d(4, 6, 2, stride=2)
    assert only(patches, (1, 4, 6, 6)) == "local2x2.positions.s2x2-full-static"


def test_what_is_held_fixed_is_told_and_can_be_turned() -> None:
    module = own.LinearlyPredicted()
    (frozen,) = measured(module, MAP).frozen
    assert (frozen.product, frozen.operand) == ("mul", "the right operand (1×8×9×1)")
    # The other reading: the image is held fixed, what is predicted is the value.
    (turned,) = measured(module, MAP, turn=(1,)).frozen
    assert turned.operand == "the left operand (1×8×9×25)"


def test_facts_of_the_module_as_it_is() -> None:
    def facts(module: nn.Module) -> list[str]:
        return [one.found for one in measured(module, MAP).facts]

    assert facts(nn.Conv2d(8, 8, 3, padding=1)) == ["yes", "yes", "1"]
    assert facts(own.LinearlyPredicted()) == ["no", "no", "2"]
    assert facts(own.Involution())[:2] == ["no", "no"]


def test_counts_are_exact() -> None:
    probed = measured(nn.Conv2d(8, 6, 3, padding=1), MAP)
    assert (probed.parameters, probed.macs) == (8 * 6 * 9 + 6, 8 * 6 * 9 * 25)
    attention = measured(own.RowAttention(), (1, 4, 4, 8), layout="NHWC")
    assert attention.macs == 16 * (8 * 24 + 8 * 8 + 2 * 4 * 8)
