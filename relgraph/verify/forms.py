"""The other forms that one file has of the same thing: while exporting, compiling, checkpointing.

In: the emitted model and images. Out: the logits of each form. Emitted code asks torch which form
is wanted, so the answers are given here and nothing is really exported or compiled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import torch
from torch import Tensor, nn

from relgraph.program import Program
from relgraph.verify.runs import held_training


def logits_by_form(model: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Logits as a file makes them while exporting and compiling (inference)."""
    made = {}
    for form in ("exporting", "compiling"):
        with torch.no_grad(), _answering(form):
            made[form] = model(images)
    return made


def checkpointed_logits(model: nn.Module, program: Program, images: Tensor) -> Tensor:
    """Logits in training mode with gradient checkpointing; norm statistics are put back."""
    before = {name: t.clone() for name, t in model.state_dict().items()}
    enable = getattr(model, "set_grad_checkpointing")  # noqa: B009
    enable(True)
    with held_training(model, program):
        logits: Tensor = model(images).detach()
    enable(False)
    model.load_state_dict(before)
    return logits


@contextmanager
def _answering(form: str) -> Iterator[None]:
    """torch.compiler says that it is exporting, or compiling (exporting compiles too)."""
    with mock.patch.object(torch.compiler, "is_compiling", lambda: True):
        exporting = form == "exporting"
        with mock.patch.object(torch.compiler, "is_exporting", lambda: exporting):
            yield
