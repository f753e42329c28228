"""`check`: every mistake of the given files at once, without building a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from relgraph.cli import output
from relgraph.cli.naming import Named, files_in, find
from relgraph.errors import Problem, RelgraphError


@dataclass(frozen=True)
class Checked:
    """One file's outcome: its problems (errors refuse it, warnings and notes do not) and, in
    words, what its `replace` and `set` hit. `kind` is empty where even that is not to be seen."""

    path: str
    kind: str
    problems: tuple[Problem, ...]
    remarks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing in the file is an error."""
        return all(problem.severity != "error" for problem in self.problems)


@click.command
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="PATH...",
    help="Files, folders or names of shipped specs.",
)
@click.option("--json", is_flag=True, help="Print JSON, for editors and CI.")
def check(paths: tuple[str, ...], json: bool) -> None:
    """Check specs: every mistake with its place and a hint."""
    checked = [one for path in paths for one in _check_path(path)]
    if json:
        output.print_json([_to_json(one) for one in checked])
    else:
        for one in checked:
            _print(one)
    if not all(one.ok for one in checked):
        raise click.exceptions.Exit(2)


def _check_path(path: str) -> list[Checked]:
    names = files_in(Path(path)) if Path(path).is_dir() else (path,)
    return [_check_name(name) for name in names]


def _check_name(name: str) -> Checked:
    """A file that can't be read is one refused file among the others."""
    try:
        spec = find(name)
    except RelgraphError as error:
        return Checked(name, "", error.problems)
    return check_spec(spec)


def check_spec(spec: Named) -> Checked:
    """Resolve and assemble a spec; its problems as values."""
    try:
        return _accepted(spec)
    except RelgraphError as error:
        return Checked(str(spec.path), spec.kind, error.problems)


def _accepted(spec: Named) -> Checked:
    if spec.kind == "recipes":
        from relgraph.spec.recipe import load_recipe

        load_recipe(spec.path)
        return Checked(str(spec.path), spec.kind, ())
    if spec.kind == "operators":
        return _operator(spec)
    return _backbone(spec)


def _backbone(spec: Named) -> Checked:
    from relgraph.understanding import understand

    understood = understand(spec.word)
    hits = tuple(
        f"{hit.kind} {hit.address}: {hit.count} item{'s' if hit.count != 1 else ''}"
        for hit in understood.resolution.hits
    )
    return Checked(str(spec.path), spec.kind, understood.notes, hits)


def _operator(spec: Named) -> Checked:
    from relgraph.cli.alone import alone

    return Checked(str(spec.path), spec.kind, alone(spec.word).notes)


def _print(one: Checked) -> None:
    output.print_problems(one.problems)
    verdict = "ok" if one.ok else "refused"
    output.say(f"{one.path}: {verdict}")
    for remark in one.remarks:
        output.say(f"  {remark}")


def _to_json(one: Checked) -> dict[str, object]:
    return {
        "path": one.path,
        "kind": one.kind,
        "ok": one.ok,
        "problems": [problem.to_json() for problem in one.problems],
        "remarks": list(one.remarks),
    }
