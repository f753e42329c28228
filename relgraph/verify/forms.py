"""The other forms that one file has of the same thing: while exporting, compiling, checkpointing.

In: the emitted model and images. Out: the logits of each form. Emitted code asks torch which form
is wanted, so the answers are given here and nothing is really exported or compiled.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import torch
from torch import Tensor, nn

from relgraph.assemble.walking import nodes
from relgraph.program import Element, Program
from relgraph.verify.runs import Run, run_model

# What a file may ask torch, as regular expressions find it in the text.
QUESTIONS = (
    r"is_compiling|is_dynamo_compiling|is_exporting|is_in_onnx_export|is_tracing|compiler|onnx"
)


ADDED = ("position", "add_token")


def logits_by_form(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Logits as a file makes them while exporting and compiling (inference)."""
    made = {}
    for form in ("exporting", "compiling"):
        with torch.no_grad(), _answering(form, model):
            made[form] = model(images)
    return made


def run_checkpointed(model: nn.Module, program: Program, images: Tensor) -> tuple[Run, str]:
    """A run in training mode with gradient checkpointing, and the first block with factors that
    was computed only once ('' where each was computed again on the way back)."""
    blocks = [
        f"stages.{at}.blocks.{number}"
        for at, stage in enumerate(program.stages)
        for number in range(len(stage.blocks))
    ]
    learned = [
        path for path in blocks if _has_factors(model.get_submodule(path), _added(program, path))
    ]
    calls = dict.fromkeys(learned, 0)
    handles = []
    for path in learned:

        def count(_: nn.Module, __: object, path: str = path) -> None:
            calls[path] += 1

        handles.append(model.get_submodule(path).register_forward_pre_hook(count))
    enable = getattr(model, "set_grad_checkpointing")  # noqa: B009
    enable(True)
    found = run_model(model, program, images, training=True)
    enable(False)
    for handle in handles:
        handle.remove()
    return found, next((path for path, times in calls.items() if times < 2), "")


def _has_factors(block: nn.Module, inside: set[str]) -> bool:
    """Whether the way back needs what the block computed: what is only added, a bias or the vector
    of a position, needs nothing of it."""
    return any(
        not name.endswith("bias") and name.rpartition(".")[0] not in inside
        for name, _ in block.named_parameters()
    )


def _added(program: Program, block: str) -> set[str]:
    """The items of a block that only add, by their paths in it."""
    start = f"{block}."
    return {
        path.removeprefix(start)
        for path, node in nodes(program)
        if path.startswith(start) and isinstance(node, Element) and node.word in ADDED
    }


@contextmanager
def _answering(form: str, model: nn.Module) -> Iterator[None]:
    """torch says that it is exporting, or compiling (exporting compiles too)."""
    answers: dict[object, bool] = {
        torch.compiler.is_compiling: True,
        torch.compiler.is_dynamo_compiling: True,
        torch.compiler.is_exporting: form == "exporting",
        torch.onnx.is_in_onnx_export: form == "exporting",
    }
    # A file may have imported the very function: its own names for them are answered too.
    own = sys.modules[type(model).__module__]
    with ExitStack() as stack:
        for module in (torch.compiler, torch.onnx, own):
            for name, value in list(vars(module).items()):
                if callable(value) and value in answers:
                    said = answers[value]
                    stack.enter_context(mock.patch.object(module, name, lambda said=said: said))
        yield
