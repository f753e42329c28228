"""Which of timm's models an example is, and its port: rows as in `ports`, or none where both list
their tensors in one order and `in_order` pairs them off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from tests.parity.ports import VIT, Row, matrix, row


def in_order(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """timm's k-th tensor under our k-th name; ValueError where numbers or shapes differ. A pair
    that is wrong all the same shows in the logits."""
    carried = {}
    for (name, own), (other, tensor) in zip(ours.items(), theirs.items(), strict=True):
        if [side for side in own.shape if side > 1] != [side for side in tensor.shape if side > 1]:
            raise ValueError(f"{other} {tuple(tensor.shape)} for {name} {tuple(own.shape)}")
        carried[name] = tensor.reshape(own.shape)
    return carried


def gates_first(tensor: Tensor) -> Tensor:
    """timm's layer makes query, context and three gates; ours query, gates, context."""
    width = (len(tensor) - 3) // 2
    query, context, gates = tensor.flatten(1).split([width, width, 3])
    return torch.cat([query, gates, context]).view(-1, *tensor.shape[1:2])


def gates_first_bias(tensor: Tensor) -> Tensor:
    """The same of its bias."""
    return gates_first(tensor[:, None]).flatten()


BLOCK, THEIRS = "stages.*.blocks.*", r"stages.\1.blocks.\2"
CONVNEXT = (
    row("stem.patchify.+", r"stem.0.\1"),
    row("stem.norm.+", r"stem.1.\1"),
    row("stages.*.downsample.norm.+", r"stages.\1.downsample.0.\2"),
    row("stages.*.downsample.patchify.+", r"stages.\1.downsample.1.\2"),
    row(f"{BLOCK}.spatial.+", rf"{THEIRS}.conv_dw.\3"),
    row(f"{BLOCK}.norm.+", rf"{THEIRS}.norm.\3"),
    row(f"{BLOCK}.feed_forward.pointwise*.+", rf"{THEIRS}.mlp.fc\3.\4"),
    row(f"{BLOCK}.scale.weight", rf"{THEIRS}.gamma"),
    row("norm.+", r"head.norm.\1"),
    row("classifier.+", r"head.fc.\1"),
)

DISTILLED = (
    row("stem.distill_token.weight", "dist_token"),
    row("classifier1.+", r"head.\1"),
    row("classifier2.+", r"head_dist.\1"),
    *VIT,
)

FOCAL, FOCAL_THEIRS = f"{BLOCK}.focal_modulation", r"layers.\1.blocks.\2.modulation"
FOCALNET = (
    row("stem.patchify.+", r"stem.proj.\1"),
    row("stem.norm.+", r"stem.norm.\1"),
    row("stages.*.downsample.patchify.+", r"layers.\1.downsample.proj.\2"),
    row("stages.*.downsample.norm.+", r"layers.\1.downsample.norm.\2"),
    row(f"{BLOCK}.norm*.+", r"layers.\1.blocks.\2.norm\3.\4"),
    row(f"{FOCAL}.pointwise1.weight", rf"{FOCAL_THEIRS}.f.weight", layout=gates_first),
    row(f"{FOCAL}.pointwise1.bias", rf"{FOCAL_THEIRS}.f.bias", layout=gates_first_bias),
    row(f"{FOCAL}.contexts.depthwise_conv1.weight", rf"{FOCAL_THEIRS}.focal_layers.0.0.weight"),
    row(f"{FOCAL}.contexts.depthwise_conv2.weight", rf"{FOCAL_THEIRS}.focal_layers.1.0.weight"),
    row(f"{FOCAL}.contexts.pointwise.weight", rf"{FOCAL_THEIRS}.h.weight", layout=matrix),
    row(f"{FOCAL}.contexts.pointwise.bias", rf"{FOCAL_THEIRS}.h.bias"),
    row(f"{FOCAL}.pointwise2.weight", rf"{FOCAL_THEIRS}.proj.weight", layout=matrix),
    row(f"{FOCAL}.pointwise2.bias", rf"{FOCAL_THEIRS}.proj.bias"),
    row(
        f"{BLOCK}.feed_forward.pointwise*.weight",
        r"layers.\1.blocks.\2.mlp.fc\3.weight",
        layout=matrix,
    ),
    row(f"{BLOCK}.feed_forward.pointwise*.bias", r"layers.\1.blocks.\2.mlp.fc\3.bias"),
    row("norm.+", r"norm.\1"),
    row("classifier.+", r"head.fc.\1"),
)

