"""One operator written in many ways is one operator; what is not it is not claimed."""

from __future__ import annotations

import pytest
from torch import nn

from relgraph.errors import RelgraphError
from tests.probe import styles
from tests.probe.measured import Found, found, measured

TOKENS = (1, 16, 8)
MAP = (1, 8, 5, 5)
SMALL = (1, 4, 6, 6)
CONV = ("local.positions-full-static", True)
POINT = ("point.positions-full-static", True)
STRIPES = ("stripe-separate.heads-pair.softmax", True)

SAME: dict[str, tuple[nn.Module, tuple[int, ...], list[Found]]] = {
    "attention as a sum of rolled maps": (
        styles.Rolled(),
        MAP,
        [("local.wrap-separate.heads-pair.softmax.relative", True)],
    ),
    "a row and a column": (styles.CrissCross(), MAP, [("axial-separate.all-pair.softmax", True)]),
    "a sum of experts": (styles.SumOfExperts(), SMALL, [("local.positions-full-pooled", True)]),
    "a mixture of experts": (
        styles.SumOfExperts(softmax=True),
        SMALL,
        [("local.positions-full-pooled", True)],
    ),
    "two kernels, one gated by the image": (
        styles.TwoScales(),
        SMALL,
        [CONV, POINT, ("point.positions-separate-pooled.sigmoid", True)],
    ),
    "a view as neighbourhood": (
        styles.Strided(),
        SMALL,
        [("local.positions-separate-static", True)],
    ),
    "a table of neighbours": (styles.Table(), (1, 36, 4), [CONV]),
    "rows, then columns": (styles.RowsThenColumns(), (1, 5, 5, 8), [STRIPES, STRIPES]),
    "a gate behind attention": (
        styles.Pairs("gated"),
        TOKENS,
        [
            ("full-separate.all-pair.softmax", True),
            ("point.positions-separate-center.sigmoid", True),
        ],
    ),
    "keys of an averaged map": (
        styles.PooledKeys(),
        (1, 8, 4, 4),
        [("full.reduce-separate.all-pair.softmax", True)],
    ),
    "an average, and a convolution": (
        nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(4, 4, 3, padding=1)),
        SMALL,
        [("local.mask-separate-fixed.average", True), CONV],
    ),
    "a reciprocal of sums": (
        styles.Pairs("linear"),
        TOKENS,
        [("full-separate.all-pair.l1.elu", True)],
    ),
    "written over": (
        styles.Overwritten(),
        (1, 8, 6, 6),
        [("split2_local.positions-full-static_point-separate-fixed.identity", True)],
    ),
    "a complex filter": (
        styles.ComplexFilter(),
        (1, 6, 6, 4),
        [("full.positions.wrap-separate-static", True)],
    ),
    "a table for each head": (
        styles.Placed("for each head"),
        TOKENS,
        [("full-separate.heads-pair.softmax.relative", True)],
    ),
    "a table of pairs": (
        styles.Placed("of pairs"),
        TOKENS,
        [("full-separate.heads-pair.softmax.absolute", True)],
    ),
    "channels that are not known before": (nn.LazyConv2d(4, 3, padding=1), SMALL, [CONV]),
}


@pytest.mark.parametrize("name", SAME)
def test_however_it_is_written(name: str) -> None:
    module, shape, wanted = SAME[name]
    assert list(found(module, shape)) == wanted


OPEN: dict[str, tuple[nn.Module, tuple[int, ...], str]] = {
    "a number beside products": (styles.Pairs("plain"), TOKENS, "a number is added to all logits"),
    "and in a sigmoid": (styles.Pairs("squashed"), TOKENS, "a number is added to all logits"),
    "and in quotients": (styles.Pairs("divided"), TOKENS, "a number is added to all logits"),
    "two slopes": (styles.Pairs("sloped"), TOKENS, "undecided: score"),
    "a maximum": (styles.Excited("maximum"), MAP, "depends on the image in another way"),
    "a table for all heads": (styles.Placed("for all heads"), TOKENS, "made of 49 parameters"),
    "tables of an axis": (
        styles.Placed("of rows and of columns"),
        TOKENS,
        "98 of 2 heads are made of 28 parameters: a special case",
    ),
    "a number for each key": (styles.Placed("of keys"), TOKENS, "made of 32 parameters"),
    "a sum, and no average": (styles.Unlearned("sum"), MAP, "neither an average nor the identity"),
    "the mean as gate": (styles.Unlearned("gate"), MAP, "made of the image by no parameters"),
    "twice a sigmoid": (styles.Excited("twice"), MAP, "undecided: normalisation"),
}


@pytest.mark.parametrize("name", OPEN)
def test_what_is_another_is_not_claimed(name: str) -> None:
    module, shape, words = OPEN[name]
    (one,) = measured(module, shape).operators
    assert not one.exact
    assert words in "\n".join(one.lines())


def test_weights_from_before_are_told() -> None:
    _, gate = measured(styles.Pairs("gated"), TOKENS).operators
    assert "weights are made of what stands before" in "\n".join(gate.lines())


def test_sizes_that_fit_both_layouts_are_told() -> None:
    lines = "\n".join(measured(nn.Conv2d(4, 4, 1), (1, 4, 4, 4)).lines())
    assert "read as NCHW: a map of 4×4; the sizes would be a map of the other layout" in lines


def test_weight_norm_of_the_older_kind() -> None:
    with pytest.warns(FutureWarning, match="weight_norm"):
        module = nn.utils.weight_norm(nn.Conv2d(4, 4, 3, padding=1))
    assert list(found(module, SMALL)) == [CONV]


def test_a_module_without_a_copy_is_refused() -> None:
    module = nn.Conv2d(4, 4, 1)
    vars(module)["source"] = (number for number in range(1))
    with pytest.raises(RelgraphError, match="cannot-copy"):
        measured(module, SMALL)
