"""`derive`: variants of a backbone along relations, as a table, a picture, and spec files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from relgraph.cli import output
from relgraph.cli.naming import find
from relgraph.cli.options import AT_LEAST_ONE, PATH, as_json
from relgraph.errors import Problem, RelgraphError, nearest

if TYPE_CHECKING:
    from relgraph.derive.answer import Derived, Variant
    from relgraph.derive.budgets import Budget
    from relgraph.derive.matching import Match
    from relgraph.derive.steps import Allowed
    from relgraph.derive.store import Written
    from relgraph.derive.variants import Request

LIMITS = ("max_parameters", "min_parameters", "max_macs", "min_macs")


@click.command
@click.argument("backbone", help="A shipped backbone, or a path to one.")
@click.option(
    "--operator",
    "operators",
    multiple=True,
    metavar="ADDRESS",
    help="Edit this operator, addressed as in replace; by default what mixes positions.",
)
@click.option("--stages", metavar="N,N,…", help="Only in these stages, counted from 1.")
@click.option("--steps", default="1", metavar="N|N..M", help="How many edits, one after the other.")
@click.option("--relation", "relations", multiple=True, help="Only this relation.")
@click.option(
    "--axis",
    "axes",
    multiple=True,
    type=click.Choice(["space", "channel", "weight"]),
    help="Only relations of this axis.",
)
@click.option(
    "--numbers",
    "words",
    multiple=True,
    metavar="KIND=N,N,…",
    help="Sizes that edits may write, as in kernel=3,5; by default such as fit.",
)
@click.option("--max-parameters", metavar="N", help="The most parameters, as in 25M.")
@click.option("--min-parameters", metavar="N", help="The least.")
@click.option("--max-macs", metavar="N", help="The most multiply-adds, as in 4.5G.")
@click.option("--min-macs", metavar="N", help="The least.")
@click.option(
    "--match",
    "measure",
    type=click.Choice(["parameters", "macs"]),
    help="Make every variant cost what the original costs.",
)
@click.option(
    "--by", type=click.Choice(["width", "depth"]), default="width", help="What --match changes."
)
@click.option(
    "--tolerance", type=click.FloatRange(0, 1), default=0.05, help="How near --match must come."
)
@click.option(
    "--rank",
    type=click.Choice(["distance", "parameters", "macs"]),
    default="distance",
    help="What comes first: few edits and a near cost, few parameters, few multiply-adds.",
)
@click.option("--limit", type=AT_LEAST_ONE, default=400, help="The most variants there may be.")
@click.option("--plot", type=PATH, help="Draw parameters and multiply-adds to this .svg or .png.")
@click.option("-o", "--out", type=PATH, help="Write variants as spec files into this folder.")
@click.option("--choose", multiple=True, metavar="NAME", help="Write this variant.")
@click.option("--top", type=AT_LEAST_ONE, help="Write so many, the first ones.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited by hand.")
@as_json
def derive(
    backbone: str,
    operators: tuple[str, ...],
    stages: str | None,
    steps: str,
    relations: tuple[str, ...],
    axes: tuple[str, ...],
    words: tuple[str, ...],
    measure: str | None,
    by: str,
    tolerance: float,
    rank: str,
    limit: int,
    plot: Path | None,
    out: Path | None,
    choose: tuple[str, ...],
    top: int | None,
    force: bool,
    json: bool,
    **limits: str | None,
) -> None:
    """Derive variants of BACKBONE: other operators by edits along relations, in its own frames.

    Every variant is read back from the spec that would be written, and costed.
    """
    from relgraph.cli.numbers import numbers
    from relgraph.derive import variants

    _check_writing(out, choose, top, plot)
    request = variants.Request(
        find(backbone, ["backbones"]).word,
        operators,
        _stages(stages),
        _steps(steps),
        _allowed(relations, axes),
        numbers(words),
        tuple(word.partition("=")[0] for word in words),
        _budget(limits),
        _match(measure, by, tolerance),
        rank,  # type: ignore[arg-type]
        limit,
    )
    with output.progress("counting variants") as progress:
        found = variants.derive(request, progress)
    drawn = None if plot is None else _drawn(found, plot)
    written = [] if out is None else _write(request, found, choose, top, out, force)
    if plot is not None and drawn is not None:
        from relgraph.files import write_atomically

        write_atomically(plot, drawn)
    _tell(found, written, plot, json)


def _check_writing(
    out: Path | None, choose: tuple[str, ...], top: int | None, plot: Path | None
) -> None:
    if out is None and (choose or top):
        raise RelgraphError(
            Problem("no-folder", "--choose or --top without a folder", "-o DIR", "")
        )
    if choose and top:
        raise RelgraphError(Problem("two-choices", "--choose beside --top", "one of them", ""))
    if plot is not None and plot.suffix.lower() not in (".svg", ".png"):
        found = f"{plot} ends in {plot.suffix!r}"
        raise RelgraphError(Problem("unknown-format", found, ".svg or .png", ""))


def _drawn(found: Derived, plot: Path) -> str | bytes:
    """The cost plane in the format of the file's ending. Raises RelgraphError where nothing that
    draws PNG is installed."""
    from relgraph.derive.picture import picture
    from relgraph.graph.picture import png

    text = picture(found)
    return text if plot.suffix.lower() == ".svg" else png(text)


def _stages(text: str | None) -> tuple[int, ...]:
    """Stages as they are counted inside, from 0."""
    parts = [] if text is None else [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise RelgraphError(Problem("bad-stages", repr(text), "numbers from 1, as in 3,4", ""))
    return tuple(int(part) - 1 for part in parts)


def _steps(text: str) -> range:
    least, dots, most = text.partition("..")
    numbers = (least, most or least)
    if not all(n.isdecimal() and int(n) > 0 for n in numbers) or (dots and not most):
        raise RelgraphError(Problem("bad-steps", repr(text), "a number, or a range as in 1..2", ""))
    first, last = (int(n) for n in numbers)
    if last < first:
        raise RelgraphError(Problem("bad-steps", repr(text), "the smaller number first", ""))
    return range(first, last + 1)


def _allowed(relations: tuple[str, ...], axes: tuple[str, ...]) -> Allowed:
    from relgraph.derive.steps import Allowed
    from relgraph.relations.table import RELATIONS

    known = {row.name for row in RELATIONS}
    said = {name: name.replace("-", " ").replace("_", " ").lower() for name in relations}
    legal = {name.replace("-", " "): name for name in known}  # un-normalise
    problems = [
        Problem("unknown-relation", f"no relation is called {name}", "", nearest(word, known))
        for name, word in said.items()
        if word not in legal
    ]
    if problems:
        raise RelgraphError(problems)
    return Allowed(frozenset(legal[word] for word in said.values()), frozenset(axes))


def _budget(limits: dict[str, str | None]) -> Budget:
    from relgraph.derive.budgets import MEASURES, Budget, Limit, amount

    found = []
    for name in LIMITS:
        text = limits[name]
        way, _, measure = name.partition("_")
        if text is not None:
            (known,) = (one for one in MEASURES if one == measure)
            found.append(Limit(known, amount(text), way == "min"))
    return Budget(tuple(found))


def _match(measure: str | None, by: str, tolerance: float) -> Match | None:
    from relgraph.derive.matching import Match

    return None if measure is None else Match(measure, by, tolerance)  # type: ignore[arg-type]


def _write(
    request: Request,
    found: Derived,
    choose: tuple[str, ...],
    top: int | None,
    out: Path,
    force: bool,
) -> list[Written]:
    from relgraph.derive.source import source
    from relgraph.derive.store import chosen, store

    wanted: list[Variant] = chosen(found.variants, choose, top)
    return store(wanted, source(request.backbone), out, force)


def _tell(found: Derived, written: list[Written], plot: Path | None, json: bool) -> None:
    if json:
        files = [{"path": str(one.path), "status": one.status} for one in written]
        drawn = None if plot is None else str(plot)
        output.print_json({**found.to_json(), "files": files, "plot": drawn})
        return
    for line in found.lines():
        output.say(line)
    for table in found.tables():
        output.say()
        output.print_table(table.headers, table.rows)
    if written:
        output.say()
        output.print_table(("file", ""), [(one.path, one.status) for one in written])
    if plot is not None:
        output.say(f"drew {plot}")
