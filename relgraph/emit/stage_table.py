"""Stages that are alike as a table of their numbers and one loop, as a person would write them.

Goes in: the constructor calls of all stages. Comes out: the lines of the loop, or None where the
stages differ in more than numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from relgraph.emit.classes import Call, Classes
from relgraph.emit.signature import relative
from relgraph.emit.stages import MapSizes, StageDrafts
from relgraph.emit.text import WIDTH, call, counted, literal, period, statement
from relgraph.lower.module import Argument, DropPathRate, MapSize
from relgraph.program import Stage


class NoTableError(Exception):
    """The stages do not fit a table. Never leaves this module."""


@dataclass
class Table:
    """Columns found so far: name → the text of each stage's value."""

    stages: Sequence[Stage]
    sizes: MapSizes
    dims: list[int] = field(default_factory=list)
    columns: dict[str, list[str]] = field(default_factory=dict)
    loop: str = ""
    numbered: bool = False

    def block(self, name: str, values: list[list[Argument]]) -> str:
        """One argument of the blocks; `values` by stage, then by block."""
        rates = [isinstance(value, DropPathRate) for row in values for value in row]
        if any(rates):
            if not all(rates):
                raise NoTableError  # Some stages have a rate of their own.
            return "next(rates)"
        if any(isinstance(value, MapSize) for row in values for value in row):
            return self._map_size(values)
        if all(len(set(row)) == 1 for row in values):
            return self._column(name, [row[0] for row in values])
        if self.loop:
            raise NoTableError
        texts = [[literal(value) for value in row] for row in values]
        self.columns[f"{name}s"] = [counted(row) or period(row) for row in texts]
        self.loop = f"for {name} in {name}s"
        return name

    def part(self, values: list[Argument], first: int) -> str:
        """One argument of what stands before or after the blocks, in the stages from `first` on."""
        if any(isinstance(value, MapSize) for value in values):
            raise NoTableError  # Its map is another stage's, or no stage's.
        if all(isinstance(value, int) for value in values):
            numbers = [value for value in values if isinstance(value, int)]
            own = relative("dim", self.dims[first:], numbers)
            if own is not None:
                return own
        if len(set(values)) == 1:
            return literal(values[0])
        entering = [_entering(stage) for stage in self.stages]
        if values != entering[first:]:
            raise NoTableError
        self.columns = {"in_dim": [literal(width) for width in entering], **self.columns}
        return "in_dim"

    def _map_size(self, values: list[list[Argument]]) -> str:
        """The stage's own map, if it is that of every block in every stage."""
        where = [
            self.sizes.index(row[0], stage.reduction)
            for row, stage in zip(values, self.stages, strict=True)
            if isinstance(row[0], MapSize) and len(set(row)) == 1
        ]
        if where != list(range(len(self.stages))):
            raise NoTableError
        self.numbered = True
        return "map_sizes[number]"

    def _column(self, name: str, values: list[Argument]) -> str:
        if name == "dim":
            self.dims = [value for value in values if isinstance(value, int)]
        elif len(set(values)) == 1:
            return literal(values[0])
        self.columns[name] = [literal(value) for value in values]
        return name


def table_lines(
    stages: Sequence[Stage], drafts: Sequence[StageDrafts], made: Classes, sizes: MapSizes
) -> list[str] | None:
    """The statements that make all stages from one table, or None."""
    if len(stages) < 2:
        return None
    try:
        return _lines(Table(stages, sizes), drafts, made)
    except NoTableError:
        return None


def _lines(table: Table, drafts: Sequence[StageDrafts], made: Classes) -> list[str]:
    blocks = [[made.call(block) for block in draft.blocks] for draft in drafts]
    one = _alike([call for row in blocks for call in row])
    texts = {
        name: table.block(name, [[dict(c.arguments)[name] for c in row] for row in blocks])
        for name, _ in one.arguments
    }
    if not table.dims:
        raise NoTableError
    if not table.loop:
        table.columns["depth"] = [str(len(row)) for row in blocks]
        table.loop = "for _ in range(depth)"
    extra = [
        f"{word}={text}"
        for word in ("downsample", "after")
        for text in _part(table, word, [getattr(draft, word) for draft in drafts], made)
    ]
    block = call(one.constructor, one.text(texts), 16)
    flat = f"            blocks = [{block.strip()} {table.loop}]"
    inner = f"{block} {table.loop}"
    both = [inner] if len(inner) <= WIDTH else [block, f"                {table.loop}"]
    listed = ["            blocks = [", *"\n".join(both).splitlines(), "            ]"]
    return [
        *_rows(table),
        *([flat] if len(flat) <= WIDTH and "\n" not in flat else listed),
        call("yield Stage", ["blocks", *extra], 12),
    ]


def _rows(table: Table) -> list[str]:
    names = list(table.columns)
    rows = [", ".join(row) for row in zip(*table.columns.values(), strict=True)]
    comma = "," if len(names) == 1 else ""
    variables = f"({names[0]},)" if comma else f"{', '.join(names)}"
    loop = f"for {variables} in rows:"
    if table.numbered:
        loop = f"for number, ({', '.join(names)}{comma}) in enumerate(rows):"
    return [
        "        rows = (",
        f"            # {', '.join(names)}",
        *(statement(f"({row}{comma}),", 12) for row in rows),
        "        )",
        f"        {loop}",
    ]


def _part(table: Table, word: str, drafts: list[object], made: Classes) -> list[str]:
    """The argument `word` of every stage; the first stage may be without."""
    present = [draft for draft in drafts if draft is not None]
    first = len(drafts) - len(present)
    if not present:
        return []
    if first > 1 or drafts[first:] != present:
        raise NoTableError
    calls = [made.calls[id(draft)] for draft in present]
    one = _alike(calls)
    texts = {
        name: table.part([dict(c.arguments)[name] for c in calls], first)
        for name, _ in one.arguments
    }
    text = f"{one.constructor}({', '.join(one.text(texts))})"
    if first:
        table.numbered = True
        text += " if number else None"
    return [text]


def _alike(calls: Sequence[Call]) -> Call:
    """The one call that all are, numbers aside."""
    names = {(one.constructor, tuple(name for name, _ in one.arguments)) for one in calls}
    if len(names) != 1:
        raise NoTableError
    return calls[0]


def _entering(stage: Stage) -> int:
    first = stage.downsample or stage.blocks[0]
    return first.input.channels
