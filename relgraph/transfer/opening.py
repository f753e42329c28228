"""Items of a definition or of a composite operator in the place of the word that stands for them.

In: two bodies of programs. Out: the same two, where a word of one stands for items that the other
writes out, written out too. Classes of a file are no part of its meaning: tensors keep their names,
by attributes with dots. It knows no tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from relgraph.program import Body, Branches, Node, Residual, Scope, Split
from relgraph.transfer.align import Pair, align
from relgraph.verify.values import join

Chosen = Callable[[Node], bool]


def level(source: Body, target: Body) -> tuple[Body, Body]:
    """Both bodies with those definitions written out that stand for no class of the other."""
    return _opened(source, target, _is_definition) or (source, target)


def written_out(source: Body, target: Body) -> tuple[Body, Body] | None:
    """Both bodies with composite operators written out that stand for no other; None: none do."""
    return _opened(source, target, _is_composite)


def _opened(source: Body, target: Body, chosen: Chosen) -> tuple[Body, Body] | None:
    """Written out one after the other until nothing more stands alone."""
    changed = None
    while True:
        pairs = align(source, target)
        one = _alone(pairs, chosen, 0)
        other = _alone(pairs, chosen, 1)
        if one is None and other is None:
            return changed
        source = source if one is None else _in_place(source, one)
        target = target if other is None else _in_place(target, other)
        changed = source, target


def _alone(pairs: list[Pair], chosen: Chosen, side: int) -> Scope | None:
    """The first chosen class that is paired with none, where the other side has items for it."""
    others = [pair[1 - side] for pair in pairs if not isinstance(pair[side], Scope)]
    others += [pair[1 - side] for pair in pairs if isinstance(pair[side], Scope)]
    if not any(_is_item(other) for other in others):
        return None
    for pair in pairs:
        node = pair[side]
        if isinstance(node, Scope) and chosen(node) and not isinstance(pair[1 - side], Scope):
            return node
    return None


def _is_item(node: Node | None) -> bool:
    return node is not None and not isinstance(node, Scope)


def _is_definition(node: Node) -> bool:
    return isinstance(node, Scope) and node.role == "definition"


def _is_composite(node: Node) -> bool:
    """An operator of several items that no rank word stands for."""
    return isinstance(node, Scope) and node.role == "operator" and node.operator is None


def _in_place(body: Body, scope: Scope) -> Body:
    made: list[Node] = []
    for node in body:
        made += _prefixed(scope.body, scope.attr) if node is scope else (node,)
    return tuple(made)


def _prefixed(body: Body, prefix: str) -> Body:
    return tuple(_with_prefix(node, prefix) for node in body)


def _with_prefix(node: Node, prefix: str) -> Node:
    """The node by its name in the class around it; what is inline stays without a name."""
    named = replace(node, attr=join(prefix, node.attr)) if node.attr else node
    if isinstance(named, Residual):
        scale, drop_path = (
            None if one is None else replace(one, attr=join(prefix, one.attr) if one.attr else "")
            for one in (named.scale, named.drop_path)
        )
        shortcut = None if named.shortcut is None else _prefixed(named.shortcut, prefix)
        body = _prefixed(named.body, prefix)
        return replace(named, body=body, shortcut=shortcut, scale=scale, drop_path=drop_path)
    if isinstance(named, Branches | Split):
        return replace(named, branches=tuple(_prefixed(b, prefix) for b in named.branches))
    return named
