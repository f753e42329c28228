"""Heads that talk: learned matrices by which heads hear each other's logits and weights.

In: arrays of a link whose weights are products of queries and keys. Out: the operations that may
mix heads, and whether they do. With such an operation taken out of the recorded ones, what every
head has without it is measured; heads talk if what they have with it is a mixture of that, by one
matrix for all places and images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from relgraph.algebra.operator import Normalize, Operator, Talking
from relgraph.probe import operations as ops
from relgraph.probe import scores
from relgraph.probe.arrays import Arrays
from relgraph.probe.findings import size
from relgraph.probe.lab import image, sampled
from relgraph.probe.measuring import Measuring

SAME = 1e-8
IMAGES = 3
PLACES = 4

Mixing = tuple[fx.Node, ...]
"""Operations that mix heads together: a matrix, and what is added behind it."""


@dataclass(frozen=True)
class Talk:
    """`word` is None where heads are mixed in no way that the algebra has; `differs` tells what no
    property says of a mixture."""

    word: Talking | None
    evidence: str
    differs: str = ""


def mixing(arrays: Arrays) -> tuple[Mixing, ...]:
    """What may mix heads, in order: learned matrices behind the product of queries and keys that
    leave as many numbers as there were, each with the vector that is added behind it."""
    found = scores.mixing(arrays)
    return tuple(
        (node, *_added(arrays, node))
        for node in arrays.lab.tape.nodes
        if node in found and _keeps_size(arrays, node)
    )


def _keeps_size(arrays: Arrays, node: fx.Node) -> bool:
    given = arrays.context[arrays.lab.tape.passed(node)]
    return isinstance(given, Tensor) and given.shape == arrays.context[node].shape


def _added(arrays: Arrays, node: fx.Node) -> tuple[fx.Node, ...]:
    """The sum with as many learned numbers as the matrix of `node` has rows."""
    tape, context = arrays.lab.tape, arrays.context
    sizes = {context[one].numel() for one in node.all_input_nodes if one not in tape.dependent}
    return tuple(
        user
        for user in scores.users(node)
        if ops.name(user) == "add"
        for one in user.all_input_nodes
        if one not in tape.dependent and context[one].numel() ** 2 in sizes
    )


def first_of_heads(arrays: Arrays, operator: Operator) -> tuple[int, ...]:
    """An output channel of each head of an operator that was measured, in order."""
    order = Measuring(arrays).order.outputs.tolist()
    heads = operator.channel.heads if operator.channel.share == "heads" else len(order)
    return tuple(order[:: len(order) // heads])


def talk(
    arrays: Arrays, mixtures: Sequence[Mixing], heads: Sequence[int], normalize: Normalize
) -> Talk:
    """How the heads of a link talk by `mixtures`: `heads` are an output channel of each,
    `normalize` is what makes weights of logits."""
    if len(heads) < 2 or len(mixtures) > 2:
        return Talk(
            None, f"{len(mixtures)} learned matrices behind queries and keys; {len(heads)} heads"
        )
    own = [_Weights.of(one, heads) for one in _taken_out(arrays, mixtures)]
    if any(not torch.equal(one.there, own[0].there) for one in own):
        return Talk(
            None, "a learned matrix behind queries and keys changes which weights there are"
        )
    if len(mixtures) == 2:
        behind, before = own[0].mixed(own[1]), own[1].of_logits(own[2], normalize)
        return _told("both", behind, before)
    behind = own[0].mixed(own[1])
    if behind.off <= SAME:
        return _told("weights", behind, None)
    return _told("logits", None, own[0].of_logits(own[1], normalize))


def without(arrays: Arrays, mixtures: Sequence[Mixing]) -> Arrays:
    """The same link where heads are not mixed so."""
    return scores.without(arrays, [node for one in mixtures for node in one])


def _taken_out(arrays: Arrays, mixtures: Sequence[Mixing]) -> list[Arrays]:
    """The link as it is, without its last mixture, and without any."""
    return [without(arrays, mixtures[at:]) for at in range(len(mixtures), -1, -1)]


@dataclass(frozen=True, eq=False)
class _Mixture:
    """What one head has of the others: how far off, the matrix (H, H), numbers of each head."""

    off: float
    matrix: Tensor
    numbers: Tensor


_NONE = _Mixture(float("inf"), torch.zeros(0, 0), torch.zeros(0))


@dataclass(frozen=True, eq=False)
class _Weights:
    """Weights (N, places, H) of some pairs of an output and a place, at several images."""

    values: Tensor
    there: Tensor

    @classmethod
    def of(cls, arrays: Arrays, heads: Sequence[int]) -> _Weights:
        """Those of one output channel of each head."""
        link, made = arrays.link, []
        sources = [own if link.copies is None else int(link.copies[own]) for own in heads]
        for seed in range(IMAGES):
            context = arrays.given(0, image(link.start_places, seed))
            by_place = [
                link.way.weights(context, link.into, link.out, sources, place, heads)
                for place in sampled(link.into.count, PLACES)
            ]
            made.append(torch.stack([w[:, :, 0].diagonal(0, 1, 2) for w in by_place], 1))
        values = torch.cat(made)
        return cls(values, (values != 0).all(2))

    def mixed(self, others: _Weights) -> _Mixture:
        """Each head's weights as a mixture of all of `others`, and a number of its own."""
        return _fitted(others.values[self.there], self.values[self.there])

    def of_logits(self, others: _Weights, normalize: Normalize) -> _Mixture:
        """The same of logits, up to what the normalisation leaves open."""
        if normalize == "sigmoid":
            return _fitted(others.values[self.there].logit(), self.values[self.there].logit())
        if normalize != "softmax":
            return _NONE
        pairs = self.there & self.there.roll(1, 1)
        steps = [(w.log() - w.log().roll(1, 1))[pairs] for w in (others.values, self.values)]
        return _fitted(*steps)


def _fitted(given: Tensor, wanted: Tensor) -> _Mixture:
    """`wanted` (N, H) by a matrix and a vector from `given` (N, H)."""
    design = torch.cat([given, torch.ones_like(given[:, :1])], 1)
    if len(design) < 2 * design.shape[1]:
        return _NONE
    solved = torch.linalg.lstsq(design, wanted, driver="gelsd").solution
    off = (design @ solved - wanted).abs().max() / wanted.abs().max()
    return _Mixture(float(off), solved[:-1].T, solved[-1])


def _told(word: Talking, behind: _Mixture | None, before: _Mixture | None) -> Talk:
    said, differs = [], []
    for name, one in (("logits", before), ("weights", behind)):
        if one is None:
            continue
        if not one.off <= SAME:
            what = f"a learned matrix behind queries and keys, but {name} are no mixture of heads'"
            return Talk(None, f"{what} (off by {size(one.off)})")
        said.append(
            f"{name} of {len(one.matrix)} heads are mixtures of theirs (off by {size(one.off)})"
        )
        if bool((one.matrix.abs() <= SAME * one.matrix.abs().max()).any()):
            differs.append(f"some heads do not hear some others' {name}")
    if behind is not None and bool(
        (behind.numbers.abs() <= SAME * behind.matrix.abs().max()).all()
    ):
        differs.append("mixed weights have no number of each head's own")
    return Talk(word, "; ".join(said), "; ".join(differs))
