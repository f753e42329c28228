"""Which of two nodes is a special case of the other, computed.

In: two nodes. Out: down (the second is a special case of the first), up, equal or sideways, with
the reason. Static weights are compared as spans of matrices, axis by axis (`within`); predicted
ones as classes of functions, where besides the partition the larger's predictor must be able to
produce the smaller's weights (`produced`): it ends in a bias for each of its orbits, so it produces
any number. A softmax cannot give 0: where it has to, the order holds to rounding, with a large
negative bias outside the smaller support. What is not known to be a special case is none.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from functools import lru_cache

from relgraph.algebra.operator import TOGETHER, Frame, Operator, Weight
from relgraph.relations import produced, tried
from relgraph.relations.families import family
from relgraph.relations.node import IDENTITY, SPLITS, Composite, Node, as_given
from relgraph.relations.relation import Compared, Direction
from relgraph.relations.within import channel_within, space_within, tap_within

REORDERED = 4  # parts of a sum or product that are compared in every order


@lru_cache(maxsize=1 << 14)
def compare(a: Node, b: Node, instances: bool = False) -> Compared:
    """How the first lies to the second: `down` if the second is a special case of the first.

    Two families are compared on all sizes tried, with the same numbers in both, unless they are
    meant as `instances`; other nodes with the numbers they have.
    """
    if a == b:
        return Compared("equal", "one class")
    families = not instances and _is_family(a) and _is_family(b)
    down, up = _obstacle(b, a, families), _obstacle(a, b, families)
    sizes = _sizes(a, b, families)
    if down is None and up is None:
        return Compared("equal", "each is a special case of the other", sizes)
    if down is None:
        return Compared("down", _grounds(b, a), sizes)
    if up is None:
        return Compared("up", _grounds(a, b), sizes)
    reason = down if down == up else f"{down}; and the other way: {up}"
    return Compared("sideways", reason, sizes)


@lru_cache(maxsize=1 << 14)
def _is_family(node: Node) -> bool:
    return family(node) == node


def direction(a: Node, b: Node) -> Direction:
    """`compare`'s answer alone."""
    return compare(a, b).direction


def _obstacle(inner: Node, outer: Node, families: bool) -> str | None:
    """Why the inner node is not known to be a special case of the outer one; None where it is."""
    if inner == outer:
        return None
    if isinstance(inner, Operator) and isinstance(outer, Operator):
        return _between_operators(inner, outer, families)
    return _between_terms(inner, outer, families)


def _between_operators(inner: Operator, outer: Operator, families: bool) -> str | None:
    inner = produced.multiplied_out(inner, outer)
    mine, theirs = inner.frame, outer.frame
    if mine.value > theirs.value or mine.output > theirs.output:
        return "without the projection nothing mixes all channels there"
    if not produced.has_values(inner, outer):
        return "values that heads share are fewer than those of all heads"
    inner, outer = as_given(inner), as_given(outer)
    if inner == outer:
        return None
    return (
        produced.obstacle(inner, outer)
        or produced.ends(inner, outer)
        or _over_space(inner, outer, families)
        or _over_channels(inner, outer, families)
    )


_NO_UNION = "over {} an orbit, or the support, is no union of the other's orbits"
_NO_PLACES = "pairs without a position bias have one function for all places"


def _placeless(operator: Operator) -> bool:
    return operator.weight.source == "pair" and operator.weight.position == "none"


def _over_space(inner: Operator, outer: Operator, families: bool) -> str | None:
    mine, theirs = produced.partitions(inner, outer)
    if mine.stride != theirs.stride:
        return "their outputs stand on other maps"
    choices = tried.spaces(mine, theirs) if families else ((mine, theirs, ""),)
    if inner.weight.fixed == "shift":
        offset = inner.weight.offset
        holds = [(said, tap_within(one, offset, other)) for one, other, said in choices]
        return _verdict(holds, "no orbit of the other is the one place that a shift reads")
    holds = [(said, space_within(one, other)) for one, other, said in choices]
    return _verdict(holds, _NO_PLACES if _placeless(outer) else _NO_UNION.format("space"))


def _over_channels(inner: Operator, outer: Operator, families: bool) -> str | None:
    mine, theirs = produced.channels(inner, outer)
    choices = tried.channels(mine, theirs) if families else ((mine, theirs, ""),)
    holds = [(said, channel_within(one, other)) for one, other, said in choices]
    return _verdict(holds, _NO_UNION.format("channels"))


