"""`generate` and `new`: files that relgraph writes for a person."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from relgraph.cli import output
from relgraph.cli.naming import find
from relgraph.shipped import shipped


def generate(
    names: Annotated[
        list[str] | None, typer.Argument(help="Backbones; all that ship where none is named.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the emitted files.")] = Path("generated"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where a file is not fresh.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that were edited by hand.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compile backbones to files that import torch only."""
    from relgraph import pipeline

    wanted = [find(name, ["backbones"]).word for name in names or shipped("backbones")]
    made = pipeline.generate(wanted, out, check=check, force=force)
    rows = [{"name": one.name, "path": str(one.path), "status": one.status} for one in made]
    if json:
        output.print_json(rows)
    else:
        output.print_table(("backbone", "file", ""), [tuple(row.values()) for row in rows])
    if not all(one.ok for one in made):
        raise typer.Exit(1)


class What(StrEnum):
    """What `new` can begin."""

    operator = "operator"
    backbone = "backbone"


def new(
    what: Annotated[What, typer.Argument(help="operator or backbone")],
    name: Annotated[str, typer.Argument(help="The new spec's name; the file is NAME.yaml.")],
    like: Annotated[
        str | None, typer.Option(help="Begin with this spec instead of a small example.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the new file.")] = Path(),
) -> None:
    """Write a commented, valid spec to begin with."""
    from relgraph.cli.templates import begin

    path = begin(what.value, name, like, out)
    output.say(f"{path}: edit it, then `relgraph check {path}`")
