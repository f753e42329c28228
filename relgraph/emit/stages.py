"""Stages: the class that holds a row of blocks, the drafts of its parts, the maps they stand on.

Goes in: a program. Comes out: the text of `Stage`, and values from which `stage_rows` writes how
the stages of a model are made.
"""

from __future__ import annotations

from collections.abc import Iterable
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
    distinct reduction; `irregular` are maps that are no side over a whole number, rounded up, and
    so are known for the spec's own input alone."""

    input: Size
    reductions: tuple[Size, ...]
    irregular: tuple[Size, ...] = ()

    def index(self, size: MapSize, near: Size) -> int:
        """Where `size` stands; of several equal ones, that of the reduction `near`."""
        wanted = (size.height, size.width)
        if wanted in self.irregular:
            return len(self.reductions) + self.irregular.index(wanted)
        fits = [i for i, r in enumerate(self.reductions) if self.at(r) == wanted]
        close = [i for i in fits if self.reductions[i] == near]
        return (close or fits)[0]

    def at(self, reduction: Size) -> Size:
        """The map of the built input at one reduction."""
        return _reduced(self.input, reduction)

    def text(self, value: Argument, near: Size) -> str:
        """An argument as it is written in the model's `__init__`."""
        if isinstance(value, MapSize):
            return f"map_sizes[{self.index(value, near)}]"
        if isinstance(value, DropPathRate):
            return "next(rates)"
        return literal(value)


def map_sizes(program: Program, arguments: Iterable[Argument]) -> MapSizes:
    """The distinct reductions of a program's stages, in order, and of those maps among
    `arguments` that stand elsewhere: in the stem, or in front of a stride."""
    grid = program.input.grid
    assert grid is not None
    reductions = list(dict.fromkeys(stage.reduction for stage in program.stages))
    irregular: list[Size] = []
    for value in dict.fromkeys(one for one in arguments if isinstance(one, MapSize)):
        size = (value.height, value.width)
        if any(_reduced(grid, reduction) == size for reduction in reductions):
            continue
        step = (-(-grid[0] // size[0]), -(-grid[1] // size[1]))
        if _reduced(grid, step) == size:
            reductions.append(step)
        else:
            irregular.append(size)
    return MapSizes(grid, tuple(reductions), tuple(irregular))


def _reduced(sides: Size, by: Size) -> Size:
    return -(-sides[0] // by[0]), -(-sides[1] // by[1])
