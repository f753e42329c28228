"""The canonical form of a term of nodes.

In: a kind and its parts. Out: a node, written as short as the rules below make it; one form means
one class (elements forgotten), and two forms are "not known equal", never "proved different".

    flatten     a chain in a chain, a sum in a sum, a product in a product
    drop        a link that passes its input on
    fuse        links that are static points, one of which mixes no channels or both of which are
                full, as one point
    sort        sums and products, in which order says nothing
    one part    is no term

How wide the places between links are is not known here; whoever reads a body knows it, and writes
two points around a narrow or wide place as `inner`.
"""

from __future__ import annotations

from collections.abc import Iterable

from relgraph.algebra.operator import Channel, Frame, Operator, Space, Weight
from relgraph.relations.node import IDENTITY, SPLITS, Composite, Kind, Node

_POINT = Space("point", share="positions")


def composed(kind: Kind, parts: Iterable[Node]) -> Node:
    """The node of these canonical parts. Raises ValueError where there is none of them."""
    found = tuple(parts) if kind in SPLITS else _flat(kind, parts)
    if kind == "chain":
        found = _fused(part for part in found if part != IDENTITY) or (IDENTITY,)
    elif kind in ("sum", "product"):
        found = tuple(sorted(found, key=lambda part: (part != IDENTITY, repr(part))))
    if not found:
        raise ValueError(f"a {kind} of nothing")
    return found[0] if len(found) == 1 else Composite(kind, found)


def _flat(kind: Kind, parts: Iterable[Node]) -> tuple[Node, ...]:
    found: list[Node] = []
    for part in parts:
        same = isinstance(part, Composite) and part.kind == kind
        found += part.parts if isinstance(part, Composite) and same else [part]
    return tuple(found)


def _fused(links: Iterable[Node]) -> tuple[Node, ...]:
    found: list[Node] = []
    for link in links:
        one = _one_point(found[-1], link) if found else None
        if one is None:
            found.append(link)
        else:
            found[-1] = one
    return tuple(found)


def _one_point(first: Node, second: Node) -> Node | None:
    """The point that two points in a row are; None where they are none, or not known to be one."""
    if not (_is_static_point(first) and _is_static_point(second)):
        return None
    assert isinstance(first, Operator) and isinstance(second, Operator)
    one, other = first.channel, second.channel
    if one == other and one.connect in ("full", "separate"):
        return first
    for plain, mixing in ((one, other), (other, one)):
        if plain.connect == "separate" and _absorbs(mixing, plain):
            return Operator(_POINT, mixing, bias="none")
    return None


def _absorbs(mixing: Channel, plain: Channel) -> bool:
    """A number per channel lies in what has a number for each entry, one number in anything."""
    return mixing.rank is None and (mixing.share == "none" or plain.share == "all")


def _is_static_point(node: Node) -> bool:
    bare = isinstance(node, Operator) and node.frame == Frame() and node.weight == Weight()
    return bare and isinstance(node, Operator) and node.space == _POINT
