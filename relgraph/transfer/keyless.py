"""Projections of which keys have no bias, written as if they had one, and back.

In: a connection and its tensors, or what was carried into it. Out: the same with one bias for all
rows, 0 for the keys'; or without it, as exactly as that can be. A bias of the keys adds one number
to all logits of a query: under a softmax of plain products it says nothing.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from relgraph.algebra.operator import Connection
from relgraph.transfer.axes import slots
from relgraph.transfer.carried import EXACT, Carried, Tensors

LOST = "query · key is kept but for the bias of the keys, which the target's do not have"


def with_key_bias(connection: Connection, tensors: Tensors) -> tuple[Connection, Tensors]:
    """The same function with a bias of 0 for keys; as it is where keys have one, or nothing has."""
    if not connection.operator.weight.keyless:
        return connection, tensors
    made = {n: t for n, t in tensors.items() if not n.endswith((".q_bias", ".v_bias"))}
    for name, parts in _stacked(connection).items():
        none = torch.zeros_like(tensors[f"{name}.weight"][: connection.in_channels, 0])
        biases = [tensors.get(f"{name}.{part}_bias", none) for part in parts]
        made[f"{name}.bias"] = torch.cat(biases)
    return _biased(connection), made


def without_key_bias(target: Connection, carried: Carried) -> Carried:
    """What was carried into the target with a bias of keys, in the tensors that it has."""
    if not target.operator.weight.keyless:
        return carried
    made, lost = dict(carried.tensors), False
    for name, parts in _stacked(target).items():
        for part, bias in zip(parts, made.pop(f"{name}.bias").chunk(len(parts)), strict=True):
            if part == "k":
                lost = bool(bias.abs().max())
            else:
                made[f"{name}.{part}_bias"] = bias
    if not lost or _says_nothing(target) or carried.method not in EXACT:
        return replace(carried, tensors=made)
    return replace(carried, tensors=made, method="partial", reason=LOST, error=None)


def _stacked(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Stacks of projections that hold the keys', with the parts of each in order."""
    values = ("v",) if connection.operator.frame.value else ()
    if connection.key_grid is None:
        return {"qkv": ("q", "k", *values)}
    return {"kv": ("k", *values)}


def _biased(connection: Connection) -> Connection:
    operator = connection.operator
    weight = replace(operator.weight, key_bias=True)
    return replace(connection, operator=replace(operator, weight=weight))


def _says_nothing(connection: Connection) -> bool:
    weight = connection.operator.weight
    if weight.normalize != "softmax" or weight.score != "dot" or weight.position == "rotary":
        return False
    reads, counted = slots(connection)
    return not bool((counted & (reads < 0)).any())  # a slot that reads nothing has a key of 0
