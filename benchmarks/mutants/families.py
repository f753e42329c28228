"""Small backbones of one family each: every shipped operator, and some that nobody shipped.

In: nothing. Out: emitted texts by name. A few stages of two blocks or one, eight channels, maps of
8×8: small enough that a proof takes well under a second, large enough that every structure is met
(shifted windows, a second stage, a class token, drop path). No other code knows the names.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from relgraph.assemble.walking import nodes
from relgraph.lower import candidates
from relgraph.pipeline import compile_backbone
from relgraph.program import Connect, Program
from relgraph.tuned import Choice, Tuned, key_of

OPERATORS = {
    "axial_attention": """
params: {heads: 2}
space: {connect: axial}
channel: {connect: separate, heads: $heads}
weight: {dynamic: pair, normalize: softmax, position: relative}
frame: {value: true, output: true}
""",
    "grid_attention": """
params: {heads: 2}
space: {connect: grid, size: 4}
channel: {connect: separate, heads: $heads}
weight: {dynamic: pair, normalize: softmax, position: relative}
frame: {value: true, output: true}
""",
    "neighbourhood_attention": """
params: {heads: 2}
space: {connect: local, size: 3, border: mask}
channel: {connect: separate, heads: $heads}
weight: {dynamic: pair, normalize: softmax, position: relative}
frame: {value: true, output: true}
""",
    "sigmoid_attention": """
params: {heads: 2}
space: {connect: window, size: [4, 2], shift: [1, 1], border: wrap}
channel: {connect: separate, heads: $heads}
weight: {dynamic: pair, normalize: sigmoid, position: absolute}
frame: {value: true}
""",
    "padded_attention": """
params: {heads: 2}
space: {connect: window, size: [3, 5], shift: [1, 2], border: mask, pad: true}
channel: {connect: separate, heads: $heads}
weight: {dynamic: pair, normalize: softmax, position: relative}
frame: {value: true, output: true}
""",
    "stripe_mlp": """
space: {connect: stripe, size: 2, shift: [1, 0], share: windows, border: wrap}
channel: {connect: groups, groups: 2, share: all}
weight: static
bias: positions
""",
    "mirrored_conv": """
space: {connect: local, size: [3, 5], dilation: [2, 1], border: reflect, share: positions}
channel: {connect: groups, groups: 4}
weight: static
""",
    "clamped_depthwise": """
space: {connect: local, size: [2, 3], border: clamp, share: positions}
channel: {connect: separate, share: heads, heads: 4}
weight: static
""",
    "local_mlp": """
space: {connect: local, size: 3, share: none}
channel: {connect: separate, share: heads, heads: 2}
weight: static
bias: both
""",
    "circulant": """
space: {connect: full, share: positions, border: wrap}
channel: {connect: separate}
weight: static
""",
    "separable_conv": """
space: {connect: local, size: [3, 5], share: positions, rank: {separable: true}}
channel: {connect: separate}
weight: static
""",
    "dynamic_grid": """
space: {connect: grid, size: [2, 4], share: windows}
channel: {connect: separate, share: heads, heads: 2}
weight: {dynamic: pooled, reduction: 2, normalize: softmax}
""",
    "centre_windows": """
space: {connect: window, size: 4, shift: half, border: mask, share: positions}
channel: {connect: separate, share: heads, heads: 2}
weight: {dynamic: center, extent: 3, normalize: softmax, reduction: 4}
frame: {value: true, output: true}
""",
    "group_involution": """
space: {connect: local, size: 3, stride: $stride, share: positions, border: wrap}
channel: {connect: groups, groups: 2}
weight: {dynamic: center}
""",
}
# Of the words that came later; in their families only the mistakes about them are made, the others
# being made above.
OPERATORS["channel_band"] = """
space: {connect: point, share: positions}
channel: {connect: local, size: 4, share: none}
weight: static
"""
OPERATORS["cosine_keys"] = """
space: {connect: full}
channel: {connect: separate, share: heads, heads: 4}
weight: {dynamic: pair, score: cosine, normalize: softmax, kv_heads: 2, position: absolute}
frame: {value: true, output: true}
"""
OPERATORS["keys_alone"] = """
space: {connect: window, size: 4, shift: 1}
channel: {connect: separate, share: heads, heads: 4}
weight: {dynamic: pair, normalize: softmax, kv_heads: 2}
frame: {output: true}
"""
OPERATORS["group_involution"] = "params: {stride: 1}" + OPERATORS["group_involution"]

_INPUT = """
cite: "A test"
input: {size: SIZE, channels: 3}
classes: 5
"""
_PLAIN = (
    _INPUT
    + """
