"""The text that constructs stages: runs of equal blocks become one line.

Goes in: the constructor calls of the blocks. Comes out: printed constructor calls, as a person
would write them: `*(Block(96, drop_path=next(rates)) for _ in range(6))`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from relgraph.algebra.operator import Size
from relgraph.emit.classes import Call, Classes
from relgraph.emit.draft import Draft, draft
from relgraph.emit.text import WIDTH, call, literal
from relgraph.lower.module import Argument, DropPathRate, MapSize
from relgraph.program import Program, Stage

STAGE = '''\
class Stage(nn.Module):
    """Blocks on maps of one size, after an optional change of size: one row of the spec."""

    def __init__(
        self,
        blocks: Iterable[nn.Module],
        downsample: nn.Module | None = None,
        after: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.downsample = downsample
        self.blocks = nn.Sequential(*blocks)
        self.after = after
        self.grad_checkpointing = False

    def forward(self, x: Tensor) -> Tensor:
        if self.downsample is not None:
            x = self.downsample(x)
        for block in self.blocks:
            if self.grad_checkpointing and self.training:
                # Keep only the block's input; its inside is computed again in the backward.
                x = checkpoint(block, x, use_reentrant=False)
            else:
                x = block(x)
        return x if self.after is None else self.after(x)'''


@dataclass(frozen=True)
class StageDrafts:
    """The drafts of one stage's parts."""

    blocks: tuple[Draft, ...]
    downsample: Draft | None
    after: Draft | None

    def all(self) -> tuple[Draft, ...]:
        """In reading order."""
        ends = (self.downsample, *self.blocks, self.after)
        return tuple(part for part in ends if part is not None)


def stage_drafts(stage: Stage) -> StageDrafts:
    """Drafts of a stage's scopes."""
    return StageDrafts(
        blocks=tuple(draft(block) for block in stage.blocks),
        downsample=draft(stage.downsample) if stage.downsample else None,
        after=draft(stage.after) if stage.after else None,
    )


