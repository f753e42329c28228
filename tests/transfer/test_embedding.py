"""Exact ways: the whole model computes the same function, in float64 to 1e-10."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.transfer.spec_pairs import carried

# Paths of operators, of shipped specs, in one block: from → to.
STATIC = {
    "depth-wise into groups": ("depthwise_conv: 3", "conv: {size: 3, groups: 2}"),
    "groups into dense": ("conv: {size: 3, groups: 2}", "conv: 3"),
    "depth-wise into dense": ("depthwise_conv: 3", "conv: 3"),
    "a larger kernel": ("depthwise_conv: 3", "depthwise_conv: 5"),
    "the reach of a dilation": ("conv: {size: 3, dilation: 2}", "conv: 5"),
    "pointwise into a kernel": ("pointwise", "conv: 3"),
    "a kernel into the whole map": ("conv: 3", "mlp"),
    "average pooling counted": (
        "average_pooling: {size: 3, border: zero}",
        "depthwise_conv: 3",
    ),
    "tied channels into own": ("token_mlp: {share: all}", "token_mlp"),
    "one matrix per channel into all": ("token_mlp", "mlp"),
    "heads into channels": (
        "static_local_attention: {window: 3, heads: 2, projections: false}",
        "static_local_attention: {window: 3, heads: 8, projections: false}",
    ),
    "windows into a larger window": (
        "static_local_attention: {window: 3, heads: 2, share: none}",
        "static_local_attention: {window: 6, heads: 2, share: none}",
    ),
    "windows shared into not": (
        "static_local_attention: {window: 3, heads: 2, share: windows}",
        "static_local_attention: {window: 3, heads: 2, share: none}",
    ),
    "projections multiplied out": ("static_local_attention: {window: 3, heads: 2}", "mlp"),
    "projections that are new": (
        "static_local_attention: {window: 3, heads: 2, projections: false}",
        "static_local_attention: {window: 3, heads: 2}",
    ),
}
RANK = {
    "inner factors": ("bottleneck: 4", "conv: 3"),
    "inner factors into the map": ("low_rank_mlp", "mlp"),
    "tokens": ("token_mlp: {hidden: 5}", "token_mlp"),
    "tied tokens": ("token_mlp: {hidden: 5, share: all}", "mlp"),
    "a pyramid into the map": ("pyramid_conv: {scales: [2]}", "mlp"),
    "a convolution into its pyramid": ("conv: 3", "pyramid_conv: {scales: [2, 3]}"),
    "a norm between, folded": (
        "bottleneck: {inner: 4, size: 1, between: [batch_norm]}",
        "pointwise",
    ),
}
DYNAMIC = {
    "static into pooled": (
        "depthwise_conv: 3",
        "dynamic_depthwise_conv: {size: 3, reduction: 4}",
    ),
    "static into pooled and larger": (
        "depthwise_conv: 3",
        "dynamic_depthwise_conv: {size: 5, reduction: 4}",
    ),
    "a wider hidden layer": (
        "dynamic_depthwise_conv: {size: 3, reduction: 4}",
        "dynamic_depthwise_conv: {size: 3, reduction: 2}",
    ),
    "pooled and larger": (
        "dynamic_depthwise_conv: {size: 3, reduction: 4}",
        "dynamic_depthwise_conv: {size: 5, reduction: 4}",
    ),
    "a band into a wider one": (
        "channel_conv: {size: 3, share: none}",
        "channel_conv: {size: 4, share: none}",
    ),
    "one number for each tap into own ones": (
        "channel_conv: {size: 5}",
        "channel_conv: {size: 5, share: none}",
    ),
    "a band into all channels": ("channel_conv: {size: 3}", "pointwise: {bias: false}"),
    "static into a mixture": (
        "conv: {size: 3, bias: false}",
        "conditional_conv: {size: 3, experts: 3}",
    ),
    "more experts, and larger": (
        "conditional_conv: {size: 3, experts: 2}",
        "conditional_conv: {size: 5, experts: 4}",
    ),
    "groups of a mixture into all": (
        "conditional_conv: {size: 3, groups: 2}",
        "conditional_conv: 3",
    ),
    "centre and larger, more groups": (
        "inhomogeneous_depthwise_conv: {size: 3, reduction: 4, group_channels: 4}",
        "inhomogeneous_depthwise_conv: {size: 5, reduction: 4, group_channels: 2}",
    ),
}


@pytest.mark.parametrize("name", [*STATIC, *RANK, *DYNAMIC])
def test_the_function_is_the_same(name: str, tmp_path: Path) -> None:
    before, after = {**STATIC, **RANK, **DYNAMIC}[name]
    pair = carried(tmp_path, f"- {before}", f"- {after}")
    assert pair.difference < 1e-10
    assert pair.outcome.is_exact
    assert {layer.method for layer in pair.changed} <= {"embedding", "neutral"}


def attention(connect: str, position: str, source: str = "pair", heads: int = 2) -> str:
    """An attention operator's text: `connect` with its numbers, a position bias."""
    return f"""
operator: op
cite: A test
space: {{{connect}}}
channel: {{connect: separate, share: heads, heads: {heads}}}
weight: {{dynamic: {source}, normalize: softmax, position: {position}}}
frame: {{value: true, output: true}}
bias: false
"""


