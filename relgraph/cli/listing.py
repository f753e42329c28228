"""`list` and `schema`: what ships, and the language for editors."""

from __future__ import annotations

from pathlib import Path

import click

from relgraph.cli import output
from relgraph.cli.options import as_json
from relgraph.shipped import KINDS, Kind, shipped


@click.command
@click.argument("kind", type=click.Choice(KINDS), required=False, help="Only this kind.")
@as_json
def list_specs(kind: Kind | None, json: bool) -> None:
    """List the shipped operators, backbones and recipes."""
    kinds = KINDS if kind is None else (kind,)
    entries = [_entry(k, name, path) for k in kinds for name, path in shipped(k).items()]
    if json:
        output.print_json(entries)
        return
    for k in kinds:
        rows = [(e["name"], e["about"]) for e in entries if e["kind"] == k]
        output.print_table((k, ""), rows)


@click.command
def schema() -> None:
    """Print the JSON Schema of spec files."""
    from relgraph.spec.json_schema import json_schema

    output.print_json(json_schema())


def _entry(kind: Kind, name: str, path: Path) -> dict[str, str]:
    from relgraph.spec.document import MapNode, load, plain

    document = load(path)
    cite = document.root.get("cite") if isinstance(document.root, MapNode) else None
    return {
        "kind": kind,
        "name": name,
        "about": about(document.text),
        "cite": str(plain(cite)) if cite is not None else "",
        "path": str(path),
    }


def about(text: str) -> str:
    """The first sentence of the comment at the top of a spec file, on one line."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    sentence, *_ = " ".join(lines).split(". ")
    return sentence.rstrip(".")
