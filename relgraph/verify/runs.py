"""One run of the emitted model and one of the reference, in a form that can be compared.

In: a model or a program with its tensors, and images. Out: logits, feature maps, one gradient per
parameter and the norm statistics afterwards. Dropout and drop path are held still: they are checked
by themselves (`stochastic`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn

from relgraph.algebra.parameters import buffers
from relgraph.assemble.walking import nodes
from relgraph.program import Connect, Element, Program
from relgraph.verify.draws import inventory
from relgraph.verify.reference import run


@dataclass(frozen=True)
class Run:
    """What one pass over the images made. `last` and `pre_logits` are those of `Outputs`, of the
    reference alone; `slopes` are the gradients of one fixed random direction of the logits by
    parameter name, `statistics` the norms' running values afterwards. `entered` is what the norms
    inside predictors read, (rows, channels) by path, of the emitted model alone."""

    logits: Tensor
    features: tuple[Tensor, ...]
    slopes: dict[str, Tensor]
    statistics: dict[str, Tensor]
    last: Tensor = field(default_factory=lambda: torch.empty(0))
    pre_logits: Tensor = field(default_factory=lambda: torch.empty(0))
    entered: dict[str, Tensor] = field(default_factory=dict)


def run_reference(
    program: Program, tensors: Mapping[str, Tensor], images: Tensor, training: bool = False
) -> Run:
    """The reference interpreter on copies of `tensors`."""
    statistic = {entry.name for entry in inventory(program) if entry.statistic}
    own = {name: t.clone().requires_grad_(name not in statistic) for name, t in tensors.items()}
    outputs = run(program, own, images, training)
    slopes = _slopes(outputs.logits, {name: t for name, t in own.items() if name not in statistic})
    features = tuple(feature.detach() for feature in outputs.features)
    kept = {name: own[name] for name in statistic & _element_statistics(program)}
    last, pre_logits = outputs.last.detach(), outputs.pre_logits.detach()
    return Run(outputs.logits.detach(), features, slopes, kept, last, pre_logits)


def _element_statistics(program: Program) -> set[str]:
    """Norm statistics of elements; those inside a predictor are updated by the file alone."""
    norms = [path for path, node in nodes(program) if isinstance(node, Element)]
    return {f"{path}.{name}" for path in norms for name in ("running_mean", "running_var")}


def run_model(
    model: nn.Module,
    program: Program,
    images: Tensor,
    training: bool = False,
    backward: bool = True,
) -> Run:
    """The emitted model with gradients enabled, and taken where `backward` says so; its mode and
    statistics are put back afterwards."""
    before = {name: t.clone() for name, t in model.state_dict().items()}
    with held_training(model, program) if training else _inference(model):
        with _predictor_norms(model, program) as entered:
            logits = model(images)
        weights = dict(model.named_parameters())
        slopes = _slopes(logits, weights) if backward else {}
    after = {name: t.clone() for name, t in model.state_dict().items() if name not in weights}
    model.load_state_dict(before)
    return Run(logits.detach(), (), slopes, after, entered=entered)


def training_maps(model: nn.Module, program: Program, images: Tensor) -> tuple[Tensor, ...]:
    """The feature map of every stage in training mode, and last what `forward_features` gives;
    norm statistics are put back afterwards."""
    before = {name: t.clone() for name, t in model.state_dict().items()}
    parts = cast(Any, model)
    with torch.no_grad(), held_training(model, program):
        made = (*parts.forward_intermediates(images), parts.forward_features(images))
    model.load_state_dict(before)
    return made


@contextmanager
def _predictor_norms(model: nn.Module, program: Program) -> Iterator[dict[str, Tensor]]:
    """Collects what enters the norms inside predictors."""
    entered: dict[str, Tensor] = {}
    handles = []
    for path, node in nodes(program):
        if isinstance(node, Connect) and buffers(node.connection):

            def keep(_: nn.Module, inputs: tuple[Tensor], path: str = f"{path}.norm") -> None:
                entered[path] = inputs[0].detach().movedim(1, -1).flatten(0, -2)

            norm = model.get_submodule(f"{path}.norm")
            handles.append(norm.register_forward_pre_hook(keep))
    yield entered
    for handle in handles:
        handle.remove()


def _slopes(logits: Tensor, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    direction = torch.randn(logits.shape, generator=generator, dtype=logits.dtype)
    made = torch.autograd.grad(
        (logits * direction).sum(), list(weights.values()), allow_unused=True
    )
    return {
        name: torch.zeros_like(weight) if slope is None else slope
        for (name, weight), slope in zip(weights.items(), made, strict=True)
    }


@contextmanager
def _inference(model: nn.Module) -> Iterator[None]:
    model.eval()
    yield


@contextmanager
def held_training(model: nn.Module, program: Program) -> Iterator[None]:
    """Training mode with dropout and drop path held still; eval mode afterwards."""
    model.train()
    for path, _ in stochastic(program):
        model.get_submodule(path).eval()
    try:
        yield
    finally:
        model.eval()


def stochastic(program: Program) -> tuple[tuple[str, Element], ...]:
    """Where dropout and drop path stand."""
    return tuple(
        (path, node)
        for path, node in nodes(program)
        if isinstance(node, Element) and node.word in ("drop_path", "dropout")
    )


def has_batch_norm(program: Program) -> bool:
    """Whether training mode means something else than inference: some norm keeps statistics."""
    return any(entry.statistic for entry in inventory(program))
