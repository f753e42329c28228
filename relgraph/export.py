"""From a model to a file that other runtimes load: ONNX, or a `torch.export` program.

In: an eager model and an example of its input. Out: a file with a free batch size, written only
after the exported form gave the eager model's logits at several batch sizes. Knows nothing of
specs, and of training only where a run's folder says it keeps its weights.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from relgraph.emitted import load_emitted
from relgraph.errors import Problem, RelgraphError
from relgraph.files import write_atomically

Form = Literal["onnx", "torch"]
Logits = Callable[[Tensor], Tensor]

# Traced with two images, so that a one cannot be taken for a constant; compared with these.
TRACED = 2
COMPARED = (1, 2, 5)
# Of the largest logit, in float32: runtimes add in another order, they do not compute otherwise.
TOLERANCE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was made: `difference` is the largest one of logits between the exported and the eager
    model, relative to the largest logit; a file was written only where `ok`."""

    path: Path
    form: Form
    difference: float
    bytes: int

    @property
    def ok(self) -> bool:
        """Whether the exported form computes what the model computes."""
        return self.difference <= TOLERANCE


def export(model: Path, form: Form, out: Path) -> Exported:
    """Export an emitted file (fresh weights) or a training run (its best weights) to `out`.

    Raises RelgraphError where `model` is neither, where an exporter is not installed, or where the
    model cannot be exported.
    """
    eager, size = load_run(model) if model.is_dir() else load_file(model)
    images = torch.randn(max(COMPARED), eager.in_chans, *size, generator=_generator())
    raw, exported = _FORMS[form](eager, images[:TRACED])
    difference = _difference(eager, exported, images)
    if difference <= TOLERANCE:
        write_atomically(out, raw)
    return Exported(path=out, form=form, difference=difference, bytes=len(raw))


def load_file(path: Path) -> tuple[Any, tuple[int, int]]:
    """The model of an emitted file with fresh weights, ready for inference, and its image size."""
    module = load_emitted(path)
    torch.manual_seed(0)
    model = getattr(module, module.BUILDER)()
    return model.eval(), tuple(model.img_size)


def load_run(folder: Path) -> tuple[Any, tuple[int, int]]:
    """The model of a training run with its best weights, and the image size it was trained at."""
    from relgraph.train.model import build
    from relgraph.train.run_folder import read_folder, split_checkpoint
    from relgraph.train.weights import put_weights, read_weights

    run_folder, _ = split_checkpoint(folder)
    run, _ = read_folder(run_folder)
    model: Any = build(run_folder / run.model_file, run.architecture)
    put_weights(model, read_weights(folder), set(), reset_head=False)
    return model.eval(), run.architecture.img_size or tuple(model.img_size)


def _to_torch(model: nn.Module, images: Tensor) -> tuple[bytes, Logits]:
    batch = ({0: torch.export.Dim("batch", min=1)},)
    program = torch.export.export(model, (images,), dynamic_shapes=batch)
    stream = io.BytesIO()
    torch.export.save(program, stream)
    raw = stream.getvalue()
    # What is compared is what a user will load, not what was in memory.
    return raw, torch.export.load(io.BytesIO(raw)).module()


def _to_onnx(model: nn.Module, images: Tensor) -> tuple[bytes, Logits]:
    runtime = _onnxruntime()
    with warnings.catch_warnings():
        # The exporter warns of its own deprecated internals, which nobody here can mend.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            (images,),
            dynamo=True,
            dynamic_shapes=({0: "batch"},),
            input_names=["images"],
            output_names=["logits"],
            verbose=False,
        )
    assert program is not None, "the dynamo exporter returns a program"
    raw = program.model_proto.SerializeToString()
    session = runtime.InferenceSession(raw, providers=["CPUExecutionProvider"])
    return raw, lambda x: torch.from_numpy(session.run(None, {"images": x.numpy()})[0])


_FORMS: dict[Form, Callable[[nn.Module, Tensor], tuple[bytes, Logits]]] = {
    "onnx": _to_onnx,
    "torch": _to_torch,
}


def _difference(eager: Logits, exported: Logits, images: Tensor) -> float:
    worst = 0.0
    with torch.no_grad():
        for count in COMPARED:
            wanted, found = eager(images[:count]), exported(images[:count])
            if found.shape != wanted.shape:
                return float("inf")
            scale = wanted.abs().max().clamp_min(torch.finfo(wanted.dtype).tiny)
            worst = max(worst, float((found - wanted).abs().max() / scale))
    return worst


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _onnxruntime() -> Any:
    try:
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise RelgraphError(
            Problem(
                "missing-extra",
                found=f"{error.name} is not installed",
                expected="it, for ONNX",
                hint="pip install 'relgraph[export]'",
            )
        ) from None
    return onnxruntime
