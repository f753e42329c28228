"""Which item of one body stands for which of another: an alignment of two sequences.

In: two bodies of programs. Out: pairs in order, an item that stands for none beside None. Items are
told apart by what they are (an operator, a residual, a norm), then by likeness; names count least.
It knows no tensors.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from relgraph.assemble.elements import ACTIVATIONS
from relgraph.assemble.naming import NORMS
from relgraph.program import Body, Branches, Connect, Element, Node, Residual, Scope, Split, Tap

Pair: TypeAlias = tuple[Node | None, Node | None]
NEVER = -1.0


def align(source: Body, target: Body) -> list[Pair]:
    """The pairs of greatest likeness in order; the first such alignment where several are."""
    rows, columns = len(source), len(target)
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            paired = likeness(source[i], target[j])
            together = paired + best[i + 1][j + 1] if paired > 0 else NEVER
            best[i][j] = max(together, best[i + 1][j], best[i][j + 1])
    return _read(source, target, best)


def _read(source: Body, target: Body, best: list[list[float]]) -> list[Pair]:
    i, j = 0, 0
    pairs: list[Pair] = []
    while i < len(source) and j < len(target):
        paired = likeness(source[i], target[j])
        if paired > 0 and best[i][j] == paired + best[i + 1][j + 1]:
            pairs.append((source[i], target[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            pairs.append((source[i], None))
            i += 1
        else:
            pairs.append((None, target[j]))
            j += 1
    pairs += [(node, None) for node in source[i:]]
    pairs += [(None, node) for node in target[j:]]
    return pairs


@lru_cache(maxsize=1 << 14)
def likeness(source: Node, target: Node) -> float:
    """How much one item is like another; not above 0 where they are nothing alike."""
    if is_operator(source) and is_operator(target):
        return _operators(source, target)
    if isinstance(source, Element) and isinstance(target, Element):
        return _elements(source, target)
    if isinstance(source, Scope) and isinstance(target, Scope):
        return 6.0 + 2 * (source.name == target.name)
    if isinstance(source, Residual) and isinstance(target, Residual):
        return 6.0 + 3 * _bodies(source.body, target.body)
    if isinstance(source, Branches | Split) and isinstance(target, Branches | Split):
        same = type(source) is type(target) and source.combine == target.combine
        return 6.0 if same else NEVER
    if isinstance(source, Tap) and isinstance(target, Tap):
        return 6.0 if source.word == target.word else NEVER
    if isinstance(target, Branches) and target.combine != "concat":
        return max(2.0 * _bodies((source,), branch) for branch in target.branches)
    return _unwrapped(source, target)


def _unwrapped(source: Node, target: Node) -> float:
    """Likeness of an item with what stands inside a residual or a definition."""
    if isinstance(target, Residual | Scope) and not isinstance(source, Element):
        return _bodies((source,), target.body)
    if isinstance(source, Residual | Scope) and not isinstance(target, Element):
        return _bodies(source.body, (target,))
    return NEVER


def is_operator(node: Node) -> bool:
    """Whether it is one connection, or an operator of several."""
    return isinstance(node, Connect) or (isinstance(node, Scope) and node.role == "operator")


def _operators(source: Node, target: Node) -> float:
    assert isinstance(source, Connect | Scope) and isinstance(target, Connect | Scope)
    widths = [(one.input.channels, one.output.channels) for one in (source, target)]
    alike = 6.0 if _mixes_space(source) == _mixes_space(target) else 2.0
    alike += 2.0 * (source.name == target.name) + 0.5 * (source.attr == target.attr)
    if isinstance(source, Connect) and isinstance(target, Connect):
        one, other = source.connection.operator, target.connection.operator
        alike += one.channel.connect == other.channel.connect
    if widths[0] == widths[1]:
        return alike
    return alike / (3 if _change(*widths[0]) == _change(*widths[1]) else 4)


def _change(inside: int, outside: int) -> int:
    """1 where it widens, −1 where it narrows."""
    return (outside > inside) - (outside < inside)


def _mixes_space(node: Node) -> bool:
    if isinstance(node, Connect):
        return node.connection.operator.space.connect != "point"
    if isinstance(node, Scope):
        return any(_mixes_space(inner) for inner in node.body)
    if isinstance(node, Branches):
        return any(_mixes_space(inner) for branch in node.branches for inner in branch)
    return False


def _elements(source: Element, target: Element) -> float:
    if source.word == target.word:
        return 6.0 + (source.arguments == target.arguments)
    for kind in (NORMS, ACTIVATIONS):
        if source.word in kind and target.word in kind:
            return 3.0
    return NEVER


def _bodies(source: Body, target: Body) -> float:
    """The likeness of two bodies, between 0 and about 1 for each item of the longer."""
    total = sum(
        likeness(one, other)
        for one, other in align(source, target)
        if one is not None and other is not None
    )
    return total / (8.0 * max(len(source), len(target), 1))
