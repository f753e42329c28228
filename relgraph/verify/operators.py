"""An operator by itself, as the smallest backbone that holds it.

In: the name or path of an operator spec. Out: a program with one block, the operator, on the first
ordinary map and width that suit it.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.algebra.geometry import settled
from relgraph.assemble import assemble
from relgraph.assemble.cost import cost
from relgraph.assemble.walking import nodes
from relgraph.errors import RelgraphError
from relgraph.program import Connect, Program
from relgraph.resolve import resolve_operator
from relgraph.resolved import Backbone, Element, Stage

# Divisible by what published operators use: heads, groups and reductions; windows of 7 and halves.
CHANNELS = (32, 24, 48, 96, 16, 8)
SIDES = (14, 8, 16, 28, 7, 32, 56)
# Above this a fully connected operator would be measured on more numbers than it needs.
ENOUGH = 5_000_000


def operator_program(name_or_path: str) -> Program:
    """The operator between nothing and a classifier. Raises RelgraphError where no map suits it."""
    first: RelgraphError | None = None
    others: list[Program] = []
    for channels in CHANNELS:
        for side in SIDES:
            try:
                program = assemble(_alone(name_or_path, channels, side))
            except RelgraphError as error:
                first = first or error
                continue
            if cost(program).parameters <= ENOUGH and not _is_covered(program):
                return program
            others.append(program)
    if others:
        return min(others, key=lambda program: cost(program).parameters)
    assert first is not None, "there is a map to try"
    raise first


def _is_covered(program: Program) -> bool:
    """Whether a block covers its map, and is no block there."""
    cores = [node.connection for _, node in nodes(program) if isinstance(node, Connect)]
    spaces = [(core.operator.space, core.in_grid) for core in cores]
    return any(settled(space, grid).connect != space.connect for space, grid in spaces)


def _alone(name_or_path: str, channels: int, side: int) -> Backbone:
    use = resolve_operator(name_or_path, channels)
    pool = Element(word="global_pool", arguments=(("kind", "average"),))
    classifier = Element(word="classifier", arguments=(("bias", True),))
    return Backbone(
        name=f"{use.name}_alone",
        cite=use.cite,
        size=(side, side),
        in_chans=channels,
        classes=3,
        stem=(),
        stages=(Stage(channels=channels, blocks=((replace(use, place=None),),)),),
        head=(pool, classifier),
    )
