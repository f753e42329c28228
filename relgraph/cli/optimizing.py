"""`optimize`: a trained model for use only, with norms folded into layers."""

from __future__ import annotations

from pathlib import Path

import click

from relgraph.cli import output
from relgraph.cli.naming import find
from relgraph.cli.options import PATH, as_json
from relgraph.cli.process import FALSE
from relgraph.cli.requirements import require


@click.command
@click.argument("checkpoint", type=PATH, help="A run, one of its checkpoints, or .safetensors.")
@click.option("--from", "model", metavar="NAME", help="What was trained; a run's own by default.")
@click.option("-o", "--out", type=PATH, required=True, help="A new folder.")
@as_json
def optimize(checkpoint: Path, model: str | None, out: Path, json: bool) -> None:
    """Write a trained model for use only: the same function in fewer steps.

    Norms with known statistics and learned scales go into the layers beside them, biases and masks
    of attention become one table. OUT goes into `evaluate`, `predict` and `export`; `verify` proves
    its file. Exits with 1, and writes nothing, where the logits are not the model's.
    """
    require("torch", "torch", "optimize a model")
    from relgraph.optimize import optimize as run

    if model is not None and not model.endswith(".py"):
        model = find(model, ["backbones"]).word
    with output.progress("reading") as progress:
        made = run(checkpoint, out, model, progress)
    if json:
        output.print_json({**made.to_json(), "ok": made.ok})
    else:
        output.say(
            f"{made.name}: {made.folded} norms and scales folded, {made.kept} left as they are, "
            f"{made.baked} attentions baked"
        )
        difference = f"largest difference of a logit {made.difference:.1e} of the largest logit"
        if made.ok:
            output.say(f"{made.out}/{made.file}: {made.parameters:,} parameters; {difference}")
        else:
            output.say(f"{made.out} was not written: {difference}")
    if not made.ok:
        raise click.exceptions.Exit(FALSE)
