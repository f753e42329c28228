"""A resolved operator as a node of the graph: one written as properties, or a body of others.

In: what `relgraph.resolve` makes of an operator spec, with its widths. Out: a node; elements
(norms, activations, positions) are forgotten, since they are nodes nowhere. A body takes the
shortest form that the algebra has for it: points around a mixing core are its inner width, points
around a core that mixes no channels are its frame, a gate that no position changes is a point with
pooled source; of a sum, parts
that another part holds fall away where nothing stands between that bends values (RepVGG's three
branches are a convolution).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeGuard

from relgraph import resolved
from relgraph.algebra.canonical import canonical
from relgraph.algebra.operator import Channel, Frame, Operator, Rank, Space, Weight
from relgraph.errors import Problem, RelgraphError
from relgraph.relations.composite import composed
from relgraph.relations.node import IDENTITY, Composite, Kind, Node, core
from relgraph.relations.sums import added
from relgraph.resolved import Body, Branches, Element, OperatorUse, Residual, Scope, Split, Tap

_POINT = Space("point", share="positions")
STRAIGHT = frozenset(("batch_norm", "affine", "scale", "dropout", "drop_path"))


def node_of(made: OperatorUse | Scope) -> Node:
    """The node of one use of an operator. Raises RelgraphError where its body is no term."""
    try:
        return term((made,)) or IDENTITY
    except RelgraphError as error:
        named = (replace(p, found=f"{made.name}: {p.found}") for p in error.problems)
        raise RelgraphError(tuple(named)) from None


def core_of(use: OperatorUse) -> Operator:
    """The use's operator as a node, canonical at the widths of the use."""
    known = canonical(_with_ratio(use), use.in_channels, use.out_channels).operator
    return core(known)


def _with_ratio(use: OperatorUse) -> Operator:
    """`reduce: body` written as the ratio that the strides of the body make, where they do."""
    operator, rank = use.operator, use.operator.space.rank
    if rank is None or rank.word != "reduce" or rank.numbers:
        return operator
    ratio = 1
    for item in use.reduce:
        rows, columns = item.operator.space.stride if isinstance(item, OperatorUse) else (1, 1)
        if rows != columns:
            return operator
        ratio *= rows
    reduced = Rank("reduce", (ratio,)) if ratio > 1 else None
    return replace(operator, space=replace(operator.space, rank=reduced))


def term(body: Body) -> Node | None:
    """The body as a node; None where nothing in it connects anything."""
    one = merged(body)
    if one is not None:
        return one
    parts = [part for part in map(_item, _narrowed(body)) if part is not None]
    return composed("chain", parts) if parts else None


def merged(body: Body) -> Operator | None:
    """Several operators that are one connection: an inner width, or a core in its frame."""
    uses = _uses(body)
    return None if uses is None else _inner(uses) or _framed(uses)


def _narrowed(body: Body) -> Iterator[resolved.Node | Rank]:
    """The operators of a body in order, two points in a row as the inner width between them."""
    items = [item for item in body if not isinstance(item, Element)]
    while items:
        width = _width_between(items)
        yield items[0] if width is None else Rank("inner", (width,))
        del items[: 1 if width is None else 2]


def _width_between(items: Sequence[resolved.Node]) -> int | None:
    """The width between two points that a body begins with."""
    if len(items) < 2:
        return None
    first, second = items[:2]
    return first.out_channels if _is_point(first) and _is_point(second) else None


def _item(item: resolved.Node | Rank) -> Node | None:
    if isinstance(item, Rank):
        return core(Operator(_POINT, Channel("full", rank=item)))
    if isinstance(item, OperatorUse):
        return core_of(item)
    if isinstance(item, Scope):
        return term(item.body)
    if isinstance(item, Residual):
        return _sum(((), item.body))
    if isinstance(item, Branches):
        return _branches(item)
    if isinstance(item, Split):
        return _split(item)
    if isinstance(item, Tap | resolved.Unknown):
        raise _no_term("a tap")
    return None


def _branches(item: Branches) -> Node:
    if item.combine == "concat":
        raise _no_term("a concat of branches that read the same value")
    gate = _pooled_gate(item)
    if gate is not None:
        return gate
    if item.combine == "sum":
        return _sum(item.branches)
    return composed(item.combine, (term(branch) or IDENTITY for branch in item.branches))


