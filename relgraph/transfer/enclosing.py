"""Items of one body that stand inside a branch of the other: a gate or a sum around several items.

In: two bodies of programs. Out: their pairs in order, as `align` gives them, where items that one
body has in a branch of a `sum` or `product`, and the other without such branches, are one item
without a name (`enclosed`) beside the branches. It knows no tensors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from relgraph.program import Body, Branches, Node, Scope
from relgraph.transfer.align import Pair, align, likeness


class _Slice(NamedTuple):
    """Items [first, end) of one body beside the branches at `at` of the other."""

    score: float
    first: int
    end: int
    at: int


def pairs(source: Body, target: Body, late: bool = False) -> list[Pair]:
    """The alignment, with branches around items of the other body. Of several that are as good the
    first, or with `late` the last."""
    plain = align(source[::-1], target[::-1])[::-1] if late else align(source, target)
    into = _best(source, target, _alone(plain, 1))
    if into is not None and into.end - into.first > 1:
        return _around(source, target, into)
    out_of = _best(target, source, _alone(plain, 0))
    if out_of is not None and out_of.end > out_of.first:
        return [(one, other) for other, one in _around(target, source, out_of)]
    return plain


def enclosed(node: Node | None) -> Body:
    """The items that stand for one beside branches; of any other node none."""
    return node.body if isinstance(node, Scope) and not node.name else ()


def alike(source: Body, target: Body) -> float:
    """The likeness of two bodies: the sum over what is paired."""
    both = align(source, target)
    return sum(likeness(a, b) for a, b in both if a is not None and b is not None)


def main_branch(body: Body, branches: Branches) -> int:
    """The branch that is most like a body."""
    return max(range(len(branches.branches)), key=lambda at: alike(body, branches.branches[at]))


def _alone(plain: list[Pair], side: int) -> list[Branches]:
    """Sums and products that stand beside none on the other side."""
    found = []
    for pair in plain:
        node = pair[side]
        if isinstance(node, Branches) and not isinstance(pair[1 - side], Branches):
            found.append(node)
    return [node for node in found if node.combine != "concat"]


def _best(body: Body, around: Body, branches: list[Branches]) -> _Slice | None:
    """The slice of `body` most like a branch of one of these of `around`, the rest counted too; of
    several the shortest."""
    found = [one for node in branches for one in _slices(body, around, node)]
    return max(found, key=lambda one: (one.score, one.first - one.end), default=None)


def _slices(body: Body, around: Body, node: Branches) -> Iterator[_Slice]:
    at = next(at for at, other in enumerate(around) if other is node)
    for first in range(len(body) + 1):
        before = alike(body[:first], around[:at])
        for end in range(first, len(body) + 1):
            inside = max(alike(body[first:end], branch) for branch in node.branches)
            score = before + inside + alike(body[end:], around[at + 1 :])
            yield _Slice(score, first, end, at)


def _around(body: Body, around: Body, found: _Slice) -> list[Pair]:
    inside = body[found.first : found.end]
    one = Scope(
        input=inside[0].input, output=inside[-1].output, name="", role="definition", body=inside
    )
    before = align(body[: found.first], around[: found.at])
    behind = align(body[found.end :], around[found.at + 1 :])
    return [*before, (one, around[found.at]), *behind]