stem: [patchify: 2, layer_norm]
stages: [{depth: 1, channels: 8}]
block: [residual: [layer_norm, OPERATOR]]
head: [layer_norm, global_pool, classifier]
drop_path: 0.2
"""
)
_TWO_STAGES = """
stages: [{depth: 2, channels: 8}, {depth: 1, channels: 16}]
downsample: [space_to_depth: 2, layer_norm, pointwise: {channels: $channels, bias: false}]
head: [layer_norm, global_pool, classifier]
drop_path: 0.2
"""

WHOLE = {
    "swin": _TWO_STAGES
    + """
stem: [patchify: 2, layer_norm]
define:
  swin:
    params: {shift: 0}
    body:
      - residual: [layer_norm, local_attention: {window: 4, heads: 2, shift: $shift}]
      - residual: [layer_norm, feed_forward: 2]
cycle: [swin, swin: {shift: [1, 2]}]
""",
    "dwnet": _TWO_STAGES
    + """
stem: [conv: {size: 3, channels: $channels, stride: 2}, batch_norm]
block:
  - residual:
      - [pointwise: {bias: false}, batch_norm, relu, depthwise_conv: 5, batch_norm, relu]
      - [pointwise: {bias: false}, batch_norm]
  - residual: [batch_norm, feed_forward: 2]
""",
    "dynamic_dwnet": _TWO_STAGES
    + """
stem: [conv: {size: 3, channels: $channels, stride: 2}, batch_norm]
block:
  - residual: [dynamic_depthwise_conv: {size: 3, reduction: 4}, batch_norm, relu]
""",
    "inhomogeneous_dwnet": _TWO_STAGES
    + """
stem: [patchify: 2, layer_norm]
block:
  - residual: [inhomogeneous_depthwise_conv: {size: 3, reduction: 4, group_channels: 2}]
""",
    "vit": _INPUT
    + """
stem: [patchify: 4, add_token: class, position: learned]
stages: [{depth: 2, channels: 12, heads: 3}]
block:
  - residual: [layer_norm, global_attention: {heads: $heads}]
  - residual: [layer_norm, feed_forward: 2]
head: [layer_norm, select: class, classifier]
""",
    "pvt": """
stem: [patchify: {size: 2, channels: $channels}, layer_norm, position: learned]
stages: [{depth: 1, channels: 8, reduce: 2}, {depth: 1, channels: 16, reduce: 1}]
block:
  - residual:
      - layer_norm
      - reduced_attention:
          {heads: 2, reduce: [{patchify: {size: $reduce, channels: $in}}, layer_norm]}
  - residual: [layer_norm, conv_feed_forward: 2]
downsample: [conv: {size: 3, stride: 2, channels: $channels}, layer_norm]
head: [layer_norm, global_pool, classifier]
drop_path: 0.2
""",
    "resnet": """
stem:
  - [conv: {size: 3, channels: 8, bias: false}, batch_norm, relu]
  - max_pool: {size: 3, stride: 2, padding: 1}
stages: [{depth: 1, channels: 8, width: 4}, {depth: 2, channels: 16, width: 8, stride: 2}]
block:
  - residual:
      body:
        - [pointwise: {channels: $width, bias: false}, batch_norm, relu]
        - [conv: {size: 3, stride: $stride, bias: false}, batch_norm, relu]
        - [pointwise: {channels: $channels, bias: false}, batch_norm: {init: 0}]
      shortcut: [pointwise: {channels: $channels, stride: $stride, bias: false}, batch_norm]
  - relu
head: [global_pool, classifier]
""",
    "efficientnet": """
