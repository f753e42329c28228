"""What normalises weights over the slots: the sums of their rows, and what stands on their way.

In: arrays of one link. Out: a `Normalisation`. A softmax makes rows of positive weights that sum to
1, l1 rows whose magnitudes do; what no word says is told beside.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, fx

from relgraph.algebra.operator import Normalize
from relgraph.probe import operations as ops
from relgraph.probe.arrays import Arrays
from relgraph.probe.dynamism import CHANGED, gap
from relgraph.probe.findings import size
from relgraph.probe.reading import Reading


@dataclass(frozen=True)
class Normalisation:
    """What normalises weights over the slots, what no word of the algebra says of it, and whether
    the magnitudes of a row sum to 1: then they are known up to that. Where the border cuts a row
    its sum is less, if slots outside are counted (`counts`)."""

    word: Normalize
    beside: str = ""
    sums: bool = False
    counts: bool = False


def normalisation(arrays: Arrays, seen: Tensor) -> Normalisation:
    """The normalisation of a link whose channels are joined as `seen` (D, C)."""
    frozen = arrays.frozen
    w = torch.cat([one for context in arrays.contexts for one in arrays.slices(context, seen)])
    slots, total = (w != 0).sum(1), w.abs().sum(1)
    # A row whose features are all cut at zero has no sum.
    live = total > 0
    gaps = torch.where(live, (total - 1.0).abs(), 0.0)
    whole = float(gaps[slots == slots.max()].max())
    if _several(arrays, seen) and whole <= CHANGED:
        return _summed(arrays.link.way.reading, frozen, w, float(gaps.max()) > CHANGED)
    some = live & (slots > 1) & ((total - 1.0).abs() <= CHANGED)
    if bool(some.any()) and _several(arrays, seen):
        said = f"{float(some.float().mean()):.0%} of the rows of weights sum to 1, others do not"
        return Normalisation("none", said)
    inner = w[slots == slots.max()]  # at a border several may stand on one place
    squashed = bool(((inner >= 0.0) & (inner <= 1.0)).all())
    return _loose(arrays, frozen, float((w.sum(1) - 1.0).abs().max()), squashed)


def _several(arrays: Arrays, seen: Tensor) -> bool:
    """Whether rows have more than one slot, and weights change with the parameters: one slot, or
    given weights, that sum to 1 are not normalised by that."""
    one, other = (arrays.slices(context, seen) for context in arrays.contexts[:2])
    return max(int((w != 0).sum(1).max()) for w in one) > 1 and gap(other, one) > CHANGED


def _summed(reading: Reading, frozen: list[fx.Node], w: Tensor, counts: bool) -> Normalisation:
    """Rows whose magnitudes sum to 1: by a softmax, or by a division."""
    made_of = {ops.name(one) for node in frozen for one in reading.made_of(node)}
    names = made_of or {ops.name(node) for node in reading.tape.nodes}
    positive = bool((w >= 0).all())
    if positive and names & ops.SOFTMAX.keys():
        return Normalisation("softmax", sums=True, counts=counts)
    if positive and frozen and all(map(_divides_powers, frozen)):  # a softmax that is written out
        return Normalisation("softmax", sums=True, counts=counts)
    if bool((w <= 0).all()):
        return Normalisation("none", "rows of negative weights sum to -1", sums=True)
    return Normalisation("l1", sums=True, counts=counts)


def _divides_powers(node: fx.Node) -> bool:
    """Whether the entries of `node` are powers of e over something."""
    called = ops.name(node)
    if called in ops.LAYOUT or called == "div":
        return _divides_powers(node.all_input_nodes[0])
    return called == "exp"


def _is_divided(reading: Reading, node: fx.Node) -> bool:
    """Whether the last that is done to `node` is a division by something of the image."""
    called = ops.name(node)
    if called in ops.LAYOUT:
        return _is_divided(reading, node.all_input_nodes[0])
    return called == "div" and node.args[1] in reading.tape.dependent


def _loose(arrays: Arrays, frozen: list[fx.Node], sums: float, squashed: bool) -> Normalisation:
    """Rows that sum to something else; `squashed` if all weights are between 0 and 1. A kernel that
    a sigmoid multiplies is not."""
    reading = arrays.link.way.reading
    steps = [reading.step(node) for node in arrays.link.way.nodes[1:]]
    words = [reading.last_bend(node) for node in frozen]
    last = next((word for word in reversed(words) if word), "")
    behind = any(map(reading.is_learned, arrays.link.way.nodes[1:]))
    if last == "sigmoid" and len(frozen) == 1 and squashed:
        return Normalisation("sigmoid")
    learned = behind or any(map(reading.is_scaled, frozen))
    if last == "sigmoid" and set(words) == {last} and not squashed and learned:
        return Normalisation("none")  # of kernels that are mixed
    softmaxed = last == "softmax" or any(step.through == "softmax" for step in steps if not last)
    if softmaxed and not all(reading.mixes_kernels(node, behind) for node in frozen):
        said = f"a softmax stands on the way of the weights, but rows sum to 1 ± {size(sums)}"
        return Normalisation("none", said)
    if softmaxed:  # of numbers by which learned kernels are mixed
        return Normalisation("none")
    if any(_is_divided(reading, node) for node in frozen):
        said = "the weights are divided by what is made of the image, and rows do not sum to 1"
        return Normalisation("none", said)
    said = f"the weights end in {last}, which is no normalisation of the algebra"
    return Normalisation("none", said if last else "")
