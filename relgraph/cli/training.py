"""`train`, `evaluate` and `predict`: requests to `relgraph.train`, its answers on a terminal."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from relgraph.cli import output
from relgraph.cli.compiled import model_file
from relgraph.cli.options import AT_LEAST_ONE, PATH, as_json
from relgraph.errors import Problem, RelgraphError

if TYPE_CHECKING:
    from relgraph.spec.recipe_schema import DataSource
    from relgraph.train import Evaluation, Prediction, RunResult, TrainRequest
    from relgraph.train.request import Accelerator, Split

    Which = Literal["best", "last"]


accelerator_option = click.option(
    "--accelerator",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    help="Where to run.",
)
checkpoint_option = click.option(
    "--checkpoint",
    type=click.Choice(["best", "last"]),
    default="best",
    help="Which weights of a run.",
)
run_argument = click.argument("run", type=PATH, help="A run folder, or one of its checkpoints.")


@click.command
@click.argument("backbone", required=False, help="A backbone, or an emitted .py file.")
@click.option("--recipe", default="fashion_demo", help="A shipped recipe, or a path to your own.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a value of the recipe: optimizer.lr=3e-4.",
)
@click.option("--out", type=PATH, help="Run folder; runs/NAME-001 and so on by default.")
@click.option("--init", type=PATH, help="Begin with the weights of a run or a .safetensors file.")
@click.option("--reset-head", is_flag=True, help="With --init: a fresh classifier.")
@click.option("--resume", type=PATH, help="Go on with a run folder, bit for bit.")
@accelerator_option
@click.option("--devices", type=AT_LEAST_ONE, default=1, help="Processes on each machine.")
@click.option("--num-nodes", type=AT_LEAST_ONE, default=1, help="Machines.")
@click.option("--tensorboard", is_flag=True, help="Also write TensorBoard files.")
@click.option("--quiet", is_flag=True, help="Say nothing on the way.")
def train(
    backbone: str | None,
    recipe: str,
    settings: tuple[str, ...],
    out: Path | None,
    init: Path | None,
    reset_head: bool,
    resume: Path | None,
    accelerator: Accelerator,
    devices: int,
    num_nodes: int,
    tensorboard: bool,
    quiet: bool,
) -> None:
    """Train a backbone, or go on with a run.

    Ctrl-C and SIGTERM save and leave; --resume goes on, bit for bit.
    """
    from relgraph.spec.recipe import find_recipe, load_recipe
    from relgraph.train import TrainRequest

    where: dict[str, Any] = {
        "accelerator": accelerator,
        "devices": devices,
        "num_nodes": num_nodes,
        "tensorboard": tensorboard,
        "quiet": quiet,
    }
    if resume is not None:
        _refuse_beside_resume(BACKBONE=backbone, init=init, out=out, set=settings)
        _train(TrainRequest(resume=resume, **where))
        return
    if backbone is None:
        found = "no backbone to train and no run to go on with"
        raise RelgraphError(Problem("what-to-train", found, "a BACKBONE, or --resume RUN"))
    chosen = load_recipe(find_recipe(recipe), settings)
    with tempfile.TemporaryDirectory(prefix="relgraph-") as folder:
        made = asdict(model_file(backbone, Path(folder)))
        begin: dict[str, Any] = {
            "recipe": chosen,
            "out": out,
            "init": init,
            "reset_head": reset_head,
        }
        _train(TrainRequest(**made, **begin, **where))


@click.command
@run_argument
@checkpoint_option
@click.option(
    "--split",
    type=click.Choice(["test", "train"]),
    default="test",
    help="Which images of the data set.",
)
@click.option(
    "--data", type=PATH, help="Other images: a folder of IDX files, or with folders train and val."
)
@click.option("--batch-size", type=AT_LEAST_ONE, help="Images at a time.")
@accelerator_option
@as_json
def evaluate(
    run: Path,
    checkpoint: Which,
    split: Split,
    data: Path | None,
    batch_size: int | None,
    accelerator: Accelerator,
    json: bool,
) -> None:
    """Score a run's weights on labelled images."""
    from relgraph import train as training

    request = training.EvaluateRequest(
        run=run,
        checkpoint=checkpoint,
        split=split,
        data=None if data is None else _source(data),
        accelerator=accelerator,
        batch_size=batch_size,
    )
    evaluation = training.evaluate(request)
    if json:
        output.print_json({**asdict(evaluation), "checkpoint": str(evaluation.checkpoint)})
        return
    _print_evaluation(evaluation)


