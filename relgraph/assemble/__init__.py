"""From a resolved backbone to a program of instances: shapes, names and costs before any tensor.

Goes in: one value without references. Comes out: the program at one input size, or *all* size
errors at once. Shortcuts, void shifts and stochastic depth rates are decided here.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, lcm

from relgraph import resolved
from relgraph.algebra.operator import Size
from relgraph.assemble.contract import settled
from relgraph.assemble.flow import MAX_CHANNELS, MAX_SIDE, Findings, Flow
from relgraph.assemble.naming import named
from relgraph.assemble.walk import Surroundings, walk_body, walk_scope
from relgraph.errors import Problem, RelgraphError
from relgraph.program import Contract, Program, Scope, Shape, Stage
from relgraph.resolved import Backbone

__all__ = ["DEFAULT_SIZE", "assemble", "size_problems"]

DEFAULT_SIZE: Size = (224, 224)


def assemble(backbone: Backbone, size: Size | None = None) -> Program:
    """The program of `backbone` for images of `size` (default: the spec's, else 224 × 224).

    Raises RelgraphError with every size that cannot work.
    """
    return settled(_assembled(backbone, size), lambda other: _assembled(backbone, other))


def _assembled(backbone: Backbone, size: Size | None) -> Program:
    """The program, with the contract that its divisibilities alone make."""
    findings = Findings()
    grid = size or backbone.size or DEFAULT_SIZE
    _check_bounds(backbone, grid, findings)
    shape = Shape(backbone.in_chans, grid)
    around = Surroundings(findings, backbone.classes)
    stem, flow = walk_scope(backbone.stem, Flow(shape), around, "stem", "stem", attr="stem")
    stages = []
    for stage, rates in zip(backbone.stages, _rates(backbone), strict=True):
        made, flow = _stage(stage, flow, around, rates)
        stages.append(made)
    head, _ = walk_body(backbone.head, flow, around)
    if findings.fixed and size is None and backbone.size is None:
        findings.refuse(
            "size-required",
            backbone.place,
            "no input size",
            "`input: {size: ...}`: the model has parameters that depend on it",
        )
    if findings.problems:
        raise RelgraphError(findings.problems)
    return Program(
        source=backbone,
        input=shape,
        stem=stem,
        stages=tuple(stages),
        head=named(head),
        contract=_contract(findings, grid),
    )


def size_problems(rest: Backbone, size: Size | None = None) -> tuple[Problem, ...]:
    """Every size that cannot work in what is left of a backbone of which items were refused.

    Nothing is said of what follows from an `Unknown`.
    """
    try:
        _assembled(rest, size)
    except RelgraphError as error:
        # Resolution knew the width behind a refused item; that the walk does not follows from it.
        return tuple(one for one in error.problems if one.code != "channels-differ")
    return ()


def _check_bounds(backbone: Backbone, grid: Size, findings: Findings) -> None:
    """Sizes that no machine could hold are refused before anything is multiplied by them."""
    if max(grid) > MAX_SIDE or min(grid) < 1:
        findings.refuse(
            "absurd-size",
            backbone.place,
            f"images of {grid[0]}×{grid[1]}",
            f"sides between 1 and {MAX_SIDE}",
        )
    widths = [stage.channels for stage in backbone.stages]
    if max([backbone.in_chans, backbone.classes, *widths]) > MAX_CHANNELS:
        findings.refuse(
            "absurd-size",
            backbone.place,
            f"{max([backbone.in_chans, backbone.classes, *widths])} channels",
            f"at most {MAX_CHANNELS}",
        )
    if findings.problems:
        raise RelgraphError(findings.problems)


def _rates(backbone: Backbone) -> list[list[float]]:
    """The stochastic depth rate of every block, by stage."""
    depth = sum(len(stage.blocks) for stage in backbone.stages)
    last = max(1, depth - 1)
    rising = backbone.schedule == "linear"
    every = [backbone.drop_path * (at / last if rising else 1.0) for at in range(depth)]
    rates, start = [], 0
    for stage in backbone.stages:
        rates.append(every[start : start + len(stage.blocks)])
        start += len(stage.blocks)
    return rates


def _stage(
    stage: resolved.Stage, flow: Flow, around: Surroundings, rates: list[float]
) -> tuple[Stage, Flow]:
    downsample, after = None, None
    if stage.downsample:
        downsample, flow = walk_scope(
            stage.downsample, flow, around, "downsample", "downsample", attr="downsample"
        )
    blocks = []
    for number, (body, rate) in enumerate(zip(stage.blocks, rates, strict=True)):
        inside = Surroundings(around.findings, around.classes, rate)
        block, flow = _block(body, flow, inside, str(number))
        blocks.append(block)
    if stage.after:
        after, flow = walk_scope(stage.after, flow, around, "after", "after", attr="after")
    made = Stage(
        blocks=tuple(blocks),
        output=flow.shape,
        reduction=_whole(flow.stride),
        downsample=downsample,
        after=after,
    )
    return made, flow


def _block(body: resolved.Body, flow: Flow, around: Surroundings, attr: str) -> tuple[Scope, Flow]:
    """A block; one that is just the use of a definition is that definition."""
    only = body[0] if len(body) == 1 else None
    if isinstance(only, resolved.Scope) and only.kind == "definition":
        return walk_scope(
            only.body, flow, around, "block", only.name, attr, only.cite, only.label, only.place
        )
    return walk_scope(body, flow, around, "block", "block", attr)


def _whole(stride: tuple[Fraction, Fraction]) -> Size:
    rows, columns = (max(1, ceil(side)) for side in stride)
    return rows, columns


def _contract(findings: Findings, grid: Size) -> Contract:
    rows = lcm(1, *(need[0] for need in findings.multiples))
    columns = lcm(1, *(need[1] for need in findings.multiples))
    if grid[0] % rows or grid[1] % columns:
        # Maps that were rounded up on the way are divided where the image is not: what is known to
        # fit is this size, and `settled` asks about its multiples.
        return Contract(fixed=True, multiple=grid, minimum=grid)
    if findings.fixed:
        return Contract(fixed=True, multiple=(rows, columns), minimum=grid)
    return Contract(fixed=False, multiple=(rows, columns), minimum=(rows, columns))
