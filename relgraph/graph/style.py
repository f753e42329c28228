"""What two operators may differ in that no edit changes: stride, padding, completion, border.

In: nodes. Out: the node in the usual style, and the differences in words. They change W's rows, or
what stands outside the map, and no order joins the two sides (`relations` has no rows for them).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from relgraph.algebra.describe import sides
from relgraph.algebra.operator import Border, Operator, Padding
from relgraph.relations.node import Composite, Node, core
from relgraph.relations.weight import default_border


def alike(first: Node, second: Node) -> tuple[Node, Node, tuple[str, ...]]:
    """The two nodes, in the usual style where theirs differ; and how they differ, in words."""
    if isinstance(first, Composite) or isinstance(second, Composite):
        return first, second, ()
    words = changes(first, second)
    return (usual(first), usual(second), words) if words else (first, second, ())


def usual(operator: Operator) -> Operator:
    """The operator with the stride, padding and border that nobody has to write."""
    border = operator.space.border
    if _own_border(operator):
        border = default_border(operator.weight.normalize)
    plain = replace(operator.space, stride=(1, 1), padding="half", pad=False, border=border)
    return core(replace(operator, space=plain))


def changes(first: Node, second: Node) -> tuple[str, ...]:
    """What no edit changes of two operators; nothing of terms."""
    if isinstance(first, Composite) or isinstance(second, Composite):
        return ()
    return tuple(_changes(first, second))


def _changes(first: Operator, second: Operator) -> Iterator[str]:
    here, there = first.space, second.space
    if here.stride != there.stride:
        yield f"stride {sides(here.stride)} → {sides(there.stride)}"
    if here.padding != there.padding:
        yield f"padding {_padding(here.padding)} → {_padding(there.padding)}"
    if here.pad != there.pad:
        yield "without completion of the map" if here.pad else "with completion of the map"
    own = _own_border(first) or _own_border(second)
    carried = _carried(first, second)
    if own and carried != there.border:
        before = carried if here.border == there.border else here.border
        yield f"border {before} → {there.border}"


def _carried(first: Operator, second: Operator) -> Border:
    """The border of the first once its weights are normalised as the second's: the usual one
    becomes the other usual one, any other stays."""
    if first.space.border == default_border(first.weight.normalize):
        return default_border(second.weight.normalize)
    return first.space.border


def _own_border(operator: Operator) -> bool:
    """Whether the border is other than the one that its weights usually have."""
    known = [default_border(operator.weight.normalize)]
    known += ["mask"] if operator.weight.source == "fixed" else []  # outside may count or not
    return operator.space.border not in known


def _padding(padding: Padding) -> str:
    return padding if isinstance(padding, str) else sides(padding)


def frame_changes(first: Node, second: Node) -> tuple[str, ...]:
    """Which projections around a core are put in or taken out, in words."""
    if isinstance(first, Composite) or isinstance(second, Composite):
        return ()
    found = []
    for verb, one, other in (("without", first, second), ("with", second, first)):
        own = [n for n in ("value", "output") if getattr(one.frame, n) > getattr(other.frame, n)]
        if own:
            found.append(f"{verb} {' and '.join(own)} projection" + "s" * (len(own) > 1))
    return tuple(found)