@dataclass(frozen=True)
class MapSizes:
    """How a map's size is written in the model's `__init__`: `map_sizes[i]`, one for each
    distinct reduction; `used` says whether anything asks for it."""

    input: Size
    reductions: tuple[Size, ...]

    def index(self, size: MapSize, near: Size) -> int:
        """Where `size` stands; of several equal ones, that of the reduction `near`."""
        fits = [i for i, r in enumerate(self.reductions) if self.at(r) == (size.height, size.width)]
        assert fits, f"no stage has a map of {size.height}×{size.width}"
        close = [i for i in fits if self.reductions[i] == near]
        return (close or fits)[0]

    def at(self, reduction: Size) -> Size:
        """The map of the built input at one reduction."""
        rows, columns = (-(-s // r) for s, r in zip(self.input, reduction, strict=True))
        return rows, columns

    def text(self, value: Argument, near: Size) -> str:
        """An argument as it is written in the model's `__init__`."""
        if isinstance(value, MapSize):
            return f"map_sizes[{self.index(value, near)}]"
        if isinstance(value, DropPathRate):
            return "next(rates)"
        return literal(value)


def map_sizes(program: Program) -> MapSizes:
    """The distinct reductions of a program's stages, in order."""
    reductions = tuple(dict.fromkeys(stage.reduction for stage in program.stages))
    grid = program.input.grid
    assert grid is not None
    return MapSizes(grid, reductions)


def stage_lines(stage: Stage, drafts: StageDrafts, made: Classes, sizes: MapSizes) -> list[str]:
    """The statements of the model's `__init__` that make one stage."""
    near = stage.reduction
    runs = [_run_lines(run, sizes, near) for run in _runs([made.call(b) for b in drafts.blocks])]
    extra = [
        f"{word}={_call_text(made.call(part), sizes, near)}"
        for word, part in (("downsample", drafts.downsample), ("after", drafts.after))
        if part is not None
    ]
    return [
        _comment(stage),
        *_blocks_lines(runs),
        call("self.stages.append(Stage", ["blocks", *extra], 8, ")"),
    ]


def _comment(stage: Stage) -> str:
    rows, columns = stage.reduction
    where = f"H/{rows} x W/{columns}" if stage.reduction != (1, 1) else "H x W"
    return f"        # {len(stage.blocks)} x {stage.output.channels} channels on {where}."


def _blocks_lines(runs: list[tuple[list[str], str]]) -> list[str]:
    """`blocks = [...]` of runs, each the lines of a call and the loop around it."""
    if len(runs) == 1:
        made, loop = runs[0]
        flat = f"        blocks = [{made[0]}{loop and ' '}{loop}]"
        if len(made) == 1 and len(flat) <= WIDTH:
            return [flat]
        tail = [f"            {loop}"] if loop else []
        return ["        blocks = [", *_indented(made, 12), *tail, "        ]"]
    lines = ["        blocks = ["]
    for made, loop in runs:
        flat = f"            *({made[0]} {loop})," if loop else f"            {made[0]},"
        if len(made) == 1 and len(flat) <= WIDTH:
            lines.append(flat)
        elif loop:
            lines += ["            *(", *_indented(made, 16), f"                {loop}"]
            lines.append("            ),")
        else:
            lines += [*_indented([*made[:-1], made[-1] + ","], 12)]
    return [*lines, "        ]"]


def _indented(lines: list[str], indent: int) -> list[str]:
    return [" " * indent + line for line in lines]


def _call_text(
    made: Call, sizes: MapSizes, near: Size, loop: Mapping[str, str] = MappingProxyType({})
) -> str:
    texts = {name: sizes.text(value, near) for name, value in made.arguments} | dict(loop)
    return f"{made.constructor}({', '.join(made.text(texts))})"


def _runs(calls: list[Call]) -> list[list[Call]]:
    """Consecutive calls of one class, together."""
    runs: list[list[Call]] = []
    for made in calls:
        if runs and runs[-1][0].constructor == made.constructor:
            runs[-1].append(made)
        else:
            runs.append([made])
    return runs


def _run_lines(run: list[Call], sizes: MapSizes, near: Size) -> tuple[list[str], str]:
    """A run of one class: the lines of its call, and the loop (empty for a single block)."""
    if len(run) == 1:
        return _lines(run[0], sizes, near, {}), ""
    varying = [
        name
        for at, (name, value) in enumerate(run[0].arguments)
        if not isinstance(value, DropPathRate)
        and any(made.arguments[at][1] != value for made in run)
    ]
    lines = _lines(run[0], sizes, near, {name: name for name in varying})
    if not varying:
        return lines, f"for _ in range({len(run)})"
    rows = [tuple(sizes.text(dict(made.arguments)[name], near) for name in varying) for made in run]
    return lines, f"for {', '.join(varying)} in {_period_text(rows)}"


def _lines(made: Call, sizes: MapSizes, near: Size, loop: Mapping[str, str]) -> list[str]:
    texts = {name: sizes.text(value, near) for name, value in made.arguments} | dict(loop)
    # 16 columns of indent are the deepest place where this is put.
    text = call(made.constructor, made.text(texts), 16)
    return [line[16:] for line in text.splitlines()]


def _period_text(rows: list[tuple[str, ...]]) -> str:
    """Values of a loop, a repeated pattern written once: `3 * (0, 3)`."""
    count = len(rows)
    period = next(p for p in range(1, count + 1) if rows == (rows[:p] * count)[:count])
    period = period if count % period == 0 else count
    items = [row[0] if len(row) == 1 else f"({', '.join(row)})" for row in rows[:period]]
    listed = f"({', '.join(items)})" if len(items) > 1 else f"({items[0]},)"
    times = count // period
    return listed if times == 1 else f"{times} * {listed}"
