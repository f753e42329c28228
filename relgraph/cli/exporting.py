"""`export`: a model as a file for other runtimes, checked against the eager model."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from relgraph.cli import output
from relgraph.cli.compiled import model_file
from relgraph.cli.options import PATH
from relgraph.cli.requirements import require
from relgraph.errors import Problem, RelgraphError


@click.command
@click.argument(
    "name", help="A backbone or an emitted .py file (fresh weights), or a run folder (its best)."
)
@click.option("--onnx", is_flag=True, help="Write NAME.onnx.")
@click.option("--torch", is_flag=True, help="Write NAME.pt2, a torch.export program.")
@click.option("--out", type=PATH, help="The file to write.")
def export(name: str, onnx: bool, torch: bool, out: Path | None) -> None:
    """Export to ONNX or torch.export, and compare.

    The batch size is free. Exits with 1, and writes nothing, where the exported form computes
    something else than the model.
    """
    if onnx == torch:
        found = "both --onnx and --torch" if onnx else "neither --onnx nor --torch"
        raise RelgraphError(Problem("one-format", found, "one of them"))
    require("torch", "torch", "export a model")
    from relgraph.export import export as export_model

    with tempfile.TemporaryDirectory(prefix="relgraph-") as folder:
        is_run = Path(name).is_dir()
        model = Path(name) if is_run else model_file(name, Path(folder)).model
        path = out or Path(f"{_stem(model)}.{'onnx' if onnx else 'pt2'}")
        exported = export_model(model, "onnx" if onnx else "torch", path)
    difference = f"largest difference of a logit {exported.difference:.1e} of the largest logit"
    if not exported.ok:
        output.say(f"{path} was not written: {difference}")
        raise click.exceptions.Exit(1)
    output.say(f"{path}: {exported.bytes:,} bytes, agrees with the eager model ({difference})")


def _stem(model: Path) -> str:
    return model.resolve().name if model.is_dir() else model.stem
