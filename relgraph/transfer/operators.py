"""An operator into an operator, each of one connection or of several factors.

In: two such items, their tensors by local names. Out: `Carried`, or why not. Where one connection
does not go into one connection as it stands, the source is multiplied out (`linear`); into several
factors weights go item by item (`bodies`), or by `projection`.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.algebra.operator import Connection
from relgraph.program import Connect, Scope
from relgraph.relations.node import core
from relgraph.transfer.carried import EXACT, Carried, Refused, Tensors
from relgraph.transfer.connection import carry_connection
from relgraph.transfer.linear import multiplied
from relgraph.transfer.projection import Operators

_ITS_WEIGHT = "core.weight"  # all that an average of averages has
_INSIDE = "operator"  # the name under which a connection stands in a body of its own


def into_connection(
    source: Operators, target: Connect, tensors: Tensors, fresh: Tensors
) -> Carried | Refused:
    """One connection from whatever the source is, its map of keys aside."""
    made: Carried | Refused = Refused("")
    if isinstance(source, Connect):
        made = carry_connection(source.connection, target.connection, tensors, fresh)
        if isinstance(made, Carried) and made.method != "partial":
            return made
        if source.connection.operator.weight.source not in ("static", "fixed"):
            return made
    return better(made, _multiplied_into(source, target, tensors, fresh))


def into_average(
    source: Operators, target: Scope, tensors: Tensors, fresh: Tensors
) -> Carried | Refused:
    """Several connections that are an average whatever their numbers, from what is that average."""
    operator = target.operator and core(target.operator)
    if operator is None or operator.weight.fixed != "average" or set(fresh) != {_ITS_WEIGHT}:
        return Refused("")
    shape = target.input
    connection = Connection(
        operator, shape.channels, shape.channels, shape.grid, shape.grid, len(shape.tokens)
    )
    average = Connect(input=shape, output=shape, name=target.name, connection=connection)
    made = into_connection(source, average, tensors, {})
    if isinstance(made, Refused) or made.method not in EXACT:
        return Refused("")
    return replace(made, method="embedding", tensors=dict(fresh))


def _multiplied_into(
    source: Operators, target: Connect, tensors: Tensors, fresh: Tensors
) -> Carried | Refused:
    if isinstance(source, Scope):
        whole = multiplied(source.body, source.input, tensors)
    else:
        named = {f"{_INSIDE}.{name}": tensor for name, tensor in tensors.items()}
        whole = multiplied((replace(source, attr=_INSIDE),), source.input, named)
    if isinstance(whole, Refused):
        return whole
    made = carry_connection(whole.connection, target.connection, whole.tensors, fresh)
    if isinstance(made, Refused) or made.method != "copy":
        return made
    return replace(made, method="embedding")


def better(one: Carried | Refused, other: Carried | Refused) -> Carried | Refused:
    """The answer that loses less; of two refusals the first that says something."""
    if isinstance(other, Refused):
        return other if isinstance(one, Refused) and not one.reason else one
    if isinstance(one, Refused):
        return other
    order = ("copy", "embedding", "neutral", "projection", "partial", "fresh", "dropped")
    return min(one, other, key=lambda made: order.index(made.method))
