"""Norm statistics of the kind that training leaves: near those of the values that the norms read.

In: a program, a draw of its tensors, images. Out: the draw, its batch norms' running statistics
moved to where the reference finds the values. With statistics from nowhere the images' difference
fades from norm to norm (to 2e-9 of the logits in EfficientNet-B0) and rounding hides what differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from relgraph.assemble.walking import nodes
from relgraph.program import Connect, Element, Node, Program
from relgraph.verify.reference import run
from relgraph.verify.values import join

# Two pooled images may agree in a channel; dividing by their difference would blow up rounding.
LEAST = 0.01


def images_needed(program: Program) -> int:
    """Two images, or four where a batch norm reads one vector per image, be it in a gate or in what
    predicts weights: two vectors that hardly differ are divided by what little there is, and
    rounding grows from gate to gate."""
    return 4 if any(_norms_vectors(node) for _, node in nodes(program)) else 2


def _norms_vectors(node: Node) -> bool:
    if isinstance(node, Connect):
        weight = node.connection.operator.weight
        normed = weight.predictor is not None and weight.predictor.norm == "batch_norm"
        return normed and weight.source == "pooled"
    if not isinstance(node, Element):
        return False
    return node.word == "batch_norm" and node.input.layout == "vector"


def near_values(
    program: Program, tensors: Mapping[str, Tensor], images: Tensor
) -> Mapping[str, Tensor]:
    """`tensors` with running means a drawn part of a standard deviation away from the values' own,
    and running variances a drawn factor."""
    momenta = {path: _momentum(node) for path, node in _batch_norms(program)}
    if not any(momenta.values()):
        return tensors
    moved = {name: tensor.clone() for name, tensor in tensors.items()}
    with torch.no_grad():
        run(program, moved, images, training=True)
    for path, momentum in momenta.items():
        if momentum == 0.0:
            continue
        mean, var = join(path, "running_mean"), join(path, "running_var")
        # What the norm met moved its statistics by `momentum`.
        own_mean, own_var = (
            tensors[name] + (moved[name] - tensors[name]) / momentum for name in (mean, var)
        )
        own_var = own_var.clamp_min(LEAST)
        moved[mean] = own_mean + own_var.sqrt() * tensors[mean]
        moved[var] = own_var * tensors[var]
    return moved


def _batch_norms(program: Program) -> Iterator[tuple[str, Element]]:
    for path, node in nodes(program):
        if isinstance(node, Element) and node.word == "batch_norm":
            yield path, node


def _momentum(norm: Element) -> float:
    momentum = norm["momentum"]
    assert isinstance(momentum, int | float)
    return float(momentum)