def _sum(branches: Sequence[Body]) -> Node:
    """A sum of which nothing bends a part is one operator where one part holds the others."""
    parts = [term(branch) or IDENTITY for branch in branches]
    straight = all(map(_is_straight, branches))
    return added(parts) if straight else composed("sum", parts)


def _is_straight(body: Body) -> bool:
    """Whether all elements of a body scale and shift numbers, once norms hold their statistics."""
    for item in body:
        if isinstance(item, Element):
            straight = item.word in STRAIGHT
        elif isinstance(item, OperatorUse):
            straight = _is_straight((*item.reduce, *item.between))
        elif isinstance(item, Scope):
            straight = _is_straight(item.body)
        else:  # what stands inside was judged when its own term was made, and is a part as it is
            straight = True
        if not straight:
            return False
    return True


_SPLITS: Mapping[str, Kind] = {"concat": "split", "sum": "splitsum", "product": "splitproduct"}


def _split(item: Split) -> Node:
    parts = tuple(term(branch) or IDENTITY for branch in item.branches)
    return Composite(_SPLITS[item.combine], parts) if len(parts) > 1 else parts[0]


def _no_term(what: str) -> RelgraphError:
    return RelgraphError(
        Problem(
            "no-term",
            f"{what} stands in the operator's body",
            "operators in a chain, a sum, a product or a split",
            "ask about its parts, each in a file of its own",
        )
    )


def _uses(body: Body) -> tuple[OperatorUse, ...] | None:
    """The operators of a body that has nothing else but elements that stay in place."""
    uses: list[OperatorUse] = []
    for item in body:
        if isinstance(item, OperatorUse):
            uses.append(item)
        elif isinstance(item, Scope):
            inside = _uses(item.body)
            if inside is None:
                return None
            uses += inside
        elif not isinstance(item, Element):
            return None
    return tuple(uses)


def _inner(uses: Sequence[OperatorUse]) -> Operator | None:
    """point ∘ C ∘ point on r channels, and point ∘ point, are one connection of inner width r."""
    if len(uses) not in (2, 3) or not (_is_point(uses[0]) and _is_point(uses[-1])):
        return None
    width = uses[0].out_channels
    rank = Rank("inner", (width,))
    if len(uses) == 2:
        return core(Operator(uses[0].operator.space, Channel("full", rank=rank)))
    middle = core_of(uses[1])
    mixes = middle.channel.connect != "separate" and middle.weight == Weight()
    if not mixes or middle.space.rank or middle.channel.rank or middle.frame != Frame():
        return None
    if uses[1].in_channels != width or uses[1].out_channels != width:
        return None
    return core(replace(middle, channel=replace(middle.channel, rank=rank)))


def _framed(uses: Sequence[OperatorUse]) -> Operator | None:
    """point ∘ C ∘ point of one width around a core that mixes no channels: C in a frame."""
    if len(uses) != 3 or not (_is_point(uses[0]) and _is_point(uses[-1])):
        return None
    middle = core_of(uses[1])
    same = len({width for use in uses for width in (use.in_channels, use.out_channels)}) == 1
    if not same or middle.channel.connect != "separate" or middle.frame != Frame():
        return None
    return core(replace(middle, frame=Frame(value=True, output=True)))


def _is_point(use: resolved.Node) -> TypeGuard[OperatorUse]:
    return isinstance(use, OperatorUse) and core_of(use) == core(Operator(_POINT))


def _pooled_gate(item: Branches) -> Operator | None:
    """x · g(mean x): one number per channel and image, which is a point with pooled source."""
    passing = [branch for branch in item.branches if not branch]
    gates = [branch for branch in item.branches if branch]
    if item.combine != "product" or len(passing) != 1 or len(gates) != 1:
        return None
    first, *rest = gates[0]
    uses = _uses(tuple(rest))
    if not isinstance(first, Element) or first.word != "global_pool" or first["kind"] != "average":
        return None
    if not uses or not all(map(_is_point, uses)):
        return None
    last = rest[-1]
    squashed = isinstance(last, Element) and last.word == "sigmoid"
    weight = Weight("pooled", normalize="sigmoid" if squashed else "none")
    channel = Channel("separate", share="all" if uses[-1].out_channels == 1 else "none")
    return core(Operator(Space("point", share="positions"), channel, weight))
