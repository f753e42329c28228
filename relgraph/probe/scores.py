"""By what score queries and keys are compared: products, cosines, products of features.

In: arrays of a link whose weights come from pairs. Out: a `Score`. Moved along a line, a feature
changes a product's logits in a straight line. Where it bends them, what bends on their way is taken
out of the recorded operations: if they are straight then, it is that which makes the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, fx

from relgraph.algebra import operator as algebra
from relgraph.probe import operations as ops
from relgraph.probe.arrays import Arrays
from relgraph.probe.lab import Lab, image, sampled
from relgraph.probe.normalising import Normalisation

STRAIGHT = 1e-7
"""A second difference below this part of the slope is none."""
LONG = 16.0
"""A line that is so much longer than another."""
NEAR_ONE = 1 - 1e-7
"""Sigmoids above it are too few digits away from 1."""
_WORDS: Mapping[str, algebra.Score] = {"cosine": "cosine", "relu": "relu", "elu": "elu"}


@dataclass(frozen=True)
class Score:
    """`word` is None where it could not be told; `differs` is what no property says of it."""

    word: algebra.Score | None
    evidence: str
    differs: str = ""


def score(arrays: Arrays, seen: Tensor, over: Normalisation, heads: int) -> Score:
    """The score of pairs of places whose channels are joined as `seen` (D, C), in `heads`."""
    if mixing(arrays) - arrays.lab.tape.passing:
        what = "a learned matrix stands behind the product of queries and keys: heads may talk"
        return Score(None, what)
    made = straight(arrays, seen, over)
    if made is None:
        return _by_operations(arrays, over)
    if all(made):
        return Score("dot", "logits are straight in the query's feature and in the key's")
    side = "neither" if not any(made) else "straight in the key's feature, not in the query's"
    side = side if not any(made) or made[0] else "straight in the query's feature, not in the key's"
    said = "neither in the query's feature nor in the key's" if side == "neither" else side
    bends = bending(arrays, over)
    names = sorted(set(bends.values()))
    what = f"logits are not straight ({said})" if side == "neither" else f"logits are {said}"
    if len(names) != 1 or names[0] not in _WORDS:
        on_way = f"; {', '.join(names)} on their way" if names else ""
        return Score(None, what + on_way)
    rest = straight(without(arrays, bends), seen, over)
    if rest is None or not all(rest):
        return Score(None, f"{what}, nor are they without {names[0]}")
    return _told(arrays, bends, names[0], what, heads)


def _told(arrays: Arrays, bends: Mapping[fx.Node, str], name: str, what: str, heads: int) -> Score:
    said = f"{what}, and are straight with {name} taken out of their way"
    if any(_behind_product(arrays, node) for node in bends):
        return Score(None, f"{said}; but it stands behind the product of query and key")
    if name == "cosine":
        wrong = _no_unit(arrays, bends, heads)
        if wrong:
            return Score(None, f"{said}; but {wrong}")
        return Score("cosine", *_factor(arrays, bends, said, heads))
    if name == "elu" and not all(map(_adds_one, bends)):
        return Score(None, f"{said}; but features are not elu + 1")
    if name == "relu" and not all(map(_goes_on, bends)):
        return Score(None, f"{said}; but something is added to the features")
    return Score(_WORDS[name], said)


def _by_operations(arrays: Arrays, over: Normalisation) -> Score:
    """Where single features of queries or keys cannot be moved."""
    names = sorted(set(bending(arrays, over).values()))
    if names:
        return Score(None, f"{', '.join(names)} on the way of the logits; keys are no places")
    return Score("dot", "no operation on the way of the logits bends them")


def straight(arrays: Arrays, seen: Tensor, over: Normalisation) -> tuple[bool, bool] | None:
    """Whether logits are affine in the feature of the key, and in that of the query, up to what
    the normalisation leaves open. None where no output reads two places beside its own, or inputs
    are no places of the image."""
    features = image(arrays.link.start_places, 0)
    w = arrays.slices(arrays.context, seen)[0]
    if arrays.link.into.count != len(features) or len(w) != len(features):
        return None
    told = w if over.word != "sigmoid" else w.masked_fill(w >= NEAR_ONE, 0.0)
    row = int((told != 0).sum(1)[len(w) // 2 :].argmax()) + len(w) // 2
    order = told[row].abs().argsort(descending=True)
    reads = [int(i) for i in order if int(i) != row and w[row, i]]
    if len(reads) < 2:
        return None
    third, places = reads[0], reads[1:4]
    lines = _Lines(arrays, seen, over, row, third)
    keys = [lines.bends(place, (place,)) for place in places]
    queries = [lines.bends(row, places, seed) for seed in range(2)]
    return not any(keys), not any(queries)


def symmetric(w: Tensor) -> bool:
    """Whether places that compare each other do so alike, up to the sum of each row of `w` (O, I):
    then what each place asks for is what it is asked for. Around three places sums cancel; where
    weights are products of two numbers that everything does, and that tells nothing."""
    if w.shape[0] != w.shape[1]:
        return False
    there, found, products = (w != 0) & (w.T != 0), 0, True
    logits = w.abs().clamp_min(1e-300).log()
    for one in sampled(len(w)):
        near = [int(i) for i in there[one].nonzero() if int(i) != one]
        for other, third in pairwise(near[:8]):
            if bool(there[other, third]):
                around = logits[one, other] + logits[other, third] + logits[third, one]
                back = logits[one, third] + logits[third, other] + logits[other, one]
                if float((around - back).abs()) > STRAIGHT:
                    return False
                found += 1
                if bool(there[other, other]):
                    own = logits[one, third] + logits[other, other]
                    beside = logits[one, other] + logits[other, third]
                    products = products and float((own - beside).abs()) <= STRAIGHT
    return found > 1 and not products


@dataclass(frozen=True, eq=False)
class _Lines:
    """The weights of one output, along lines of one place's feature."""

    arrays: Arrays
    seen: Tensor
    over: Normalisation
    row: int
    third: int

    def bends(self, moved: int, places: Sequence[int], seed: int = 0) -> bool:
        """Whether the logits of `places` bend as the feature of `moved` goes along a line, which
        may be long: a slope that is another one below zero shows only beyond."""
        return any(self._bends(moved, places, seed, length) for length in (1.0, LONG))

    def _bends(self, moved: int, places: Sequence[int], seed: int, length: float) -> bool:
        own = torch.stack(self._along(moved, seed, length))
        if self.over.word == "l1" and moved == self.row:
            # Numerators that are straight, each time over one sum: three rows of rank 2.
            own[:, self.row] = 0.0
            values = torch.linalg.svdvals(own)
            return float(values[2]) > STRAIGHT * float(values[0])
        logits = torch.stack([self._logits(w)[list(places)] for w in own])
        logits = logits[:, logits.isfinite().all(0)]  # a weight that becomes nothing has none
        if not logits.numel():
            return length == 1.0  # Of a long line nothing seen says nothing.
        second = (logits[2] - 2 * logits[1] + logits[0]).abs()
        scale = (logits[2] - logits[0]).abs().max().clamp_min(1e-6 * float(logits.abs().max()))
        return not bool((second <= STRAIGHT * scale).all())

    def _along(self, moved: int, seed: int, length: float) -> list[Tensor]:
        places = self.arrays.link.start_places
        features = image(places, 0)
        # Features that are cut at zero are so somewhere on a long line.
        far = 1.0 if self.over.word in ("softmax", "sigmoid") else 4.0
        change = far * length * image(places, 9 + seed)[moved]
        made = []
        for times in (-1.0, 0.0, 1.0):
            other = features.clone()
            other[moved] += times * change
            context = self.arrays.given(0, other)
            made.append(self.arrays.rows(context, self.seen, (self.row,))[0][0])
        return made

    def _logits(self, w: Tensor) -> Tensor:
        if self.over.word == "softmax":
            return (w / w[self.third]).log()
        if self.over.sums:
            return w / w[self.third]
        if self.over.word == "sigmoid":
            return torch.where((w > 0) & (w < NEAR_ONE), torch.logit(w), torch.nan)
        return w


