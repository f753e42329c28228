"""Where a training broke: the step's inputs in, the first module that gave no number out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from relgraph.errors import Problem, RelgraphError


def diagnosis(
    model: nn.Module, images: Tensor, forward: Callable[[], Tensor], update: int
) -> RelgraphError:
    """Why an update has a loss or a gradient that is no finite number, as an error to raise.

    `forward` repeats the step's forward pass, with the same random numbers, on the unchanged
    weights; a module that holds others is blamed after them.
    """
    return RelgraphError(
        Problem(
            "non-finite-loss",
            found=f"update {update + 1}: {_culprit(model, images, forward)}",
            expected="a finite loss and gradient",
            hint="lower optimizer.lr, lengthen the warm-up, set clip=1, or precision=32; "
            "the checkpoints hold the last good weights",
        )
    )


def _culprit(model: nn.Module, images: Tensor, forward: Callable[[], Tensor]) -> str:
    if not _finite(images):
        return "the input images hold values that are no finite numbers"
    with torch.no_grad(), _first_bad_module(model) as bad:
        loss = forward()
    if bad:
        return f"{bad[0]} is the first module whose output is not finite"
    if not _finite(loss):
        return "the loss is not finite, though every module's output is"
    for name, parameter in reversed(list(model.named_parameters())):
        if parameter.grad is not None and not _finite(parameter.grad):
            return f"the gradient of {name} is not finite, though the loss is"
    return "the loss on another process, or the gradient's norm, is not finite"


@contextmanager
def _first_bad_module(model: nn.Module) -> Iterator[list[str]]:
    bad: list[str] = []

    def look(name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(module: nn.Module, inputs: object, output: object) -> None:
            if not bad and isinstance(output, Tensor) and not _finite(output):
                bad.append(f"{name} ({type(module).__name__})")

        return hook

    hooks = [
        module.register_forward_hook(look(name or "the model"))
        for name, module in model.named_modules()
    ]
    try:
        yield bad
    finally:
        for hook in hooks:
            hook.remove()


def _finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
