"""`train`, `evaluate` and `predict`: requests to `relgraph.train`, its answers on a terminal."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relgraph.cli import output
from relgraph.cli.compiled import model_file
from relgraph.errors import Problem, RelgraphError

if TYPE_CHECKING:
    from relgraph.spec.recipe_schema import DataSource
    from relgraph.train import Evaluation, Prediction, RunResult, TrainRequest


class Device(StrEnum):
    """Where to run."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Which(StrEnum):
    """Which checkpoint of a run."""

    best = "best"
    last = "last"


class Part(StrEnum):
    """Which images of a data set."""

    test = "test"
    train = "train"


Accelerator = Annotated[Device, typer.Option(help="Where to run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Run = Annotated[Path, typer.Argument(help="A run folder, or one of its checkpoints.")]
Checkpoint = Annotated[Which, typer.Option(help="Which weights of a run.")]


def train(
    backbone: Annotated[
        str | None, typer.Argument(help="A backbone, or an emitted .py file.", metavar="BACKBONE")
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="A shipped recipe, or a path to your own.")
    ] = "fashion_demo",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override a value of the recipe: optimizer.lr=3e-4."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder; runs/NAME-001 and so on by default.")
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="Begin with the weights of a run or a .safetensors file.")
    ] = None,
    reset_head: Annotated[
        bool, typer.Option("--reset-head", help="With --init: a fresh classifier.")
    ] = False,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with a run folder, bit for bit.")
    ] = None,
    accelerator: Accelerator = Device.auto,
    devices: Annotated[int, typer.Option(min=1, help="Processes on each machine.")] = 1,
    num_nodes: Annotated[int, typer.Option(min=1, help="Machines.")] = 1,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard files.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing on the way.")] = False,
) -> None:
    """Train a backbone, or go on with a run.

    Ctrl-C and SIGTERM save and leave; --resume goes on, bit for bit.
    """
    from relgraph.spec.recipe import find_recipe, load_recipe
    from relgraph.train import TrainRequest

    where: dict[str, Any] = {
        "accelerator": accelerator.value,
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
    chosen = load_recipe(find_recipe(recipe), settings or ())
    with tempfile.TemporaryDirectory(prefix="relgraph-") as folder:
        made = asdict(model_file(backbone, Path(folder)))
        begin: dict[str, Any] = {
            "recipe": chosen,
            "out": out,
            "init": init,
            "reset_head": reset_head,
        }
        _train(TrainRequest(**made, **begin, **where))


def evaluate(
    run: Run,
    checkpoint: Checkpoint = Which.best,
    split: Annotated[Part, typer.Option(help="Which images of the data set.")] = Part.test,
    data: Annotated[
        Path | None,
        typer.Option(help="Other images: a folder of IDX files, or with folders train and val."),
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images at a time.")] = None,
    accelerator: Accelerator = Device.auto,
    json: AsJson = False,
) -> None:
    """Score a run's weights on labelled images."""
    from relgraph import train as training

    request = training.EvaluateRequest(
        run=run,
        checkpoint=checkpoint.value,
        split=split.value,
        data=None if data is None else _source(data),
        accelerator=accelerator.value,
        batch_size=batch_size,
    )
    evaluation = training.evaluate(request)
    if json:
        output.print_json({**asdict(evaluation), "checkpoint": str(evaluation.checkpoint)})
        return
    _print_evaluation(evaluation)


def predict(
    run: Run,
    images: Annotated[list[Path], typer.Argument(help="Pictures of any size.", metavar="IMAGE…")],
    top: Annotated[int, typer.Option(min=1, help="How many classes to name.")] = 3,
    checkpoint: Checkpoint = Which.best,
    accelerator: Accelerator = Device.auto,
    json: AsJson = False,
) -> None:
    """Classify pictures with a run's weights."""
    from relgraph import train as training

    predictions = training.predict(
        training.PredictRequest(
            run=run,
            images=tuple(images),
            top_k=top,
            checkpoint=checkpoint.value,
            accelerator=accelerator.value,
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
        raise typer.Exit(result.exit_code)


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