def bending(arrays: Arrays, over: Normalisation) -> dict[fx.Node, str]:
    """What bends between the image and the weights, by name: a norm of queries or keys is a
    `cosine`. The normalisation itself is left out, and what values go through, too."""
    way = arrays.link.way
    reading, tape = way.reading, way.reading.tape
    frozen = arrays.frozen
    own = frozenset[fx.Node]().union(*map(reading.made_of, frozen))
    own = (own & tape.after(arrays.start)) - reading.made_of(way.start) - {arrays.start}
    ends = _ends(arrays, frozen, over)
    divisions = {node for node in own if _norm_of(arrays, node)}
    beside = {one for node in (*divisions, *ends) for one in _divisor(arrays, node)}
    found: dict[fx.Node, str] = {}
    for node in tape.nodes:
        if node not in own or node in ends or node in beside:
            continue
        name = "cosine" if node in divisions else _bend(node)
        if name:
            found[node] = name
    return found


def _ends(arrays: Arrays, frozen: Iterable[fx.Node], over: Normalisation) -> set[fx.Node]:
    """The operations that normalise the weights: the last that are more than layout."""
    if over.word == "none":
        return set()
    last, tape = [], arrays.lab.tape
    for node in frozen:
        while ops.name(node) in ops.LAYOUT or node in tape.passing or _is_scaled(node):
            node = tape.passed(node)
        last.append(node)
    normal = ("div", "reciprocal", *ops.SOFTMAX, *ops.SQUASHING)
    return {one for one in last if ops.name(one) in normal}


