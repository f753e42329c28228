"""Specs written for the occasion: what is claimed to be exact is, in both precisions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.transfer.whole_models import Design, carried, mixer, normed

ONE_STAGE = "[{depth: 2, channels: 16, heads: 2, window: 3}]"


def block(*items: str) -> Design:
    """A design of these items."""
    return Design(items)


def with_token(design: Design) -> Design:
    """A design of one stage that reads a class token."""
    return replace(
        design,
        stem="[patchify: 4, add_token: class, position: learned]",
        head="[layer_norm, select: class, classifier]",
        stages=ONE_STAGE,
    )


DEFINED = """define:
  mix: [layer_norm, pointwise, batch_norm, relu, depthwise_conv: 3, pointwise]
  ending: [residual: [layer_norm, feed_forward: 2]]
"""
PLAIN = mixer("depthwise_conv: 3")
INLINE = block(
    "residual: [layer_norm, pointwise, batch_norm, relu, depthwise_conv: 3, pointwise]",
    "residual: [layer_norm, feed_forward: 2]",
)
SAME_FUNCTION: dict[str, tuple[Design, Design]] = {
    "depth-wise into groups": (PLAIN, mixer("conv: {size: 3, groups: 4}")),
    "depth-wise into dense": (mixer("depthwise_conv: 3", scale="0.1"), mixer("conv: 3", scale="1")),
    "groups into dense, batch norms": (normed("conv: {size: 3, groups: 4}"), normed("conv: 3")),
    "a larger kernel": (normed("depthwise_conv: 3"), normed("depthwise_conv: 7")),
    "a kernel that is no square": (
        mixer("depthwise_conv: [3, 1]"),
        mixer("depthwise_conv: [5, 3]"),
    ),
    "a dilated kernel": (mixer("depthwise_conv: {size: 3, dilation: 2}"), mixer("conv: 5")),
    "a kernel into the map": (mixer("conv: 3"), mixer("mlp")),
    "tokens tied into own": (mixer("token_mlp: {share: all}"), mixer("token_mlp")),
    "tokens of low rank": (
        mixer("token_mlp: {hidden: 5, share: all}"),
        mixer("token_mlp: {share: all}"),
    ),
    "low rank into full": (mixer("low_rank_mlp: 4"), mixer("mlp")),
    "a bottleneck": (mixer("bottleneck: 4"), mixer("conv: 3")),
    "counted pooling": (
        mixer("average_pooling: {size: 3, border: zero}"),
        mixer("depthwise_conv: 3"),
    ),
    "a pyramid": tuple(  # type: ignore[dict-item]
        replace(mixer(one), stages=ONE_STAGE) for one in ("conv: 3", "pyramid_conv: {scales: [2]}")
    ),
    "static heads": (
        mixer("static_local_attention: {window: $window, heads: $heads}"),
        mixer("static_local_attention: {window: $window, heads: 8}"),
    ),
    "shifted windows into the map": (
        mixer("static_local_attention: {window: 3, heads: $heads, shift: 1}"),
        mixer("mlp"),
    ),
    "static into pooled": (PLAIN, mixer("dynamic_depthwise_conv: {size: 3, reduction: 4}")),
    "static into pooled and larger": (
        normed("depthwise_conv: 3"),
        normed("dynamic_depthwise_conv: {size: 5, reduction: 4}"),
    ),
    "predicted at the centre": (
        mixer("inhomogeneous_depthwise_conv: {size: 3, group_channels: 8}"),
        mixer("inhomogeneous_depthwise_conv: {size: 5, group_channels: 4}"),
    ),
    "a wider predictor": (
        mixer("dynamic_depthwise_conv: {size: 3, reduction: 4}"),
        mixer("dynamic_depthwise_conv: {size: 3, reduction: 2}"),
    ),
    "windows into global attention": (
        mixer("local_attention: {window: $window, heads: $heads}"),
        mixer("global_attention: {heads: $heads, position: absolute}"),
    ),
    "shifted windows into global attention": (
        mixer("local_attention: {window: 3, heads: $heads, shift: half}"),
        mixer("global_attention: {heads: $heads, position: absolute}"),
    ),
    "attention with a class token": (
        with_token(mixer("global_attention: {heads: $heads}")),
        with_token(mixer("global_attention: {heads: $heads, position: absolute}", scale="0.01")),
    ),
    "blocks that are new": (
        PLAIN,
        replace(PLAIN, stages="[{depth: 4, channels: 16}, {depth: 3, channels: 32}]"),
    ),
    "norms that start at 0, in blocks that are new, too": (
        block("residual: [conv: 3, batch_norm, gelu, pointwise, layer_norm]"),
        replace(
            block(
                "residual: [conv: 3, batch_norm: {init: 0}, gelu, pointwise, layer_norm: {init: 0}]"
            ),
            stages="[{depth: 4, channels: 16}, {depth: 3, channels: 32}]",
        ),
    ),
    "a batch norm that is new": (
        PLAIN,
        block(
            "residual: [layer_norm, depthwise_conv: 3, batch_norm]",
            "residual: [layer_norm, feed_forward: 2]",
        ),
    ),
    "a gate that is new": (
        PLAIN,
        block(
            "residual: [layer_norm, depthwise_conv: 3, squeeze_excite: 0.25]",
            "residual: [layer_norm, feed_forward: 2]",
        ),
    ),
    "a layer scale that is new": (PLAIN, mixer("depthwise_conv: 3", scale="1.0e-6")),
    "a layer scale that is gone": (mixer("depthwise_conv: 3", scale="0.1"), PLAIN),
    "a layer scale behind attention": (
        mixer("global_attention: {heads: $heads}", scale="0.1"),
        mixer("global_attention: {heads: $heads}"),
    ),
    "a layer scale behind a norm": (
        block("residual: {body: [conv: 3, batch_norm], scale: 0.1}"),
        block("residual: [conv: 3, batch_norm]"),
    ),
    "a wider feed-forward network": (PLAIN, mixer("depthwise_conv: 3", "feed_forward: 4")),
    "a wider one with a kernel inside": (
        mixer("conv: 3", "conv_feed_forward: 2"),
        mixer("conv: 3", "conv_feed_forward: 3"),
    ),
    "wider between batch norms": tuple(  # type: ignore[dict-item]
        block(
            f"residual: [pointwise: {{ratio: {ratio}}}, batch_norm, relu6, depthwise_conv: {size}, "
            "batch_norm, relu6, pointwise: $channels, batch_norm]"
        )
        for ratio, size in ((2, 3), (4, 5))
    ),
    "more hidden tokens": (
        mixer("token_mlp: {hidden: 5, share: all, act: gelu}"),
        mixer("token_mlp: {hidden: 8, share: all, act: gelu}"),
    ),
    "a word written out": (
        replace(PLAIN, stages=ONE_STAGE),
        replace(
            block(
                "residual: [layer_norm, depthwise_conv: 3]",
                "residual: [layer_norm, pointwise: {ratio: 4}, gelu, pointwise: $channels]",
            ),
            stages=ONE_STAGE,
        ),
    ),
    "a definition written out": (
        replace(block("residual: [mix]", "ending"), define=DEFINED),
        INLINE,
    ),
    "a definition": (INLINE, replace(block("residual: [mix]", "ending"), define=DEFINED)),
    "factors into one": (
        block("residual: [layer_norm, {depthwise_conv: {size: 3, bias: false}}, pointwise]"),
        block("residual: [layer_norm, conv: 3]"),
    ),
    "a batch norm into the layer before it": (
        block("residual: [conv: {size: 3, bias: false}, batch_norm, relu]"),
        block("residual: [conv: 3, relu]"),
    ),
    "biases into batch norms that are new": (
        block("residual: [conv: 3, relu, conv: 3]"),
        block(
            "residual: [conv: {size: 3, bias: false}, batch_norm, relu, "
            "conv: {size: 3, bias: false}, batch_norm]"
        ),
    ),
    "a larger stem": tuple(  # type: ignore[dict-item]
        replace(PLAIN, stem=f"[conv: {{size: {size}, stride: 4, channels: $channels}}, batch_norm]")
        for size in (3, 5)
    ),
}


@pytest.mark.parametrize("name", SAME_FUNCTION)
def test_emitted_models_compute_the_same(name: str, tmp_path: Path) -> None:
    before, after = SAME_FUNCTION[name]
    doubled = carried(tmp_path, before, after)
    assert doubled.told.exact
    assert doubled.difference() <= 1e-10
    trained = carried(tmp_path, before, after, trained=True, dtype=torch.float32)
    assert trained.told.exact
    assert trained.difference() <= 1e-5
