"""Neutral elements: weights with which an item that was not there changes nothing.

In: an item of a program, its path and its tensors as a new model starts. Out: tensors by their full
names that make it the identity, zero or one, or why none do. Source: ALGEBRA 6: an identity matrix,
a sum's branch with zero last weights, a gate that is constantly 1, a batch norm in evaluation mode;
layer norms, activations and softmax have no neutral element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import torch
from torch import Tensor

from relgraph.algebra.operator import Channel, Connection, Operator, Space
from relgraph.program import Body, Branches, Connect, Element, Node, Residual, Scope
from relgraph.transfer.carried import Refused, Tensors
from relgraph.transfer.connection import carry_connection
from relgraph.verify.values import join, under

Made: TypeAlias = dict[str, Tensor]

PASSING = frozenset(("drop_path", "dropout"))
_ZERO_KEEPING = PASSING | {
    *("avg_pool", "channel_shuffle", "elu", "gelu", "gelu_tanh", "global_pool", "hardswish"),
    *("leaky_relu", "max_pool", "mish", "relu", "relu6", "silu", "space_to_depth", "tanh"),
    "upsample",
}
_BIASED = frozenset(("affine", "batch_norm", "group_norm", "layer_norm"))
# What an activation must be given to make 1 (a sigmoid: 1 − 1e-13).
_ONE: dict[str, float] = {"relu": 1.0, "relu6": 1.0, "hardsigmoid": 3.0, "sigmoid": 30.0}
SATURATED = frozenset(("hardsigmoid", "sigmoid"))
FLAT = "the gate is open at the flat end of its curve: it learns little or nothing"


def identity(node: Node, path: str, fresh: Tensors) -> Made | Refused:
    """Weights with which `node`, of the class at `path`, hands on what it gets."""
    if isinstance(node, Element):
        return _element(node, join(path, node.attr), fresh)
    if isinstance(node, Connect):
        return _connect(node, join(path, node.attr), fresh)
    if isinstance(node, Scope):
        own = join(path, node.attr)
        return _all([identity(inner, own, fresh) for inner in node.body])
    if isinstance(node, Residual) and node.shortcut == ():
        return silent(node.body, path, fresh)
    if isinstance(node, Branches):
        return _branches(node, path, fresh)
    return Refused(f"{_name(node)} has no neutral element")


def caveats(node: Node) -> list[str]:
    """What a neutral item is not: how it behaves once it is trained."""
    said = []
    inside = list(_inside(node))
    if any(isinstance(one, Element) and one.word == "batch_norm" for one in inside):
        said.append("a new batch norm is the identity in evaluation only: training counts anew")
    gates = [one for one in inside if isinstance(one, Branches) and one.combine == "product"]
    ends = (leaf for gate in gates for leaf in _inside(gate))
    if any(isinstance(leaf, Element) and leaf.word in SATURATED for leaf in ends):
        said.append(FLAT)
    return said


def _inside(node: Node) -> Iterator[Node]:
    yield node
    bodies: tuple[Body, ...] = ()
    if isinstance(node, Scope | Residual):
        bodies = (node.body,)
    elif isinstance(node, Branches):
        bodies = node.branches
    for body in bodies:
        for inner in body:
            yield from _inside(inner)


def _all(parts: list[Made | Refused]) -> Made | Refused:
    made: Made = {}
    for part in parts:
        if isinstance(part, Refused):
            return part
        made |= part
    return made


def _element(node: Element, path: str, fresh: Tensors) -> Made | Refused:
    own = under(fresh, path)
    if node.word in PASSING:
        return {}
    if node.word == "batch_norm":
        eps = node["eps"]
        assert isinstance(eps, float)
        spread = torch.full_like(own["weight"], (1 + eps) ** 0.5)
        zero, one = torch.zeros_like(spread), torch.ones_like(spread)
        values = {"weight": spread, "bias": zero, "running_mean": zero, "running_var": one}
    elif node.word in ("affine", "scale") and own:
        values = {name: torch.full_like(t, float(name == "weight")) for name, t in own.items()}
    elif node.word == "position" and node["kind"] == "learned":
        values = {"weight": torch.zeros_like(own["weight"])}
    else:
        return Refused(f"{node.word} has no neutral element")
    return {join(path, name): tensor.clone() for name, tensor in values.items()}


def _connect(node: Connect, path: str, fresh: Tensors) -> Made | Refused:
    """As if the identity were carried there: a point connection of each channel with itself."""
    connection = node.connection
    channels = connection.in_channels
    if (channels, connection.in_grid) != (connection.out_channels, connection.out_grid):
        return Refused(f"{node.name} changes the shape: it is no identity")
    here = Operator(
        Space("point", share="positions"), Channel("separate", share="all"), bias="none"
    )
    pass_on = Connection(
        here, channels, channels, connection.in_grid, connection.in_grid, connection.tokens
    )
    made = carry_connection(pass_on, connection, {"weight": torch.ones(())}, under(fresh, path))
    if isinstance(made, Refused):
        return made
    if not made.is_exact:
        return Refused(f"{node.name} is the identity for no weights")
    return {join(path, name): tensor for name, tensor in made.tensors.items()}


def _branches(node: Branches, path: str, fresh: Tensors) -> Made | Refused:
    """One branch that hands on, the others silent beside it, or gates of 1."""
    refused = Refused(f"no branch of the {node.combine} can hand on what it gets")
    for at, branch in enumerate(node.branches):
        passed = _all([identity(inner, path, fresh) for inner in branch])
        if not isinstance(passed, Refused):
            rest = beside(node, at, path, fresh)
            return rest if isinstance(rest, Refused) else passed | rest
    return refused


def beside(node: Branches, kept: int, path: str, fresh: Tensors) -> Made | Refused:
    """Weights with which all branches but `kept` change nothing."""
    if node.combine == "concat":
        return Refused("channels that are joined to others are new")
    quiet: dict[str, Callable[[Body, str, Tensors], Made | Refused]]
    quiet = {"sum": silent, "product": constant_one}
    others = [branch for at, branch in enumerate(node.branches) if at != kept]
    return _all([quiet[node.combine](branch, path, fresh) for branch in others])


def silent(body: Body, path: str, fresh: Tensors) -> Made | Refused:
    """Weights with which a body gives 0: those of its last layer."""
    return _ending(body, path, fresh, 0.0)


def constant_one(body: Body, path: str, fresh: Tensors) -> Made | Refused:
    """Weights with which a body gives 1 (a gate that is open): a last layer that is its bias."""
    return _ending(body, path, fresh, 1.0)


def _ending(body: Body, path: str, fresh: Tensors, value: float) -> Made | Refused:
    for node in reversed(body):
        if isinstance(node, Element):
            own = under(fresh, join(path, node.attr)) if node.attr else {}
            if node.word in PASSING or (value == 0 and node.word in _ZERO_KEEPING):
                continue
            if value != 0 and node.word in _ONE:
                value = _ONE[node.word]
                continue
            if node.word in _BIASED and "bias" in own:
                return _as_bias(own, join(path, node.attr), ("weight",), "bias", value)
            return Refused(f"behind {node.word} there is no constant {value:g}")
        if isinstance(node, Scope):
            return _ending(node.body, join(path, node.attr), fresh, value)
        if isinstance(node, Connect):
            return _last(node.connection, join(path, node.attr), fresh, value)
        break
    return Refused(f"nothing in it can be set to a constant {value:g}")


def _last(connection: Connection, path: str, fresh: Tensors, value: float) -> Made | Refused:
    """The last layer of a connection zero, its bias the value."""
    operator, own = connection.operator, under(fresh, path)
    if operator.frame.output:
        return _as_bias(own, path, ("proj.weight",), "proj.bias", value)
    weights = _SILENT.get(operator.weight.source)
    if weights is None or operator.weight.normalize != "none":
        return Refused("its weights are not free: they are normalised, given or query · key")
    return _as_bias(own, path, weights, "bias", value)


_SILENT: dict[str, tuple[str, ...]] = {
    "static": ("weight",),
    "pooled": ("expand.weight", "expand.bias"),
    "center": ("expand.weight", "expand.bias"),
}


def _as_bias(
    own: Tensors, path: str, weights: tuple[str, ...], bias: str, value: float
) -> Made | Refused:
    made = {join(path, name): torch.zeros_like(own[name]) for name in weights}
    if bias in own:
        made[join(path, bias)] = torch.full_like(own[bias], value)
    elif value != 0:
        return Refused(f"without a bias its last layer is no constant {value:g}")
    return made


def _name(node: Node) -> str:
    words = {"Residual": "a sum with another shortcut", "Split": "a split of the channels"}
    return words.get(type(node).__name__, "a change of value")
