"""Dynamism: does W change with the image, and with the position.

In: W[o, d, i, c] at two images with the same parameters, measured and meant, and the labels of the
declared functions. Out: both in the same words. W changes with the position where two entries of
one function differ at one image; under a softmax, where their logits do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.algebra.operator import Operator
from relgraph.program import Connect
from relgraph.verify.compare import TOLERANCE, Difference
from relgraph.verify.connectivity import input_name, output_name
from relgraph.verify.declared import ABSENT
from relgraph.verify.report import Check
from relgraph.verify.sharing import rule_for

STATIC = "static: one W for every image"
POOLED = "dynamic: W changes with the image, not with the position"
PAIRWISE = "dynamic: W changes with the image and the position"
OWN = "dynamic: W changes with the image; every entry is its own function"


@dataclass(frozen=True)
class Images:
    """W of one draw at two images."""

    first: Tensor
    second: Tensor


def check_dynamism(
    subject: str,
    node: Connect,
    found: Sequence[Images],
    meant: Sequence[Images],
    labels: Tensor,
    nonlinear: Difference,
) -> Check:
    """Compare the two images of each draw; with W held fixed the connection must be linear."""
    operator = node.connection.operator
    declared = _words(meant, labels, operator)
    measured = _words(found, labels, operator)
    ok = declared == measured and nonlinear.ok
    example = ""
    if declared != measured:
        example = _example(node, found[0], meant[0])
    if not nonlinear.ok:
        measured = f"{measured}; not a sum over inputs"
        example = example or f"with W held fixed, output {nonlinear}"
    return Check("dynamism", subject, declared, measured, ok, example)


def _words(draws: Sequence[Images], labels: Tensor, operator: Operator) -> str:
    if not any(_differ(draw.first, draw.second) for draw in draws):
        return STATIC
    if len(_outputs_per_label(labels)) == 0:
        return OWN
    compare = rule_for(operator)
    varies = compare([draw.first for draw in draws], labels).broken is not None
    return PAIRWISE if varies else POOLED


def _differ(one: Tensor, other: Tensor) -> bool:
    return float((one - other).abs().max()) > TOLERANCE * float(one.abs().max())


def _outputs_per_label(labels: Tensor) -> Tensor:
    """Labels that stand at two outputs or more."""
    o = torch.arange(labels.shape[0])[:, None, None, None].expand_as(labels)
    there = labels != ABSENT
    pairs = torch.stack([labels[there], o[there]], 1).unique(dim=0)
    found: Tensor
    found, counts = pairs[:, 0].unique(return_counts=True)
    return found[counts > 1]


def _example(node: Connect, found: Images, meant: Images) -> str:
    """The weight that changes most between the images, in the file or else by the reference."""
    images = found if _differ(found.first, found.second) else meant
    gap = (images.first - images.second).abs()
    entry = [int(i) for i in torch.unravel_index(gap.argmax(), gap.shape)]
    weight = f"the weight from {input_name(node, entry)} to {output_name(node, entry)}"
    first, second = (float(w[tuple(entry)]) for w in (found.first, found.second))
    one, other = (float(w[tuple(entry)]) for w in (meant.first, meant.second))
    return (
        f"{weight} is {first:.6g} for one image and {second:.6g} for another; "
        f"declared are {one:.6g} and {other:.6g}"
    )
