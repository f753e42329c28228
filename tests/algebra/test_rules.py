"""Each rule refuses what it says, and nothing that is an operator."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from relgraph.algebra.families import CHANNEL_RANKS, SPACE_RANKS, families
from relgraph.algebra.operator import (
    Channel,
    Frame,
    Operator,
    Predictor,
    Rank,
    Source,
    Space,
    Weight,
)
from relgraph.algebra.rules import RULES, Rule, check, consistent

SEPARATE = Channel("separate")
ONE_HEAD = Channel("separate", share="all")
COSINE = Weight("channels", score="cosine")
POINT = Space("point", share="positions")
LOCAL = Space("local", (3, 3), share="positions")
WINDOW = Space("window", (4, 4))
FULL = Space("full")
TWO = Rank("reduce", (2,))
INNER = Rank("inner", (4,))


def ranked(space: Space, word: str, *numbers: int) -> Space:
    return dataclasses.replace(space, rank=Rank(word, numbers))  # type: ignore[arg-type]


# One operator for each row of the table, in its order, that breaks this row and no other.
BROKEN: tuple[Operator, ...] = (
    Operator(Space("local", (3, 3), share="windows")),
    Operator(ranked(Space(), "tokens", 4)),
    Operator(ranked(Space("local", (3, 3)), "reduce", 2)),
    Operator(ranked(Space("axial"), "tokens", 4)),
    Operator(ranked(Space("full", share="positions"), "reduce", 2)),
    Operator(ranked(Space("axial"), "scales", 2)),
    Operator(ranked(Space("axial"), "separable")),
    Operator(ranked(Space("local", (3, 3)), "separable")),
    Operator(LOCAL, Channel("separate", rank=INNER)),
    Operator(LOCAL, Channel("full", share="all")),
    Operator(LOCAL, Channel("groups", groups=2, share="heads", heads=2)),
    Operator(Space("local", (3, 3)), Channel("full"), Weight("fixed", fixed="average")),
    Operator(ranked(FULL, "reduce", 2), SEPARATE, Weight("fixed", fixed="average")),
    Operator(FULL, SEPARATE, Weight("fixed", "sigmoid", fixed="average")),
    Operator(Space(), SEPARATE, Weight("pair")),
    Operator(FULL, Channel("full"), Weight("pair")),
    Operator(ranked(FULL, "separable"), SEPARATE, Weight("pair")),
    Operator(ranked(FULL, "tokens", 4), SEPARATE, Weight("pair")),
    Operator(Space(share="positions"), SEPARATE, Weight("pooled", "softmax")),
    Operator(Space(share="positions"), SEPARATE, Weight("pooled", "l1")),
    Operator(ranked(FULL, "separable"), SEPARATE, Weight("static", "softmax")),
    Operator(ranked(FULL, "separable"), SEPARATE, Weight("static", "l1")),
    Operator(LOCAL, Channel("full"), Weight("static", "softmax")),
    Operator(LOCAL, Channel("full"), Weight("static", "l1")),
    Operator(ranked(FULL, "reduce", 2), SEPARATE, Weight("pooled")),
    Operator(LOCAL, Channel("full", rank=INNER), Weight("center")),
    Operator(ranked(WINDOW, "reduce", 2), SEPARATE),
    Operator(ranked(FULL, "reduce", 2), Channel("full", rank=INNER)),
    Operator(dataclasses.replace(LOCAL, shift=(1, 1))),
    Operator(dataclasses.replace(WINDOW, stride=(2, 2))),
    Operator(ranked(dataclasses.replace(LOCAL, stride=(2, 2)), "scales", 2)),
    Operator(dataclasses.replace(WINDOW, dilation=(2, 2))),
    Operator(dataclasses.replace(WINDOW, padding=(0, 0))),
    Operator(dataclasses.replace(LOCAL, pad=True)),
    Operator(dataclasses.replace(WINDOW, border="reflect")),
    Operator(Space("full", share="positions"), SEPARATE, Weight("pair")),
    Operator(FULL, SEPARATE, Weight("center", position="absolute")),
    Operator(ranked(FULL, "reduce", 2), SEPARATE, Weight("pair", position="relative")),
    Operator(LOCAL, SEPARATE, Weight("pooled", extent=3)),
    Operator(LOCAL, SEPARATE, Weight("static", predictor=Predictor(4))),
    Operator(dataclasses.replace(LOCAL, share="all"), SEPARATE, Weight("pooled", "l1")),
    Operator(LOCAL, SEPARATE, Weight("pooled", score="cosine")),
    Operator(Space("grid", (4, 4), halo=(1, 1))),
    Operator(dataclasses.replace(WINDOW, shift=(1, 1), halo=(1, 1))),
    Operator(ranked(dataclasses.replace(WINDOW, halo=(1, 1)), "scales", 2), SEPARATE),
    Operator(WINDOW, SEPARATE, Weight("fixed", fixed="shift", offset=(0, 1))),
    Operator(Space("local", (3, 4)), SEPARATE, Weight("fixed", fixed="shift", offset=(0, -2))),
    Operator(LOCAL, SEPARATE, Weight("fixed", fixed="average", offset=(0, 1))),
    Operator(
        dataclasses.replace(LOCAL, dilation=(2, 2)),
        SEPARATE,
        Weight("fixed", fixed="shift", offset=(0, 1)),
    ),
    Operator(FULL, SEPARATE, Weight("pair", "softmax", score="relu")),
    Operator(FULL, SEPARATE, Weight("pair", "l1", "relative", score="elu")),
    Operator(FULL, SEPARATE, Weight("pooled", kv_heads=1)),
    Operator(FULL, Channel("separate", share="all"), Weight("pair", kv_heads=1)),
    Operator(FULL, Channel("separate", share="heads", heads=4), Weight("pair", kv_heads=3)),
    Operator(FULL, SEPARATE, Weight("center", "softmax", talking_heads="weights")),
    Operator(FULL, ONE_HEAD, Weight("pair", "softmax", talking_heads="both")),
    Operator(FULL, SEPARATE, Weight("pair", talking_heads="logits")),
    Operator(FULL, SEPARATE, Weight("pair", "l1", score="relu", talking_heads="both")),
    Operator(LOCAL, Channel("local", share="heads", heads=2, size=3)),
    Operator(LOCAL, Channel("local", rank=INNER, size=3)),
    Operator(ranked(LOCAL, "separable"), Channel("local", size=3)),
    Operator(LOCAL, Channel(), COSINE),
    Operator(dataclasses.replace(POINT, share="none"), Channel(), COSINE),
    Operator(dataclasses.replace(POINT, stride=(2, 2)), Channel(), COSINE),
    Operator(POINT, SEPARATE, COSINE),
    Operator(POINT, Channel("local", size=3), COSINE),
    Operator(POINT, Channel("groups", groups=2, share="all"), COSINE),
    Operator(POINT, Channel(), Weight("channels")),
    Operator(POINT, Channel(), dataclasses.replace(COSINE, normalize="l1")),
    Operator(Space("full", border="wrap"), ONE_HEAD, Weight("pair", position="rotary")),
    Operator(LOCAL, SEPARATE, Weight("pooled", key_bias=False)),
    Operator(Space("window", (4, 4), halo=(1, 1)), SEPARATE, Weight("pair", position="continuous")),
    Operator(FULL, SEPARATE, Weight("pair", position="rotary")),
    Operator(dataclasses.replace(LOCAL, step=(2, 2))),
    Operator(Space("outlook", (3, 3), share="positions"), SEPARATE),
    Operator(Space("outlook", (3, 3)), SEPARATE, Weight("pair")),
    Operator(ranked(Space("outlook", (3, 3), share="windows"), "separable"), SEPARATE),
    Operator(Space("outlook", (3, 3), share="windows", border="wrap"), SEPARATE),
    Operator(Space("outlook", (3, 3), share="windows", step=(3, 3)), SEPARATE),
)


@pytest.mark.parametrize(("rule", "operator"), list(zip(RULES, BROKEN, strict=True)))
def test_every_rule_refuses_what_no_other_does(rule: Rule, operator: Operator) -> None:
    assert [(v.rule, v.properties) for v in check(operator)] == [(rule.number, rule.properties)]


def test_what_a_rule_refuses_is_inconsistent_with_any_rank_word_too() -> None:
    atoms = [one for one in BROKEN if one.space.rank is None and one.channel.rank is None]
    for operator in atoms:
        assert not consistent(operator)
        for rank in SPACE_RANKS:
            space = dataclasses.replace(operator.space, rank=rank)
            assert not consistent(dataclasses.replace(operator, space=space)), operator
        for rank in CHANNEL_RANKS:
            channel = dataclasses.replace(operator.channel, rank=rank)
            assert not consistent(dataclasses.replace(operator, channel=channel)), operator


def test_each_row_says_which_properties_and_why() -> None:
    for rule in RULES:
        for path in rule.properties:
            part, name = path.split(".")
            owner = {"space": Space, "channel": Channel, "weight": Weight}[part]
            assert name in {field.name for field in dataclasses.fields(owner)}, path
        assert rule.properties[0] != rule.properties[1]
        assert len(rule.reason) > 20
        assert rule.kind in ("E", "U")


def test_stripes_shift_only_across_their_bands() -> None:
    def shifted(along: str, shift: tuple[int, int]) -> list[int]:
        space = Space("stripe", (2, 2), along=along, shift=shift)  # type: ignore[arg-type]
        return [v.rule for v in check(Operator(space))]

    assert shifted("rows", (1, 0)) == []
    assert shifted("rows", (0, 1)) == [32]
    assert shifted("columns", (0, 1)) == []
    assert shifted("columns", (1, 0)) == [32]


CONSISTENT = {
    "mlp": Operator(FULL, bias="both"),
    "conv": Operator(dataclasses.replace(LOCAL, stride=(2, 2), dilation=(2, 2))),
    "patchify": Operator(Space("local", (4, 4), (4, 4), share="positions", padding=(0, 0))),
    "low_rank_mlp": Operator(FULL, Channel("full", rank=INNER)),
    "token_mlp": Operator(ranked(FULL, "tokens", 8), Channel("separate", share="all")),
    "pyramid_conv": Operator(ranked(LOCAL, "scales", 2, 4)),
    "bottleneck": Operator(LOCAL, Channel("full", rank=INNER)),
    "depthwise_conv": Operator(LOCAL, SEPARATE),
    "local_attention": Operator(
        Space("window", (7, 7), shift=(3, 3), border="mask", pad=True),
        Channel("separate", share="heads", heads=4),
        Weight("pair", "softmax", "relative"),
        "none",
        Frame(True, True),
    ),
    "reduced_attention": Operator(
        ranked(Space("full", border="mask"), "reduce", 2), SEPARATE, Weight("pair", "softmax")
    ),
    "dynamic_depthwise_conv": Operator(
        LOCAL, SEPARATE, Weight("pooled", predictor=Predictor(4, norm="batch_norm"))
    ),
    "inhomogeneous_depthwise_conv": Operator(
        LOCAL, Channel("separate", share="heads", heads=4), Weight("center", extent=3)
    ),
    "squeeze_excite": Operator(Space(share="positions"), SEPARATE, Weight("pooled", "sigmoid")),
    "average_pooling": Operator(
        Space("local", (3, 3), border="mask"), SEPARATE, Weight("fixed", fixed="average"), "none"
    ),
    "static_local_attention": Operator(
        dataclasses.replace(WINDOW, shift=(2, 2), border="wrap"), SEPARATE
    ),
    "separable": Operator(ranked(Space("stripe", (2, 1), share="windows"), "separable"), SEPARATE),
    "axial_attention": Operator(
        Space("axial", border="mask"), SEPARATE, Weight("pair", "softmax", "relative"), "none"
    ),
}


@pytest.mark.parametrize("name", CONSISTENT)
def test_published_operators_are_consistent(name: str) -> None:
    assert check(CONSISTENT[name]) == ()
    assert consistent(CONSISTENT[name])


def test_families_are_many_and_distinct() -> None:
    found = list(families())
    assert len(found) == len(set(found)) > 3000
    assert {o.weight.source for o in found} == {*get_args(Source)}
    assert {o.space.connect for o in found} == {
        "point",
        "window",
        "stripe",
        "grid",
        "full",
        "local",
        "axial",
        "outlook",
    }
