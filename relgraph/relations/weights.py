"""What becomes of trained weights along an edge: one table of rows, the first that fits.

In: two nodes. Out: whether the second can compute what the first does (an *embedding*), come as
near as its class allows by a closed form (a *projection*: over the entries of W, or over images
where W depends on them), or neither, and why. No torch: `transfer` does what is said here, and a
test holds both against each other on every edge of the families.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from relgraph.algebra.operator import Operator, Space
from relgraph.relations.node import Composite, Node
from relgraph.relations.order import compare
from relgraph.relations.produced import as_given
from relgraph.relations.within import space_within

CarriageKind: TypeAlias = Literal["embedding", "projection", "none"]
_Guard: TypeAlias = Callable[[Operator, Operator], bool]


@dataclass(frozen=True)
class Carriage:
    """The kind, and the reason in words: how it is done, or what stands against it."""

    kind: CarriageKind
    reason: str


@dataclass(frozen=True)
class _Row:
    """What holds from one operator to another that it is no special case of."""

    fits: _Guard
    kind: CarriageKind
    reason: str


def carries(a: Node, b: Node, instances: bool = False) -> Carriage:
    """What becomes of a's weights in b: exact where a is a special case of b. Families are compared
    on all sizes tried, unless they are meant as `instances` with just these numbers."""
    compared = compare(a, b, instances=instances)
    if compared.direction in ("up", "equal"):
        return Carriage("embedding", compared.reason)
    if isinstance(a, Operator) and isinstance(b, Operator):
        return _between_operators(a, b)
    return _between_terms(a, b, instances)


def _between_operators(a: Operator, b: Operator) -> Carriage:
    a = as_given(a)
    row = next(row for row in ROWS if row.fits(a, b))
    rank = b.channel.rank or b.space.rank
    if row is ROWS[-1] and rank is not None and _static(b):
        return Carriage("projection", _PRODUCTS[rank.word])
    return Carriage(row.kind, row.reason)


def _between_terms(a: Node, b: Node, instances: bool) -> Carriage:
    """Part by part; a projection of every part is none of the whole, but a way to begin."""
    if not (isinstance(a, Composite) and isinstance(b, Composite)):
        return Carriage("none", "what one part does has no place in the other")
    if a.kind != b.kind or len(a.parts) != len(b.parts):
        return Carriage("none", "terms of other parts")
    found = [carries(one, other, instances) for one, other in zip(a.parts, b.parts, strict=True)]
    lost = next((carriage for carriage in found if carriage.kind == "none"), None)
    return lost or Carriage("projection", "each part by itself: a beginning, not an optimum")


def _static(operator: Operator) -> bool:
    return operator.weight.source in ("static", "fixed")


def _generated(operator: Operator) -> bool:
    return operator.weight.source in ("pooled", "center")


def _linear(operator: Operator) -> bool:
    return operator.weight.normalize == "none"


def _loses_a_projection(a: Operator, b: Operator) -> bool:
    return a.frame.value > b.frame.value or a.frame.output > b.frame.output


def _other_outputs(a: Operator, b: Operator) -> bool:
    return a.space.stride != b.space.stride or a.space.padding != b.space.padding


def _free_rows(a: Operator, b: Operator) -> bool:
    """From weights under a softmax into static ones that share nothing and leave out no entry."""
    softmaxes = a.weight.normalize == b.weight.normalize == "softmax"
    free = b.space.share == "none" and b.space.rank is None and _supports(a.space, b.space)
    return softmaxes and _static(b) and free


def _between_0_and_1(a: Operator, b: Operator) -> bool:
    """From weights under a softmax, or their average, to a sigmoid of learned numbers."""
    bounded = a.weight.normalize == "softmax" or a.weight.fixed == "average"
    return _static(a) and bounded and b.weight.normalize == "sigmoid"


def _one_mean(a: Operator, b: Operator) -> bool:
    return _same_rows(a, b) and a.weight.source == "pooled"


def _same_rows(a: Operator, b: Operator) -> bool:
    """Predictors of one context whose last rows are the weights."""
    same = (a.weight.source, a.weight.extent) == (b.weight.source, b.weight.extent)
    return _generated(a) and same and _linear(a) and _linear(b)


def _masked_pairs(a: Operator, b: Operator) -> bool:
    """The same query · key on fewer pairs, and a position bias that has a mean."""
    pairs = a.weight.source == b.weight.source == "pair" and _linear(a) and _linear(b)
    alike = a.channel == b.channel and a.space.rank == b.space.rank
    biased = a.weight.position == "none" or b.weight.position != "none"
    return pairs and alike and biased and _supports(b.space, a.space)


def _supports(inner: Space, outer: Space) -> bool:
    one, other = (replace(space, share="none", rank=None) for space in (inner, outer))
    return space_within(one, other)


# Guards speak of two operators of which the first is no special case of the second.
ROWS: tuple[_Row, ...] = (
    _Row(_loses_a_projection, "none", "the projection that falls away mixes channels"),
    _Row(_other_outputs, "none", "the outputs stand on other places of the map"),
    _Row(lambda a, b: b.weight.source == "fixed", "none", "nothing is learned there"),
    _Row(
        _between_0_and_1,
        "projection",
        "averaged over each orbit: a mean of numbers between 0 and 1 is one",
    ),
    _Row(
        lambda a, b: not _linear(b) and _linear(a),
        "none",
        "normalised weights are positive and bounded; what was learned without is not",
    ),
    _Row(
        _free_rows,
        "projection",
        "the mean of W over images: its rows are positive with sum 1, and logits are its logarithm",
    ),
    _Row(
        lambda a, b: not _linear(b),
        "none",
        "what a normalisation makes is no linear class: there is no closed form",
    ),
    _Row(
        lambda a, b: not _static(a) and _static(b),
        "projection",
        "the mean of W over images, averaged over each orbit",
    ),
    _Row(
        _one_mean,
        "projection",
        "the predictor's last rows, averaged over each orbit: optimal for every image",
    ),
    _Row(
        _same_rows,
        "projection",
        "the predictor's last rows, averaged over each orbit: optimal where all places of an orbit "
        "see the same",
    ),
    _Row(
        _masked_pairs,
        "projection",
        "the same queries and keys on fewer pairs, the position bias averaged over each orbit",
    ),
    _Row(
        lambda a, b: not _static(a) and a.weight.normalize != b.weight.normalize,
        "none",
        "predicted weights before and after a normalisation are other functions",
    ),
    _Row(
        lambda a, b: a.weight.source == "pair" == b.weight.source,
        "none",
        "query · key is one function on all pairs: it cannot be cut up or continued",
    ),
    _Row(
        lambda a, b: not _static(a),
        "none",
        "weights are predicted from something else",
    ),
    _Row(
        lambda a, b: not _static(b),
        "projection",
        "averaged over each orbit of the functions, as the predictor's biases",
    ),
    _Row(
        lambda a, b: True,
        "projection",
        "averaged over each orbit, entries that do not exist counted as 0: optimal over W",
    ),
)

_PRODUCTS: Mapping[str, str] = {
    "reduce": "averaged over each cell: optimal over W; with a learned reduction, its best factor",
    "tokens": "truncated singular values of each matrix over positions: optimal over W",
    "separable": "the best row times column of each kernel, offsets counted: optimal over W",
    "scales": "least squares over all scales at once: optimal over W",
    "inner": "truncated singular values between two points, optimal; around a kernel alternating "
    "least squares from the higher-order SVD, which is not proved to be",
}
