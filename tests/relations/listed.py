"""The closure of families and one of instances, made once for all tests of a process."""

from __future__ import annotations

from functools import cache

from relgraph.algebra.operator import Operator, Space
from relgraph.relations.node import core
from relgraph.relations.numbers import GENERIC, Numbers
from relgraph.relations.relation import Edit
from relgraph.relations.table import edits

MLP = core(Operator(Space("full")))
FEW = Numbers(
    kernel=((3, 3), (5, 5)),
    dilation=((1, 1), (2, 2)),
    window=((2, 2), (4, 4)),
    shift=((0, 0), (1, 1)),
    stripe=(1, 2),
    heads=(2, 4),
    extent=(1, 3),
    along=("rows", "columns"),
)
VARIED = Numbers(normal=("none", "softmax", "l1"), scores=("dot", "cosine"), halo=((0, 0), (1, 1)))
PLACED = Numbers(positions=("none", "relative", "absolute", "continuous", "rotary"))
TALKING = Numbers(normal=("none", "softmax"), talking=("none", "logits", "weights", "both"))
BANDS = Numbers(band=(3, 5))
TIED = Numbers(heads=(2, 4), keys=(None, 1, 2))
AMONG_CHANNELS = Numbers(sources=("pooled", "channels"))
COUNTS = Numbers(groups=(2, 4), inner=(2, 4), tokens=(2, 4), scales=((2,), (2, 4)))


@cache
def closure(numbers: Numbers = GENERIC) -> dict[Operator, tuple[Edit, ...]]:
    """Every operator that edits reach from `MLP`, with its edits, nearest first."""
    found: dict[Operator, tuple[Edit, ...]] = {}
    waiting, seen = [MLP], {MLP}
    for operator in waiting:
        found[operator] = edits(operator, numbers)
        for edit in found[operator]:
            assert isinstance(edit.target, Operator)
            if edit.target not in seen:
                seen.add(edit.target)
                waiting.append(edit.target)
    return found