defaults: {conv: {bias: false}, depthwise_conv: {bias: false}, pointwise: {bias: false}}
stem: [conv: {size: 3, channels: 8, stride: 2, padding: same_tf}, {batch_norm: {eps: 1.0e-3}}, silu]
stages: [{depth: 1, channels: 8}, {depth: 2, channels: 12, stride: 2}]
block:
  - residual:
      body:
        - [pointwise: {ratio: 2}, batch_norm, silu]
        - [depthwise_conv: {size: 5, stride: $stride, padding: same_tf}, batch_norm, silu]
        - squeeze_excite: {ratio: 0.25, channels: $in, act: silu}
        - [pointwise: {channels: $channels}, batch_norm]
      shortcut: none
head: [{pointwise: {channels: 16}}, batch_norm, silu, global_pool, {dropout: 0.2}, classifier]
drop_path: 0.2
""",
    "poolformer": """
stem: [conv: {size: 3, channels: $channels, stride: 2}]
stages: [{depth: 2, channels: 8}, {depth: 1, channels: 12}]
block:
  - residual:
      body: [group_norm: 1, sum: [average_pooling: 3, {scale: {init: -1, learned: false}}]]
      scale: 0.1
  - residual: {body: [group_norm: 1, {feed_forward: {ratio: 2, act: hardswish}}], scale: 0.1}
downsample: [conv: {size: 3, stride: 2, channels: $channels}]
head: [group_norm: 2, global_pool, classifier]
drop_path: 0.1
""",
    "mixer": _INPUT
    + """
stem: [patchify: 4]
stages: [{depth: 2, channels: 8}]
block:
  - residual: [layer_norm, token_mlp: {share: all, hidden: 6, act: gelu}]
  - residual: [layer_norm, feed_forward: 2]
head: [layer_norm, global_pool, classifier]
""",
    "resmlp": _INPUT
    + """
stem: [patchify: 4]
stages: [{depth: 2, channels: 8}]
block:
  - residual: {body: [affine, token_mlp: {share: all}], scale: 0.1}
  - residual: {body: [affine, feed_forward: {ratio: 2, act: gelu_tanh}], scale: 0.1}
head: [affine, global_pool, classifier]
""",
    "hrnet": """
stem: [conv: {size: 3, channels: 8, stride: 2}, rms_norm, mish]
stages: [{depth: 2, channels: 8}]
block:
  - residual:
      - rms_norm
      - split: {bodies: [[pyramid_conv: {scales: [2]}], []], sizes: [0.5, 0.5], combine: concat}
  - [{channel_shuffle: 2}]
  - residual: [conv: {size: 3, stride: 2, groups: 2}, elu, {upsample: 2}]
head: [rms_norm, {global_pool: max}, classifier]
""",
    "static_swin": """
stem: [patchify: 2, layer_norm]
stages: [{depth: 2, channels: 8}]
define:
  block:
    params: {shift: 0, share: none}
    body:
      - residual:
          - layer_norm
          - static_local_attention: {window: 4, heads: 2, shift: $shift, share: $share}
      - residual: [layer_norm, feed_forward: 2]
