"""The forms in which the shipped operators may be used, each with the count that follows by hand.

A block of 16 channels on 8×8 positions; what the form adds to the empty block is counted.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.assemble.parameters import parameters
from relgraph.pipeline import compile_backbone
from tests.designs import write_spec

C, P = 16, 64
LINEAR = C * C + C  # a linear layer that keeps the width, with its bias
ATTENTION = 4 * LINEAR  # query, key, value and output

FORMS = {
    "mlp": (P * C) ** 2 + P * C,
    "low_rank_mlp: 2": (C * 2) + (2 * P) ** 2 + 2 * C + P * C,
    "token_mlp": C * P * P + P,
    "token_mlp: all": P * P + P,
    "token_mlp: {share: all, hidden: 10, act: gelu}": 2 * P * 10 + 10 + P,
    "conv: 3": 9 * C * C + C,
    "conv: {size: 3, groups: 4, bias: false}": 9 * C * C // 4,
    "conv: {size: 3, groups: 16}": 9 * C + C,
    "conv: {size: [1, 7], channels: 24}": 7 * C * 24 + 24,
    "pointwise: 24": 24 * C + 24,
    "pointwise: {ratio: 1.3, divisor: 8}": 24 * C + 24,
    "pointwise: {groups: 2, bias: false}": C * C // 2,
    "depthwise_conv": 49 * C + C,
    "depthwise_conv: {size: 3, dilation: 2, border: reflect}": 9 * C + C,
    "pyramid_conv: {scales: 2}": 2 * 9 * C * C + C,
    "bottleneck: 4": 2 * C * 4 + 9 * 4 * 4 + C,
    "bottleneck: {inner: 4, between: [batch_norm, relu]}": 2 * C * 4 + 9 * 16 + 8 + C + 2 * 8,
    "global_attention": ATTENTION,
    "global_attention: {head_channels: 4, position: relative}": ATTENTION + 15**2 * 4,
    "global_attention: {heads: 2, qkv_bias: false, out_bias: false}": 4 * C * C,
    # Two matrices over the heads, and two numbers for each.
    "talking_heads_attention: {heads: 4}": ATTENTION + 2 * (4 * 4 + 4),
    "talking_heads_attention: {head_channels: 8, talking_heads: weights}": ATTENTION + 2 * 2 + 2,
    "global_filter": C * P,
    "global_filter: {share: all, bias: true}": P + P,
    "local_attention: {window: 4, shift: half}": ATTENTION + 7**2 * 4,
    "local_attention: {window: 4, head_channels: 8, position: none}": ATTENTION,
    "local_attention: {window: 3, pad: true}": ATTENTION + 5**2 * 4,
    # Keys have no bias; a scale and a row of the network's last layer for each of four heads.
    "window_attention_v2: {window: 4, hidden: 9}": ATTENTION - C + 4 + (2 * 9 + 9) + 9 * 4,
    "window_attention_v2: {window: 4, shift: half}": ATTENTION - C + 4 + 3 * 512 + 512 * 4,
    "rotary_attention": ATTENTION,
    "rotary_attention: {head_channels: 8, temperature: 10000, key_bias: false}": ATTENTION - C,
    # Keys and values of one of eight heads; of two of four.
    "multi_query_attention": 2 * LINEAR + 2 * (C * 2 + 2),
    "multi_query_attention: {heads: 4, kv_heads: 2, key_bias: false}": 2 * LINEAR + 16 * C + 8,
    "reduced_attention": ATTENTION + (4 * C * C + C) + 2 * C,
    "reduced_attention: 2": ATTENTION,
    "reduced_attention: []": ATTENTION,
    "static_local_attention: 4": 2 * LINEAR + 4 * 4 * 16**2,
    "static_local_attention: {window: 4, share: windows, projections: false}": 4 * 16**2,
    "dynamic_depthwise_conv: {size: 3, reduction: 4}": C * 4 + 2 * 4 + 4 * 9 * C + 9 * C + C,
    "conditional_conv": C * 4 + 4 + 4 * 9 * C * C,
    "conditional_conv: {size: 1, experts: 2, groups: 4, bias: true}": C * 2 + 2 + 2 * C * 4 + C,
    "inhomogeneous_depthwise_conv: {size: 3, group_channels: 8}": C * 4 + 4 + 2 * 4 + 5 * 18,
    "patchify: 2": 4 * C * C + C,
    "average_pooling": 0,
    "average_pooling: {size: 2, border: zero}": 0,
    "feed_forward": 2 * C * 4 * C + 5 * C,
    "feed_forward: {ratio: 2, act: [dropout: 0.1, relu], bias: false}": 2 * C * 2 * C,
    "conv_feed_forward: 2": 2 * C * 2 * C + 3 * C + (9 + 1) * 2 * C,
    "squeeze_excite": 2 * C * 4 + 4 + C,
    "squeeze_excite: {ratio: 0.3, divisor: 8, gate: hardsigmoid}": 2 * C * 8 + 8 + C,
    "pointwise: 32, squeeze_excite: {channels: $in, ratio: 0.25}": (C * 32 + 32) + 2 * 32 * 4 + 36,
}

SPEC = """
    backbone: form
    input: {{size: 8, channels: 16}}
    classes: 2
    stem: []
    stages: [{{depth: 1, channels: 16}}]
    block: [{item}]
    head: [global_pool, classifier]
"""


@pytest.mark.parametrize("item", FORMS)
def test_a_form_compiles_to_the_expected_parameters(item: str, tmp_path: Path) -> None:
    compiled = compile_backbone(str(write_spec(tmp_path, SPEC.format(item=item), "form")))
    counted = {
        name: parameter.size
        for name, parameter in parameters(compiled.program).items()
        if name.startswith("stages.")
    }
    assert sum(counted.values()) == FORMS[item], counted
