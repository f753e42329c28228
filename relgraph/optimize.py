"""`optimize`: a trained model as a file and weights for use only, faster and the same function.

In: a run, one of its checkpoints, or an emitted file with weights. Out: a folder that `evaluate`,
`predict` and `export` take, written only where both models give the same logits in float32. What is
folded and how is `relgraph.inference`'s affair; that it is right for any weights, `verify`'s.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from relgraph.assemble import assemble
from relgraph.emit import emit
from relgraph.errors import Problem, RelgraphError
from relgraph.files import write_atomically
from relgraph.inference import for_inference
from relgraph.inference.weights import inference_tensors
from relgraph.program import Program
from relgraph.spec.recipe_schema import Recipe
from relgraph.train.model import Architecture, Backbone, build, parameter_count
from relgraph.train.run_folder import Run, read_folder, split_checkpoint
from relgraph.train.weights import put_weights, read_weights
from relgraph.transfer.sources import End, read_end
from relgraph.transfer.widths import with_input_channels
from relgraph.transfer.written import Result, refuse_taken, write_result

REPORT = "optimize.json"
SUFFIX = "_inference"
# Of the largest logit, in float32.
TOLERANCE = 1e-5
COMPARED = 8


@dataclass(frozen=True, kw_only=True)
class Optimized:
    """What was made of `name`. `folded` norms and scales went into layers, `kept` ones found none,
    `baked` attentions hold their bias as a table; `difference` is the largest one of logits on
    `COMPARED` images, relative to the largest logit. A folder was written only where `ok`."""

    name: str
    checkpoint: str
    out: str
    file: str
    folded: int
    kept: int
    baked: int
    parameters_before: int
    parameters: int
    difference: float

    @property
    def ok(self) -> bool:
        """Whether the inference version computes what the model computes."""
        return self.difference <= TOLERANCE

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class _Trained:
    """A trained model: its spec, how it was built, its weights, and its run if it has one."""

    end: End
    architecture: Architecture
    tensors: Mapping[str, Tensor]
    run: Run | None = None
    recipe: Recipe | None = None


def optimize(
    checkpoint: Path,
    out: Path,
    model: str | None = None,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Optimized:
    """Write the inference version of a trained model to the new folder `out`.

    `checkpoint` is a run folder (its best), a checkpoint in one, or a .safetensors file; `model`
    is the backbone or the emitted file that it belongs to, by default the run's own. Raises
    RelgraphError where they do not fit or `out` is taken.
    """
    if out.suffix:
        found = f"{out}: a file and weights need a folder"
        raise RelgraphError(Problem("output-kind", found, "the name of a new folder"))
    refuse_taken(out)
    progress("reading", 0, 3)
    trained = _read(checkpoint, model)
    program = _program(trained)
    made = for_inference(program)
    text = emit(made.program)
    end = replace(trained.end, name=f"{trained.end.name}{SUFFIX}", text=text)
    with tempfile.TemporaryDirectory(prefix="relgraph-") as folder:
        progress("folding", 1, 3)
        before = _built(Path(folder) / "before.py", trained.end.text, trained, trained.tensors)
        tensors = inference_tensors(made.steps, before.state_dict())
        after = _built(Path(folder) / "after.py", text, trained, tensors)
        progress("comparing", 2, 3)
        answer = Optimized(
            name=trained.end.name,
            checkpoint=str(checkpoint),
            out=str(out),
            file=f"{end.name}.py",
            folded=made.folded,
            kept=made.kept,
            baked=made.baked,
            parameters_before=parameter_count(before),
            parameters=parameter_count(after),
            difference=_difference(before, after, program),
        )
    if answer.ok:
        result = Result(tensors, answer.to_json(), end, trained.run, trained.recipe, REPORT)
        write_result(out, result)
    progress("done", 3, 3)
    return answer


def _read(checkpoint: Path, model: str | None) -> _Trained:
    if checkpoint.suffix == ".safetensors":
        if model is None:
            found = f"{checkpoint} does not say which model it belongs to"
            hint = "name its backbone, or its emitted file, with --from"
            raise RelgraphError(Problem("no-model", found, hint=hint))
        end = read_end(model)
        return _Trained(end, end.architecture(), read_weights(checkpoint))
    folder, _ = split_checkpoint(checkpoint)
    run, recipe = read_folder(folder)
    end = read_end(model or str(folder / run.model_file))
    return _Trained(end, run.architecture, read_weights(checkpoint), run, recipe)


def _program(trained: _Trained) -> Program:
    """The very model that was trained: its classes, its channels and its size are the file's."""
    architecture = trained.architecture
    backbone = with_input_channels(trained.end.backbone, architecture.in_chans)
    size = architecture.img_size or backbone.size
    return assemble(replace(backbone, classes=architecture.num_classes, size=size))


def _built(path: Path, text: str, trained: _Trained, tensors: Mapping[str, Tensor]) -> Backbone:
    """The model of a file's text, with weights, in float32 and ready to be used."""
    write_atomically(path, text)
    model = build(path, trained.architecture)
    put_weights(model, dict(tensors), set(), reset_head=False)
    return model.eval()


def _difference(before: Backbone, after: Backbone, program: Program) -> float:
    assert program.input.grid is not None, "a model reads images"
    shape = (COMPARED, program.input.channels, *program.input.grid)
    images = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted, found = before(images), after(images)
    scale = wanted.abs().max().clamp_min(torch.finfo(wanted.dtype).tiny)
    return float((found - wanted).abs().max() / scale)
