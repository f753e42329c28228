"""Dynamism: does W change with the image, and with the position.

In: W[o, d, i, c] at two images with the same parameters, and the declared labels. Out: declared
beside measured in the same words. W changes with the position where two entries of one learned
function differ at one image.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from relgraph.program import Connect
from relgraph.verify.compare import TOLERANCE, Difference
from relgraph.verify.connectivity import input_name, output_name
from relgraph.verify.declared import ABSENT
from relgraph.verify.report import Check

STATIC = "static: one W for every image"
POOLED = "dynamic: W changes with the image, not with the position"
PAIRWISE = "dynamic: W changes with the image and the position"
OWN = "dynamic: W changes with the image; every entry is its own function"


def check_dynamism(
    subject: str,
    node: Connect,
    draws: Sequence[tuple[Tensor, Tensor]],
    labels: Tensor,
    nonlinear: Difference,
) -> Check:
    """Compare the images of each draw; static connections must also be linear."""
    source = node.connection.operator.weight.source
    declared = _declared(source, labels)
    measured = _measured(draws, labels)
    ok = declared == measured and nonlinear.ok
    example = ""
    if declared != measured:
        example = _example(node, draws[0]) if source in ("static", "fixed") else _still(source)
    if not nonlinear.ok:
        measured = f"{measured}; not a sum over inputs"
        example = example or f"with W held fixed, output {nonlinear}"
    return Check("dynamism", subject, declared, measured, ok, example)


def _declared(source: str, labels: Tensor) -> str:
    if source in ("static", "fixed"):
        return STATIC
    if not _repeats(labels):
        return OWN
    return POOLED if source == "pooled" else PAIRWISE


def _measured(draws: Sequence[tuple[Tensor, Tensor]], labels: Tensor) -> str:
    if not any(_differ(one, other) for one, other in draws):
        return STATIC
    if not _repeats(labels):
        return OWN
    return PAIRWISE if any(_varies(w, labels) for w, _ in draws) else POOLED


def _differ(one: Tensor, other: Tensor) -> bool:
    return float((one - other).abs().max()) > TOLERANCE * float(one.abs().max())


def _repeats(labels: Tensor) -> bool:
    """Whether some function stands at more than one output."""
    return len(_outputs_per_label(labels)) > 0


def _outputs_per_label(labels: Tensor) -> Tensor:
    """Labels that stand at two outputs or more."""
    o = torch.arange(labels.shape[0])[:, None, None, None].expand_as(labels)
    there = labels != ABSENT
    pairs = torch.stack([labels[there], o[there]], 1).unique(dim=0)
    found: Tensor
    found, counts = pairs[:, 0].unique(return_counts=True)
    return found[counts > 1]


def _varies(w: Tensor, labels: Tensor) -> bool:
    """Whether one function has different values at different places."""
    there = labels != ABSENT
    _, own = labels[there].unique(return_inverse=True)
    values, count = w[there], int(own.max()) + 1
    low = torch.full((count,), torch.inf, dtype=w.dtype).scatter_reduce(0, own, values, "amin")
    high = torch.full((count,), -torch.inf, dtype=w.dtype).scatter_reduce(0, own, values, "amax")
    return float((high - low).max()) > TOLERANCE * float(w.abs().max())


def _example(node: Connect, draw: tuple[Tensor, Tensor]) -> str:
    entry = torch.unravel_index((draw[0] - draw[1]).abs().argmax(), draw[0].shape)
    place = [int(i) for i in entry]
    return (
        f"the weight from {input_name(node, place)} to {output_name(node, place)} is "
        f"{float(draw[0][tuple(place)]):.6g} for one image, {float(draw[1][tuple(place)]):.6g} for "
        "another"
    )


def _still(source: str) -> str:
    return {
        "pooled": "weights predicted from the pooled map must differ between two images only",
        "center": "weights predicted at each position must differ between images and positions",
        "pair": "weights of query and key must differ between images and positions",
    }[source]
