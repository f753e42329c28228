"""Every projection of a static weight onto several connections: the methods, tried in order.

In: a linear source, a target of factors. Out: the first answer, or the reason of the method that
came nearest to having one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from relgraph.program import Connect, Scope
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.projection.chain import factors
from relgraph.transfer.projection.sums import linear_sum
from relgraph.transfer.projection.three import three_factors
from relgraph.transfer.projection.two import two_factors

Method: TypeAlias = Callable[
    [Connect | Scope, Connect | Scope, Tensors, Tensors], Carried | Refused
]
BY_FACTORS: dict[int, Method] = {2: two_factors, 3: three_factors}


def factored(
    source: Connect | Scope, target: Scope, tensors: Tensors, fresh: Tensors
) -> Carried | Refused:
    """The target's tensors nearest to the source's W."""
    summed = linear_sum(source, target, tensors, fresh)
    if isinstance(summed, Carried):
        return summed
    chain = factors(target)
    if isinstance(chain, Refused):
        return chain
    method = BY_FACTORS.get(len(chain))
    if method is None:
        return Refused(f"no method knows the nearest product of {len(chain)} factors")
    return method(source, target, tensors, fresh)
