"""A run and pictures in, the most probable classes of each out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from relgraph.errors import Problem, RelgraphError
from relgraph.train.finished import Finished, load_finished
from relgraph.train.pictures import read_picture
from relgraph.train.request import Prediction, PredictRequest
from relgraph.train.transforms import evaluation_transform


def run_prediction(request: PredictRequest) -> tuple[Prediction, ...]:
    """Classify pictures; see `relgraph.train.predict`."""
    if request.top_k < 1:
        raise RelgraphError(
            Problem("bad-request", f"the top {request.top_k}", "expected 1 or more")
        )
    _refuse_unreadable(request.images)
    finished = load_finished(request.run, request.checkpoint, request.accelerator)
    prepare = _preparing(finished)
    # One picture at a time: a batch would need memory for all, and give other last digits.
    return tuple(
        Prediction(
            image=path, classes=_ranked(finished, prepare(read_picture(path)), request.top_k)
        )
        for path in request.images
    )


def _refuse_unreadable(images: tuple[Path, ...]) -> None:
    problems: list[Problem] = []
    for path in images:
        try:
            read_picture(path)
        except RelgraphError as error:
            problems.extend(error.problems)
    if problems:
        raise RelgraphError(problems)


def _preparing(finished: Finished) -> Callable[[Image.Image], Tensor]:
    """As the run's own test images were prepared: files by timm, stored pixels as tensors."""
    preparation = finished.run.preparation
    if finished.recipe.data.kind != "image_folder":
        return preparation.picture
    transform = evaluation_transform(preparation)
    return lambda picture: transform(picture)[None]


def _ranked(finished: Finished, image: Tensor, top_k: int) -> tuple[tuple[str, float], ...]:
    """(name, probability) of the `top_k` classes of one image (1, C, H, W)."""
    with torch.inference_mode():
        logits = finished.model(image.to(finished.device)).float()
    best = logits.softmax(1)[0].topk(min(top_k, logits.shape[1]))
    names = finished.run.classes
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return tuple((names[index], probability) for index, probability in pairs)
