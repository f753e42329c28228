"""Keys and values that runs of heads share: written out for every head, and averaged over runs.

In: a connection from pairs and its tensors. Out: the same function with keys and values for every
head (exact); or the tensors with one key and value for each run, the mean over its heads (the way
grouped-query attention starts from a trained model; Ainslie et al., EMNLP 2023).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from relgraph.algebra.operator import Connection
from relgraph.transfer.carried import Carried, Tensors
from relgraph.verify.oracle_channels import unit_count, weight_keys

MEAN = "of the keys and values of heads that share them the mean: a beginning, and no copy"


def untied(connection: Connection) -> Connection:
    """The connection with keys and values for every head."""
    operator = connection.operator
    weight = replace(operator.weight, kv_heads=None)
    return replace(connection, operator=replace(operator, weight=weight))


def written_out(connection: Connection, tensors: Tensors) -> dict[str, Tensor]:
    """The tensors of `untied`: rows of shared keys and values once for each head of their run."""
    own = {name: _spread(connection, name, t) for name, t in _shared(connection, tensors)}
    return {**tensors, **own}


def tied(connection: Connection, tensors: Tensors) -> dict[str, Tensor]:
    """The connection's tensors from those of `untied`: of rows that heads share the mean."""
    own = {name: _mean(connection, name, t) for name, t in _shared(connection, tensors)}
    return {**tensors, **own}


def averaged(connection: Connection, carried: Carried) -> Carried:
    """The connection's tensors from those of `untied`."""
    made, exact = tied(connection, carried.tensors), True
    for name, tensor in _shared(connection, carried.tensors):
        back = _spread(connection, name, made[name])
        exact = exact and bool(torch.allclose(back, tensor.double(), rtol=0, atol=1e-12))
    if exact:
        return replace(carried, tensors=made)
    reason = "; ".join(text for text in (carried.reason, MEAN) if text)
    return Carried("partial", made, reason)


def _shared(connection: Connection, tensors: Tensors) -> list[tuple[str, Tensor]]:
    name = "qkv" if connection.key_grid is None else "kv"
    names = (f"{name}.weight", f"{name}.bias", f"{name}.v_bias")
    return [(one, tensors[one]) for one in names if one in tensors]


def _queries(connection: Connection, name: str) -> int:
    """Rows in front of those of keys."""
    stacked = connection.key_grid is None and not name.endswith(".v_bias")
    return connection.in_channels if stacked else 0


def _spread(connection: Connection, name: str, tensor: Tensor) -> Tensor:
    heads, runs = unit_count(connection), weight_keys(connection)
    first, rest = tensor.double().tensor_split([_queries(connection, name)])
    by_run = rest.unflatten(0, (-1, 1, connection.in_channels // heads))
    return torch.cat([first, by_run.repeat_interleave(heads // runs, 1).flatten(0, 2)])


def _mean(connection: Connection, name: str, tensor: Tensor) -> Tensor:
    heads, runs = unit_count(connection), weight_keys(connection)
    first, rest = tensor.double().tensor_split([_queries(connection, name)])
    by_run = rest.unflatten(0, (-1, heads // runs, connection.in_channels // heads))
    return torch.cat([first, by_run.mean(1).flatten(0, 1)])
