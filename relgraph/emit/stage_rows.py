"""How a model's stages are made: a table with a loop where all rows are alike, else row by row.

Goes in: the constructor calls of all stages. Comes out: the method `make_stages`, as a person would
write it: equal blocks in one comprehension, repeated patterns written once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from relgraph.algebra.operator import Size
from relgraph.emit.classes import Call, Classes
from relgraph.emit.stage_table import table_lines
from relgraph.emit.stages import MapSizes, StageDrafts
from relgraph.emit.text import WIDTH, call, counted, period, statement
from relgraph.lower.module import DropPathRate
from relgraph.program import Stage

LONGEST = 32  # Lines that are still read at one glance.
GIVEN = ("rates", "map_sizes")
TYPES = {"rates": "Iterator[float]", "map_sizes": "list[tuple[int, int]]"}


def make_stages(
    stages: Sequence[Stage], drafts: Sequence[StageDrafts], made: Classes, sizes: MapSizes
) -> str:
    """The methods that make the stages."""
    title = "Every row of the spec, one after the other."
    lines = table_lines(stages, drafts, made, sizes)
    if lines is not None:
        return _method("make_stages", "Iterator[Stage]", title, lines)
    pairs = list(zip(stages, drafts, strict=True))
    rows = [_row(stage, draft, made, sizes, "yield ") for stage, draft in pairs]
    lines = [
        line
        for stage, row in zip(stages, rows, strict=True)
        for line in (f"        # {_say(stage)}", *row)
    ]
    if len("\n".join(lines).splitlines()) <= LONGEST:
        return _method("make_stages", "Iterator[Stage]", title, lines)
    return "\n\n".join(_one_by_one(pairs, made, sizes))


def given(text: str) -> list[str]:
    """Which of the arguments of `make_stages` a text makes use of."""
    return [name for name in GIVEN if name in text]


def _one_by_one(
    pairs: Sequence[tuple[Stage, StageDrafts]], made: Classes, sizes: MapSizes
) -> list[str]:
    """A method for each stage, and one that calls them."""
    calls, methods = [], []
    for number, (stage, draft) in enumerate(pairs, 1):
        row = _row(stage, draft, made, sizes, "return ")
        wanted = ", ".join(given("\n".join(row)))
        calls.append(f"        yield self.make_stage{number}({wanted})")
        methods.append(_method(f"make_stage{number}", "Stage", _say(stage), row))
    used = given("\n".join(calls))
    title = "Every row of the spec, one after the other."
    return [_method("make_stages", "Iterator[Stage]", title, calls, used), *methods]


def _method(
    name: str, result: str, title: str, lines: list[str], used: list[str] | None = None
) -> str:
    words = given("\n".join(lines)) if used is None else used
    arguments = ["self", *(f"{word}: {TYPES[word]}" for word in words)]
    return "\n".join(
        [call(f"def {name}", arguments, 4, f" -> {result}:"), f'        """{title}"""', *lines]
    )


def _row(stage: Stage, drafts: StageDrafts, made: Classes, sizes: MapSizes, word: str) -> list[str]:
    """The statements that make one stage; `word` hands it on."""
    near = stage.reduction
    runs = [_run_lines(run, sizes, near) for run in _runs([made.call(b) for b in drafts.blocks])]
    extra = [
        f"{part}={_call_text(made.call(draft), sizes, near)}"
        for part, draft in (("downsample", drafts.downsample), ("after", drafts.after))
        if draft is not None
    ]
    return [*_blocks_lines(runs), call(f"{word}Stage", ["blocks", *extra], 8)]


def _say(stage: Stage) -> str:
    rows, columns = stage.reduction
    where = f"H/{rows} x W/{columns}" if stage.reduction != (1, 1) else "H x W"
    count = f"{len(stage.blocks)} block" + ("s" if len(stage.blocks) > 1 else "")
    return f"{count}, {stage.output.channels} channels on {where}."


def _blocks_lines(runs: list[tuple[list[str], str]]) -> list[str]:
    """`blocks = [...]` of runs, each the lines of a call and the loop around it."""
    if len(runs) == 1:
        made, loop = runs[0]
        flat = f"        blocks = [{made[0]}{loop and ' '}{loop}]"
        if len(made) == 1 and len(flat) <= WIDTH:
            return [flat]
        return ["        blocks = [", *_inside(made, loop, 12), "        ]"]
    lines = ["        blocks = ["]
    for made, loop in runs:
        flat = f"            *({made[0]} {loop})," if loop else f"            {made[0]},"
        if len(made) == 1 and len(flat) <= WIDTH:
            lines.append(flat)
        elif loop:
            lines += ["            *(", *_inside(made, loop, 16), "            ),"]
        else:
            lines += [*_indented([*made[:-1], made[-1] + ","], 12)]
    return [*lines, "        ]"]


def _inside(made: list[str], loop: str, indent: int) -> list[str]:
    """A call and the loop around it between brackets of their own lines: one line where it fits."""
    flat = f"{' ' * indent}{made[0]} {loop}"
    if loop and len(made) == 1 and len(flat) <= WIDTH:
        return [flat]
    return [*_indented(made, indent), *([statement(loop, indent)] if loop else [])]


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
    rows = [[sizes.text(dict(made.arguments)[name], near) for name in varying] for made in run]
    texts = [row[0] if len(row) == 1 else f"({', '.join(row)})" for row in rows]
    return lines, f"for {', '.join(varying)} in {counted(texts) or period(texts)}"


def _lines(made: Call, sizes: MapSizes, near: Size, loop: Mapping[str, str]) -> list[str]:
    texts = {name: sizes.text(value, near) for name, value in made.arguments} | dict(loop)
    # 16 columns of indent are the deepest place where this is put.
    text = call(made.constructor, made.text(texts), 16)
    return [line[16:] for line in text.splitlines()]
