"""Operator files: properties become points of the algebra, with the defaults that follow."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from relgraph.algebra.operator import Channel, Frame, Operator, Predictor, Rank, Space, Weight
from relgraph.errors import RelgraphError
from relgraph.resolve import resolve_operator
from relgraph.resolved import OperatorUse, Scope
from relgraph.shipped import shipped
from tests.resolve.specs import around, resolved, words, write


def use(folder: Path, text: str, width: int = 64, **params: object) -> OperatorUse:
    path = write(folder, mine="operator: mine\n" + textwrap.dedent(text))
    made = resolve_operator(path, width, params=params)  # type: ignore[arg-type]
    assert isinstance(made, OperatorUse)
    return made


def point(folder: Path, text: str, width: int = 64, **params: object) -> Operator:
    return use(folder, text, width, **params).operator


def test_swin_attention(tmp_path: Path) -> None:
    text = """\
    params:  {window: 7, shift: 0, heads: 4}
    space:   {connect: window, size: $window, shift: $shift}
    channel: {connect: separate, share: heads, heads: $heads}
    weight:  {dynamic: pair, normalize: softmax, position: relative}
    frame:   {value: true, output: true}
    """
    assert point(tmp_path, text, shift="half") == Operator(
        space=Space("window", (7, 7), shift=(3, 3), border="mask"),
        channel=Channel("separate", share="heads", heads=4),
        weight=Weight("pair", "softmax", "relative"),
        bias="none",
        frame=Frame(value=True, output=True),
    )


def test_depthwise(tmp_path: Path) -> None:
    text = """\
    space:   {connect: local, size: [3, 5], stride: 2, dilation: 2, share: positions}
    channel: {connect: separate}
    weight:  static
    """
    assert point(tmp_path, text) == Operator(
        space=Space("local", (3, 5), stride=(2, 2), dilation=(2, 2), share="positions"),
        channel=Channel("separate"),
        bias="channels",
    )


@pytest.mark.parametrize(
    ("written", "bias"),
    [
        ("space: {connect: full}\nchannel: {connect: separate}\n", "positions"),
        ("space: {connect: full}\nchannel: {connect: full}\n", "both"),
        ("space: {connect: full}\nchannel: {connect: groups, groups: 2}\n", "channels"),
        ("space: {connect: window, size: 7}\nchannel: {connect: separate}\n", "channels"),
        ("space: {connect: full}\nchannel: {connect: separate}\nbias: false\n", "none"),
        ("space: {connect: full}\nchannel: {connect: separate}\nbias: channels\n", "channels"),
        ("space: {connect: full}\nchannel: {connect: separate}\nframe: {output: true}\n", "none"),
    ],
)
def test_the_usual_bias(tmp_path: Path, written: str, bias: str) -> None:
    assert point(tmp_path, written).bias == bias


def test_a_head_is_counted_or_measured(tmp_path: Path) -> None:
    text = """\
    params: {heads: 4, head_channels: none}
    space: {connect: full}
    channel: {connect: separate, heads: $heads, head_channels: $head_channels}
    weight: {dynamic: pair, normalize: softmax}
    """
    assert point(tmp_path, text).channel.heads == 4
    assert point(tmp_path, text, head_channels=32).channel.heads == 2
    assert point(tmp_path, text, heads=2, head_channels=32).channel.heads == 2
    with pytest.raises(RelgraphError, match="contradiction"):
        point(tmp_path, text, heads=4, head_channels=32)


def test_one_group_is_full(tmp_path: Path) -> None:
    text = "space: {connect: point}\nchannel: {connect: groups, groups: 1}\n"
    assert point(tmp_path, text).channel == Channel("full")


def test_predictors(tmp_path: Path) -> None:
    text = """\
    space: {connect: local, size: 3, share: positions}
    channel: {connect: separate}
    weight: {dynamic: center, extent: 3, reduction: 4, predictor: {norm: batch_norm, act: silu}}
    """
    made = point(tmp_path, text).weight
    assert made.predictor == Predictor(4, bias=False, norm="batch_norm", act="silu")
    assert (made.source, made.extent) == ("center", 3)


@pytest.mark.parametrize(("value", "rank"), [(8, Rank("tokens", (8,))), ("none", None)])
def test_a_parameter_can_switch_a_rank_off(
    tmp_path: Path, value: object, rank: Rank | None
) -> None:
    text = """\
    params: {hidden: none}
    space: {connect: full, rank: {tokens: $hidden, between: [gelu]}}
    channel: {connect: separate}
    """
    made = use(tmp_path, text, hidden=value)
    assert made.operator.space.rank == rank
    assert words(made.between) == (["gelu"] if rank else [])


def test_reduce_by_a_number_a_body_or_nothing(tmp_path: Path) -> None:
    text = """\
    params: {reduce: 2}
    space: {connect: full, rank: {reduce: $reduce}}
    channel: {connect: separate, heads: 4}
    weight: {dynamic: pair, normalize: softmax}
    """
    assert point(tmp_path, text).space.rank == Rank("reduce", (2,))
    assert point(tmp_path, text, reduce=1).space.rank is None
    assert point(tmp_path, text, reduce=[]).space.rank is None
    by_body = use(tmp_path, text, reduce=[{"patchify": {"size": 2, "channels": 64}}, "layer_norm"])
    assert by_body.operator.space.rank == Rank("reduce")
    assert words(by_body.reduce) == ["patchify", "layer_norm"]


def test_padding_and_anchor(tmp_path: Path) -> None:
    space = "space: {{connect: local, size: 4, {}}}\nchannel: {{connect: full}}\n"
    for written, padding in (
        ("anchor: corner", (0, 0)),
        ("anchor: center", "half"),
        ("padding: same_tf", "same_tf"),
        ("padding: [1, 2]", (1, 2)),
    ):
        assert point(tmp_path, space.format(written)).space.padding == padding


def test_inner_rank_and_what_stands_between(tmp_path: Path) -> None:
    text = """\
    space: {connect: local, size: 3, share: positions}
    channel: {connect: full, rank: {inner: 16, between: [batch_norm, relu]}}
    """
    made = use(tmp_path, text)
    assert made.operator.channel.rank == Rank("inner", (16,))
    assert words(made.between) == ["batch_norm", "relu"]


def test_widths_of_a_body(tmp_path: Path) -> None:
    path = write(
        tmp_path, mine="operator: mine\nbody: [pointwise: {ratio: 2}, pointwise: $channels]\n"
    )
    made = resolve_operator(path, 8, 24)
    assert isinstance(made, Scope)
    assert [node.out_channels for node in made.body if isinstance(node, OperatorUse)] == [16, 24]


@pytest.mark.parametrize("name", shipped("operators"))
def test_shipped_operators_resolve_alone(name: str) -> None:
    assert resolve_operator(name, 96).name == name


def test_the_same_operator_as_a_shorter_spec_is_noted(tmp_path: Path) -> None:
    text = around("[conv: {size: 1}, conv: {size: 3, groups: $in}, conv: 3]")
    told = resolved(tmp_path, spec=text).problems
    assert [(problem.code, problem.severity) for problem in told] == [("canonical", "note")] * 2
    assert "connect: point" in told[0].found
    assert "connect: separate" in told[1].found
