"""Two linear factors: the nearest product of two connections, in closed form.

In: a linear source, and a target that is a chain of two static connections. Covers `inner` of a
point, `tokens`, `separable`, a reduction by a learned kernel, and bodies of two connections as
depth-wise then point-wise: by singular value decompositions weighted by how often each number
stands on the layer's map (ALGEBRA 4.2). Both factors together are the optimum over W's entries.
"""

from __future__ import annotations

from relgraph.program import Connect, Scope
from relgraph.transfer.carried import Carried, Refused, Tensors
from relgraph.transfer.functions import Axes
from relgraph.transfer.projection.chain import (
    Factor,
    between_ends,
    channel_ends,
    factors,
    finished,
    on_hull,
    single,
    space_ends,
)
from relgraph.transfer.projection.nearest import nearest
from relgraph.transfer.projection.parts import Parts, parts

REASON = "the nearest product of two factors, by a singular value decomposition weighted by counts"


def two_factors(
    source: Connect | Scope, target: Connect | Scope, tensors: Tensors, fresh: Tensors
) -> Carried | Refused:
    """The optimum over W's entries on the layer's map."""
    chain = factors(target)
    if isinstance(chain, Refused):
        return chain
    if len(chain) != 2:
        return Refused(f"{len(chain)} factors, not two")
    whole = single(source, (chain[0].connection, chain[1].connection), tensors)
    if isinstance(whole, Refused):
        return whole
    refused = between_ends(whole.connection, target.input, target.output)
    if refused is not None:
        return refused
    product = product_of(*chain)
    if isinstance(product, Refused):
        return product
    channel, space = product
    start = on_hull(whole, Axes(channel.axis, space.axis))
    made = nearest(start.theta, channel, space, _stored(chain[0]), _stored(chain[1]))
    weights = {chain[0].path: made.first, chain[1].path: made.second}
    return finished(whole, chain, weights, fresh, (REASON, start.error(made.product)))


def product_of(first: Factor, second: Factor) -> tuple[Parts, Parts] | Refused:
    """The channel and the space axis of the product of two factors."""
    ends = (first.connection, second.connection)
    one, other = first.axes(), second.axes()
    channel = parts(one.channel, other.channel, channel_ends(*ends))
    if isinstance(channel, Refused):
        return channel
    space = parts(one.space, other.space, space_ends(*ends))
    return space if isinstance(space, Refused) else (channel, space)


def _stored(factor: Factor) -> tuple[int, int]:
    axes = factor.axes()
    return axes.channel.orbits, axes.space.orbits
