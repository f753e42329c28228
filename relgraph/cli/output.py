"""What a person, a pipe or an editor reads: tables, lines and JSON.

On a terminal tables come from rich, imported when the first is drawn; in a pipe the same rows are
plain aligned text of any width, without colour; `--json` is data. Modules of commands print through
this one only.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from relgraph.errors import Problem

if TYPE_CHECKING:
    from rich.console import Console

Row = Sequence[object]


def stderr() -> Console:
    """A console on standard error, for what moves: progress."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def progress(first: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error for what takes its time, beginning with the words `first`; to be told
    what is done now, how many are done, of how many. Nothing where no terminal is."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f}%"))
    with Progress(*columns, console=stderr(), transient=True) as bar:
        task = bar.add_task(first, total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield show


def say(line: str = "") -> None:
    """One line of a result, printed as it stands."""
    click.echo(line)


def remark(line: str) -> None:
    """One line beside the result, on standard error."""
    click.secho(line, err=True, dim=True, color=_coloured())


def print_json(value: object) -> None:
    """`value` as JSON on standard output, keys in the order given."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_table(headers: Sequence[str], rows: Iterable[Row], title: str = "") -> None:
    """Rows under headers. Columns that hold only numbers are aligned to the right."""
    listed = [[_cell(value) for value in row] for row in rows]
    right = [_is_numeric(listed, column) for column in range(len(headers))]
    if sys.stdout.isatty():
        _print_rich_table(headers, listed, right, title)
        return
    _print_plain_table(headers, listed, right)


def print_problems(problems: Iterable[Problem]) -> None:
    """Each problem with its place, the line, a caret and a hint, on standard error."""
    colours = {"error": "red", "warning": "yellow", "note": "blue"}
    for problem in problems:
        first, *rest = str(problem).splitlines()
        colour = colours[problem.severity]
        click.secho(first, err=True, fg=colour, bold=True, color=_coloured())
        for line in rest:
            click.echo(line, err=True)


def _coloured() -> bool | None:
    """False where a person wants no colour (no-color.org); else the terminal decides."""
    return False if os.environ.get("NO_COLOR") else None


def _print_rich_table(
    headers: Sequence[str], rows: list[list[str]], right: list[bool], title: str
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for header, is_right in zip(headers, right, strict=True):
        table.add_column(header, justify="right" if is_right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Console(highlight=False, soft_wrap=True).print(table)


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
