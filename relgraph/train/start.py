"""Where a training starts from: a request in, everything that can be known before a process runs.

All of a user's mistakes that need no device are found here, before any process is started or any
folder made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from relgraph.errors import Problem, RelgraphError
from relgraph.files import sha256
from relgraph.spec.recipe_schema import Recipe
from relgraph.train.checkpoint import find_checkpoint
from relgraph.train.images import ImagesInMemory, LabelledImages, open_images
from relgraph.train.model import Architecture, build, default_size, parameter_count
from relgraph.train.plan import Plan
from relgraph.train.preparation import channels_of, preparation
from relgraph.train.request import TrainRequest
from relgraph.train.run_folder import Run, read_folder, split_checkpoint

_PICTURE_SIZE = (224, 224)


@dataclass(frozen=True, eq=False)
class Start:
    """A run that stands in `folder` or will be made, and the checkpoint to go on from, if any.

    `plan` is the main process's; the others replace its rank.
    """

    run: Run
    recipe: Recipe
    images: LabelledImages
    plan: Plan
    model_file: Path
    folder: Path | None = None
    checkpoint: Path | None = None


def start_of(request: TrainRequest) -> Start:
    """What a request asks to train. Raises RelgraphError where that can't be."""
    start = _fresh(request) if request.resume is None else _resumed(request, request.resume)
    _try_one_step(start)
    return start


def _fresh(request: TrainRequest) -> Start:
    if request.model is None or request.recipe is None:
        found = "neither a model and a recipe nor a run to resume"
        raise RelgraphError(Problem("bad-request", found, "expected one of them"))
    recipe = _with_absolute_path(request.recipe)
    images = open_images(recipe.data)
    size = _input_size(request.model, recipe, images)
    architecture = Architecture(
        num_classes=len(images.classes),
        in_chans=channels_of(recipe, images),
        img_size=size,
        drop_path_rate=recipe.drop_path,
    )
    with torch.device("meta"):
        parameters = parameter_count(build(request.model, architecture))
    run = Run(
        model_file=request.model.name,
        model_sha256=sha256(request.model.read_bytes()),
        architecture=architecture,
        preparation=preparation(recipe, images, size),
        classes=images.classes,
        fingerprint=images.fingerprint,
        parameters=parameters,
    )
    return Start(run, recipe, images, _plan(request, recipe, images), request.model)


def _resumed(request: TrainRequest, resume: Path) -> Start:
    folder, checkpoint = split_checkpoint(resume)
    run, recipe = read_folder(folder)
    images = open_images(recipe.data)
    if images.fingerprint != run.fingerprint:
        raise RelgraphError(
            Problem(
                "data-changed",
                found=f"other images in {recipe.data.path or recipe.data.kind}",
                expected="expected those that the run began with",
                hint="put them back, or start a new run with --init",
            )
        )
    checkpoint = checkpoint or find_checkpoint(folder / "checkpoints", "last")
    plan = _plan(request, recipe, images)
    return Start(run, recipe, images, plan, folder / run.model_file, folder, checkpoint)


def _plan(request: TrainRequest, recipe: Recipe, images: LabelledImages) -> Plan:
    return Plan(
        images=len(images.train),
        batch_size=recipe.batch_size,
        accumulation=recipe.accumulation,
        epochs=recipe.epochs,
        seed=recipe.seed,
        world_size=request.devices * request.num_nodes,
    )


def _with_absolute_path(recipe: Recipe) -> Recipe:
    """The run folder's recipe must find the images from any working directory."""
    if recipe.data.path is None:
        return recipe
    data = recipe.data.model_copy(update={"path": str(Path(recipe.data.path).absolute())})
    return recipe.model_copy(update={"data": data})


def _input_size(model: Path, recipe: Recipe, images: LabelledImages) -> tuple[int, int]:
    if recipe.data.size is not None:
        return (recipe.data.size, recipe.data.size)
    own = default_size(model)
    if own is not None:
        return own
    if isinstance(images.train, ImagesInMemory):
        height, width = images.train.pixels.shape[2:]
        return (int(height), int(width))
    return _PICTURE_SIZE


def _try_one_step(start: Start) -> None:
    """Run one batch without memory: a size that the model refuses, or a batch norm over one value
    (as a pooled predictor's on one image, which has no variance), is told before anything starts.
    """
    size, architecture = start.run.preparation.size, start.run.architecture
    batch = start.plan.micro_batch_size
    with torch.device("meta"):
        model = build(start.model_file, architecture).train()
        images = torch.zeros(batch, architecture.in_chans, *size)
        try:
            model(images)
        except NotImplementedError:
            return  # an operation that can't run without memory says nothing about the sizes
        except (ValueError, RuntimeError) as error:
            raise RelgraphError(
                Problem(
                    "model-refuses",
                    found=f"{batch} images of {size[0]} x {size[1]} per step: {error}",
                    expected="sizes that the model accepts",
                    hint="set data.size=…; a batch norm needs two images: batch_size=…",
                )
            ) from None
