"""`demo`: the whole idea on real images, in a few minutes, on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from relgraph.cli import output
from relgraph.cli.options import PATH
from relgraph.cli.requirements import require

if TYPE_CHECKING:
    from relgraph.demo.result import DemoResult


@click.command
@click.option("--out", type=PATH, default="demo", help="Folder of the demo; run again to go on.")
@click.option("--fresh", is_flag=True, help="Begin anew, whatever the folder holds.")
def demo(out: Path, fresh: bool) -> None:
    """Two specs, from YAML to a report page, in minutes.

    Checks, generates, proves and trains two small models on the embedded images, and compares.
    """
    require("lightning_fabric", "train", "train the demo's models")
    from relgraph.demo.run import run_demo

    outcome = run_demo(out, fresh=fresh, say=output.remark)
    if outcome.page is None or outcome.result is None:
        output.remark("stopped; run the same command again to go on")
        raise click.exceptions.Exit(130)
    _print(outcome.result)
    output.say(f"report page: {outcome.page}")
    if not all(check.ok for model in outcome.result.models for check in model.proof):
        output.say("a declared property does not hold: see the proofs on the page")
        raise click.exceptions.Exit(1)


def _print(result: DemoResult) -> None:
    rows: list[tuple[object, ...]] = [
        (
            model.name,
            model.mixer,
            model.parameters,
            model.macs,
            f"{model.training_rate:,.0f}",
            f"{model.inference_rate:,.0f}",
            f"{model.accuracy:.2%}",
        )
        for model in result.models
    ]
    linear = result.baseline
    accuracy = f"{linear.accuracy:.2%}"
    rows.append((linear.name, "", linear.parameters, linear.macs, "", "", accuracy))
    speeds = ("training images/s", "inference images/s")
    output.print_table(("model", "mixes by", "parameters", "MACs", *speeds, "accuracy"), rows)
