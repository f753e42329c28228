"""Run folders as a training leaves them, on the embedded images, without the training."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch

from relgraph.files import sha256
from relgraph.spec.recipe import find_recipe, load_recipe
from relgraph.train.checkpoint import publish, write_checkpoint
from relgraph.train.images import open_images
from relgraph.train.model import Architecture, Backbone
from relgraph.train.preparation import Preparation
from relgraph.train.run_folder import Run, fill_folder


def write_run(folder: Path, file: Path, model: Backbone) -> Path:
    """The run folder `folder` of `model`, which the emitted `file` built for 28 x 28 grey images
    and ten classes."""
    recipe = load_recipe(find_recipe("fashion_demo"))
    images = open_images(recipe.data)
    contents = {"model.safetensors": safetensors.torch.save(model.state_dict())}
    made = write_checkpoint(folder / "checkpoints", 7, contents)
    publish(folder / "checkpoints", "best", made)
    described = Run(
        model_file=file.name,
        model_sha256=sha256(file.read_bytes()),
        architecture=Architecture(num_classes=10, in_chans=1, img_size=(28, 28)),
        preparation=Preparation(size=(28, 28), channels=1, mean=(0.3,), std=(0.3,)),
        classes=images.classes,
        fingerprint=images.fingerprint,
        parameters=1,
    )
    fill_folder(folder, described, recipe, file, [], "")
    return folder