def _verdict(holds: Iterable[tuple[str, bool]], reason: str) -> str | None:
    found = list(holds)
    where = [said for said, held in found if held]
    if len(where) == len(found):
        return None
    return f"{reason}, but at {'; '.join(where)}" if where else reason


def _between_terms(inner: Node, outer: Node, families: bool) -> str | None:
    """Part by part: a special case inside a term makes a special case of the term. A part too many
    has to be able to pass its input on, or to add nothing."""
    if isinstance(inner, Composite) and isinstance(outer, Operator):
        return _sum_within(inner, outer, families)
    kind = outer.kind if isinstance(outer, Composite) else _kind(inner)
    if isinstance(inner, Composite) and inner.kind != kind:
        return "terms of other kinds are not known to hold each other"
    mine, theirs, free = _parts(inner), _parts(outer), kind in ("sum", "product")
    if len(mine) == len(theirs):
        return _in_some_order(mine, theirs, families, free)
    if len(mine) < len(theirs) and kind not in SPLITS:
        for rest in _without_neutral(theirs, len(mine), kind, families):
            if _in_some_order(mine, rest, families, free) is None:
                return None
    return "a term of other parts is not known to hold it"


def _without_neutral(
    parts: tuple[Node, ...], left: int, kind: str, families: bool
) -> Iterator[tuple[Node, ...]]:
    """So many parts of a term, wherever all others can leave them as they are."""
    needed = {at for at, part in enumerate(parts) if not _neutral(part, kind, families)}
    for kept in itertools.combinations(range(len(parts)), left):
        if needed <= set(kept):
            yield tuple(parts[at] for at in kept)


def _in_some_order(
    mine: tuple[Node, ...], theirs: tuple[Node, ...], families: bool, any_order: bool
) -> str | None:
    """As many parts, each a special case of another: in a sum or product of any other. Where there
    is no such order, what stands against the written one."""
    free = any_order and len(mine) <= REORDERED
    reasons = []
    for order in itertools.permutations(theirs) if free else (theirs,):
        found = (_obstacle(a, b, families) for a, b in zip(mine, order, strict=True))
        reasons.append(next((reason for reason in found if reason), None))
        if reasons[-1] is None:
            return None
    return reasons[0]


def _sum_within(inner: Composite, outer: Operator, families: bool) -> str | None:
    """Sums of special cases are some, where the class is linear: static, and no product."""
    products = outer.channel.rank or (outer.space.rank and outer.space.rank.word != "reduce")
    linear = outer.weight == Weight() and not products and outer.frame == Frame()
    if inner.kind != "sum" or not linear:
        return "one operator is not known to hold a term"
    return next((why for part in inner.parts if (why := _obstacle(part, outer, families))), None)


def _kind(node: Node) -> str:
    return node.kind if isinstance(node, Composite) else "chain"


def _parts(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Composite) else (node,)


def _neutral(part: Node, kind: str, families: bool) -> bool:
    """Whether a part can leave the rest as it is: a link the identity, a branch zero, a gate 1 (by
    its bias)."""
    if kind == "chain":
        return _obstacle(IDENTITY, part, families) is None
    return isinstance(part, Operator) and part.weight.normalize not in TOGETHER and part != IDENTITY


def _grounds(inner: Node, outer: Node) -> str:
    """Why the inner node is a special case of the outer one."""
    if not (isinstance(inner, Operator) and isinstance(outer, Operator)):
        return "a special case inside a term makes a special case of the term"
    mine, theirs = inner.weight, outer.weight
    words = ["every orbit is a union of the other's orbits"]
    if mine.source == "fixed":
        words = ["what is given is one of the other's weights"]
    if mine.source in ("static", "fixed") and theirs.source not in ("static", "fixed"):
        words.append("the predictor's bias gives any number")
    if mine.source == "pair" and mine.talking_heads != theirs.talking_heads:
        words.append("mixed by the identity, each head hears itself alone")
    if inner.frame != outer.frame:
        words.append("a projection may be the identity")
    if theirs.normalize in ("softmax", "sigmoid") and inner.space.connect != outer.space.connect:
        words.append("to rounding, by a large negative bias outside the smaller support")
    return "; ".join(words)


def _sizes(a: Node, b: Node, families: bool) -> tuple[str, ...]:
    """The numbers that were tried; nothing where the numbers are the nodes' own."""
    if not (families and isinstance(a, Operator) and isinstance(b, Operator)):
        return ()
    choices = (*tried.spaces(a.space, b.space), *tried.channels(a.channel, b.channel))
    return tuple(dict.fromkeys(said for _, _, said in choices if said))
