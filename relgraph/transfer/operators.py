"""An operator into an operator, each of one connection or of several factors.

In: two such items, their tensors by local names. Out: `Carried`, or why not. Where one connection
does not go into one connection as it stands, the source is multiplied out (`linear`); into several
factors weights go item by item (`bodies`), or by `projection`.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.algebra.operator import Connection, Frame
from relgraph.algebra.parameters import core_channels
from relgraph.program import Connect, Element, Node, Scope
from relgraph.relations.node import core
from relgraph.transfer.carried import EXACT, Carried, Refused, Tensors
from relgraph.transfer.connection import carry_connection
from relgraph.transfer.linear import Multiplied, multiplied
from relgraph.transfer.projection import Operators
from relgraph.verify.values import under

_ITS_WEIGHT = "core.weight"  # all that an average of averages has
_INSIDE = "operator"  # the name under which a connection stands in a body of its own
_AROUND = ("value.", "proj.")


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
        whole = _framed(source, target, tensors) or multiplied(source.body, source.input, tensors)
    else:
        named = {f"{_INSIDE}.{name}": tensor for name, tensor in tensors.items()}
        whole = multiplied((replace(source, attr=_INSIDE),), source.input, named)
    if isinstance(whole, Refused):
        return whole
    made = carry_connection(whole.connection, target.connection, whole.tensors, fresh)
    if isinstance(made, Refused) or made.method != "copy":
        return made
    return replace(made, method="embedding")


def _framed(source: Scope, target: Connect, tensors: Tensors) -> Multiplied | None:
    """Averages before a core with the same projections as the target: these stay, since what
    averages each channel for itself does so behind a projection too."""
    *averages, core = source.body or (None,)
    if not isinstance(core, Connect) or not averages:
        return None
    frame = core.connection.operator.frame
    other = target.connection.operator.frame
    same = (frame.value, frame.output) == (other.value, other.output)
    if frame == Frame() or not same or not all(map(_averages, averages)):
        return None
    width = core_channels(core.connection)
    operator = replace(core.connection.operator, frame=Frame())
    bare = replace(core, connection=replace(core.connection, operator=operator, out_channels=width))
    around = {n: t for n, t in under(tensors, core.attr).items() if n.startswith(_AROUND)}
    whole = multiplied((*averages, bare), source.input, tensors)
    if isinstance(whole, Refused):
        return None
    connection = replace(
        whole.connection,
        operator=replace(whole.connection.operator, frame=frame),
        out_channels=core.connection.out_channels,
    )
    return Multiplied(connection, {**whole.tensors, **{n: t.double() for n, t in around.items()}})


def _averages(node: Node | None) -> bool:
    """Whether it averages positions of each channel, and nothing else."""
    plain = isinstance(node, Element) and node.word == "avg_pool"
    return plain and dict(node.arguments)["padding"] == 0  # type: ignore[union-attr]


def better(one: Carried | Refused, other: Carried | Refused) -> Carried | Refused:
    """The answer that loses less; of two refusals the first that says something."""
    if isinstance(other, Refused):
        return other if isinstance(one, Refused) and not one.reason else one
    if isinstance(one, Refused):
        return other
    order = ("copy", "embedding", "neutral", "projection", "partial", "fresh", "dropped")
    return min(one, other, key=lambda made: order.index(made.method))
