"""Whole programs into programs: stem, stages and head, each item from the one it stands for.

In: two assembled programs for images of one size, and all tensors of both. Out: an `Outcome`.
Stages go by their order; blocks, and what stands in them, are aligned.
"""

from __future__ import annotations

from itertools import zip_longest

from relgraph.program import Program, Scope, Stage
from relgraph.transfer.bodies import Bodies
from relgraph.transfer.layer import Outcome, joined

_NO_STAGE = Stage(blocks=(), output=None, reduction=(1, 1))  # type: ignore[arg-type]


def match_programs(source: Program, target: Program, bodies: Bodies) -> Outcome:
    """The target's tensors from the source's, and a row for every item that says something."""
    parts = [bodies.match("", (source.stem,), "", (target.stem,))]
    for at, (before, after) in enumerate(zip_longest(source.stages, target.stages)):
        parts.append(_stage(at, before or _NO_STAGE, after or _NO_STAGE, bodies))
    parts.append(bodies.match("", source.head, "", target.head))
    return joined(parts)


def _stage(at: int, source: Stage, target: Stage, bodies: Bodies) -> Outcome:
    path = f"stages.{at}"
    blocks = f"{path}.blocks"
    return joined(
        (
            bodies.match(path, _maybe(source.downsample), path, _maybe(target.downsample)),
            bodies.match(blocks, source.blocks, blocks, target.blocks),
            bodies.match(path, _maybe(source.after), path, _maybe(target.after)),
        )
    )


def _maybe(scope: Scope | None) -> tuple[Scope, ...]:
    return () if scope is None else (scope,)