def static_softmax(connect: str) -> str:
    """The same with learned numbers for logits."""
    return f"""
operator: op
cite: A test
space: {{{connect}}}
channel: {{connect: separate, share: heads, heads: 2}}
weight: {{normalize: softmax}}
frame: {{value: true, output: true}}
bias: false
"""


def by_cosine(text: str) -> str:
    """The same attention, queries and keys compared by cosines."""
    return text.replace("{dynamic: pair", "{dynamic: pair, score: cosine")


def keyless(text: str) -> str:
    """The same attention, keys without a bias."""
    return text.replace("{dynamic: pair", "{dynamic: pair, key_bias: false")


def shared(keys: int, text: str) -> str:
    """The same attention, heads sharing so many keys."""
    return text.replace("{dynamic: pair", f"{{dynamic: pair, kv_heads: {keys}")


def talking(how: str, text: str) -> str:
    """The same attention, its heads mixed."""
    return text.replace("{dynamic: pair", f"{{dynamic: pair, talking_heads: {how}")


def through(units: int, text: str) -> str:
    """The same attention, its continuous position bias through so many units."""
    return text.replace("{dynamic: pair", f"{{dynamic: pair, hidden: {units}")


def center_softmax(connect: str) -> str:
    """The same with logits predicted at the centre."""
    return static_softmax(connect).replace("{normalize", "{dynamic: center, normalize")


WINDOW, FULL = "connect: window, size: 3", "connect: full"
LOCAL3 = "connect: local, size: 3"
SOFTMAX = {
    "local attention into full, by offsets": (
        attention(LOCAL3, "relative"),
        attention(FULL, "relative"),
    ),
    "window attention into full, by a table of places": (
        attention(WINDOW, "relative"),
        attention(FULL, "absolute"),
    ),
    "window attention without position into full": (
        attention(WINDOW, "none"),
        attention(FULL, "absolute"),
    ),
    "shifted windows into full": (
        attention("connect: window, size: 3, shift: 1", "relative"),
        attention(FULL, "absolute"),
    ),
    "a window into a larger one, by places": (
        attention(WINDOW, "relative"),
        attention("connect: window, size: 6", "absolute"),
    ),
    "a relative table into an absolute one": (
        attention(FULL, "relative"),
        attention(FULL, "absolute"),
    ),
    "a position bias that is new, by cosines": (
        by_cosine(attention(WINDOW, "none")),
        by_cosine(attention(WINDOW, "relative")),
    ),
    "static softmax into cosines": (
        static_softmax(WINDOW + ", share: positions"),
        by_cosine(attention(WINDOW, "relative")),
    ),
    "a position bias that is new": (attention(FULL, "none"), attention(FULL, "relative")),
    "a continuous bias that is new": (attention(FULL, "none"), attention(FULL, "continuous")),
    "a network into its table": (attention(WINDOW, "continuous"), attention(WINDOW, "relative")),
    "a network into a table of places": (
        attention(WINDOW, "continuous"),
        attention(FULL, "absolute"),
    ),
    "a network of more units": (
        through(8, attention(WINDOW, "continuous")),
        through(16, attention(WINDOW, "continuous")),
    ),
    "heads that begin to talk": (
        attention(WINDOW, "relative"),
        talking("both", attention(FULL, "absolute")),
    ),
    "heads that tell more": (
        talking("weights", attention(WINDOW, "none")),
        talking("both", attention(WINDOW, "relative")),
    ),
    "static softmax into talking heads": (
        static_softmax(WINDOW + ", share: positions"),
        talking("logits", attention(WINDOW, "relative")),
    ),
    "the bias of keys under a softmax": (
        attention(WINDOW, "relative"),
        keyless(attention(WINDOW, "relative")),
    ),
    "one key for each head": (
        shared(1, attention(WINDOW, "relative", heads=4)),
        attention(FULL, "absolute", heads=4),
    ),
    "two keys of one, without a bias": (
        keyless(shared(1, attention(WINDOW, "relative", heads=4))),
        keyless(shared(2, attention(WINDOW, "relative", heads=4))),
    ),
    "keys of two that get a bias, by cosines": (
        by_cosine(keyless(shared(2, attention(FULL, "continuous", heads=4)))),
        by_cosine(attention(FULL, "continuous", heads=4)),
    ),
    "one key of heads that talk": (
        shared(1, attention(FULL, "relative", heads=4)),
        talking("both", shared(2, attention(FULL, "relative", heads=4))),
    ),
    "keys that get a bias, turned": (
        keyless(attention(FULL, "rotary", heads=2)),
        attention(FULL, "rotary", heads=2),
    ),
    "an average into a network": (
        static_softmax(FULL + ", share: all"),
        keyless(attention(FULL, "continuous")),
    ),
    "an average into turned pairs": (
        static_softmax(FULL + ", share: all"),
        attention(FULL, "rotary"),
    ),
    "static softmax into pairs": (
        static_softmax(WINDOW + ", share: positions"),
        attention(WINDOW, "relative"),
    ),
    "static softmax into a predicted one": (
        static_softmax(WINDOW + ", share: windows"),
        center_softmax(WINDOW + ", share: windows"),
    ),
    "static softmax into the whole map": (
        static_softmax(WINDOW + ", share: windows"),
        static_softmax(FULL),
    ),
    "a softmax of numbers into its weights": (
        static_softmax(WINDOW + ", share: none"),
        static_softmax(FULL).replace("{normalize: softmax}", "static"),
    ),
    "an average into logits": (
        static_softmax(LOCAL3 + ", border: mask").replace(
            "{normalize: softmax}", "{fixed: average}"
        ),
        static_softmax(LOCAL3 + ", share: positions"),
    ),
    "a reduction by averages into reduced keys": (
        static_softmax("connect: full, rank: {reduce: 2}"),
        attention("connect: full, rank: {reduce: 2}", "absolute"),
    ),
    "predicted logits on a larger support": (
        center_softmax(LOCAL3 + ", share: positions"),
        center_softmax("connect: local, size: 5, share: positions"),
    ),
}


