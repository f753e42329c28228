"""Weights of timm's models under our names: which is which, and the few layouts that differ.

In: a state dict of timm. Out: one for the emitted model. A row of a port maps our names (a regular
expression over the whole name) to timm's; several of timm's are joined along their first dimension.
A row may bring a layout: a function from timm's tensor to ours. Nothing is skipped: a name of ours
without a row, or a tensor of timm's that was not taken exactly once, is an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Layout = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Row:
    """`ours` is matched against a whole name; `theirs` are templates over its groups."""

    ours: str
    theirs: tuple[str, ...]
    layout: Layout = lambda tensor: tensor


def row(ours: str, *theirs: str, layout: Layout = lambda tensor: tensor) -> Row:
    """A row; dots in `ours` are plain dots, `*` is a number, and `+` a last component."""
    pattern = ours.replace(".", r"\.").replace("+", r"(\w+)").replace("*", r"(\d+)")
    return Row(pattern, theirs, layout)


def flat(tensor: Tensor) -> Tensor:
    """timm's affine keeps (1, 1, C); ours (C,)."""
    return tensor.flatten()


def matrix(tensor: Tensor) -> Tensor:
    """A 1×1 convolution's (D, C, 1, 1) as a matrix (D, C)."""
    return tensor.flatten(1)


def opposite_offsets(tensor: Tensor) -> Tensor:
    """timm's relative table counts query − key, ours key − query: the offsets in reverse order."""
    return tensor.flip(0)


def opposite_coordinates(tensor: Tensor) -> Tensor:
    """timm's network reads query − key, ours key − query: its first layer changes its sign."""
    return -tensor


SWIN = (
    row("stem.patchify.+", r"patch_embed.proj.\1"),
    row("stem.norm.+", r"patch_embed.norm.\1"),
    row("stages.*.downsample.norm.+", r"layers.\1.downsample.norm.\2"),
    row("stages.*.downsample.pointwise.weight", r"layers.\1.downsample.reduction.weight"),
    row("stages.*.blocks.*.norm*.+", r"layers.\1.blocks.\2.norm\3.\4"),
    row("stages.*.blocks.*.local_attention.qkv.+", r"layers.\1.blocks.\2.attn.qkv.\3"),
    row("stages.*.blocks.*.local_attention.proj.+", r"layers.\1.blocks.\2.attn.proj.\3"),
    row(
        "stages.*.blocks.*.local_attention.relative_position_bias_table",
        r"layers.\1.blocks.\2.attn.relative_position_bias_table",
        layout=opposite_offsets,
    ),
    row("stages.*.blocks.*.feed_forward.pointwise*.+", r"layers.\1.blocks.\2.mlp.fc\3.\4"),
    row("norm.+", r"norm.\1"),
    row("classifier.+", r"head.fc.\1"),
)

V2, V2_THEIRS = "stages.*.blocks.*.window_attention_v2", r"layers.\1.blocks.\2.attn"
SWIN_V2 = (
    row(f"{V2}.qkv.weight", rf"{V2_THEIRS}.qkv.weight"),
    row(f"{V2}.qkv.+_bias", rf"{V2_THEIRS}.\3_bias"),
    row(f"{V2}.logit_scale", rf"{V2_THEIRS}.logit_scale", layout=flat),
    row(f"{V2}.cpb_mlp.0.weight", rf"{V2_THEIRS}.cpb_mlp.0.weight", layout=opposite_coordinates),
    row(f"{V2}.cpb_mlp.*.+", rf"{V2_THEIRS}.cpb_mlp.\3.\4"),
    row(f"{V2}.proj.+", rf"{V2_THEIRS}.proj.\3"),
    *SWIN,
)


def resnet_stage(ours: int) -> tuple[Row, ...]:
    """timm counts a ResNet's stages from 1, and keeps a shortcut apart. Ours is numbered after the
    body: the third point-wise layer and the fourth norm of a first block."""
    blocks, layer = f"stages.{ours}.blocks", f"layer{ours + 1}"
    return (
        row(f"{blocks}.*.pointwise1.weight", rf"{layer}.\1.conv1.weight", layout=matrix),
        row(f"{blocks}.*.spatial.weight", rf"{layer}.\1.conv2.weight"),
        row(f"{blocks}.*.pointwise2.weight", rf"{layer}.\1.conv3.weight", layout=matrix),
        row(f"{blocks}.0.pointwise3.weight", f"{layer}.0.downsample.0.weight", layout=matrix),
        row(f"{blocks}.0.norm4.+", rf"{layer}.0.downsample.1.\1"),
        row(f"{blocks}.*.norm*.+", rf"{layer}.\1.bn\2.\3"),
    )


RESNET = (
    row("stem.conv.weight", "conv1.weight"),
    row("stem.norm.+", r"bn1.\1"),
    *(line for stage in range(4) for line in resnet_stage(stage)),
    row("classifier.+", r"fc.\1"),
)

