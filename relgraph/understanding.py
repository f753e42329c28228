"""What a spec means: resolved, with its sizes, and all its problems at once.

Goes in: a name or a path. Comes out: the resolved backbone and its program; nothing is compiled, so
commands that only tell about a spec start faster.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from relgraph.algebra.operator import Size
from relgraph.assemble import assemble, size_problems
from relgraph.assemble.cautions import cautions
from relgraph.errors import Place, Problem, RelgraphError, in_file_order, uses_of
from relgraph.program import Program
from relgraph.resolve import RefusedSpecError, Resolution, resolve_backbone


@dataclass(frozen=True)
class Understood:
    """A backbone without references, with its notes and what its edits hit; and with its sizes."""

    resolution: Resolution
    program: Program

    @property
    def notes(self) -> tuple[Problem, ...]:
        """Warnings and notes, of the text and of the sizes, in file order."""
        sizes = _with_chain(cautions(self.program), self.resolution.extends)
        return in_file_order((*self.resolution.problems, *sizes))


def understand(name_or_path: str, size: Size | None = None) -> Understood:
    """What a shipped backbone or a spec file means, for images of `size` (default: the spec's).

    Raises RelgraphError with all problems of the spec: those of its text, and those of the sizes
    that what is left of it has.
    """
    try:
        resolution = resolve_backbone(name_or_path)
    except RefusedSpecError as refused:
        if refused.rest is None:
            raise
        sizes = _with_chain(size_problems(refused.rest, size), refused.extends)
        new = [one for one in sizes if (one.code, one.place) not in refused.covered]
        raise RelgraphError((*refused.problems, *new)) from None
    try:
        return Understood(resolution, assemble(resolution.backbone, size))
    except RelgraphError as error:
        raise RelgraphError(_with_chain(error.problems, resolution.extends)) from None


def _with_chain(problems: Iterable[Problem], extends: tuple[Place, ...]) -> tuple[Problem, ...]:
    """Problems of sizes with the lines that brought their files in: `assemble` knows no `extends`,
    so that it takes for the user's own file the one where the outermost item stands."""
    return tuple(_in_chain(problem, extends) for problem in problems)


def _in_chain(problem: Problem, extends: tuple[Place, ...]) -> Problem:
    around = (*extends, *reversed(problem.uses))
    return replace(problem, uses=uses_of(problem.place, around))
