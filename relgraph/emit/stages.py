"""Stages: the class that holds a row of blocks, the drafts of its parts, the maps they stand on.

Goes in: a program. Comes out: the text of `Stage`, and values from which `stage_rows` writes how
the stages of a model are made.
"""

from __future__ import annotations

from dataclasses import dataclass

from relgraph.algebra.operator import Size
from relgraph.algebra.starts import Start
from relgraph.emit.draft import Draft, draft
from relgraph.emit.text import literal
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


def stage_drafts(stage: Stage, default: Start) -> StageDrafts:
    """Drafts of a stage's scopes; `default` is how linear layers start by themselves."""
    return StageDrafts(
        blocks=tuple(draft(block, default) for block in stage.blocks),
        downsample=draft(stage.downsample, default) if stage.downsample else None,
        after=draft(stage.after, default) if stage.after else None,
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
