"""What a spec means: resolved, with its sizes, and all its problems at once.

Goes in: a name or a path. Comes out: the resolved backbone and its program; nothing is compiled, so
commands that only tell about a spec start faster.
"""

from __future__ import annotations

from dataclasses import dataclass

from relgraph.algebra.operator import Size
from relgraph.assemble import assemble, size_problems
from relgraph.assemble.cautions import cautions
from relgraph.errors import Problem, RelgraphError, in_file_order
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
        return in_file_order((*self.resolution.problems, *cautions(self.program)))


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
        sizes = size_problems(refused.rest, size)
        new = [one for one in sizes if (one.code, one.place) not in refused.covered]
        raise RelgraphError((*refused.problems, *new)) from None
    return Understood(resolution, assemble(resolution.backbone, size))
