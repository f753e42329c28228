"""A run folder in, its trained model out, ready to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from relgraph.spec.recipe_schema import Recipe
from relgraph.train.checkpoint import find_checkpoint
from relgraph.train.engine import resolved_accelerator
from relgraph.train.model import Backbone, build
from relgraph.train.request import Accelerator
from relgraph.train.run_folder import Run, read_folder, split_checkpoint
from relgraph.train.weights import put_weights, read_weights


@dataclass(frozen=True, eq=False)
class Finished:
    """A trained model in evaluation mode on `device`, and all that belongs to it."""

    run: Run
    recipe: Recipe
    checkpoint: Path
    model: Backbone
    device: torch.device


def load_finished(
    path: Path, pointer: Literal["best", "last"], accelerator: Accelerator
) -> Finished:
    """The model of a run folder or of a checkpoint folder in one, in float32.

    `pointer` chooses the checkpoint of a run. Averaged weights are taken where there are any.
    Raises RelgraphError.
    """
    folder, checkpoint = split_checkpoint(path)
    run, recipe = read_folder(folder)
    checkpoint = checkpoint or find_checkpoint(folder / "checkpoints", pointer)
    model = build(folder / run.model_file, run.architecture)
    put_weights(model, read_weights(checkpoint), head=set(), reset_head=False)
    device = torch.device(resolved_accelerator(accelerator))
    model.to(device).eval()
    model.to(memory_format=torch.channels_last)
    return Finished(run, recipe, checkpoint, model, device)
