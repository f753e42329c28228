"""How far a transfer is: operators of the target that have their weights.

In: the target's program and a progress callback. Out: what hears of each operator's path. An
operator that is tried in several ways counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from relgraph.program import Body, Branches, Program, Residual, Scope, Split
from relgraph.transfer.align import is_operator
from relgraph.transfer.request import Progress

WHAT = "carrying weights"


def counted(program: Program, progress: Progress) -> Callable[[str], None]:
    """Tells `progress` of each new path, among the operators of the program."""
    total = sum(1 for body in _bodies(program) for _ in _operators(body))
    met: set[str] = set()

    def told(path: str) -> None:
        met.add(path)
        progress(WHAT, min(len(met), total), total)

    return told


def _bodies(program: Program) -> Iterator[Body]:
    yield from (program.stem.body, program.head)
    for stage in program.stages:
        yield stage.blocks
        yield from (scope.body for scope in (stage.downsample, stage.after) if scope is not None)


def _operators(body: Body) -> Iterator[str]:
    """The names of the operators; what is inside one of several connections is no other."""
    for node in body:
        if is_operator(node):
            yield node.attr
        elif isinstance(node, Scope):
            yield from _operators(node.body)
        elif isinstance(node, Branches | Split):
            for branch in node.branches:
                yield from _operators(branch)
        elif isinstance(node, Residual):
            yield from _operators((*node.body, *(node.shortcut or ())))