@pytest.mark.parametrize("name", SOFTMAX)
def test_under_a_softmax(name: str, tmp_path: Path) -> None:
    (tmp_path / "operators").mkdir()
    for label, text in zip(("one", "other"), SOFTMAX[name], strict=True):
        file = tmp_path / "operators" / f"{label}.yaml"
        file.write_text(text.strip().replace("operator: op", f"operator: {label}") + "\n")
    pair = carried(tmp_path, "- residual: [one]", "- residual: [other]")
    assert pair.difference < 1e-10
    assert pair.outcome.is_exact


NEUTRAL = {
    "a norm of batches": ("[depthwise_conv: 3]", "[batch_norm, depthwise_conv: 3]"),
    "a linear point": ("[depthwise_conv: 3]", "[depthwise_conv: 3, pointwise]"),
    "a gate with an activation": ("[depthwise_conv: 3]", "[depthwise_conv: 5, squeeze_excite: 4]"),
    "a gate beside": (
        "[depthwise_conv: 3]",
        "[product: [[depthwise_conv: 5], [global_pool, pointwise]]]",
    ),
    "a branch of a sum": ("[depthwise_conv: 3]", "[sum: [[depthwise_conv: 5], [pointwise]]]"),
    "a layer scale": ("[depthwise_conv: 3]", "{body: [depthwise_conv: 3], scale: 1.0e-6}"),
    "an affine": ("[depthwise_conv: 3]", "[affine, depthwise_conv: 3]"),
}


@pytest.mark.parametrize("name", NEUTRAL)
def test_what_is_new_changes_nothing(name: str, tmp_path: Path) -> None:
    before, after = NEUTRAL[name]
    pair = carried(tmp_path, f"- residual: {before}", f"- residual: {after}")
    assert pair.difference < 1e-10
    assert pair.outcome.is_exact
    assert "neutral" in {layer.method for layer in pair.changed}


def test_a_block_that_is_new_changes_nothing(tmp_path: Path) -> None:
    one = "- residual: [depthwise_conv: 3]"
    pair = carried(tmp_path, one, one + "\n- residual: [batch_norm, feed_forward: 2]")
    assert pair.difference < 1e-10
    assert [layer.method for layer in pair.changed] == ["neutral"]


def test_biases_are_carried_into_finer_ones(tmp_path: Path) -> None:
    for before, after in itertools.pairwise(("false", "channels", "both")):
        one, other = (f"- mlp: {{bias: {kind}}}" for kind in (before, after))
        assert carried(tmp_path, one, other).difference < 1e-10
