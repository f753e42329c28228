"""What stands around a core: value and output projections and the bias, whatever the core is.

In: two connections and the source's tensors. Out: the target's `value`, `proj` and `bias` tensors
(value rows of `qkv` among them). What is not there has a neutral element: the identity, zero.
"""

from __future__ import annotations

import torch
from torch import Tensor

from relgraph.algebra import geometry
from relgraph.algebra.operator import BiasShare, Connection, compares
from relgraph.algebra.parameters import core_channels
from relgraph.transfer.carried import Part, Refused, Tensors

Projection = tuple[Tensor, Tensor | None]  # weight (rows, columns), bias (rows,)


def value(source: Connection, target: Connection, tensors: Tensors, made: Tensors) -> Part:
    """The target's value projection. `made` are its core's tensors: of a pair source, values are
    rows of `qkv` or `kv`, which are completed here."""
    if not target.operator.frame.value:
        assert not source.operator.frame.value, "a projection is never dropped silently"
        return Part({})
    weight, bias = _value_of(source, tensors)
    if not compares(target.operator):
        own = {"value.weight": weight}
        if target.operator.frame.value_bias:
            own["value.bias"] = _or_zero(bias, weight)
        return _with_bias(own, bias, target.operator.frame.value_bias)
    name = "qkv" if target.key_grid is None else "kv"
    rows = slice(-target.in_channels, None)
    stacked = made[f"{name}.weight"].double().clone()
    stacked[rows] = weight.double()
    own = {f"{name}.weight": stacked}
    if f"{name}.bias" in made:
        biases = made[f"{name}.bias"].double().clone()
        biases[rows] = _or_zero(bias, weight)
        own[f"{name}.bias"] = biases
    return _with_bias(own, bias, f"{name}.bias" in made)


def _value_of(source: Connection, tensors: Tensors) -> Projection:
    """The source's value projection; the identity where it has none."""
    channels = source.in_channels
    if not source.operator.frame.value:
        return torch.eye(channels, dtype=torch.float64), None
    if not compares(source.operator):
        return tensors["value.weight"], tensors.get("value.bias")
    name = "qkv" if source.key_grid is None else "kv"
    bias = tensors.get(f"{name}.bias")
    return tensors[f"{name}.weight"][-channels:], None if bias is None else bias[-channels:]


def _or_zero(bias: Tensor | None, weight: Tensor) -> Tensor:
    return weight.new_zeros(len(weight)) if bias is None else bias


def _with_bias(own: Tensors, bias: Tensor | None, kept: bool) -> Part:
    if kept or bias is None or not bool(bias.abs().max()):
        return Part(own)
    return Part(own, "the target's value projection has no bias", None, "partial")


def output(source: Connection, target: Connection, tensors: Tensors) -> Part | Refused:
    """The target's output projection."""
    frame = target.operator.frame
    if not frame.output:
        assert not source.operator.frame.output, "a projection is never dropped silently"
        return Part({})
    core, width = core_channels(target), target.out_channels
    weight, bias = tensors.get("proj.weight"), tensors.get("proj.bias")
    if weight is None:
        if core != width:
            return Refused(f"an output projection from {core} to {width} channels is no identity")
        weight = torch.eye(width, dtype=torch.float64)
    own = {"proj.weight": weight}
    if frame.output_bias:
        own["proj.bias"] = _or_zero(bias, weight)
    elif bias is not None and bool(bias.abs().max()):
        return Part(own, "the target's output projection has no bias", None, "partial")
    return Part(own)


def bias(source: Connection, target: Connection, tensors: Tensors, projected: Tensors) -> Part:
    """The bias of the core. What the target's kind of bias cannot hold goes into the bias of its
    output projection (in `projected`) where that is exact."""
    kind, wanted = source.operator.bias, target.operator.bias
    given = spread(kind, source, tensors)
    if given is None:
        return _placed(torch.zeros(1, 1, dtype=torch.float64), wanted, target)
    if wanted == "none" and kind == "channels" and "proj.bias" in projected:
        moved = projected["proj.weight"].double() @ given[:, 0]
        return Part({"proj.bias": projected["proj.bias"].double() + moved})
    if given.shape[1] not in (1, rows_of(target)):
        return Part(_zero(wanted, target), "a bias per position of another map", None, "partial")
    return _placed(given, wanted, target)


def spread(kind: BiasShare, connection: Connection, tensors: Tensors) -> Tensor | None:
    """The bias as (channels or 1, positions or 1), float64."""
    if kind == "none":
        return None
    shape = {"channels": (-1, 1), "positions": (1, -1), "both": tuple(tensors["bias"].shape)}
    return tensors["bias"].double().reshape(shape[kind])


def rows_of(connection: Connection) -> int:
    """Places of the output, extra tokens first."""
    return connection.tokens + geometry.area(connection.out_grid)


def _placed(given: Tensor, wanted: BiasShare, target: Connection) -> Part:
    """The nearest bias of the wanted kind: the mean over what it cannot tell apart."""
    channels, rows = core_channels(target), rows_of(target)
    full = given.expand(channels if given.shape[0] == 1 else -1, -1)
    means = {
        "none": None,
        "channels": full.mean(1, keepdim=True),
        "positions": given.mean(0, keepdim=True).expand(1, rows),
        "both": full.expand(channels, rows),
    }
    held = means[wanted]
    own = {} if held is None else {"bias": held.squeeze(_FLAT[wanted]) if wanted in _FLAT else held}
    lost = full if held is None else full - held
    if not bool((lost.abs() > 1e-12 * full.abs().max()).any()):
        return Part(own)
    left = "it is lost" if held is None else "its mean"
    reason = f"a bias that the target ({_WORDS[wanted]}) cannot hold: {left}"
    return Part(own, reason, None, "projection")


def _zero(wanted: BiasShare, target: Connection) -> dict[str, Tensor]:
    return dict(_placed(torch.zeros(1, 1, dtype=torch.float64), wanted, target).tensors)


_FLAT = {"channels": 1, "positions": 0}
_WORDS = {
    "none": "no bias",
    "channels": "one per channel",
    "positions": "one per position",
    "both": "one per channel and position",
}
