"""Projections onto classes that are no linear spaces, and of weights that change with the image.

The seam to `transfer.bodies`: `project` is asked wherever no exact way was found and the target is
an operator of several factors, or the source's weights depend on its input. Linear classes (masks,
ties, sums) need nothing of this: `transfer.static` projects onto them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor

from relgraph.program import Connect, Scope
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.projection.sums import linear_sum
from relgraph.transfer.projection.three import three_factors
from relgraph.transfer.projection.two import two_factors

Operators: TypeAlias = Connect | Scope
Projection: TypeAlias = Callable[
    [Operators, Operators, Tensors, Tensors, Tensor | None], Carried | Refused
]

METHODS: tuple[Projection, ...] = (linear_sum, two_factors, three_factors)
"""Tried in order; the first that does not refuse is taken."""


def project(
    source: Operators,
    target: Operators,
    tensors: Tensors,
    fresh: Tensors,
    inputs: Tensor | None = None,
) -> Carried | Refused:
    """The target's tensors nearest to the source's function, or why there are none.

    `tensors` and `fresh` go by their names inside the operator (`weight`, `core.weight`). `inputs`
    are values that enter the source, (B, T + P, C), where images to calibrate with were given.
    """
    refused = Refused("")
    for method in METHODS:
        made = method(source, target, tensors, fresh, inputs)
        if isinstance(made, Carried):
            return made
        refused = refused if refused.reason else made
    return refused
