"""What has no exact way says why, in words that name the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.transfer.spec_pairs import carried

# from → to: how, and words of the reason.
WAYS = {
    "unnormalised into a softmax": (
        "static_local_attention: {window: 3, heads: 2}",
        "local_attention: {window: 3, heads: 2}",
        "fresh",
        "softmax",
    ),
    "more heads of query and key": (
        "local_attention: {window: 3, heads: 2}",
        "local_attention: {window: 3, heads: 4}",
        "fresh",
        "rank",
    ),
    "products into cosines": (
        "local_attention: {window: 3, heads: 2}",
        "cosine_attention: {window: 3, heads: 2}",
        "fresh",
        "knows no lengths",
    ),
    "products into products of features": (
        "global_attention: {heads: 2, qkv_bias: false}",
        "linear_attention: {heads: 2}",
        "fresh",
        "l1",
    ),
    "keys of every head into one": (
        "global_attention: {heads: 2}",
        "multi_query_attention: {heads: 2}",
        "partial",
        "the mean",
    ),
    "keys of a reduced map": (
        "global_attention: {heads: 2}",
        "reduced_attention: {heads: 2, reduce: 2}",
        "fresh",
        "pooled softmax",
    ),
    "window attention where nothing closes the rest": (
        "local_attention: {window: 3, heads: 2}",
        "global_attention: {heads: 2}",
        "partial",
        "nothing closes",
    ),
    "a nonlinear element between factors": (
        "bottleneck: {inner: 4, between: [relu]}",
        "conv: 3",
        "fresh",
        "relu",
    ),
    "the mean against a region": (
        "dynamic_depthwise_conv: {size: 3, reduction: 4}",
        "inhomogeneous_depthwise_conv: {size: 3, reduction: 4, group_channels: 1}",
        "fresh",
        "mean over all positions",
    ),
    "a hidden layer's activation": (
        "dynamic_depthwise_conv: {size: 3, reduction: 2}",
        "dynamic_depthwise_conv: {size: 3, reduction: 4}",
        "fresh",
        "hidden units",
    ),
    "widths": ("feed_forward: 4", "feed_forward: 2", "fresh", "channels differ"),
    "channels tied in groups": (
        "depthwise_conv: 3",
        "inhomogeneous_depthwise_conv: {size: 3, reduction: 4, group_channels: 2}",
        "projection",
        "mean over each of its orbits",
    ),
    "a border that is not counted": (
        "average_pooling: 3",
        "depthwise_conv: 3",
        "projection",
        "mean over each of its orbits",
    ),
}


@pytest.mark.parametrize("name", WAYS)
def test_says_why(name: str, tmp_path: Path) -> None:
    before, after, how, words = WAYS[name]
    pair = carried(tmp_path, f"- residual: [{before}]", f"- residual: [{after}]")
    assert not pair.outcome.is_exact
    assert pair.difference > 1e-9
    told = [layer for layer in pair.changed if layer.method == how and words in layer.reason]
    assert told, [(layer.method, layer.reason) for layer in pair.changed]


def test_an_element_that_changes_is_no_edge(tmp_path: Path) -> None:
    one, other = "- [layer_norm, depthwise_conv: 3]", "- [batch_norm, depthwise_conv: 3]"
    one, other = (f"- residual: {text[2:]}" for text in (one, other))
    (row,) = carried(tmp_path, one, other).changed
    assert (row.method, row.kind) == ("partial", "element")
    assert "layer_norm → batch_norm" in row.reason


def test_an_activation_that_changes_is_told(tmp_path: Path) -> None:
    one, other = ("- depthwise_conv: 3\n- " + act for act in ("relu", "gelu"))
    (row,) = carried(tmp_path, one, other).changed
    assert "relu → gelu" in row.reason


def test_a_bias_that_the_target_cannot_hold_is_told(tmp_path: Path) -> None:
    pair = carried(tmp_path, "- mlp: {bias: both}", "- mlp: {bias: channels}")
    (row,) = pair.changed
    assert row.method == "projection"
    assert "bias" in row.reason


def test_what_has_no_place_is_told(tmp_path: Path) -> None:
    pair = carried(tmp_path, "- depthwise_conv: 3\n- gelu", "- depthwise_conv: 3")
    assert [layer.method for layer in pair.changed] == ["dropped"]
    assert not pair.outcome.is_exact


def test_what_is_neutral_only_for_now_says_so(tmp_path: Path) -> None:
    one, other = (
        f"- residual: [depthwise_conv: 3, silu{end}]"
        for end in ("", ", batch_norm, squeeze_excite: 4")
    )
    norm, gate = carried(tmp_path, one, other).changed
    assert "in evaluation only" in norm.reason
    assert "½" in gate.reason


def test_items_that_both_have_are_carried_one_by_one(tmp_path: Path) -> None:
    one, other = (f"- residual: [depthwise_conv: {size}, batch_norm]" for size in (5, 3))
    (row,) = carried(tmp_path, one, other).changed
    assert row.method == "projection"
    assert row.path.endswith(".depthwise_conv")
