"""Both sides of a projection: the source as one linear connection, the target as linear factors.

In: items of programs and their tensors by local names. Out: `Multiplied` for the source, `Factor`s
for the target, and the target's tensors from what a method found for its factors. What stands
around the factors (value and output projection, the bias of the last one) goes along as it does
between single connections (`transfer.frame`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from relgraph.algebra import geometry
from relgraph.algebra.operator import Connection
from relgraph.algebra.parameters import core_channels, weight_shape
from relgraph.program import Connect, Element, Node, Scope, Shape
from relgraph.transfer import frame
from relgraph.transfer.axes import channel_axis, gram, space_axis
from relgraph.transfer.carried import Carried, Part, Refused, Tensors, like, together
from relgraph.transfer.functions import Axes, move
from relgraph.transfer.linear import Multiplied, multiplied
from relgraph.transfer.projection.parts import Ends
from relgraph.verify.values import join

_INSIDE = "operator"  # the name under which a connection stands in a body of its own
_EXACT = 1e-12  # relative, float64


@dataclass(frozen=True, eq=False)
class Factor:
    """One connection of the target and the path at which its tensors stand."""

    path: str
    connection: Connection

    def axes(self) -> Axes:
        """Both axes of its weight, on its own map."""
        return Axes(channel_axis(self.connection), space_axis(self.connection))


def items(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """The items of an operator in order, with their paths inside it; sums are one item."""
    if not isinstance(node, Scope):
        yield path, node
        return
    for inner in node.body:
        yield from items(inner, join(path, inner.attr))


def factors(target: Connect | Scope) -> tuple[Factor, ...] | Refused:
    """The target's connections, where it is a chain of nothing but static ones."""
    found = []
    for path, node in items(target):
        if isinstance(node, Element):
            return Refused(f"{node.word} stands between the factors: W has no such factors")
        if not isinstance(node, Connect):
            return Refused("the target is no chain of connections")
        refused = not_plain(node)
        if refused is not None:
            return refused
        found.append(Factor(path, node.connection))
    frames = [factor.connection.operator.frame for factor in found]
    if any(one.value for one in frames[1:]) or any(one.output for one in frames[:-1]):
        return Refused("a projection between the factors is a factor too many")
    return tuple(found)


def not_plain(node: Connect) -> Refused | None:
    """Why a factor's numbers are no entries of W."""
    weight = node.connection.operator.weight
    if weight.source != "static":
        return Refused(f"a factor's weights are {weight.source}, not learned numbers")
    if weight.normalize != "none":
        return Refused(f"a factor is normalised by {weight.normalize}: no linear class")
    return None


def single(
    source: Connect | Scope, ends: tuple[Connection, Connection], tensors: Tensors
) -> Multiplied | Refused:
    """The source as one static connection. It keeps its projections where the target, whose first
    and last connections are `ends`, has them too; else they are multiplied out."""
    if isinstance(source, Connect):
        own = source.connection
        plain = not_plain(source) is None
        if plain and not _loses_frame(own, *ends):
            return Multiplied(own, {name: t.double() for name, t in tensors.items()})
        named = {f"{_INSIDE}.{name}": tensor for name, tensor in tensors.items()}
        return multiplied((replace(source, attr=_INSIDE),), source.input, named)
    return multiplied(source.body, source.input, tensors)


def _loses_frame(source: Connection, first: Connection, last: Connection) -> bool:
    own = source.operator.frame
    if own.value and not first.operator.frame.value:
        return True
    lost = own.output and not last.operator.frame.output
    return lost or core_channels(source) != core_channels(last)


def between_ends(source: Connection, inside: Shape, outside: Shape) -> Refused | None:
    """Why the source does not go from where the target begins to where it ends."""
    own = source.in_channels, source.in_grid, source.tokens, source.out_channels, source.out_grid
    other = inside.channels, inside.grid, len(inside.tokens), outside.channels, outside.grid
    if own == other and len(inside.tokens) == len(outside.tokens):
        return None
    return Refused("the target begins or ends with other channels or on another map")


def places(connection: Connection, outside: bool = False) -> int:
    """Places that it reads, or with `outside` makes; extra tokens count."""
    grid = connection.out_grid if outside else connection.key_grid or connection.in_grid
    return connection.tokens + geometry.area(grid)


def space_ends(first: Connection, second: Connection) -> Ends:
    """Places before, between and after two connections."""
    return Ends(places(first), places(first, True), places(second, True))


def channel_ends(first: Connection, second: Connection) -> Ends:
    """Channels before, between and after two connections."""
    return Ends(first.in_channels, core_channels(first), core_channels(second))


@dataclass(frozen=True, eq=False)
class OnHull:
    """The source's W on the axes that hold every weight of the target: its numbers there (units,
    orbits), ‖W‖², and the part of it that is lost already."""

    theta: Tensor
    hull: Axes
    square: float
    lost: float

    def error(self, made: Tensor) -> float:
        """‖W_target − W_source‖ / ‖W_source‖ of a target with these numbers on the hull."""
        rest = norm2(self.theta - made, self.hull)
        return float(((self.lost + rest) / self.square) ** 0.5) if self.square else 0.0


def on_hull(source: Multiplied, hull: Axes) -> OnHull:
    """W projected onto a linear class of which the target's weights are some: what is nearest in
    the class to the projection is nearest to W (Pythagoras)."""
    own = Axes(channel_axis(source.connection), space_axis(source.connection))
    theta = source.tensors["weight"].double().reshape(own.channel.orbits, own.space.orbits)
    moved = move(theta[..., None], ((own, hull),), "none")
    square = norm2(theta, own)
    lost = 0.0 if moved.exact or moved.error is None else square * moved.error**2
    return OnHull(moved.values[..., 0], hull, square, lost)


def norm2(theta: Tensor, axes: Axes) -> float:
    """‖W‖² over all entries of the weight with these numbers."""
    weighed = torch.sparse.mm(gram(axes.channel), theta)
    return max(float((torch.sparse.mm(gram(axes.space), weighed.T).T * theta).sum()), 0.0)


def finished(
    source: Multiplied,
    chain: tuple[Factor, ...],
    weights: Mapping[str, Tensor],
    fresh: Tensors,
    said: tuple[str, float],
) -> Carried | Refused:
    """The target's tensors: `weights` of its factors by path, (units, orbits), and what stands
    around them. `said`: the method in words and the error in W."""
    first, last = chain[0], chain[-1]
    own: dict[str, Tensor] = {}
    for factor in chain:
        own[join(factor.path, "weight")] = weights[factor.path].reshape(
            weight_shape(factor.connection)
        )
        bias = join(factor.path, "bias")
        if bias in fresh and factor is not last:
            own[bias] = torch.zeros_like(fresh[bias])
    reason, error = said
    core = Part(own, reason, error, "projection") if error > _EXACT else Part(own, "", 0.0)
    output = frame.output(source.connection, last.connection, source.tensors)
    if isinstance(output, Refused):
        return output
    value = frame.value(source.connection, first.connection, source.tensors, {})
    bias_part = frame.bias(source.connection, last.connection, source.tensors, output.tensors)
    around = [_under(value, first), _under(output, last), _under(bias_part, last)]
    return like(together(core, *around), fresh)


def _under(part: Part, factor: Factor) -> Part:
    named = {join(factor.path, name): tensor for name, tensor in part.tensors.items()}
    return replace(part, tensors=named)
