"""What becomes of trained weights along an edge: one table of rows, the first that fits.

In: two nodes. Out: whether the second can compute what the first does (an *embedding*), come as
near as its class allows by a closed form (a *projection*: over the entries of W, or over images
where W depends on them), or neither, and why. No torch: `transfer` does what is said here, and a
test holds both against each other on every edge of the families.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from relgraph.algebra.operator import Operator, Space
from relgraph.relations.node import Composite, Node, as_given
from relgraph.relations.order import REORDERED, compare
from relgraph.relations.produced import crosses, has_keys, has_values, leaves
from relgraph.relations.weight import sharing_of
from relgraph.relations.within import space_within

CarriageKind: TypeAlias = Literal["embedding", "projection", "none"]
_WORST_FIRST: tuple[CarriageKind, ...] = ("none", "projection")
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
    """Part by part; a projection of every part is none of the whole, but a way to begin. A linear
    term is one W, whatever it is made of."""
    if _is_linear_term(a) and isinstance(b, Operator) and _static(b) and _linear(b):
        return Carriage("projection", "multiplied out, and of that the nearest W")
    if not (isinstance(a, Composite) and isinstance(b, Composite)):
        return Carriage("none", "what one part does has no place in the other")
    if a.kind != b.kind or len(a.parts) != len(b.parts):
        return Carriage("none", "terms of other parts")
    found = _matched(a, b, instances)
    lost = next((carriage for carriage in found if carriage.kind == "none"), None)
    return lost or Carriage("projection", "each part by itself: a beginning, not an optimum")


def _matched(a: Composite, b: Composite, instances: bool) -> tuple[Carriage, ...]:
    """What becomes of each part in its counterpart. Links and pieces stand in an order that says
    something; parts of a sum or product are written sorted, and go where most of them is kept."""
    free = a.kind in ("sum", "product") and len(b.parts) <= REORDERED
    orders = itertools.permutations(b.parts) if free else (b.parts,)
    every = (tuple(_carried(a.parts, order, instances)) for order in orders)
    return min(every, key=lambda found: [sum(c.kind == k for c in found) for k in _WORST_FIRST])


def _carried(mine: Iterable[Node], theirs: Iterable[Node], instances: bool) -> Iterator[Carriage]:
    for one, other in zip(mine, theirs, strict=True):
        yield carries(one, other, instances)


def _is_linear_term(node: Node) -> bool:
    if isinstance(node, Operator):
        return _static(node)
    return node.kind in ("chain", "sum") and all(map(_is_linear_term, node.parts))


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


def keeps_functions(a: Operator, b: Operator) -> bool:
    """Functions of the same context under the same normalisation: they go along as functions, even
    where they are then other ones."""
    if _loses_a_projection(a, b):
        return False
    mine, theirs = a.weight, b.weight
    same = (mine.source, mine.normalize, mine.score) == (
        theirs.source,
        theirs.normalize,
        theirs.score,
    )
    if not has_keys(mine, theirs):
        return False
    if mine.source == "channels":
        return same and a.channel == b.channel
    if mine.mixes_logits > theirs.mixes_logits or mine.mixes_weights > theirs.mixes_weights:
        return False
    if mine.source == "pair":
        turned = "rotary" in (mine.position, theirs.position) and mine.position != theirs.position
        return same and not turned and a.channel == b.channel and a.space.rank == b.space.rank
    at = mine.source == "pooled" or a.space.step == b.space.step  # the same centres of windows
    return same and at and _generated(a) and mine.extent <= theirs.extent


def _with_own_keys(b: Operator) -> Operator:
    return replace(b, weight=replace(b.weight, kv_heads=None))


def _is_bounded(a: Operator) -> bool:
    """Whether its weights are all between 0 and 1."""
    squashed = a.weight.normalize in ("softmax", "sigmoid") and not _is_summed(a)
    return squashed or a.weight.fixed == "average"


def _sums_to_1(a: Operator) -> bool:
    if a.weight.fixed == "average":
        return a.space.border == "mask" or not crosses(a.space)
    return a.weight.normalize == "softmax" and not _is_summed(a)


def _is_summed(a: Operator) -> bool:
    """Whether its weights are sums of what was normalised: over windows, over heads."""
    return _overlaps(a) or a.weight.mixes_weights


def _overlaps(a: Operator) -> bool:
    """Whether an output is a sum over windows."""
    return a.space.connect == "outlook"


def _free_rows(a: Operator, b: Operator) -> bool:
    """From weights under a softmax into others that leave out no entry, and whose ties are such
    that the means over them are positive with sum 1 again."""
    if b.weight.normalize != "softmax" or not _sums_to_1(a) or a.space.rank != b.space.rank:
        return False
    share = sharing_of(b) or "all"
    even = share in ("windows", "all") or b.space.border == "wrap"
    return (share == "none" or (even and not leaves(b.space))) and _supports(a.space, b.space)


def _free_magnitudes(a: Operator, b: Operator) -> bool:
    """From weights under a softmax into others over the sum of their magnitudes that lose nothing
    of a mean: of its entries none, and no tie that it does not have."""
    if b.weight.normalize != "l1" or not _sums_to_1(a) or a.space.rank != b.space.rank:
        return False
    alike = a.weight.source == "pooled" and not leaves(a.space)
    tied = sharing_of(b) == "none" or (alike and space_within(a.space, b.space))
    counted = b.space.border == "zero" and crosses(b.space)
    return tied and not counted and _supports(a.space, b.space)


def _placeless(a: Operator, b: Operator) -> bool:
    """From pairs to other pairs that know no places."""
    return a.weight.source == b.weight.source == "pair" and b.weight.position == "none"


def _other_keys(a: Operator, b: Operator) -> bool:
    """Keys of pairs on a reduced map, on one side or on both."""
    return any(one.weight.source == "pair" and one.space.rank is not None for one in (a, b))


def _masked_pairs(a: Operator, b: Operator) -> bool:
    """The same query · key on fewer pairs, and a position bias that has a mean."""
    biased = a.weight.position == "none" or b.weight.position != "none"
    return a.weight.source == "pair" and biased and _supports(b.space, a.space)


def _supports(inner: Space, outer: Space) -> bool:
    one, other = (replace(space, share="none", rank=None) for space in (inner, outer))
    return space_within(one, other)


# Guards speak of two operators of which the first is no special case of the second.
ROWS: tuple[_Row, ...] = (
    _Row(
        lambda a, b: _loses_a_projection(a, b) and not _linear(b),
        "none",
        "the projection that falls away mixes channels, and nothing normalised does",
    ),
    _Row(_other_outputs, "none", "the outputs stand on other places of the map"),
    _Row(lambda a, b: b.weight.source == "fixed", "none", "nothing is learned there"),
    _Row(
        lambda a, b: not has_values(a, b),
        "none",
        "of values that heads share from there on the mean is a beginning, and no nearest function",
    ),
    _Row(
        lambda a, b: not has_keys(a.weight, b.weight) and keeps_functions(a, _with_own_keys(b)),
        "none",
        "of keys that heads share from there on the mean is a beginning, and no nearest function",
    ),
    _Row(
        lambda a, b: b.weight.position == "continuous",
        "none",
        "what bias a network gives is trained: no closed form finds it",
    ),
    _Row(
        lambda a, b: b.weight.position == "rotary" and not keeps_functions(a, b),
        "none",
        "a mean has no place there: queries and keys are turned, and there is no position bias",
    ),
    _Row(
        lambda a, b: keeps_functions(a, b) and _linear(b) and a.weight.source == "pooled",
        "projection",
        "the predictor's last rows, averaged over each orbit: optimal for every image",
    ),
    _Row(
        lambda a, b: keeps_functions(a, b) and _linear(b) and a.weight.source == "center",
        "projection",
        "the predictor's last rows, averaged over each orbit: optimal where all places of an orbit "
        "see the same",
    ),
    _Row(
        lambda a, b: keeps_functions(a, b) and _linear(b) and _masked_pairs(a, b),
        "projection",
        "the same queries and keys on fewer pairs, the position bias averaged over each orbit",
    ),
    _Row(
        lambda a, b: keeps_functions(a, b) and _linear(b),
        "none",
        "query · key is one function on all pairs: it cannot be cut up or continued",
    ),
    _Row(
        lambda a, b: b.weight.source == "channels",
        "none",
        "cosines between channels are no given numbers, and nothing stands beside them",
    ),
    _Row(
        keeps_functions,
        "none",
        "what a normalisation makes is no linear class: the same functions, but no nearest ones",
    ),
    _Row(
        _other_keys,
        "none",
        "keys on a map of their own: W reads what was made of the map, not the map",
    ),
    _Row(
        _placeless,
        "none",
        "other queries and keys, and no position bias to hold a mean of what they said",
    ),
    _Row(
        lambda a, b: (
            b.weight.normalize != "softmax"
            and b.weight.score != "dot"
            and b.weight.position == "none"
        ),
        "none",
        "a mean has no place there: the score is bounded on one side or both, and there is no "
        "position bias",
    ),
    _Row(
        lambda a, b: _overlaps(b) and not _linear(b),
        "none",
        "a sum over windows, each normalised by itself, is no linear class",
    ),
    _Row(
        lambda a, b: _is_bounded(a) and b.weight.normalize == "sigmoid",
        "projection",
        "averaged over each orbit (and over images): a mean of numbers between 0 and 1 is one",
    ),
    _Row(
        _free_rows,
        "projection",
        "the mean of W over images: its rows are positive with sum 1, and logits are its logarithm",
    ),
    _Row(
        _free_magnitudes,
        "projection",
        "the mean of W over images: its magnitudes sum to 1, as the new ones do",
    ),
    _Row(
        lambda a, b: b.weight.normalize == "l1",
        "none",
        "magnitudes with sum 1 are no linear class: there is no closed form",
    ),
    _Row(
        lambda a, b: not _linear(b) and _linear(a),
        "none",
        "normalised weights are positive and bounded; what was learned without is not",
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
        lambda a, b: not _static(a),
        "projection",
        "other functions: of the old ones the mean of W over images, averaged over each orbit, as "
        "the biases of the new",
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