def _is_scaled(node: fx.Node) -> bool:
    """Whether the node multiplies by a number, as `1 / x` does behind the reciprocal."""
    return ops.name(node) == "mul" and len(node.all_input_nodes) == 1 and len(node.args) == 2


def _norm_of(arrays: Arrays, node: fx.Node) -> bool:
    """Whether the node divides a value by a root of its own statistics."""
    if ops.name(node) not in ("div", "mul") or len(node.all_input_nodes) != 2:
        return False
    return any(ops.name(one) in ops.ROOTS for one in _divisor(arrays, node))


def _divisor(arrays: Arrays, node: fx.Node) -> frozenset[fx.Node]:
    """What is made of the value for the divisor alone."""
    if ops.name(node) not in ("div", "mul") or len(node.all_input_nodes) != 2:
        return frozenset()
    made_of = arrays.link.way.reading.made_of
    value, divisor = node.all_input_nodes
    return made_of(divisor) - made_of(value)


def _bend(node: fx.Node) -> str:
    called = ops.name(node)
    if called in ops.NORMS:
        return ops.NORMS[called]
    if called in ops.SOFTMAX:
        return ops.SOFTMAX[called]
    return called.strip("_") if ops.is_activation(node) else ""


def without(arrays: Arrays, nodes: Iterable[fx.Node]) -> Arrays:
    """The same link where these operations hand their operand on as it is."""
    lab = arrays.lab
    tape = replace(lab.tape, passing=lab.tape.passing | frozenset(nodes))
    changed = Lab(tape, lab.reading, lab.draws, lab.places, lab.layout)
    return Arrays(changed, arrays.link)