cycle: [block: {shift: [1, 2]}, block: {shift: half, share: windows}]
head: [layer_norm, global_pool, classifier]
drop_path: 0.2
""",
}

_OF_LATER_WORDS = ("channel_band", "cosine_keys", "keys_alone")
ALONE = {
    "mlp": "mlp",
    "low_rank_mlp": "low_rank_mlp: 4",
    "token_mlp": "token_mlp",
    "bottleneck": "bottleneck: {inner: 4, between: [batch_norm, relu]}",
    "pyramid_conv": "pyramid_conv: {size: 3, scales: [2, 4]}",
    **{name: name for name in OPERATORS if name not in _OF_LATER_WORDS},
}
LATER = {
    "cosine_attention": "cosine_attention: {window: 4, heads: 2, shift: 1}",
    "conditional_conv": "conditional_conv: {size: 3, experts: 3, groups: 2}",
    "efficient_channel_attention": "efficient_channel_attention: 3",
    "channel_band": "channel_band",
    "halo_attention": "halo_attention: {window: 4, halo: 1, heads: 2}",
    "outlook_attention": "outlook_attention: {size: 3, step: 2, heads: 2}",
    "linear_attention": "linear_attention: {heads: 2}",
    "elu_attention": "linear_attention: {heads: 2, score: elu}",
    "continuous_attention": "cosine_attention: "
    "{window: 4, heads: 2, shift: 1, position: continuous, key_bias: false}",
    "rotary_attention": "global_attention: {heads: 1, position: rotary}",
    "rotary_windows": "local_attention: {window: 4, heads: 1, shift: 1, position: rotary}",
    "shift": "shift: {offset: [1, -1]}",
    "cross_covariance_attention": "cross_covariance_attention: 2",
    "talking_heads_attention": "talking_heads_attention: {heads: 2}",
    "grouped_query_attention": "multi_query_attention: {heads: 4, kv_heads: 2, position: relative}",
    "rotary_keys": "multi_query_attention: "
    "{heads: 6, kv_heads: 2, position: rotary, key_bias: false}",
    "cosine_keys": "cosine_keys",
    "keys_alone": "keys_alone",
    "global_filter": "global_filter",
}
GENERAL = {
    "general_grouped_query": "grouped_query_attention",
    "general_talking_heads": "talking_heads_attention",
    "general_halo": "halo_attention",
    "general_continuous": "continuous_attention",
    "general_rotary": "rotary_attention",
    "general_conditional_conv": "conditional_conv",
    "general_cross_covariance": "cross_covariance_attention",
    "general_linear": "linear_attention",
    "general_filter": "global_filter",
    "general_outlook": "outlook_attention",
    "general_shift": "shift",
}
"""Families of later words by the general form of their connections, and whose they are."""
WIDER = {"rotary_keys": 24}  # turned heads have a multiple of four channels
SMALLER = {"mlp": 8}  # its parameters grow with the fourth power of the side


@dataclass(frozen=True)
class Family:
    """A small backbone by its name, as a spec; `later` tells that only mistakes about its own word
    are made in it, `general` that its stages' connections are written in the general form."""

    name: str
    spec: str
    later: bool = False
    general: bool = False


def families() -> tuple[Family, ...]:
    """All of them, in a fixed order."""
    whole = [Family(name, _sized(name, text)) for name, text in WHOLE.items()]
    alone = [
        Family(name, _sized(name, _PLAIN.replace("OPERATOR", use))) for name, use in ALONE.items()
    ]
    later = [
        Family(name, _sized(name, _wide(name).replace("OPERATOR", use)), later=True)
        for name, use in LATER.items()
    ]
    general = [
        Family(name, _sized(name, _PLAIN.replace("OPERATOR", LATER[of])), later=True, general=True)
        for name, of in GENERAL.items()
    ]
    return (*whole, *alone, *later, *general)


def _wide(name: str) -> str:
    return _PLAIN.replace("channels: 8", f"channels: {WIDER.get(name, 8)}")


def _sized(name: str, text: str) -> str:
    whole = text if "input:" in text else _INPUT + text
    return f"backbone: {name}_family\n" + whole.replace("SIZE", str(SMALLER.get(name, 16)))


@cache
def emitted(name: str) -> str:
    """The emitted text of a family."""
    family = next(one for one in families() if one.name == name)
    with tempfile.TemporaryDirectory() as folder:
        for operator, text in OPERATORS.items():
            Path(folder, f"{operator}.yaml").write_text(f"operator: {operator}\n{text}")
        path = Path(folder, f"{family.name}_family.yaml")
        path.write_text(family.spec)
        made = compile_backbone(str(path))
        if family.general:
            made = compile_backbone(str(path), _general(made.program))
        return made.text


def _general(program: Program) -> Tuned:
    """The general form for every connection of the stages."""
    found = {
        key_of(node): candidates(node)
        for _, node in nodes(program)
        if isinstance(node, Connect) and candidates(node)[0][0] != "conv"
    }
    choices = tuple(
        Choice(key=key, form="general", instead_of=forms[0][0], ratio=1.0)
        for key, forms in found.items()
    )
    return Tuned(backbone=program.source.name, measured="forward", machine="none", choices=choices)
