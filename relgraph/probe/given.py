"""Weights that no parameter changes: averages, the identity, shifts by an offset.

In: W (O, I) of a channel. Out: which given weights these are by the oracle's table, if any.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import torch
from torch import Tensor

from relgraph.algebra.operator import Border, Channel, Operator, Size, Space, Weight
from relgraph.algebra.rules import check
from relgraph.probe.supports import Ends
from relgraph.verify import oracle

FLAT = 1e-9


def average(draws: Sequence[Tensor], seen: Tensor, size: Size) -> tuple[str | None, Border]:
    """Which given weights these are: `identity`, or an `average` that counts all slots of `size`
    (border zero) or those on the map (mask); None for others."""
    w = draws[0]
    if bool((seen.sum(1) == 1).all()):
        return ("identity" if float((w[seen] - 1.0).abs().max()) <= FLAT else None), "zero"
    present, slots = seen.sum(1, keepdim=True).double(), size[0] * size[1]
    for border, count in (("mask", present), ("zero", torch.full_like(present, slots))):
        # Where nothing has a size (a whole map, a column) no slot stands outside.
        if border == "zero" and slots < int(present.max()):
            continue
        if float((w - seen / count).abs().max()) <= FLAT:
            return "average", border  # type: ignore[return-value]
    return None, "zero"


def shift(w: Tensor, ends: Ends) -> Operator | None:
    """The operator that reads the place at one offset, with the border that says what stands there;
    None where W is none."""
    if ends.in_grid is None or ends.in_grid != ends.out_grid or ends.tokens:
        return None
    ones = (w - 1.0).abs() <= FLAT
    if not bool((ones | (w.abs() <= FLAT)).all()) or int(ones.sum(1).max()) > 1:
        return None
    for offset in _offsets(ones, ends.in_grid):
        for border in get_args(Border):
            made = _moved(offset, border) if border != "mask" else None
            if made is not None and _is(made, w, ends):
                return made
    return None


def _offsets(ones: Tensor, grid: Size) -> Iterator[Size]:
    """The offsets that most outputs have, the most common first; on a ring the shorter way."""
    output, read = ones.nonzero().unbind(1)
    rows = read // grid[1] - output // grid[1]
    columns = read % grid[1] - output % grid[1]
    found, counts = torch.stack([rows, columns], 1).unique(dim=0, return_counts=True)
    for at in counts.argsort(descending=True, stable=True)[:4].tolist():
        row, column = (int(step) for step in found[at])
        if (row, column) != (0, 0):
            yield row, column


def _moved(offset: Size, border: Border) -> Operator | None:
    size = (2 * abs(offset[0]) + 1, 2 * abs(offset[1]) + 1)
    weight = Weight("fixed", fixed="shift", offset=offset)
    made = Operator(Space("local", size, border=border), Channel("separate"), weight, "none")
    return None if check(made) else made


def _is(operator: Operator, w: Tensor, ends: Ends) -> bool:
    """Whether the oracle's weights are these."""
    zeros = torch.zeros(1, ends.inputs, 1, dtype=torch.float64)
    own = oracle.dense(ends.connection(operator), {}, zeros)[0, :, 0, :, 0]
    return bool((own - w).abs().max() <= FLAT)
