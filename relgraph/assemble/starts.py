"""Rules of `init` at connections: which mean nothing there, and where a term ends at zero.

In: a connection and the rule that its item writes, or the instances of a term. Out: what is wrong
with the rule, or the instances of which only the last layers start at zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from relgraph.algebra.fit import Misfit
from relgraph.algebra.operator import Connection
from relgraph.algebra.starts import Start, started_weights, zeroed
from relgraph.program import Body, Branches, Connect, Node


def start_misfit(connection: Connection, init: Start) -> Misfit | None:
    """Why `init` means nothing for `connection`, or None where it does."""
    rule = init if isinstance(init, str) else init[0]
    weights = started_weights(connection)
    if not weights and not zeroed(connection):
        return Misfit("init-no-weights", f"init: {rule} where nothing is learned", "no init")
    if rule == "zeros" and not zeroed(connection):
        return Misfit(
            "init-no-last-layer",
            "init: zeros where no layer stands behind normalised weights",
            "an output projection, or weights that are used as they are",
            "put it on a `pointwise` behind the item",
        )
    if rule in ("xavier", "kaiming") and any(weight.fans == "none" for weight in weights):
        return Misfit(
            "init-no-fans",
            f"init: {rule} for weights without fan-in and fan-out",
            "default, trunc_normal, normal or zeros",
            "linear layers, kernels that positions share and matrices over positions have fans",
        )
    return None


def connections(body: Body) -> Iterator[Connect]:
    """The connections of a term, those of its sums too."""
    for node in body:
        if isinstance(node, Connect):
            yield node
        elif isinstance(node, Branches):
            for branch in node.branches:
                yield from connections(branch)


def only_last_zero(body: Body) -> Body:
    """The instances of a term that was told `zeros`: its last layer does, the others do not."""
    last = max((at for at, node in enumerate(body) if _has_layer(node)), default=-1)
    return tuple(_last(node) if at == last else _without(node) for at, node in enumerate(body))


def _has_layer(node: Node) -> bool:
    return any(True for _ in connections((node,)))


def _last(node: Node) -> Node:
    """A sum is zero where each of its branches is."""
    if not isinstance(node, Branches):
        return node
    return replace(node, branches=tuple(only_last_zero(branch) for branch in node.branches))


def _without(node: Node) -> Node:
    if isinstance(node, Branches):
        inner = tuple(tuple(_without(one) for one in branch) for branch in node.branches)
        return replace(node, branches=inner)
    return replace(node, init=None) if isinstance(node, Connect) and node.init == "zeros" else node
