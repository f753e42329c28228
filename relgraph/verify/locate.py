"""Where a wrong model goes wrong first: the earliest module whose output differs.

In: a subject whose logits differ. Out: a sentence with the module's path. The model is watched by
forward hooks, the reference by its own watch; only modules that both call by path are compared.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from relgraph.program import Shape
from relgraph.verify.compare import difference
from relgraph.verify.reference import run
from relgraph.verify.subject import Subject
from relgraph.verify.values import to_layout


def first_difference(subject: Subject) -> str:
    """Names the first module, innermost first, whose output is not the reference's."""
    seen = _watched(subject.model, subject.images)
    wanted: dict[str, Tensor] = {}

    def keep(path: str, x: Tensor, shape: Shape) -> None:
        wanted[path] = to_layout(x, shape).detach()

    with torch.no_grad():
        run(subject.program, subject.tensors, subject.images, watch=keep)
    for path, value in wanted.items():
        if path in seen and not difference(seen[path], value).ok:
            return f"{path} ({_class(subject.model, path)}) is the first module that differs"
    return "every module agrees: the difference is in how the model joins them"


def _watched(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """The output of every module of the emitted model at its last call."""
    seen: dict[str, Tensor] = {}
    handles = []
    for path, module in model.named_modules():

        def hook(_module: nn.Module, _inputs: Any, output: Any, path: str = path) -> None:
            if isinstance(output, Tensor):
                seen[path] = output.detach()

        handles.append(module.register_forward_hook(hook))
    with torch.no_grad():
        model(images)
    for handle in handles:
        handle.remove()
    return seen


def _class(model: nn.Module, path: str) -> str:
    return type(model.get_submodule(path)).__name__