VIT = (
    row("stem.patchify.+", r"patch_embed.proj.\1"),
    row("stem.class_token.weight", "cls_token"),
    row("stem.position.weight", "pos_embed"),
    row("stages.0.blocks.*.norm*.+", r"blocks.\1.norm\2.\3"),
    row("stages.0.blocks.*.global_attention.qkv.+", r"blocks.\1.attn.qkv.\2"),
    row("stages.0.blocks.*.global_attention.proj.+", r"blocks.\1.attn.proj.\2"),
    row("stages.0.blocks.*.feed_forward.pointwise*.+", r"blocks.\1.mlp.fc\2.\3"),
    row("norm.+", r"norm.\1"),
    row("classifier.+", r"head.\1"),
)

MIXER = (
    row("stem.patchify.+", r"stem.proj.\1"),
    row("stages.0.blocks.*.norm*.+", r"blocks.\1.norm\2.\3"),
    row("stages.0.blocks.*.token_mlp.gather.+", r"blocks.\1.mlp_tokens.fc1.\2"),
    row("stages.0.blocks.*.token_mlp.spread.+", r"blocks.\1.mlp_tokens.fc2.\2"),
    row("stages.0.blocks.*.feed_forward.pointwise*.+", r"blocks.\1.mlp_channels.fc\2.\3"),
    row("norm.+", r"norm.\1"),
    row("classifier.+", r"head.\1"),
)

RESMLP = (
    row("stem.patchify.+", r"stem.proj.\1"),
    row("stages.0.blocks.*.affine*.weight", r"blocks.\1.norm\2.alpha", layout=flat),
    row("stages.0.blocks.*.affine*.bias", r"blocks.\1.norm\2.beta", layout=flat),
    row("stages.0.blocks.*.token_mlp.+", r"blocks.\1.linear_tokens.\2"),
    row("stages.0.blocks.*.feed_forward.pointwise*.+", r"blocks.\1.mlp_channels.fc\2.\3"),
    row("stages.0.blocks.*.scale*.weight", r"blocks.\1.ls\2"),
    row("affine.weight", "norm.alpha", layout=flat),
    row("affine.bias", "norm.beta", layout=flat),
    row("classifier.+", r"head.\1"),
)

PVT_BLOCK = "stages.*.blocks.*"
PVT_THEIRS = r"stages.\1.blocks.\2"
PVT = (
    row("stem.conv.+", r"patch_embed.proj.\1"),
    row("stem.norm.+", r"patch_embed.norm.\1"),
    row("stages.*.downsample.conv.+", r"stages.\1.downsample.proj.\2"),
    row("stages.*.downsample.norm.+", r"stages.\1.downsample.norm.\2"),
    row(f"{PVT_BLOCK}.norm*.+", rf"{PVT_THEIRS}.norm\3.\4"),
    row(f"{PVT_BLOCK}.reduced_attention.reduce.patchify.+", rf"{PVT_THEIRS}.attn.sr.\3"),
    row(f"{PVT_BLOCK}.reduced_attention.reduce.norm.+", rf"{PVT_THEIRS}.attn.norm.\3"),
    # The last stage reduces nothing: one fused projection in ours, still two in timm's.
    row(
        f"{PVT_BLOCK}.reduced_attention.qkv.+",
        rf"{PVT_THEIRS}.attn.q.\3",
        rf"{PVT_THEIRS}.attn.kv.\3",
    ),
    row(f"{PVT_BLOCK}.reduced_attention.+.+", rf"{PVT_THEIRS}.attn.\3.\4"),
    row(f"{PVT_BLOCK}.conv_feed_forward.pointwise*.+", rf"{PVT_THEIRS}.mlp.fc\3.\4"),
    row(f"{PVT_BLOCK}.conv_feed_forward.depthwise_conv.+", rf"{PVT_THEIRS}.mlp.dwconv.\3"),
    row("stages.*.after.norm.+", r"stages.\1.norm.\2"),
    row("classifier.+", r"head.\1"),
)

# Our backbone, timm's model, and the rows between them; the first row that matches is taken.
PORTS: dict[str, tuple[str, tuple[Row, ...]]] = {
    "swin_tiny": ("swin_tiny_patch4_window7_224", SWIN),
    "swinv2_tiny": ("swinv2_tiny_window8_256", SWIN_V2),
    "resnet50": ("resnet50", RESNET),
    "vit_base": ("vit_base_patch16_224", VIT),
    "deit_small": ("deit_small_patch16_224", VIT),
    "mixer_base": ("mixer_b16_224", MIXER),
    "resmlp_12": ("resmlp_12_224", RESMLP),
    "pvt_v2_b2": ("pvt_v2_b2", PVT),
}


def port(
    rows: tuple[Row, ...], ours: Iterable[str], theirs: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """timm's tensors under our names. Raises LookupError where either side has a name left over."""
    taken: Counter[str] = Counter()
    carried: dict[str, Tensor] = {}
    for name in ours:
        sources, layout = _sources(rows, name)
        taken.update(sources)
        tensors = [theirs[source] for source in sources]
        carried[name] = layout(torch.cat(tensors) if len(tensors) > 1 else tensors[0])
    wrong = {name for name in theirs if taken[name] != 1}
    if wrong:
        raise LookupError(f"not taken exactly once from timm: {', '.join(sorted(wrong))}")
    return carried


def _sources(rows: tuple[Row, ...], name: str) -> tuple[list[str], Layout]:
    for one in rows:
        match = re.fullmatch(one.ours, name)
        if match:
            return [match.expand(template) for template in one.theirs], one.layout
    raise LookupError(f"no row for our {name}")
