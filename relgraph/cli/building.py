"""`generate` and `new`: files that relgraph writes for a person."""

from __future__ import annotations

from pathlib import Path

import click

from relgraph.cli import output
from relgraph.cli.naming import find
from relgraph.cli.options import PATH, as_json
from relgraph.shipped import shipped


@click.command
@click.argument(
    "names", nargs=-1, metavar="[NAME]...", help="Backbones; all that ship where none is named."
)
@click.option("--out", type=PATH, default="generated", help="Folder of the emitted files.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a file is not fresh.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited by hand.")
@click.option("--tuned", type=PATH, metavar="FILE", help="Forms that `bench --tune` has chosen.")
@as_json
def generate(
    names: tuple[str, ...], out: Path, check: bool, force: bool, tuned: Path | None, json: bool
) -> None:
    """Compile backbones to files that import torch only."""
    from relgraph import pipeline
    from relgraph.tuned import read_tuned

    wanted = [find(name, ["backbones"]).word for name in names or shipped("backbones")]
    forms = None if tuned is None else read_tuned(tuned)
    made = pipeline.generate(wanted, out, check=check, force=force, tuned=forms)
    rows = [{"name": one.name, "path": str(one.path), "status": one.status} for one in made]
    if json:
        output.print_json(rows)
    else:
        output.print_table(("backbone", "file", ""), [tuple(row.values()) for row in rows])
    if not all(one.ok for one in made):
        raise click.exceptions.Exit(1)


@click.command
@click.argument("what", type=click.Choice(["operator", "backbone"]), help="What to begin.")
@click.argument("name", help="The new spec's name; the file is NAME.yaml.")
@click.option("--like", metavar="NAME", help="Begin with this spec instead of a small example.")
@click.option("--out", type=PATH, default=".", help="Folder of the new file.")
def new(what: str, name: str, like: str | None, out: Path) -> None:
    """Write a commented, valid spec to begin with."""
    from relgraph.cli.templates import begin

    path = begin(what, name, like, out)
    output.say(f"{path}: edit it, then `relgraph check {path}`")
