"""The published relation graph, as it was drawn: twelve operators, thirteen arrows.

Facts of the figure in Han, Fan, Dai, Sun, Cheng, Liu, Wang: On the Connection between Local
Attention and Dynamic Depth-wise Convolution, ICLR 2022 (arXiv 2106.04263), and of `relation.png` in
the authors' repository, which has one operator and three arrows more. What is ours: which shipped
spec stands for a node, and which relation on which axis a label speaks of. Nothing here is used to
compute anything; `published` compares it with the relations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from relgraph.relations.relation import RelationAxis

Colour: TypeAlias = Literal["sparse connection", "dynamic weight", "low rank"]
Version: TypeAlias = Literal["paper and repository", "repository"]

CITE = (
    "Han et al., On the Connection between Local Attention and Dynamic Depth-wise Convolution, "
    "ICLR 2022"
)
AXIS = "regularization"
"""What the figure writes beside an arrow that points down."""


@dataclass(frozen=True)
class CallOut:
    """A model that the figure names at an operator; `backbone` is the shipped spec of it, and
    `operator` what it uses there, where there is one."""

    model: str
    backbone: str | None = None
    operator: str | None = None


@dataclass(frozen=True)
class DrawnNode:
    """An operator of the figure under the name that it has there; `spec` is the shipped one."""

    name: str
    spec: str
    call_outs: tuple[CallOut, ...] = ()


@dataclass(frozen=True)
class Says:
    """What a label speaks of: one of these relations, on this axis."""

    relations: tuple[str, ...]
    axis: RelationAxis


@dataclass(frozen=True)
class DrawnArrow:
    """An arrow of the figure, with the colour of its legend."""

    source: str
    target: str
    label: str
    colour: Colour
    says: Says
    version: Version = "paper and repository"
    dotted: bool = False


_LOCALITY = Says(("sparsify",), "space")
_CHANNELS = Says(("sparsify",), "channel")
_SPACE_RANK = Says(("lower rank",), "space")
_CHANNEL_RANK = Says(("lower rank",), "channel")
_DYNAMIC = Says(("make dynamic", "change source"), "weight")

NODES: tuple[DrawnNode, ...] = (
    DrawnNode("MLP", "mlp"),
    DrawnNode("LR MLP", "low_rank_mlp"),
    DrawnNode("Conv.", "conv"),
    DrawnNode(
        "Sep. MLP",
        "token_mlp",
        (
            CallOut("MLP-Mixer", "mixer_base", "token_mlp"),
            CallOut("ResMLP", "resmlp_12", "token_mlp"),
        ),
    ),
    DrawnNode("Pyramid MS Conv.", "pyramid_conv", (CallOut("HRNet"), CallOut("Res2Net"))),
    DrawnNode("Bottleneck", "bottleneck", (CallOut("ResNet"),)),
    DrawnNode(
        "DW-S Conv.",
        "depthwise_conv",
        (
            CallOut("IGC"),
            CallOut("Xception"),
            CallOut("MobileNet"),
            CallOut("EfficientNet"),
            CallOut("ShuffleNet"),
            CallOut("DWNet", "dwnet_tiny", "depthwise_conv"),
        ),
    ),
    DrawnNode(
        "ViT", "global_attention", (CallOut("Vision Transformer", "vit_base", "global_attention"),)
    ),
    DrawnNode("Local ViT", "local_attention", (CallOut("Swin", "swin_tiny", "local_attention"),)),
    DrawnNode(
        "PVT", "reduced_attention", (CallOut("Pyramid ViT", "pvt_v2_b2", "reduced_attention"),)
    ),
    DrawnNode(
        "Dynamic DW-S Conv.",
        "dynamic_depthwise_conv",
        (CallOut("D-DWNet", "dynamic_dwnet_tiny", "dynamic_depthwise_conv"),),
    ),
    DrawnNode(
        "Dynamic Local-S MLP",
        "inhomogeneous_depthwise_conv",
        (CallOut("Dynamic LightConv"), CallOut("Involution")),
    ),
)

ARROWS: tuple[DrawnArrow, ...] = (
    DrawnArrow("MLP", "Conv.", "Locality Sep.", "sparse connection", _LOCALITY),
    DrawnArrow("MLP", "Sep. MLP", "Dim. Sep.", "sparse connection", _CHANNELS),
    DrawnArrow("MLP", "LR MLP", "Dim. LR", "low rank", _CHANNEL_RANK, dotted=True),
    DrawnArrow("Conv.", "Pyramid MS Conv.", "Spatial LR", "low rank", _SPACE_RANK),
    DrawnArrow("Conv.", "Bottleneck", "Channel LR", "low rank", _CHANNEL_RANK),
    DrawnArrow("Conv.", "DW-S Conv.", "Dim. Sep.", "sparse connection", _CHANNELS),
    DrawnArrow("Sep. MLP", "DW-S Conv.", "Locality Sep.", "sparse connection", _LOCALITY),
    DrawnArrow("Sep. MLP", "ViT", "Spatial Dynamic", "dynamic weight", _DYNAMIC),
    DrawnArrow("ViT", "Local ViT", "Locality Sep.", "sparse connection", _LOCALITY),
    DrawnArrow("ViT", "PVT", "Spatial LR", "low rank", _SPACE_RANK),
    DrawnArrow(
        "DW-S Conv.", "Dynamic DW-S Conv.", "Vec. Atten.", "dynamic weight", _DYNAMIC, "repository"
    ),
    DrawnArrow(
        "DW-S Conv.",
        "Dynamic Local-S MLP",
        "Inhomogeneous Vec. Atten.",
        "dynamic weight",
        _DYNAMIC,
        "repository",
    ),
    DrawnArrow(
        "Local ViT",
        "Dynamic Local-S MLP",
        "Inhomogeneous Vec. Atten.",
        "dynamic weight",
        _DYNAMIC,
        "repository",
    ),
)
"""One label stands between the last two arrows of the figure; both are listed with it."""
