"""Whole programs into programs: stem, stages and head, each item from the one it stands for.

In: two assembled programs for images of one size, and all tensors of both. Out: an `Outcome`.
Stages go by their order; blocks, and what stands in them, are aligned. Where stages are wider by
whole factors the source is made as wide first (`wider`).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest

from torch import Tensor

from relgraph.program import Program, Scope, Stage
from relgraph.transfer.bodies import Bodies, Inputs
from relgraph.transfer.carried import Refused
from relgraph.transfer.connection import MORE
from relgraph.transfer.layer import Outcome, joined
from relgraph.transfer.wider import Wider, wider

_NO_STAGE = Stage(blocks=(), output=None, reduction=(1, 1))  # type: ignore[arg-type]


def match_programs(source: Program, target: Program, bodies: Bodies) -> Outcome:
    """The target's tensors from the source's, and a row for every item that says something."""
    wide = wider(source, target, bodies.source)
    if not isinstance(wide, Wider):
        made = _matched(source, target, bodies)
        return made if wide is None else _with_reason(made, wide)
    inputs = _copied(bodies.inputs, wide)
    made = _matched(wide.program, target, replace(bodies, source=wide.tensors, inputs=inputs))
    return wide.told(made)


def _with_reason(outcome: Outcome, refused: Refused) -> Outcome:
    """Rows of what is wider with the reason why the whole is not."""
    told = (
        replace(layer, reason=layer.reason.replace(MORE, f"{MORE}: {refused.reason}"))
        for layer in outcome.layers
    )
    return replace(outcome, layers=tuple(told))


def _copied(inputs: Inputs, wide: Wider) -> Inputs:
    """What enters the source's items, every channel as often as the wide one has it."""

    def values(path: str) -> Tensor | None:
        entering = inputs(path)
        k = wide.entering.get(path)
        return None if entering is None or k is None else entering.repeat_interleave(k, -1)

    return values


def _matched(source: Program, target: Program, bodies: Bodies) -> Outcome:
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
