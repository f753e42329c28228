"""What torch's operations are to a probe: linear, a product, an element, or a choice by values.

In: a recorded node. Out: words about it. One table of names each; an operation that stands in none
is taken for linear, and the additivity that is measured afterwards decides whether it was.
"""

from __future__ import annotations

import torch
from torch import fx

NORMS = {
    "native_layer_norm": "layer norm",
    "layer_norm": "layer norm",
    "native_group_norm": "group norm",
    "group_norm": "group norm",
    "native_batch_norm": "batch norm",
    "_native_batch_norm_legit": "batch norm",
    "_native_batch_norm_legit_no_training": "batch norm",
    "cudnn_batch_norm": "batch norm",
    "batch_norm": "batch norm",
    "instance_norm": "instance norm",
    "rms_norm": "RMS norm",
    "_fused_rms_norm": "RMS norm",
}
SOFTMAX = {
    "_softmax": "softmax",
    "_safe_softmax": "softmax",
    "softmax": "softmax",
    "_log_softmax": "log softmax",
}
SQUASHING = {"sigmoid": "sigmoid", "hardsigmoid": "hard sigmoid", "tanh": "tanh"}
ROOTS = {
    "rsqrt": "a root",
    "sqrt": "a root",
    "linalg_vector_norm": "a norm",
    "norm": "a norm",
    "std": "a deviation",
    "var": "a variance",
    "var_mean": "a variance",
}
POOLING = ("mean", "sum", "avg_pool2d", "_adaptive_avg_pool2d", "adaptive_avg_pool2d", "amax")
# Where two operands that depend on x are multiplied: the positions of the two.
PRODUCTS = {
    "mul": (0, 1),
    "div": (0, 1),
    "mm": (0, 1),
    "bmm": (0, 1),
    "mv": (0, 1),
    "dot": (0, 1),
    "addmm": (1, 2),
    "baddbmm": (1, 2),
    "addbmm": (1, 2),
    "addmv": (1, 2),
    "addcmul": (1, 2),
    "convolution": (0, 1),
}
MATRIX = ("mm", "bmm", "mv", "addmm", "baddbmm", "addbmm", "addmv")
SUMS = ("add", "sub", "rsub")
# Pointwise for torch, and linear in what carries the value.
_LINEAR = (
    *SUMS,
    *PRODUCTS,
    "neg",
    "clone",
    "alias",
    "_to_copy",
    "positive",
    "where",
    "lerp",
    "masked_fill",
    "copy",
    "to",
    "detach",
    "fill",
    "lift_fresh",
)
# Operations that only move entries about, and the identity.
LAYOUT = (
    "view",
    "_unsafe_view",
    "reshape",
    "permute",
    "transpose",
    "t",
    "clone",
    "alias",
    "expand",
    "contiguous",
    "unsqueeze",
    "squeeze",
    "flatten",
    "unflatten",
    "_to_copy",
    "detach",
    "lift_fresh",
    "_reshape_alias",
    "view_as",
    "dropout",
    "native_dropout",
)
# Which input goes on is decided by values: no sum over inputs, whatever is held fixed.
CHOOSING = (
    "max_pool2d_with_indices",
    "max_pool2d",
    "adaptive_max_pool2d",
    "max",
    "min",
    "amax",
    "amin",
    "maximum",
    "minimum",
    "topk",
    "sort",
    "median",
    "cummax",
)


def name(node: fx.Node) -> str:
    """`bmm` for aten.bmm.default; `getitem` for a part of several results."""
    packet = getattr(node.target, "overloadpacket", None)
    if packet is not None:
        return str(packet.__name__)
    return str(getattr(node.target, "__name__", node.target))


def is_activation(node: fx.Node) -> bool:
    """A pointwise operation that is not linear in its first operand."""
    tags = getattr(node.target, "tags", ())
    return torch.Tag.pointwise in tags and name(node) not in (*_LINEAR, *CHOOSING)


def is_nonlinear(node: fx.Node) -> bool:
    """Whether the node bends what comes in, by itself."""
    called = name(node)
    return (
        called in NORMS
        or called in SOFTMAX
        or called in CHOOSING
        or called in ROOTS
        or (is_activation(node))
    )


def normaliser(node: fx.Node) -> str:
    """The word for a normalisation: `softmax`, `sigmoid`, `layer norm`; empty for other nodes."""
    called = name(node)
    for table in (SOFTMAX, SQUASHING, NORMS, ROOTS):
        if called in table:
            return table[called]
    return ""