@click.command
@run_argument
@click.argument(
    "images",
    nargs=-1,
    required=True,
    type=PATH,
    metavar="IMAGE...",
    help="Pictures of any size.",
)
@click.option("--top", type=AT_LEAST_ONE, default=3, help="How many classes to name.")
@checkpoint_option
@accelerator_option
@as_json
def predict(
    run: Path,
    images: tuple[Path, ...],
    top: int,
    checkpoint: Which,
    accelerator: Accelerator,
    json: bool,
) -> None:
    """Classify pictures with a run's weights."""
    from relgraph import train as training

    predictions = training.predict(
        training.PredictRequest(
            run=run,
            images=images,
            top_k=top,
            checkpoint=checkpoint,
            accelerator=accelerator,
        )
    )
    if json:
        output.print_json([{**asdict(one), "image": str(one.image)} for one in predictions])
        return
    output.print_table(("image", "class", "probability"), _prediction_rows(predictions))


def _train(request: TrainRequest) -> None:
    from relgraph import train as training

    result = training.train(request)
    if result.is_main and not result.interrupted:
        _print_result(result)
    if result.exit_code:
        raise click.exceptions.Exit(result.exit_code)


def _print_result(result: RunResult) -> None:
    rows = [
        ("run folder", str(result.run)),
        ("parameters", f"{result.parameters:,}"),
        ("epochs", str(result.epochs)),
        ("updates", f"{result.updates:,}"),
    ]
    if result.images_per_second:  # nothing was left to do for a finished run
        rows.append(("images/s in training", f"{result.images_per_second:,.0f}"))
    if result.score is not None:
        rows.append(("top-1", f"{result.score.top1:.2%}"))
    if result.best_top1 is not None:
        rows.append(("best top-1", f"{result.best_top1:.2%}"))
    output.print_table(("", ""), rows)


def _print_evaluation(evaluation: Evaluation) -> None:
    score = evaluation.score
    rows = [
        ("top-1", f"{score.top1:.2%}"),
        ("top-5", f"{score.top5:.2%}"),
        ("loss", f"{score.loss:.4f}"),
        ("images", f"{score.images:,}"),
        ("images/s", f"{evaluation.images_per_second:,.0f}"),
    ]
    output.print_table(("", str(evaluation.checkpoint)), rows)
    classes = [(name, f"{accuracy:.2%}") for name, accuracy in evaluation.per_class]
    output.print_table(("class", "accuracy"), classes)


def _prediction_rows(predictions: tuple[Prediction, ...]) -> list[tuple[str, str, str]]:
    return [
        (str(one.image) if rank == 0 else "", name, f"{probability:.1%}")
        for one in predictions
        for rank, (name, probability) in enumerate(one.classes)
    ]


def _source(folder: Path) -> DataSource:
    from relgraph.spec.recipe_schema import DataSource

    is_idx = any(folder.glob("*-idx3-ubyte*"))
    return DataSource(kind="idx" if is_idx else "image_folder", path=str(folder))


def _refuse_beside_resume(**given: object) -> None:
    clashing = [name if name.isupper() else f"--{name}" for name, value in given.items() if value]
    if clashing:
        found = f"{', '.join(clashing)} beside --resume"
        expected = "a run goes on with what it began with"
        raise RelgraphError(Problem("resume-alone", found, expected))
