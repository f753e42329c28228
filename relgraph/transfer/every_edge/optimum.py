"""Whether projected weights are the nearest ones: the slope of the distance is zero.

In: two operators at a small size, tensors of both, images. Out: W of each, measured by the oracle,
and how steep ‖W_target − W_source‖², or the distance of outputs, is at the target's tensors. On a
linear class the distance is a convex parabola: where its slope is zero there is no nearer weight,
and where it is not zero itself there, the source lies outside the class. On products of factors it
is necessary only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import torch
from torch import Tensor

from relgraph.algebra.operator import Connection, compares
from relgraph.program import Connect
from relgraph.transfer.every_edge.small import GRID, Small, connections
from relgraph.verify import oracle
from relgraph.verify.reference import run_scope
from relgraph.verify.values import under

Numbers: TypeAlias = dict[str, Tensor]
_PLACES = GRID[0] * GRID[1]


def is_static(small: Small) -> bool:
    """Whether its W is the same for every image."""
    sources = (one.connection.operator.weight.source for one in connections(small.item))
    return all(source in ("static", "fixed") for source in sources)


def dense(small: Small, tensors: Numbers, x: Tensor) -> Tensor:
    """W (B or 1, outputs · channels, inputs · channels), whole or as these images predict it.

    An operator of one connection, or any that no image changes; without biases.
    """
    if is_static(small):
        return _by_units(lambda units: small.run(tensors, units), small.channels)
    assert isinstance(small.item, Connect), "rank words over predicted weights reduce keys only"
    connection, reduce = small.item.connection, small.item.reduce
    keys = None if reduce is None else run_scope(reduce, under(tensors, "reduce"), x)
    w = _framed(connection, tensors, oracle.dense(connection, tensors, x, keys))
    w = w.flatten(3).flatten(1, 2)
    if reduce is None:
        return w
    own = under(tensors, "reduce")
    return w @ _by_units(lambda units: run_scope(reduce, own, units), small.channels)


def _framed(connection: Connection, tensors: Numbers, w: Tensor) -> Tensor:
    """The core's W (B, o, d, i, c) between its projections."""
    if connection.operator.frame.value:
        pair = compares(connection.operator)
        stacked = tensors["kv.weight" if connection.key_grid else "qkv.weight"] if pair else None
        value = tensors["value.weight"] if stacked is None else stacked[-connection.in_channels :]
        w = torch.einsum("bodie,ec->bodic", w, value)
    if connection.operator.frame.output:
        w = torch.einsum("ed,bodic->boeic", tensors["proj.weight"], w)
    return w


def _by_units(run: Callable[[Tensor], Tensor], channels: int) -> Tensor:
    """The matrix of a linear map: one image per input entry. (1, outputs, inputs)."""
    count = _PLACES * channels
    units = torch.eye(count, dtype=torch.float64).reshape(count, _PLACES, channels)
    return run(units).flatten(1).T[None]


def slope(
    wanted: Tensor, target: Small, tensors: Numbers, names: Iterable[str], x: Tensor
) -> float:
    """How steep mean ‖W_target − wanted‖² is by the numbers of `names`, over the mean ‖wanted‖²."""
    return _steepest(lambda own: dense(target, own, x), wanted, tensors, names)


def slope_of_outputs(
    wanted: Tensor, target: Small, tensors: Numbers, names: Iterable[str], x: Tensor
) -> float:
    """The same for outputs on the images `x`."""
    return _steepest(lambda own: target.run(own, x), wanted, tensors, names)


def _steepest(
    made: Callable[[dict[str, Tensor]], Tensor],
    wanted: Tensor,
    tensors: Numbers,
    names: Iterable[str],
) -> float:
    leaves = {name: tensors[name].clone().requires_grad_() for name in names}
    with torch.enable_grad():
        rest = made({**tensors, **leaves}) - wanted
        found = torch.autograd.grad(
            rest.square().sum() / len(rest), list(leaves.values()), allow_unused=True
        )
    steepest = max((float(g.abs().max()) for g in found if g is not None), default=0.0)
    return steepest / float(wanted.square().sum() / len(wanted))