TWINS_BLOCK = f"{BLOCK}.(?:in_windows.)?"
TWINS = (
    row("stem.patchify.+", r"patch_embeds.0.proj.\1"),
    row("stem.norm.+", r"patch_embeds.0.norm.\1"),
    row("stages.*.downsample.patchify.+", r"patch_embeds.\1.proj.\2"),
    row("stages.*.downsample.norm.+", r"patch_embeds.\1.norm.\2"),
    row("stages.*.blocks.0.depthwise_conv.+", r"pos_block.\1.proj.0.\2"),
    row(f"{TWINS_BLOCK}norm*.+", r"blocks.\1.\2.norm\3.\4"),
    row(f"{TWINS_BLOCK}feed_forward.pointwise*.+", r"blocks.\1.\2.mlp.fc\3.\4"),
    row(f"{TWINS_BLOCK}local_attention.+.+", r"blocks.\1.\2.attn.\3.\4"),
    row(f"{BLOCK}.reduced_attention.reduce.patchify.+", r"blocks.\1.\2.attn.sr.\3"),
    row(f"{BLOCK}.reduced_attention.reduce.norm.+", r"blocks.\1.\2.attn.norm.\3"),
    # The last stage reduces nothing: one fused projection in ours, still two in timm's.
    row(
        f"{BLOCK}.reduced_attention.qkv.+",
        r"blocks.\1.\2.attn.q.\3",
        r"blocks.\1.\2.attn.kv.\3",
    ),
    row(f"{BLOCK}.reduced_attention.+.+", r"blocks.\1.\2.attn.\3.\4"),
    row("norm.+", r"norm.\1"),
    row("classifier.+", r"head.\1"),
)


def rows_first(tensor: Tensor) -> Tensor:
    """timm's heads turn their first half with the column, ours with the row: the halves of each of
    the six heads change places in queries and keys."""
    queries_and_keys, values = tensor.split([2 * 384, 384])
    return torch.cat([queries_and_keys.unflatten(0, (12, 2, 32)).flip(1).flatten(0, 2), values])


ROPE_ATTENTION = "stages.0.blocks.*.rotary_attention"
ROPE_VIT = (
    row("stem.patchify.+", r"patch_embed.proj.\1"),
    row("stem.class_token.weight", "cls_token"),
    row(f"{ROPE_ATTENTION}.qkv.+", r"blocks.\1.attn.qkv.\2", layout=rows_first),
    row(f"{ROPE_ATTENTION}.proj.+", r"blocks.\1.attn.proj.\2"),
    row("stages.0.blocks.*.scale*.weight", r"blocks.\1.gamma_\2"),
    *VIT,
)

VOLO_STEM = ((1, 0), (2, 3), (3, 6))
VOLO_STAGES = ("network.0", "network.2", "network.3", "network.4", "post_network")


def volo_stage(ours: int, stage: str) -> tuple[Row, ...]:
    """timm scales an outlooker's logits by 1 / √32; here their layer does. It reads a class token's
    keys and values by a layer of their own."""
    blocks, theirs = f"stages.{ours}.blocks.*", rf"{stage}.\1"
    attention = f"{blocks}.(?:outlook|global)_attention"
    token = stage == "post_network"
    joined = (rf"{theirs}.attn.q.weight", rf"{theirs}.attn.kv.weight")
    return (
        row(f"{attention}.value.weight", rf"{theirs}.attn.v.weight"),
        row(f"{attention}.expand.+", rf"{theirs}.attn.attn.\2", layout=lambda t: t * 32**-0.5),
        row(f"{attention}.qkv.weight", *(joined if token else (rf"{theirs}.attn.qkv.weight",))),
        row(f"{attention}.proj.+", rf"{theirs}.attn.proj.\2"),
        row(f"{blocks}.norm*.+", rf"{theirs}.norm\2.\3"),
        row(f"{blocks}.feed_forward.pointwise*.+", rf"{theirs}.mlp.fc\2.\3"),
    )


