"""How the weights of a connection start where a spec says so (`init`).

In: a connection. Out: which of its tensors a rule speaks of, and what counts as fan-in and fan-out
of each. Biases, norms and position tables keep the compiler's table: a rule never speaks of them.
Which rule holds, and the text that follows it, are not known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from relgraph.algebra.operator import KEEPING, Connection
from relgraph.algebra.parameters import Shape, parameters, weight_shape

Start: TypeAlias = str | tuple[str, float | str]
"""A rule: `default`, `xavier`, `zeros`, or one with its number or word: ("normal", 0.01)."""

Fans: TypeAlias = Literal["whole", "groups", "units", "stack", "none"]


@dataclass(frozen=True)
class StartedWeight:
    """A tensor that rules speak of.

    `fans` tells what one matrix or kernel is: the `whole` tensor (outputs first), the part of each
    of its `groups`, each entry of its first axis (`units`), the last two axes (`stack`), or nothing
    that has fans. `linear` tells a linear layer from a kernel or a mixing of positions.
    """

    name: str
    fans: Fans = "whole"
    linear: bool = True


def started_weights(connection: Connection) -> tuple[StartedWeight, ...]:
    """The weights whose start a rule sets: linear layers, kernels, matrices over positions.

    The last layer of a predictor behind a norm is left out, and so are experts: their scale makes
    a predicted kernel's squared sum start near 1. So is the network of a position bias, which is a
    table of positions written otherwise.
    """
    kept = {"expand.weight"} if _scales_kernels(connection) else set()
    found = []
    for parameter in parameters(connection):
        if parameter.name == "weight":
            found.append(_static(connection))
        elif parameter.name.endswith(".weight") and len(parameter.shape) == 2:
            own = parameter.name in kept or parameter.name.startswith("cpb_mlp.")
            found += [] if own else [StartedWeight(parameter.name)]
    return tuple(found)


def zeroed(connection: Connection) -> tuple[str, ...]:
    """The parameters at which 0 makes the whole connection start as 0 and still learn: those of
    its last layer. Empty where there are none, as with normalised weights without projection."""
    operator = connection.operator
    if operator.frame.output:
        return ("proj.weight",)
    if operator.weight.normalize != "none":
        return ()
    own = {"static": ("weight",), "pooled": _EXPAND, "center": _EXPAND}
    last = own.get(operator.weight.source, ())
    return last[:1] if _mixes_experts(connection) else last


_EXPAND = ("expand.weight", "expand.bias")


def _mixes_experts(connection: Connection) -> bool:
    predictor = connection.operator.weight.predictor
    return predictor is not None and predictor.experts is not None


def _scales_kernels(connection: Connection) -> bool:
    weight = connection.operator.weight
    hidden = weight.predictor is not None and weight.predictor.reduction is not None
    normed = weight.predictor is not None and weight.predictor.norm == "batch_norm"
    scaled = (hidden and normed) or _mixes_experts(connection)
    return scaled and weight.normalize == "none"


def _static(connection: Connection) -> StartedWeight:
    operator = connection.operator
    point = operator.space.connect == "point" and operator.space.share != "none"
    linear = point and operator.channel.connect not in KEEPING
    if operator.weight.normalize != "none":  # logits: their scale is not that of what is summed
        return StartedWeight("weight", "none", linear=False)
    return StartedWeight("weight", _fans(connection), linear)


def _fans(connection: Connection) -> Fans:
    space, channel = connection.operator.space, connection.operator.channel
    if channel.connect == "local":
        return "none"
    shared = space.share != "none" if space.connect == "point" else space.share == "positions"
    if space.connect in ("point", "local"):
        if not shared:
            return "none"
        if channel.connect != "separate":
            own = channel.connect == "groups" and channel.share == "none"
            return "groups" if own else "whole"
        return "units" if space.connect == "local" else "none"
    return _matrix_fans(connection, weight_shape(connection))


def _matrix_fans(connection: Connection, shape: Shape) -> Fans:
    """Blocks: a matrix (outputs, inputs) behind the axes of channels and of windows."""
    space, channel = connection.operator.space, connection.operator.channel
    square = space.share in ("none", "windows") and space.connect != "axial"
    units = 0 if channel.share == "all" else 1
    if channel.connect != "separate" or not square or len(shape) < units + 2:
        return "none"
    return "whole" if len(shape) == 2 else "stack"
