"""Large values: what a model does where activations and logits are far from 1.

In: a subject. Out: one check: with images and layer norms' scales LOUD times as large, the logits
are the reference's, with and without gradients, in inference and, without batch norm, in training.
A clamp at 20 or 30, on logits of the classifier or of an attention, changes nothing where all
values are near 1, and everything here. So it is with a bound that nothing reaches, and with a mask
of -100 beside logits near 0: heads that compare by cosines are made sharper than they may be, and
biases of a softmax, to which a common number does nothing, lie far below 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from relgraph.algebra.parameters import key_channels
from relgraph.assemble.walking import nodes
from relgraph.program import Connect, Element, Program
from relgraph.verify.compare import difference, spread
from relgraph.verify.reference import Outputs, run
from relgraph.verify.report import Check
from relgraph.verify.runs import has_batch_norm, held_training
from relgraph.verify.subject import Subject
from relgraph.verify.values import join

LOUD = 64.0
# Of a pair's queries and keys, whose product would be LOUD² times as large: its logits are tens.
CALM = 1 / 8
# The logarithm of how sharply a head compares ends at that of 100, which is less.
SHARP = 5.0
# A softmax is the same with this added to all its logits, unless a mask is a number.
FAR_BELOW = -200.0
# What kernels are predicted by: LOUD times what they read gives the kernels of before. Where values
# still grow from block to block, their biases all but stand alone.
PREDICTED = (1 / LOUD, 1 / LOUD**2)
# Saturated softmaxes pass rounding on enlarged; a clamp moves logits by a part of themselves.
TOLERANCE = 1e-6
# A model that squares its values block by block leaves what float64 can tell apart.
LARGEST = 1e30


def check_loud(subject: Subject) -> Check:
    """The first image, LOUD times as large."""
    images = LOUD * subject.images[:1]
    declared = f"the reference's, of values {LOUD:g} times as large"
    for predicted in PREDICTED:
        tensors = loud_tensors(subject.program, subject.tensors, predicted)
        with torch.no_grad():
            outputs = run(subject.program, tensors, images)
        if _largest(outputs) < LARGEST:
            break
    else:
        return Check("large values", "model", declared, "too large to be compared", True)
    wanted = outputs.logits
    size = float(wanted.abs().max())
    gaps = {}
    before = {name: t.clone() for name, t in subject.model.state_dict().items()}
    subject.model.load_state_dict({**before, **tensors})
    for way, logits in _logits(subject, images):
        gaps[way] = difference(logits, wanted, spread(wanted))
    subject.model.load_state_dict(before)
    worst = max(gaps, key=lambda way: gaps[way].relative)
    gap = gaps[worst]
    ok = gap.relative <= TOLERANCE
    example = "" if ok else f"{worst}: logit {gap}"
    measured = f"{'equal to' if ok else 'differs by'} {gap.relative:.0e}; logits up to {size:.0f}"
    return Check("large values", "model", declared, measured, ok, example)


def _largest(outputs: Outputs) -> float:
    """Of all that is looked at; the logits behind a last norm do not tell what came before it."""
    values = (outputs.logits, outputs.last, *outputs.features)
    return max(float(value.abs().max().nan_to_num(math.inf)) for value in values)


def loud_tensors(
    program: Program, tensors: Mapping[str, Tensor], predicted: float = PREDICTED[0]
) -> dict[str, Tensor]:
    """`tensors` where norms of single images give LOUD times as much; kernels that are `predicted`
    and that nothing normalises stay as they were, and logits of pairs do not choose one input
    alone."""
    made = dict(tensors)
    for path, node in nodes(program):
        if isinstance(node, Element) and node.word in ("layer_norm", "group_norm", "rms_norm"):
            for name in ("weight", "bias"):
                _scale(made, join(path, name), LOUD)
        if isinstance(node, Connect) and _multiplies(node):
            _scale(made, join(path, "expand.weight"), predicted)
        if isinstance(node, Connect):
            # Rows of queries and keys, in front of those of values.
            queries, keys = node.connection.in_channels, key_channels(node.connection)
            for name, rows in (("qkv", queries + keys), ("q", queries), ("kv", keys)):
                _scale(made, join(path, f"{name}.weight"), CALM, rows)
            _to_the_bounds(made, path, node)
    return made


def _to_the_bounds(tensors: dict[str, Tensor], path: str, node: Connect) -> None:
    """Cosines scaled beyond their bound, and biases of softmaxes far below 0."""
    sharp = join(path, "logit_scale")
    if sharp in tensors:
        tensors[sharp] = tensors[sharp].abs() + SHARP
    if node.connection.operator.weight.normalize != "softmax":
        return
    for name in ("relative_position_bias_table", "position_bias"):
        bias = join(path, name)
        if bias in tensors:
            tensors[bias] = tensors[bias] + FAR_BELOW


def _multiplies(node: Connect) -> bool:
    weight = node.connection.operator.weight
    return weight.source in ("pooled", "center") and weight.normalize == "none"


def _scale(tensors: dict[str, Tensor], name: str, factor: float, rows: int | None = None) -> None:
    """A tensor, or its first rows, by a factor."""
    if name in tensors:
        tensors[name] = tensors[name].clone()
        tensors[name][:rows] *= factor


def _logits(subject: Subject, images: Tensor) -> Iterator[tuple[str, Tensor]]:
    with torch.no_grad():
        yield "inference", subject.model(images)
    yield "inference with gradients", subject.model(images).detach()
    if not has_batch_norm(subject.program):
        with held_training(subject.model, subject.program):
            yield "training", subject.model(images).detach()
