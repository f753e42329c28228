"""Projections onto classes that are no linear spaces, and of weights that change with the image.

The seam to `transfer.bodies`: `project` is asked wherever no exact way was found and the target is
an operator of several factors, or the source's weights depend on its input. Linear classes (masks,
ties, sums) need nothing of this: `transfer.static` projects onto them.
"""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor

from relgraph.program import Connect, Scope
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.projection.between import with_elements
from relgraph.transfer.projection.calibrated import nearest_in_outputs, nearest_in_weights
from relgraph.transfer.projection.factored import factored
from relgraph.transfer.request import Objective

Operators: TypeAlias = Connect | Scope


def project(
    source: Operators,
    target: Operators,
    tensors: Tensors,
    fresh: Tensors,
    inputs: Tensor | None = None,
    objective: Objective = "outputs",
) -> Carried | Refused:
    """The target's tensors nearest to the source's function, or why there are none.

    `tensors` and `fresh` go by their names inside the operator (`weight`, `core.weight`). `inputs`
    are values that enter the source, (B, T + P, C), where images to calibrate with were given: an
    answer that used them has an error in outputs too. `objective` decides for sources whose W
    changes with the image; where the one cannot be fitted, the other is.
    """
    if isinstance(source, Connect) and _changes(source):
        ways = (nearest_in_outputs, nearest_in_weights)
        first, second = ways if objective == "outputs" else ways[::-1]
        near = first(source, target, tensors, fresh, inputs)
        if isinstance(near, Carried):
            return near
        other = second(source, target, tensors, fresh, inputs)
        return other if isinstance(other, Carried) or objective == "outputs" else near
    if isinstance(target, Connect):
        return Refused("a single connection: what is nearest in it was asked before")
    made = factored(source, target, tensors, fresh)
    if isinstance(made, Carried):
        return made
    fit = with_elements(source, target, tensors, fresh, inputs)
    return fit if isinstance(fit, Carried) or made.reason in ("", fit.reason) else _both(made, fit)


def _changes(source: Connect) -> bool:
    return source.connection.operator.weight.source in ("pooled", "center", "pair", "channels")


def _both(linear: Refused, fit: Refused) -> Refused:
    """The reason that says what would help."""
    return fit if "images" in fit.reason else linear
