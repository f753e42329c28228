"""A connection's class where no other draw takes it: on tall and large maps, at large values.

In: the class and its small node. Out: differences of `forward` from the reference, by what was
tried. Channels stay few, so that maps may be larger than those of most models.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from relgraph.algebra import geometry
from relgraph.algebra.cost import outputs, width
from relgraph.algebra.fit import misfits
from relgraph.algebra.operator import Connection, Size, Space
from relgraph.algebra.parameters import parameters
from relgraph.program import Connect, Shape
from relgraph.verify.compare import Difference, difference
from relgraph.verify.loud import LOUD
from relgraph.verify.small import (
    CannotBuildError,
    Inputs,
    Small,
    build,
    forward,
    forward_with_gradients,
    oracle_forward,
    random_inputs,
)

# Sides of a tall and of a large map, the first that costs no more than it should.
TALL: tuple[Size, ...] = ((130, 3), (66, 3), (22, 3))
LARGE: tuple[Size, ...] = ((61, 67), (15, 17), (9, 10))
# Numbers that the reference lays out at most: weights by output and slot, kernels by output.
ENOUGH = 400_000


def at_extremes(
    cls: type[nn.Module], node: Connect, small: Small, seed: int
) -> Iterator[tuple[str, Difference]]:
    """What was tried, in words, and how far `forward` was from the reference. What the class does
    not build for is left out."""
    inputs = random_inputs(small, seed)
    loud = Inputs(LOUD * inputs.x, None if inputs.keys is None else LOUD * inputs.keys)
    yield from _gaps(f"at {LOUD:g} times the values", small, loud)
    for sides in (TALL, LARGE):
        other = next(_affordable(node, sides), None)
        if other is None:
            continue
        try:
            made = build(cls, other, seed, bare=False)
        except CannotBuildError:
            continue
        place = "×".join(map(str, other.connection.in_grid or ()))
        yield from _gaps(f"on {place}", made, random_inputs(made, seed))


def _gaps(what: str, small: Small, inputs: Inputs) -> Iterator[tuple[str, Difference]]:
    """With and without gradients: emitted code asks which is wanted."""
    wanted = oracle_forward(small, inputs)
    yield what, difference(forward(small, inputs), wanted)
    yield what, difference(forward_with_gradients(small, inputs), wanted)


def _affordable(node: Connect, sides: tuple[Size, ...]) -> Iterator[Connect]:
    """The connection on maps of about these sides, which its blocks divide, or with `pad` do not
    quite; those that cost no more than ENOUGH."""
    space, grid = node.connection.operator.space, node.connection.in_grid
    if grid is None or grid[1] == 1 or not _follows(node.connection):
        return
    for rows, columns in sides:
        missing = 1 if space.pad else 0
        other = resized(node, (_whole(space, rows, 0) - missing, _whole(space, columns, 1)))
        if not misfits(other.connection) and _numbers(other.connection) <= ENOUGH:
            yield other


def _numbers(connection: Connection) -> int:
    """About how many numbers the reference makes of weights."""
    units = max(connection.in_channels, connection.out_channels)
    stored = sum(math.prod(parameter.shape) for parameter in parameters(connection))
    of_centers = connection.operator.weight.source == "center"
    laid_out = outputs(connection) * width(connection) * units
    return max(stored * (outputs(connection) if of_centers else 1), laid_out)


def _follows(connection: Connection) -> bool:
    """Whether the map that is made follows from the map that comes in."""
    return connection.out_grid == geometry.out_grid(connection.operator.space, connection.in_grid)


def _whole(space: Space, side: int, axis: int) -> int:
    """`side`, or the next one above that blocks divide."""
    if space.connect not in ("window", "stripe", "grid"):
        return side
    if space.connect == "stripe" and axis != geometry.band_axis(space):
        return side
    return math.ceil(side / space.size[axis]) * space.size[axis]


def resized(node: Connect, grid: Size) -> Connect:
    """The same connection on a map of `grid`."""
    made = replace(
        node.connection,
        in_grid=grid,
        out_grid=geometry.out_grid(node.connection.operator.space, grid),
    )
    return replace(
        node,
        connection=made,
        input=Shape(made.in_channels, made.in_grid, node.input.tokens),
        output=Shape(made.out_channels, made.out_grid, node.output.tokens),
    )
