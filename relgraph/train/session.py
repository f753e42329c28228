"""From a request to a finished training: every part is made here, once, in reading order."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch
from lightning_fabric import Fabric
from timm.utils.model_ema import ModelEmaV3

from relgraph.errors import Problem, RelgraphError
from relgraph.spec.recipe_schema import Recipe
from relgraph.train.checkpoint import read_checkpoint
from relgraph.train.display import Display
from relgraph.train.engine import deterministic, resolved_accelerator, start_processes
from relgraph.train.lock import training_alone
from relgraph.train.loop import Training
from relgraph.train.metrics import Metrics
from relgraph.train.mixing import Targets
from relgraph.train.model import Backbone, build, head_names
from relgraph.train.optim import adamw
from relgraph.train.request import RunResult, TrainRequest
from relgraph.train.run_folder import fill_folder, new_folder
from relgraph.train.schedule import learning_rate
from relgraph.train.seeds import seed_all
from relgraph.train.signals import StopRequest
from relgraph.train.start import Start, start_of
from relgraph.train.state import Position, Trained
from relgraph.train.update import Updater
from relgraph.train.weights import put_weights, read_weights


def run_training(request: TrainRequest, stop: StopRequest | None = None) -> RunResult:
    """Train as `request` says; see `relgraph.train.train`. `stop` stands in for the signals."""
    start = start_of(request)
    targets = Targets(start.recipe, len(start.run.classes), start.plan.micro_batch_size)
    fabric = start_processes(request, start.recipe)
    model = _initial_model(request, start)
    folder = _folder(fabric, request, start)
    quiet = request.quiet or not fabric.is_global_zero
    with ExitStack() as entered:
        _alone(fabric, folder, entered)
        entered.enter_context(deterministic(resolved_accelerator(request.accelerator)))
        asked = entered.enter_context(stop or StopRequest(quiet))
        updater = _updater(fabric, start, model, targets)
        position = _restored(start, updater.trained)
        display = Display(start.plan.updates, start.recipe.epochs, position.updates, quiet)
        metrics = None
        if fabric.is_global_zero:
            metrics = Metrics(folder, position.updates, request.tensorboard)
            entered.callback(metrics.close)
        training = Training(
            fabric=fabric,
            recipe=start.recipe,
            images=start.images,
            preparation=start.run.preparation,
            plan=replace(start.plan, rank=fabric.global_rank),
            updater=updater,
            folder=folder,
            position=position,
            stop=asked,
            metrics=metrics,
            display=entered.enter_context(display),
        )
        display.say(f"{'resuming' if start.checkpoint else 'training'} in {folder}")
        finished = training.run()
        if not finished:
            display.say(f"stopped after update {training.position.updates}; all is saved")
            display.say(f"go on with: relgraph train --resume {folder}")
    return _result(training, start, finished)


def _initial_model(request: TrainRequest, start: Start) -> Backbone:
    """The model with the weights it starts from; a checkpoint's are put in later."""
    seed_all(start.recipe.seed, "weights")
    model = build(start.model_file, start.run.architecture)
    if request.init is not None and start.checkpoint is None:
        head = head_names(start.model_file, start.run.architecture)
        put_weights(model, read_weights(request.init), head, request.reset_head)
    return model


def _folder(fabric: Fabric, request: TrainRequest, start: Start) -> Path:
    """The run folder, made and filled by the main process, known to all."""
    if start.folder is not None:
        return start.folder
    name = ""
    if fabric.is_global_zero:
        made = new_folder(start.model_file.stem, request.out)
        model, sources = start.model_file, request.sources
        fill_folder(made, start.run, start.recipe, model, sources, request.resolved)
        name = str(made)
    return Path(fabric.broadcast(name))


def _alone(fabric: Fabric, folder: Path, entered: ExitStack) -> None:
    """Take the run's lock for the main process; where it is another's, all processes say so."""
    problems: tuple[Problem, ...] = ()
    if fabric.is_global_zero:
        try:
            entered.enter_context(training_alone(folder))
        except RelgraphError as error:
            problems = error.problems
    problems = fabric.broadcast(problems)
    if problems:
        raise RelgraphError(problems)


def _updater(fabric: Fabric, start: Start, bare: Backbone, targets: Targets) -> Updater:
    recipe = start.recipe
    bare.to(memory_format=torch.channels_last)
    trained = Trained(bare, adamw(bare, recipe.optimizer), _ema(fabric, bare, recipe))
    # The bare model and optimiser move to the device together with the ones that fabric wraps.
    model, optimizer = fabric.setup(bare, trained.optimizer)
    rate = learning_rate(recipe, start.plan.updates_per_epoch)
    return Updater(fabric, recipe, rate, targets, trained, model, optimizer)


def _ema(fabric: Fabric, model: Backbone, recipe: Recipe) -> ModelEmaV3 | None:
    if recipe.ema is None:
        return None
    average = ModelEmaV3(model, decay=recipe.ema.decay, use_warmup=recipe.ema.warmup)
    return average.to(fabric.device)


def _restored(start: Start, trained: Trained) -> Position:
    """Put a checkpoint's tensors back and return where it stood; the beginning without one."""
    if start.checkpoint is None:
        return Position()
    contents = read_checkpoint(start.checkpoint)
    state = Position.from_json(json.loads(contents.pop("state.json")))
    parts = {Path(name).stem: safetensors.torch.load(raw) for name, raw in contents.items()}
    trained.restore(parts)
    return state


def _result(training: Training, start: Start, finished: bool) -> RunResult:
    position = training.position
    return RunResult(
        run=training.folder,
        interrupted=not finished,
        epochs=position.epochs,
        updates=position.updates,
        score=position.score,
        best_top1=position.best_top1,
        parameters=start.run.parameters,
        images_per_second=training.whole.speed,
        is_main=training.fabric.is_global_zero,
    )
