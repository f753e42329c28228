"""Finished trainings in, the report's numbers out."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from relgraph import __version__, pipeline, train
from relgraph.assemble.cost import cost
from relgraph.assemble.walking import nodes
from relgraph.demo.excerpt import block_of
from relgraph.demo.observe import Trained, galleries, guesses, open_trained
from relgraph.demo.result import Baseline, DemoResult, Epoch, ModelResult, Sample
from relgraph.program import Connect, Program
from relgraph.shipped import shipped
from relgraph.train.metrics import read_metrics
from relgraph.verify.report import Report

FIRST_SHOWN = 12
DISAGREEMENTS_SHOWN = 6


@dataclass(frozen=True)
class Prepared:
    """One model before its training: compiled, written to `path`, proved."""

    name: str
    mixer: str
    compiled: pipeline.Compiled
    path: Path
    report: Report


def compare(prepared: Sequence[Prepared], out: Path, began: float) -> DemoResult:
    """Everything the page shows, from the runs that stand in `out` under the models' names."""
    baseline = _baseline()
    trained = {one.name: open_trained(out / one.name) for one in prepared}
    first = next(iter(trained.values()))
    return DemoResult(
        models=tuple(_result(one, trained[one.name], out) for one in prepared),
        baseline=baseline,
        samples=_samples(trained),
        images=(first.training_images, len(first.labels)),
        seconds=time.perf_counter() - began,
        facts=_facts(first),
    )


def _baseline() -> Baseline:
    began = time.perf_counter()
    score = train.linear_baseline()
    pixels, classes = 28 * 28, 10
    return Baseline(
        name="logistic regression",
        parameters=(pixels + 1) * classes,
        macs=pixels * classes,
        seconds=time.perf_counter() - began,
        accuracy=score.top1,
    )


def _result(one: Prepared, trained: Trained, out: Path) -> ModelResult:
    run = out / one.name
    records = [record for record in read_metrics(run) if record["kind"] == "epoch"]
    evaluation = train.evaluate(
        train.EvaluateRequest(run=run, checkpoint="last", accelerator="cpu")
    )
    costs = cost(one.compiled.program)
    return ModelResult(
        name=one.name,
        mixer=one.mixer,
        mixer_path=_mixer_path(one.compiled.program),
        spec=shipped("backbones")[one.name].read_text("utf-8"),
        excerpt=block_of(one.compiled.text),
        emitted=one.path.relative_to(out).as_posix(),
        run=f"{one.name}/",
        parameters=costs.parameters,
        macs=costs.macs,
        training_rate=statistics.median(record["images_per_second"] for record in records),
        inference_rate=evaluation.images_per_second,
        seconds=sum(record["seconds"] for record in records),
        accuracy=evaluation.score.top1,
        epochs=_epochs(records),
        proof=one.report.checks,
        galleries=galleries(trained, one.name),
    )


def _mixer_path(program: Program) -> str:
    """Where the first connection of the blocks stands that sees more than its own position."""
    return next(
        path
        for path, node in nodes(program)
        if path.startswith("stages.0.blocks")
        and isinstance(node, Connect)
        and node.connection.operator.space.connect != "point"
    )


def _epochs(records: Sequence[Mapping[str, Any]]) -> tuple[Epoch, ...]:
    epochs, seconds = [], 0.0
    for record in records:
        seconds += record["seconds"]
        epochs.append(
            Epoch(
                epoch=record["epoch"],
                train_loss=record["train_loss"],
                test_loss=record["test_loss"],
                accuracy=record["top1"],
                seconds=round(seconds, 3),
            )
        )
    return tuple(epochs)


def _samples(trained: Mapping[str, Trained]) -> tuple[Sample, ...]:
    """The first test images as they come, then the first on which the models disagree."""
    first = next(iter(trained.values()))
    answers = [guesses(one, name, len(one.labels)) for name, one in trained.items()]
    columns = list(zip(*answers, strict=True))
    later = range(FIRST_SHOWN, len(columns))
    disagreeing = [at for at in later if len({guess.label for guess in columns[at]}) > 1]
    shown = [*range(FIRST_SHOWN), *disagreeing[:DISAGREEMENTS_SHOWN]]
    return tuple(
        Sample(
            image=tuple(tuple(row) for row in first.pixels[at, 0].tolist()),
            label=first.classes[int(first.labels[at])],
            guesses=columns[at],
        )
        for at in shown
    )


def _facts(trained: Trained) -> tuple[tuple[str, str], ...]:
    recipe = trained.finished.recipe
    return (
        ("command", "relgraph demo"),
        ("relgraph", __version__),
        ("Python", sys.version.split()[0]),
        ("torch", torch.__version__),
        ("machine", f"{platform.machine()}, {os.cpu_count()} cores"),
        ("threads", "one for each model; both trained at the same time"),
        ("recipe", f"{recipe.recipe}: {recipe.epochs} epochs of batches of {recipe.batch_size}"),
        ("seed", str(recipe.seed)),
        ("weights compared", "those after the last update; none were chosen on the test images"),
    )
