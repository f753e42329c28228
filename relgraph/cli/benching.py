"""`bench`: all forms of a backbone's connections, timed where it uses them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from relgraph.cli import output
from relgraph.cli.naming import find
from relgraph.cli.options import AT_LEAST_ONE, PATH, as_json
from relgraph.cli.requirements import require

if TYPE_CHECKING:
    from relgraph.bench import Benched, Measured
    from relgraph.bench.request import Case


@click.command
@click.argument("name", help="A backbone.")
@click.option("--batch", type=AT_LEAST_ONE, default=8, help="Images at once.")
@click.option("--rounds", type=AT_LEAST_ONE, default=7, help="Timed runs of every form.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", help="Where to run.")
@click.option("--compile", "compiled", is_flag=True, help="Time torch.compile's code, not eager.")
@click.option("--tune", type=PATH, metavar="FILE", help="Write the choice for `generate --tuned`.")
@click.option(
    "--for",
    "what",
    type=click.Choice(["forward", "training"]),
    default="training",
    help="What --tune chooses by.",
)
@as_json
def bench(
    name: str,
    batch: int,
    rounds: int,
    device: str,
    compiled: bool,
    tune: Path | None,
    what: str,
    json: bool,
) -> None:
    """Time every form of a backbone's connections at the sizes where it uses them.

    Forms run in turn in one process. Ratios are to the form that `generate` takes, below 1 is
    faster; rate is the part of this machine's matrix-product rate that a form reaches.
    """
    require("torch", "torch", "measure forms")
    from relgraph.bench import BenchRequest
    from relgraph.bench import bench as measure
    from relgraph.bench.run import chosen
    from relgraph.tuned import write_tuned

    with output.progress("compiling") as progress:
        request = BenchRequest(
            backbone=find(name, ["backbones"]).word,
            batch=batch,
            rounds=rounds,
            device=device,
            compiled=compiled,
            progress=progress,
        )
        benched = measure(request)
    if tune is not None:
        tuned = chosen(benched, "forward" if what == "forward" else "training step")
        write_tuned(tune, tuned)
    if json:
        output.print_json(benched.to_json())
        return
    _print(benched)
    if tune is not None:
        output.say(f"{tune}: {len(tuned.choices)} of {len(benched.cases)} connections take another")


def _print(benched: Benched) -> None:
    headers = ("operator", "channels", "map", "uses", "form")
    sides = ("forward ms", "ratio", "MB", "rate", "step ms", "ratio", "MB", "rate")
    rows: list[tuple[object, ...]] = []
    for case in benched.cases:
        rows += _rows(case)
    output.print_table((*headers, *sides), rows)
    output.say()
    rate = f"{benched.matmul_rate / 1e9:.1f} G multiply-adds/s in matrix products"
    output.say(f"{benched.machine}: {rate}; {benched.batch} images")


def _rows(case: Case) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    pairs = zip(case.of("forward"), case.of("training step"), strict=True)
    for number, (forward, step) in enumerate(pairs):
        grid = f"{case.grid[0]}x{case.grid[1]}"
        first = (case.name, case.channels, grid, len(case.where)) if not number else ("",) * 4
        rows.append((*first, forward.form, *_numbers(forward), *_numbers(step)))
    return rows


def _numbers(one: Measured) -> tuple[str, ...]:
    memory = "-" if one.megabytes is None else f"{one.megabytes:.1f}"
    return (f"{1e3 * one.median:.2f}", f"{one.ratio:.2f}", memory, f"{one.rate:.0%}")
