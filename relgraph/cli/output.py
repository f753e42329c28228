"""What a person, a pipe or an editor reads: tables, lines and JSON.

On a terminal tables and colours come from rich; in a pipe the same rows are plain aligned text of
any width, without colour; `--json` is data. Modules of commands print through this one only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from relgraph.errors import Problem

if TYPE_CHECKING:
    from rich.console import Console

Row = Sequence[object]


def stdout() -> Console:
    """A console on standard output: results go here."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def stderr() -> Console:
    """A console on standard error: problems, progress and remarks go here."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str = "") -> None:
    """One line of a result, printed as it stands: square brackets are text, not markup."""
    stdout().print(line, markup=False)


def remark(line: str) -> None:
    """One line beside the result, on standard error."""
    stderr().print(line, markup=False, style="dim")


def print_json(value: object) -> None:
    """`value` as JSON on standard output, keys in the order given."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_table(headers: Sequence[str], rows: Iterable[Row], title: str = "") -> None:
    """Rows under headers. Columns that hold only numbers are aligned to the right."""
    listed = [[_cell(value) for value in row] for row in rows]
    right = [_is_numeric(listed, column) for column in range(len(headers))]
    if stdout().is_terminal:
        _print_rich_table(headers, listed, right, title)
        return
    _print_plain_table(headers, listed, right)


def print_problems(problems: Iterable[Problem]) -> None:
    """Each problem with its place, the line, a caret and a hint, on standard error."""
    console = stderr()
    for problem in problems:
        first, *rest = str(problem).splitlines()
        style = {"error": "bold red", "warning": "bold yellow", "note": "bold blue"}
        console.print(first, markup=False, style=style[problem.severity])
        for line in rest:
            console.print(line, markup=False)


def _print_rich_table(
    headers: Sequence[str], rows: list[list[str]], right: list[bool], title: str
) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for header, is_right in zip(headers, right, strict=True):
        table.add_column(header, justify="right" if is_right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    stdout().print(table)


def _print_plain_table(headers: Sequence[str], rows: list[list[str]], right: list[bool]) -> None:
    everything = [list(headers), *rows]
    widths = [max(len(row[column]) for row in everything) for column in range(len(headers))]
    for row in everything:
        cells = (
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        )
        say("  ".join(cells).rstrip())


_STYLES = {"yes": "green", "ok": "green", "no": "bold red", "FAIL": "bold red"}


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return "" if value is None else str(value)


def _is_numeric(rows: list[list[str]], column: int) -> bool:
    cells = [row[column] for row in rows if row[column]]
    return bool(cells) and all(cell.lstrip("-")[:1].isdigit() for cell in cells)
