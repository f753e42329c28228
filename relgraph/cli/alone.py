"""An operator by itself: used once, with its defaults, on a small map, for `check` and `show`."""

from __future__ import annotations

from dataclasses import dataclass

from relgraph.assemble import assemble
from relgraph.program import Program
from relgraph.resolve import resolve_operator
from relgraph.resolved import Backbone, OperatorUse, Scope, Stage

# Divisible by the heads, groups and reductions that published operators use.
CHANNELS = 64
# Divisible by windows of 7 and by reductions of 2, larger than any usual kernel.
SIZE = (14, 14)


@dataclass(frozen=True)
class Alone:
    """An operator's use with its defaults, and the program that holds nothing else."""

    use: OperatorUse | Scope
    program: Program


def alone(word: str) -> Alone:
    """The operator of a shipped name or of a file. Raises RelgraphError with its problems."""
    use = resolve_operator(word, CHANNELS)
    backbone = Backbone(
        name=use.name,
        cite=use.cite,
        size=SIZE,
        in_chans=CHANNELS,
        classes=1,
        stem=(),
        stages=(Stage(channels=CHANNELS, blocks=((use,),)),),
        head=(),
    )
    return Alone(use, assemble(backbone))
