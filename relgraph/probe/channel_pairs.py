"""Weights between channels that are compared with each other over the whole map.

In: arrays of a link that mixes the channels of each place. Out: whether W[d, c] is a score of a
query d and a key c, both of which are what stands on all places (cross-covariance): normalised over
the channels c, the same at every place, and made by a product that sums over places.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, fx

from relgraph.algebra.operator import Normalize
from relgraph.probe import operations as ops
from relgraph.probe.arrays import Arrays
from relgraph.probe.findings import size
from relgraph.probe.lab import image
from relgraph.probe.normalising import Normalisation
from relgraph.probe.scores import STRAIGHT, Score, bending, factors, without

SAME = 1e-9


@dataclass(frozen=True)
class Compared:
    """Channels compared over the map: how, and what normalises a row."""

    evidence: str
    normalisation: Normalisation
    score: Score


def compared(arrays: Arrays, joined: Tensor, groups: int) -> Compared | None:
    """None where W is nothing of the kind: other at each place, or made by no product over the
    places; `joined` (D, C) are the channels that are there, in `groups`."""
    w = arrays.places_at(arrays.context)
    own = w.diagonal(0, 0, 2)
    if w.shape[0] != w.shape[2] or float((own - own[..., :1]).abs().max()) > SAME:
        return None
    product = _over_places(arrays)
    if product is None:
        return None
    over = _normalisation(arrays, joined, product)
    said = f"W is made by a product over {arrays.link.start_places.count} places"
    return Compared(said, over, _score(arrays, joined, over, groups))


def _over_places(arrays: Arrays) -> fx.Node | None:
    """The last matrix product on the way of the weights, of two operands that depend on the image,
    if it sums over as many numbers as there are places."""
    reading = arrays.link.way.reading
    own = frozenset[fx.Node]().union(*map(reading.made_of, arrays.frozen))
    products = [
        node
        for node in reading.tape.nodes
        if node in own and ops.name(node) in ops.MATRIX and len(_operands(arrays, node)) == 2
    ]
    if not products:
        return None
    left = arrays.context[_operands(arrays, products[-1])[0]]
    return products[-1] if left.shape[-1] == arrays.link.start_places.count else None


def _operands(arrays: Arrays, node: fx.Node) -> list[fx.Node]:
    return [one for one in node.all_input_nodes if one in arrays.lab.tape.dependent]


def _matrix(arrays: Arrays, joined: Tensor, features: Tensor | None = None) -> Tensor:
    """(D, C) at the place in the middle, 0 where channels are not joined."""
    context = arrays.context if features is None else arrays.given(0, features)
    w = arrays.channels_at(context)
    at = arrays.outs.index(arrays.middle)
    return w[at, :, arrays.middle if arrays.whole else 0] * joined


def _normalisation(arrays: Arrays, joined: Tensor, product: fx.Node) -> Normalisation:
    w = _matrix(arrays, joined)
    gap = float((w.sum(1) - 1.0).abs().max())
    behind = arrays.lab.tape.after(product)
    own = frozenset[fx.Node]().union(*map(arrays.link.way.reading.made_of, arrays.frozen))
    normalised = any(ops.name(node) in ops.SOFTMAX for node in own & behind)
    if normalised and gap <= SAME and bool((w >= 0).all()):
        return Normalisation("softmax", sums=True)
    if normalised:
        said = f"a softmax stands on the way of the weights, but rows sum to 1 ± {size(gap)}"
        return Normalisation("none", said)
    word: Normalize = "none"
    return Normalisation(word)


def _score(arrays: Arrays, joined: Tensor, over: Normalisation, groups: int) -> Score:
    """A cosine where logits are polynomials of order 2 once norms are taken out of their way."""
    if _is_quadratic(arrays, joined, over):
        return Score("dot", "logits are polynomials of order 2 along a line")
    bends = bending(arrays, over)
    names = sorted(set(bends.values()))
    what = "logits are no polynomials of order 2 along a line"
    if names != ["cosine"]:
        return Score(None, "; ".join((what, *names)))
    if not _is_quadratic(without(arrays, bends), joined, over):
        return Score(None, f"{what}, nor are they without norms")
    said = f"{what}, and are with the norms of queries and keys taken out of their way"
    if not all(_is_unit(arrays, node) for node in bends):
        return Score(None, f"{said}; but what is divided has no length of 1 over the places")
    numbers = factors(arrays, bends)
    if not numbers or max(numbers) not in (1, groups) or max(numbers) < groups:
        return Score("cosine", said, "cosines are not multiplied by a number that each head learns")
    return Score("cosine", f"{said}, times a number that each head learns")


def _is_unit(arrays: Arrays, node: fx.Node) -> bool:
    value, places = arrays.context[node], arrays.link.start_places.count
    axes = [axis for axis in range(value.dim()) if value.shape[axis] == places]
    lengths = [float((value.square().sum(axis) - 1.0).abs().max()) for axis in axes]
    return any(gap <= STRAIGHT for gap in lengths)


def _is_quadratic(arrays: Arrays, joined: Tensor, over: Normalisation) -> bool:
    """Whether third differences of logits along a line are nothing, up to one of each row."""
    features = image(arrays.link.start_places, 0)
    change = 0.3 * image(arrays.link.start_places, 9)
    rows, first = [], joined.long().argmax(1)
    for times in (-1.5, -0.5, 0.5, 1.5):
        w = _matrix(arrays, joined, features + times * change)
        logits = w.log() if over.word == "softmax" else w
        own = logits.gather(1, first[:, None]) if over.word == "softmax" else torch.zeros(())
        rows.append(torch.where(joined, logits - own, 0.0))
    third = rows[3] - 3 * rows[2] + 3 * rows[1] - rows[0]
    return float(third.abs().max()) <= STRAIGHT * float((rows[3] - rows[0]).abs().max())