def _no_unit(arrays: Arrays, nodes: Iterable[fx.Node], heads: int) -> str:
    """Why these are no directions of whole queries and keys of a head; empty where they are."""
    places = arrays.link.start_places.count
    for node in nodes:
        value = arrays.context[node]
        axes = [
            axis
            for axis in range(value.dim())
            if float((value.square().sum(axis) - 1.0).abs().max()) <= STRAIGHT
        ]
        if not axes:
            return "what is divided has no length of 1"
        many = value.numel() // places
        if not any(many % (value.shape[axis] * heads) == 0 for axis in axes):
            return "what has a length of 1 is no query or key of a head"
    return ""


def _factor(arrays: Arrays, nodes: Iterable[fx.Node], said: str, heads: int) -> tuple[str, str]:
    """What is seen, and in what it differs from a cosine times a number that each head learns."""
    numbers = factors(arrays, nodes)
    if not numbers:
        return said, "cosines are multiplied by a given number, where every head learns one"
    if max(numbers) not in (heads, 1):
        return said, f"queries and keys are multiplied by {max(numbers)} numbers behind their norms"
    if max(numbers) < heads:
        return said, "cosines are multiplied by one number for all heads, where each learns one"
    return f"{said}, times a number that each head learns", ""


def factors(arrays: Arrays, nodes: Iterable[fx.Node]) -> list[int]:
    """How many learned numbers each product behind `nodes` multiplies the logits by."""
    reading = arrays.link.way.reading
    own = frozenset[fx.Node]().union(*map(reading.made_of, arrays.frozen))
    behind = frozenset[fx.Node]().union(*map(reading.tape.after, nodes)) & own
    found = []
    for node in behind:
        if ops.name(node) in ("mul", "div") and reading.has_parameters(node):
            learned = [one for one in node.all_input_nodes if one not in reading.tape.dependent]
            found += [arrays.context[one].numel() for one in learned]
    return found


def _own(arrays: Arrays, frozen: fx.Node) -> frozenset[fx.Node]:
    """What of the image's way to a frozen operand lies behind the image."""
    tape, made_of = arrays.lab.tape, arrays.link.way.reading.made_of
    return made_of(frozen) & tape.after(arrays.start)


def mixing(arrays: Arrays) -> frozenset[fx.Node]:
    """The learned matrices behind products of queries and keys, on the way of the weights."""
    ways = [one for frozen in arrays.frozen for one in _own(arrays, frozen)]
    return frozenset(node for node in ways if _mixes(arrays, node))


def _mixes(arrays: Arrays, node: fx.Node) -> bool:
    """Whether the node multiplies products of queries and keys by a learned matrix."""
    matrix = ops.name(node) in (*ops.MATRIX, "convolution")
    reading = arrays.link.way.reading
    if not matrix or not reading.has_parameters(node):
        return False
    before = [one for one in node.all_input_nodes if one in reading.tape.dependent]
    return any(_made_by_product(arrays, one) for one in before)


def _behind_product(arrays: Arrays, node: fx.Node) -> bool:
    """Whether what goes into the node is a product of two values of the image already."""
    return _made_by_product(arrays, node.all_input_nodes[0])


def _made_by_product(arrays: Arrays, value: fx.Node) -> bool:
    tape, made_of = arrays.lab.tape, arrays.link.way.reading.made_of
    own = (made_of(value) & tape.after(arrays.start)) - {arrays.start}
    for one in own:
        factors = [arg for arg in one.all_input_nodes if arg in tape.dependent]
        apart = len(factors) == 2 and all(
            one not in made_of(other) for one, other in (factors, factors[::-1])
        )
        if apart and ops.name(one) in ops.PRODUCTS:
            return True
    return False


def users(node: fx.Node) -> list[fx.Node]:
    """What reads a value, however it is laid out before."""
    found = []
    for user in node.users:
        found += users(user) if ops.name(user) in ops.LAYOUT else [user]
    return found


def _adds_one(node: fx.Node) -> bool:
    return all(ops.name(one) == "add" and one.args[1] in (1, 1.0) for one in users(node))


def _goes_on(node: fx.Node) -> bool:
    return not any(ops.name(one) in ops.SUMS for one in users(node))
