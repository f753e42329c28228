"""A whole transfer: a request in, a checkpoint on disk and its report out.

All that can be a mistake is found before anything is written.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from relgraph.errors import Problem, RelgraphError
from relgraph.files import sha256
from relgraph.spec.recipe import load_recipe
from relgraph.spec.recipe_schema import Recipe
from relgraph.train.model import Architecture, Backbone, build
from relgraph.train.run_folder import Run, read_folder, split_checkpoint
from relgraph.train.weights import read_weights
from relgraph.transfer import norms, observe
from relgraph.transfer.bodies import Bodies, Inputs, no_inputs
from relgraph.transfer.fit import check_fit, told_by_weights
from relgraph.transfer.layer import Layer, Outcome
from relgraph.transfer.models import match_programs
from relgraph.transfer.pictures import Pictures, open_pictures
from relgraph.transfer.request import Progress, Transferred, TransferRequest, silent
from relgraph.transfer.sources import End, read_end
from relgraph.transfer.telling import counted
from relgraph.transfer.written import Result, refuse_taken, write_result

NOT_CARRIED = "the state of the optimiser is not carried: training starts anew, with --init"
NO_OUTPUTS = "outputs were not compared (Δy): that needs images, of a run or named by --recipe"
FEW = 32
"""Images on which outputs are compared where nobody asked for it."""


@dataclass(frozen=True, eq=False)
class _Start:
    """What a request means: both ends, the weights, and the run that they came from, if any."""

    before: End
    after: End
    tensors: Mapping[str, Tensor]
    architecture: Architecture
    run: Run | None
    recipe: Recipe | None


def run_transfer(request: TransferRequest, progress: Progress = silent) -> Transferred:
    """See `relgraph.transfer.transfer`."""
    refuse_taken(request.out)
    start = _start(request)
    with tempfile.TemporaryDirectory(prefix="relgraph-") as folder:
        return _transferred(request, start, Path(folder), progress)


def _transferred(
    request: TransferRequest, start: _Start, folder: Path, progress: Progress
) -> Transferred:
    architecture = start.architecture
    programs = start.before.program(architecture), start.after.program(architecture)
    check_fit(start.before.name, programs[0], start.tensors)
    target = _model(start, start.after, folder / "after", request.seed)
    pictures = _pictures(request, start, programs[0].input.grid)
    if pictures is not None:
        dtype = next(target.parameters()).dtype
        pictures = replace(pictures, dtype=dtype, progress=progress)
    source = None
    if pictures is not None:
        source = _model(start, start.before, folder / "before", request.seed)
        source.load_state_dict({**source.state_dict(), **start.tensors})
        source.eval()
    inputs: Inputs = no_inputs
    if request.calibrate and source is not None and pictures is not None:
        silently = replace(pictures.only(0, request.images), progress=silent)
        inputs = observe.entering(source, silently)
    fresh = target.state_dict()
    told = counted(programs[1], progress)
    bodies = Bodies(start.tensors, fresh, inputs, request.objective, told)
    outcome = match_programs(*programs, bodies)
    _refuse_no_way(outcome, request)
    target.load_state_dict({**fresh, **outcome.tensors})
    target.eval()
    return _finished(request, start, outcome, (source, target), pictures)


def _finished(
    request: TransferRequest,
    start: _Start,
    outcome: Outcome,
    models: tuple[Backbone | None, Backbone],
    pictures: Pictures | None,
) -> Transferred:
    source, target = models
    layers, logits, notes = outcome.layers, None, [NOT_CARRIED, *_other_file(start), *_kept(start)]
    if pictures is not None and request.outputs is not False:
        assert source is not None, "the source is built where there are images"
        few = replace(_compared(request, pictures), what="comparing outputs")
        layers = observe.with_output_errors(source, target, few, layers)
        logits = observe.largest_logit_difference(source, target, few)
        others = ", others than were calibrated with" if request.calibrate else ""
        notes.append(f"outputs were compared on {few.count} images{others}")
    elif not outcome.is_exact:
        notes.append(NO_OUTPUTS)
    if pictures is not None and request.recalibrate_norms:
        counted_on = replace(pictures.only(0, request.images), what="counting norm statistics")
        count = norms.recalibrate(target, counted_on)
        notes.append(f"statistics of {count} batch norms from {counted_on.count} images")
    answer = Transferred(
        before=start.before.name,
        after=start.after.name,
        checkpoint=str(request.checkpoint),
        out=str(request.out),
        exact=outcome.is_exact,
        layers=layers,
        notes=tuple(notes),
        logits=logits,
    )
    state = {n: t.detach().cpu().contiguous() for n, t in target.state_dict().items()}
    write_result(request.out, Result(state, answer.to_json(), start.after, start.run, start.recipe))
    return answer


def _start(request: TransferRequest) -> _Start:
    if not request.checkpoint.exists():
        found = f"{request.checkpoint} is not there"
        raise RelgraphError(Problem("no-checkpoint", found, "a run or a .safetensors file"))
    tensors = read_weights(request.checkpoint)
    folder, _ = split_checkpoint(request.checkpoint)
    run, recipe = (None, None)
    if (folder / "run.json").is_file():
        run, recipe = read_folder(folder)
    if request.recipe is not None:
        recipe = load_recipe(request.recipe)
    if request.before is None and run is None:
        found = "--from is missing"
        expected = "the backbone or the emitted file that was trained"
        raise RelgraphError(Problem("what-was-trained", found, expected))
    before = read_end(request.before or str(folder / run.model_file if run else ""))
    after = read_end(request.after)
    architecture = told_by_weights(before, tensors) if run is None else run.architecture
    if architecture.img_size is None:
        grid = before.program(architecture).input.grid
        architecture = replace(architecture, img_size=grid)
    return _Start(before, after, tensors, architecture, run, recipe)


def _model(start: _Start, end: End, folder: Path, seed: int) -> Backbone:
    """The model of an emitted text, its fresh weights from `seed`; in float64 where the checkpoint
    is."""
    folder.mkdir()
    path = folder / f"{end.name}.py"
    path.write_text(end.text, "utf-8")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _built(path, start)
    double = any(tensor.dtype == torch.float64 for tensor in start.tensors.values())
    return model.double() if double else model


def _built(path: Path, start: _Start) -> Backbone:
    try:
        return build(path, start.architecture)
    except RelgraphError as error:
        hint = f"it must take what {start.before.name} was trained with"
        raise RelgraphError([replace(one, hint=hint) for one in error.problems]) from None


def _pictures(
    request: TransferRequest, start: _Start, grid: tuple[int, int] | None
) -> Pictures | None:
    """The images, where they are asked for or can be had; None: no outputs are compared."""
    if request.outputs is False and not request.needs_images:
        return None
    if start.recipe is None and not request.needs_images:
        return None
    if start.recipe is None:
        found = "nothing names the images"
        expected = "--recipe, or the checkpoint of a run"
        raise RelgraphError(Problem("which-images", found, expected))
    prepared = None if start.run is None else start.run.preparation
    architecture = replace(start.architecture, img_size=grid)
    try:
        count = request.images + (_held_out(request) if request.calibrate else 0)
        return open_pictures(start.recipe, prepared, architecture, count)
    except RelgraphError:
        if request.needs_images:
            raise
        return None


def _held_out(request: TransferRequest) -> int:
    """How many images outputs are compared on."""
    return request.images if request.outputs else min(FEW, request.images)


def _compared(request: TransferRequest, pictures: Pictures) -> Pictures:
    """The images to compare outputs on: none that weights were calibrated with."""
    first = request.images if request.calibrate and pictures.count > request.images else 0
    return pictures.only(first, first + _held_out(request))


def _refuse_no_way(outcome: Outcome, request: TransferRequest) -> None:
    """Raise RelgraphError where of all operators that differ none could be carried. What is gone
    leaves the others as they are, and starts nothing fresh."""
    operators = [layer for layer in outcome.layers if layer.kind == "operator"]
    changed = [one for one in operators if one.method not in ("copy", "neutral", "dropped")]
    stuck = [layer for layer in changed if layer.method == "fresh"]
    if request.fresh or not stuck or len(stuck) < len(changed):
        return
    edges: dict[tuple[str, str, str], list[Layer]] = {}
    for layer in stuck:
        edges.setdefault((layer.before, layer.after, layer.reason), []).append(layer)
    raise RelgraphError(
        Problem(
            "no-way",
            f"no weights go from {before or 'nothing'} to {after or 'nothing'} "
            f"({layers[0].path}{_more(layers)})",
            reason,
            "--fresh writes the rest, with fresh weights there",
        )
        for (before, after, reason), layers in edges.items()
    )


def _more(layers: list[Layer]) -> str:
    return f" and {len(layers) - 1} more" if len(layers) > 1 else ""


def _other_file(start: _Start) -> list[str]:
    if start.run is None or start.run.model_sha256 == sha256(start.before.text):
        return []
    return [f"the run trained another text than {start.before.name} stands for now"]


def _kept(start: _Start) -> list[str]:
    """What the target's spec says of images and classes, where the checkpoint says otherwise."""
    own, kept = start.after.architecture(), start.architecture
    both = {
        "classes": (own.num_classes, kept.num_classes),
        "input channels": (own.in_chans, kept.in_chans),
        "an input size": (own.img_size, kept.img_size),
    }
    name = start.after.name
    return [
        f"{name} has {_number(wanted, what)}; kept is what was trained, {_number(given)}"
        for what, (wanted, given) in both.items()
        if wanted is not None and wanted != given
    ]


def _number(value: int | tuple[int, int] | None, what: str = "") -> str:
    if isinstance(value, tuple):
        return f"{what} of {value[0]}×{value[1]}" if what else f"{value[0]}×{value[1]}"
    return f"{value} {what}".strip()
