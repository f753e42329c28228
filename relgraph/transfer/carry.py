"""One operator's weights into another's: what an edge of the relation graph does.

In: two operators of a program, the source's tensors and the target's as a new model starts, by
their names inside it. Out: `Carried`. For whole models see `transfer.models`.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from relgraph.algebra.operator import Connection
from relgraph.program import node_of
from relgraph.transfer.bodies import Bodies
from relgraph.transfer.carried import Carried, Method, Tensors
from relgraph.transfer.layer import Layer, Outcome
from relgraph.transfer.projection import Operators

_HERE = "operator"
_WORST: tuple[Method, ...] = (
    *("copy", "neutral", "embedding", "projection", "partial", "dropped", "fresh"),
)


def carry(
    source: Operators | Connection,
    target: Operators | Connection,
    tensors: Tensors,
    fresh: Tensors,
    inputs: Tensor | None = None,
) -> Carried:
    """The target's tensors, and how they came about: `embedding` leaves the function unchanged.

    `fresh` holds every tensor of the target; `inputs` (B, T + P, C) are values to calibrate with
    where no exact way exists. `fresh` as the method: none go this way, and the reason.
    """
    one, other = (replace(_node(node), attr=_HERE) for node in (source, target))
    bodies = Bodies(_named(tensors), _named(fresh), lambda path: inputs)
    return _whole(bodies.operator("", one, "", other))


def _node(node: Operators | Connection) -> Operators:
    """A connection alone as an item of a program."""
    if not isinstance(node, Connection):
        return node
    return node_of(node, "operator", ("register",) * node.tokens)


def _named(tensors: Tensors) -> dict[str, Tensor]:
    return {f"{_HERE}.{name}": tensor for name, tensor in tensors.items()}


def _whole(outcome: Outcome) -> Carried:
    """The rows of an operator's parts as one answer: the worst of them."""
    tensors = {name.removeprefix(f"{_HERE}."): t for name, t in outcome.tensors.items()}
    if not outcome.layers:
        return Carried("copy", tensors, error=0.0)
    worst = max(outcome.layers, key=lambda layer: _WORST.index(layer.method))
    if worst.method in ("fresh", "dropped") and outcome.carries:
        return Carried("partial", tensors, _said(worst))
    if worst.is_exact and worst.method != "copy":
        return Carried("embedding", tensors, worst.reason, 0.0)
    return Carried(worst.method, tensors, _said(worst), worst.error_w)


def _said(layer: Layer) -> str:
    name = layer.path.removeprefix(_HERE).lstrip(".")
    return f"{name}: {layer.reason}" if name and layer.reason else layer.reason