VOLO = (
    *(row(f"stem.conv{at}.weight", f"patch_embed.conv.{it}.weight") for at, it in VOLO_STEM),
    *(row(f"stem.norm{at}.+", rf"patch_embed.conv.{it + 1}.\1") for at, it in VOLO_STEM),
    row("stem.patchify.+", r"patch_embed.proj.\1"),
    row("stages.1.downsample.patchify.+", r"network.1.proj.\1"),
    row("stages.1.downsample.position.weight", "pos_embed", layout=lambda t: t.flatten(1, 2)),
    row("stages.4.downsample.class_token.weight", "cls_token"),
    *(line for ours, stage in enumerate(VOLO_STAGES) for line in volo_stage(ours, stage)),
    row("norm.+", r"norm.\1"),
    row("classifier.+", r"head.\1"),
)


def res2net_stage(ours: int) -> tuple[Row, ...]:
    """timm counts stages from 1 and a block's inner convolutions from 0."""
    blocks, layer = f"stages.{ours}.blocks", f"layer{ours + 1}"
    inner = [(f"{blocks}.*.(?:apart|chain).spatial{at + 1}", at) for at in range(3)]
    return (
        *(row(f"{one}.conv.weight", rf"{layer}.\1.convs.{at}.weight") for one, at in inner),
        *(row(f"{one}.norm.+", rf"{layer}.\1.bns.{at}.\2") for one, at in inner),
        row(f"{blocks}.*.pointwise1.weight", rf"{layer}.\1.conv1.weight", layout=matrix),
        row(f"{blocks}.*.norm1.+", rf"{layer}.\1.bn1.\2"),
        row(f"{blocks}.*.pointwise2.weight", rf"{layer}.\1.conv3.weight", layout=matrix),
        row(f"{blocks}.*.norm2.+", rf"{layer}.\1.bn3.\2"),
        row(f"{blocks}.0.pointwise3.weight", f"{layer}.0.downsample.0.weight", layout=matrix),
        row(f"{blocks}.0.norm3.+", rf"{layer}.0.downsample.1.\1"),
    )


RES2NET = (
    row("stem.conv.weight", "conv1.weight"),
    row("stem.norm.+", r"bn1.\1"),
    *(line for stage in range(4) for line in res2net_stage(stage)),
    row("classifier.+", r"fc.\1"),
)


@dataclass(frozen=True)
class Twin:
    """timm's name of an example; rows, or none for `in_order`; (rows, columns) of images that both
    accept, more than one where the contract is not for one size; `gain` as in `randomize`; options
    of timm's model that are switched off; `tolerance` in float64 where it keeps float32 tables."""

    timm: str
    rows: tuple[Row, ...] = ()
    sides: tuple[tuple[int, int], ...] = ((96, 96), (64, 97))
    gain: float = 1.0
    without: tuple[str, ...] = ()
    tolerance: float = 1e-9


AT_224 = ((224, 224),)
TWINS_OF = {
    "convnext_tiny": Twin("convnext_tiny", CONVNEXT, ((96, 96), (64, 128))),
    "deit_small_distilled": Twin("deit_small_distilled_patch16_224", DISTILLED, AT_224),
    "densenet121": Twin("densenet121"),
    "efficientnet_b0": Twin("efficientnet_b0", gain=1.25),
    "focalnet_tiny": Twin("focalnet_tiny_srf", FOCALNET, ((96, 96), (64, 128))),
    "gmlp_small": Twin("gmlp_s16_224", sides=AT_224),
    "mobilevit_xs": Twin("mobilevit_xs", sides=((256, 256),), gain=1.25),
    "res2net50": Twin("res2net50_26w_4s", RES2NET),
    "rope_vit_small": Twin("vit_small_patch16_rope_224", ROPE_VIT, AT_224, tolerance=1e-6),
    "twins_svt_small": Twin("twins_svt_small", TWINS, AT_224),
    "volo_d1": Twin("volo_d1_224", VOLO, AT_224, without=("use_aux_head",)),
}
