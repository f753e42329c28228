"""What a connection declares, entry by entry: which entries exist, which are one learned thing.

In: a connection at a small size. Out: label tensors over (o, d, i, c), from the oracle's tables by
way of a static twin: the connection with the same tables whose learned things are all different
known numbers. Nothing of the emitted file or of the compiler is used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from relgraph.algebra.operator import TOGETHER, Connection, Frame, Operator, SpaceShare, Weight
from relgraph.verify import oracle
from relgraph.verify.oracle_channels import unit_count
from relgraph.verify.oracle_tables import as_map, centers, completed_connection, table

if TYPE_CHECKING:
    from relgraph.verify.small import Inputs, Small

ABSENT = -1


def labels(connection: Connection, share: SpaceShare | None = None) -> Tensor:
    """(O, D, I, C): equal where two entries are one learned thing, ABSENT where there is none.

    `share` replaces the sharing over positions, for the parts of a pair source. An entry that is
    reached several times is the sum of what reaches it, hence a thing of its own. Where windows
    overlap, what a normalisation makes of each is what is summed: entries are one thing where the
    same normalised weights meet.
    """
    operator = connection.operator
    space = operator.space if share is None else replace(operator.space, share=share)
    twin = replace(
        connection,
        operator=replace(operator, space=space, weight=_twin(operator), bias="none", frame=Frame()),
    )
    whole = completed_connection(twin)
    count = unit_count(whole) * table(whole).orbits
    # Positive and irrational to each other: sums of different things stay different.
    things = torch.rand(count, generator=torch.Generator().manual_seed(7), dtype=torch.float64) + 1
    codes = cropped(connection, oracle.dense(twin, {"weight": things}, *_blank(twin)))
    _, inverse = codes.round(decimals=11).unique(return_inverse=True)
    return torch.where(codes > 0, inverse, ABSENT)


def times(connection: Connection) -> Tensor:
    """(O, D, I, C): how many slots of an output read an input."""
    operator = connection.operator
    space = replace(operator.space, share="all")
    bare = replace(operator, space=space, weight=Weight(), bias="none", frame=Frame())
    twin = replace(connection, operator=bare)
    ones = torch.ones(unit_count(twin), dtype=torch.float64)
    return cropped(connection, oracle.dense(twin, {"weight": ones}, *_blank(twin)))


def _twin(operator: Operator) -> Weight:
    """Known numbers; normalised where the sum over windows comes after."""
    together = operator.space.connect == "outlook" and operator.weight.normalize in TOGETHER
    return Weight(normalize=operator.weight.normalize) if together else Weight()


def weights(small: Small, inputs: Inputs) -> Tensor:
    """The W[o, d, i, c] that the connection means at `inputs`, positions from `pad` left out."""
    connection = small.node.connection
    return cropped(connection, oracle.dense(connection, small.tensors, inputs.x, inputs.keys))


def cropped(connection: Connection, w: Tensor) -> Tensor:
    """(1, O, D, I, C) on the completed map -> (O, D, I, C) on the map itself."""
    whole = completed_connection(connection)
    if whole.in_grid is None or whole.in_grid == connection.in_grid:
        return w[0]
    assert connection.in_grid is not None
    rows, columns = connection.in_grid
    places = torch.arange(whole.in_grid[0] * whole.in_grid[1]).view(whole.in_grid)
    kept = places[:rows, :columns].flatten()
    return w[0][kept][:, :, kept]


def inside(connection: Connection) -> Tensor:
    """(O,): whether the region that a centre source reads lies on the map for this output."""
    if connection.operator.space.connect == "outlook":
        return _windows_inside(connection)
    extent, grid, out = connection.operator.weight.extent, connection.in_grid, connection.out_grid
    if extent == 1 or grid is None or out is None:
        return torch.ones(connection.tokens + _area(out), dtype=torch.bool)
    before = (extent - 1) // 2
    lines = centers(connection.operator.space, grid, out)
    rows, columns = (
        torch.tensor([before <= i < grid[axis] - (extent - 1 - before) for i in line])
        for axis, line in enumerate(lines)
    )
    return (rows[:, None] & columns).flatten()


def _windows_inside(connection: Connection) -> Tensor:
    """The same where an output's weights are those of all windows that it lies in: whether the
    region of each lies on the map of their cells."""
    extent, space = connection.operator.weight.extent, connection.operator.space
    before, grid = (extent - 1) // 2, as_map(connection.in_grid)
    cells = [len(range(0, grid[axis], space.step[axis])) for axis in (0, 1)]
    rows, columns = (
        torch.tensor([before <= i < count - (extent - 1 - before) for i in range(count)])
        for count in cells
    )
    outputs = table(connection).outputs[~(rows[:, None] & columns).flatten()].flatten()
    whole = torch.ones(_area(grid), dtype=torch.bool)
    whole[outputs[outputs >= 0]] = False
    return whole


def _blank(connection: Connection) -> tuple[Tensor, Tensor | None]:
    """Zeros of the shapes that come in."""
    places = connection.tokens + _area(connection.in_grid)
    x = torch.zeros(1, places, connection.in_channels, dtype=torch.float64)
    if connection.key_grid is None:
        return x, None
    reads = connection.tokens + _area(connection.key_grid)
    return x, torch.zeros(1, reads, connection.in_channels, dtype=torch.float64)


def _area(grid: tuple[int, int] | None) -> int:
    return 1 if grid is None else grid[0] * grid[1]
