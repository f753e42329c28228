"""An inference version against the model that it was made of.

In: a model built from a file that `relgraph.inference` made, and the program of its spec. Out: the
checks that it holds the tensors that folding gives, and that with *any* weights and statistics of
the spec's model, folded, it computes what the reference interpreter computes from them unfolded:
float64, logits and stage features, at a second size too where the contract accepts one. It has no
connections of its own to measure, and is not trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from relgraph.assemble import assemble
from relgraph.inference import Rewritten, for_inference
from relgraph.inference.weights import STATISTICS, inference_tensors
from relgraph.program import Program
from relgraph.verify.compare import Difference, difference, said, spread
from relgraph.verify.draws import draw, inventory
from relgraph.verify.reference import run
from relgraph.verify.report import Check
from relgraph.verify.statistics import images_needed, near_values
from relgraph.verify.structure import SEED, random_images, second_size


class _Intermediates(Protocol):
    def forward_intermediates(self, x: Tensor) -> list[Tensor]:
        """The map after every stage."""


def is_inference(module: object) -> bool:
    """Whether an emitted file says that it is an inference version."""
    return getattr(module, "INFERENCE", False) is True


def check_inference(model: nn.Module, program: Program) -> Iterator[Check]:
    """Everything that is proved of an inference version; `program` is that of its spec."""
    made = for_inference(program)
    images = random_images(program, images_needed(program), SEED + 1)
    tensors = near_values(program, draw(inventory(program), SEED), images)
    folded = inference_tensors(made.steps, tensors)
    parameters = _check_tensors(model, folded)
    yield parameters
    if not parameters.ok:
        return
    model.double().eval()
    model.load_state_dict(folded)
    yield from _same_function(model, program, tensors, images[:2])
    yield _second_size(model, program, tensors, made)


def _check_tensors(model: nn.Module, folded: Mapping[str, Tensor]) -> Check:
    wanted = {name: tuple(t.shape) for name, t in folded.items()}
    found = {name: tuple(t.shape) for name, t in model.state_dict().items() if not _counts(name)}
    names = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
    example = ""
    if names:
        has, folds = found.get(names[0], "nothing"), wanted.get(names[0], "nothing")
        example = f"{names[0]} is {has} in the file, folding gives {folds}"
    counts = (sum(t.numel() for t in folded.values()), sum(map(_product, found.values())))
    declared, measured = (f"{count:,} numbers" for count in counts)
    return Check("parameters", "model", declared, measured, not names, example)


def _counts(name: str) -> bool:
    return name.rpartition(".")[2] == STATISTICS[-1]


def _product(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())


def _same_function(
    model: nn.Module, program: Program, tensors: Mapping[str, Tensor], images: Tensor
) -> Iterator[Check]:
    with torch.no_grad():
        wanted = run(program, tensors, images)
        found, alone = model(images), model(images[:1])
        maps = cast(_Intermediates, model).forward_intermediates(images)
    declared = f"those of the unfolded reference, {len(images)} images"
    yield _logits(found, wanted.logits, declared)
    yield _logits(alone, wanted.logits[:1], "the same for one image alone")
    gaps = [Difference(0.0)]
    if len(maps) == len(wanted.features):
        gaps += [difference(*pair) for pair in zip(maps, wanted.features, strict=True)]
    else:
        gaps.append(Difference(float("inf")))
    worst = max(gaps, key=lambda gap: gap.relative)
    example = "" if worst.ok else f"a feature map is {worst}"
    stages = f"those of the unfolded reference, {len(wanted.features)} stages"
    yield Check("features", "model", stages, said(worst), worst.ok, example)


def _logits(found: Tensor, wanted: Tensor, declared: str) -> Check:
    gap = difference(found, wanted, scale=spread(wanted))
    example = "" if gap.ok else f"logit {gap}"
    return Check("logits", "model", declared, said(gap), gap.ok, example)


def _second_size(
    model: nn.Module, program: Program, tensors: Mapping[str, Tensor], made: Rewritten
) -> Check:
    size = None if made.program.contract.fixed else second_size(program)
    if size is None:
        declared = "only {}×{}".format(*program.input.grid or (1, 1))
        return Check("second size", "model", declared, "nothing to compare", True)
    other = assemble(program.source, size=size)
    images = random_images(other, 2, SEED + 2)
    with torch.no_grad():
        wanted, found = run(other, tensors, images).logits, model(images)
    gap = difference(found, wanted, scale=spread(wanted))
    example = "" if gap.ok else f"logit {gap}"
    declared = "the reference's, at {}×{}".format(*size)
    return Check("second size", "model", declared, said(gap), gap.ok, example)
