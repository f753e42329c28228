"""Dropout and drop path: what they do in training, which the other checks hold still.

In: the model with its default rates, its program. Out: a check over all of them: ones go in, zeros
and 1 / (1 - rate) come out, in about the declared share, whole images at a time for drop path;
nothing happens in eval mode. And one of their places: each is made to multiply its images by
numbers of its own, in the file and in the reference, and the logits are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from unittest import mock

import torch
from torch import Tensor, nn

from relgraph.assemble import assemble
from relgraph.program import Element, Program
from relgraph.verify.compare import TOLERANCE, difference, said, spread
from relgraph.verify.reference import run
from relgraph.verify.report import Check
from relgraph.verify.runs import stochastic
from relgraph.verify.structure import at_least
from relgraph.verify.subject import Subject

SAMPLES = 4096
RAISED = 0.5
# Five standard deviations of a share of SAMPLES coins.
SLACK = 5 * 0.5 / SAMPLES**0.5


def check_stochastic(build: Callable[..., nn.Module], program: Program) -> Check:
    """Every dropout and drop path: at the spec's rates, and with the builder's rate at RAISED."""
    raised = assemble(replace(program.source, drop_path=RAISED), program.input.grid)
    with torch.device("meta"):
        model, other = build(), build(drop_path_rate=RAISED)
    problem = next(_wrong(model, program), "") or next(_wrong(other, raised), "")
    places = stochastic(program)
    rates = sorted({_rate(element) for _, element in places})
    shown = f", rates {rates[0]:.3g} to {rates[-1]:.3g}" if rates else ""
    declared = f"{len(places)} of them{shown}"
    measured = "different" if problem else "the same"
    return Check("drop path", "model", declared, measured, not problem, problem)


def check_places(subject: Subject) -> Iterator[Check]:
    """Whether each stands where it should, none left out: logits in training mode at the smallest
    size."""
    model, places = subject.model, stochastic(subject.program)
    if not places:
        return
    program, images = at_least(subject)
    held = {path: _factors(number, len(images)) for number, (path, _) in enumerate(places)}
    before = {name: t.clone() for name, t in model.state_dict().items()}
    tensors = {name: t.clone() for name, t in subject.tensors.items()}
    with torch.no_grad():
        wanted = run(program, tensors, images, training=True, held=held).logits
        model.train()
        with ExitStack() as stack:
            for path, factors in held.items():
                multiplies = mock.patch.object(
                    model.get_submodule(path), "forward", partial(_multiplied, factors)
                )
                stack.enter_context(multiplies)
            gap = difference(model(images), wanted, spread(wanted))
    model.eval()
    model.load_state_dict(before)
    example = "" if gap.ok else f"where each multiplies by a number of its own, logit {gap}"
    declared = f"{len(places)} of them in their places"
    yield Check("drop path", "model", declared, said(gap), gap.ok, example)


def _factors(number: int, images: int) -> Tensor:
    """A number for every image, other ones at the next place."""
    return 0.5 + (3 * number + 2 * torch.arange(images)).remainder(7) / 7


def _multiplied(factors: Tensor, x: Tensor) -> Tensor:
    return x * factors.view(-1, *(1,) * (x.ndim - 1))


def _wrong(model: nn.Module, program: Program) -> Iterator[str]:
    for path, element in stochastic(program):
        yield from _problems(model.get_submodule(path), path, element)


def _rate(element: Element) -> float:
    rate = element["rate"]
    assert isinstance(rate, int | float)
    return float(rate)


def _problems(module: nn.Module, path: str, element: Element) -> Iterator[str]:
    rate, ones = _rate(element), torch.ones(_shape(element), dtype=torch.float64)
    with torch.no_grad(), torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        still = module.eval()(ones)
        dropped = module.train()(ones)
        module.eval()
    if not torch.equal(still, ones):
        yield f"{path} changes its input in eval mode"
    if dropped.shape != ones.shape:
        yield f"{path} makes {tuple(dropped.shape)} of {tuple(ones.shape)} in training"
        return
    share, kept = float((dropped == 0).double().mean()), dropped[dropped != 0]
    if abs(share - rate) > SLACK:
        yield f"{path} drops {share:.3f} of its input, the spec {rate:.3f}"
    if len(kept) and float((kept - 1 / (1 - rate)).abs().max()) > TOLERANCE:
        yield f"{path} scales by {float(kept[0]):.6g}, the spec by {1 / (1 - rate):.6g}"
    if element.word == "drop_path" and not _whole_images(dropped):
        yield f"{path} drops parts of images, not whole ones"


def _shape(element: Element) -> tuple[int, ...]:
    """Many images of the layout that stands there; sides differ, so that none takes another's
    place."""
    sizes = {"map": (2, 3, 5), "sequence": (3, 2), "vector": (2,)}
    return (SAMPLES, *sizes[element.input.layout])


def _whole_images(dropped: Tensor) -> bool:
    rows = dropped.flatten(1)
    return torch.equal(rows[:, :1].expand_as(rows), rows)
