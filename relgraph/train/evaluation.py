"""A run and labelled images in, its score out."""

from __future__ import annotations

import time
from contextlib import nullcontext

from relgraph.errors import Problem, RelgraphError
from relgraph.train.finished import Finished, load_finished
from relgraph.train.images import LabelledImages, open_images
from relgraph.train.request import EvaluateRequest, Evaluation
from relgraph.train.scoring import tally
from relgraph.train.stream import evaluation_batches

_BATCH_SIZE = 128


def run_evaluation(request: EvaluateRequest) -> Evaluation:
    """Score a run's model; see `relgraph.train.evaluate`."""
    finished = load_finished(request.run, request.checkpoint, request.accelerator)
    labelled = _images(request, finished)
    images = labelled.train if request.split == "train" else labelled.test
    batch_size = request.batch_size or finished.recipe.evaluation.batch_size or _BATCH_SIZE
    batches = evaluation_batches(
        images, finished.run.preparation, batch_size, finished.recipe.workers
    )
    began = time.perf_counter()
    counted = tally(finished.model, batches, len(labelled.classes), finished.device, nullcontext)
    assert counted is not None, "nothing asked this evaluation to stop"
    seconds = time.perf_counter() - began
    rates = (counted.per_class[:, 0] / counted.per_class[:, 1].clamp(min=1)).tolist()
    return Evaluation(
        score=counted.score(),
        per_class=tuple(zip(labelled.classes, rates, strict=True)),
        checkpoint=finished.checkpoint,
        images_per_second=len(images) / seconds,
    )


def _images(request: EvaluateRequest, finished: Finished) -> LabelledImages:
    labelled = open_images(request.data or finished.recipe.data)
    if labelled.classes != finished.run.classes:
        raise RelgraphError(
            Problem(
                "other-classes",
                found=f"images of {len(labelled.classes)} classes: {_some(labelled.classes)}",
                expected=f"the run's {len(finished.run.classes)}: {_some(finished.run.classes)}",
            )
        )
    return labelled


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
