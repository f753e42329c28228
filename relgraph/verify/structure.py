"""The whole model at its real structure: the file's class against the reference interpreter.

In: a model built from the file, and the program that its spec assembles to. Out: checks of names
and shapes, logits, feature maps, one gradient per parameter, training mode, a second input size.
Float64, every parameter and norm statistic random, a few images. What a single connection does
inside is `connections`' affair.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from relgraph.algebra.operator import Size
from relgraph.assemble import assemble
from relgraph.program import Contract, Program
from relgraph.verify.compare import Difference, difference, said, spread
from relgraph.verify.draws import Entry, draw, inventory
from relgraph.verify.forms import logits_by_form, run_checkpointed
from relgraph.verify.locate import first_difference
from relgraph.verify.reference import run
from relgraph.verify.report import Check, CheckName
from relgraph.verify.runs import (
    Run,
    has_batch_norm,
    run_model,
    run_reference,
    training_maps,
)
from relgraph.verify.sizes import has_meaning, times
from relgraph.verify.statistics import images_needed, near_values
from relgraph.verify.subject import Subject

SEED = 20220425
# Of two values a batch norm tells the larger, and after some fifty of them rounding decides which.
MANY = 16
# The last digit of a number between 1 and 2, and how little of a gradient's number that may move.
EPSILON = 2.0**-52
STEADY = 1e-3
Builder = Callable[..., nn.Module]
# Gradients this far below the largest of the model may be sums that cancel to nothing.
NOTHING = 1e-4
# Of the norms inside predictors, which no spec sets.
MOMENTUM = 0.1


class Intermediates(Protocol):
    """What every emitted model offers beside `forward`."""

    def forward_intermediates(self, x: Tensor) -> list[Tensor]:
        """The map after every stage, (B, C, H, W) each."""


def check_parameters(model: nn.Module, program: Program) -> Check:
    """Names, shapes and number of the state dict's tensors against the program's."""
    wanted = {entry.name: entry for entry in inventory(program)}
    state = model.state_dict()
    found = {name: tuple(t.shape) for name, t in state.items() if "num_batches" not in name}
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    problem = _first_mismatch(wanted, found, trained)
    declared = sum(entry.size for entry in wanted.values() if not entry.statistic)
    measured = sum(p.numel() for p in model.parameters())
    ok = not problem and declared == measured
    return Check("parameters", "model", f"{declared:,}", f"{measured:,}", ok, problem)


def _first_mismatch(
    wanted: Mapping[str, Entry], found: Mapping[str, tuple[int, ...]], trained: set[str]
) -> str:
    for name, entry in wanted.items():
        if name not in found:
            return f"{name} {entry.shape} is missing in the file"
        if found[name] != entry.shape:
            return f"{name} has shape {found[name]}, the spec's has {entry.shape}"
        if entry.statistic == (name in trained):
            return f"{name} is {'trained' if entry.statistic else 'not trained'} in the file"
    extra = [name for name in found if name not in wanted]
    return f"{extra[0]} {found[extra[0]]} is in the file and not in the spec" if extra else ""


def make_subject(model: nn.Module, program: Program, asks_compiler: bool = True) -> Subject:
    """The model with random tensors, and images. Its parameters must have been checked."""
    images = random_images(program, images_needed(program), SEED + 1)
    tensors = near_values(program, draw(inventory(program), SEED), images)
    model.double().eval()
    model.load_state_dict({**model.state_dict(), **tensors})
    return Subject(model, program, tensors, images, asks_compiler)


def random_images(program: Program, count: int, seed: int) -> Tensor:
    """Normal noise of the program's input size, float64."""
    assert program.input.grid is not None
    generator = torch.Generator().manual_seed(seed)
    shape = (count, program.input.channels, *program.input.grid)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def check_model(subject: Subject, wanted: Run) -> Iterator[Check]:
    """Logits, feature maps, gradients and training mode at the model's own input size; `wanted` is
    the reference's run."""
    yield from _inference_checks(subject, wanted)
    found = run_model(subject.model, subject.program, subject.images)
    yield _gradient_check("gradients", found, wanted)
    if subject.asks_compiler:
        yield _forms_check(subject, wanted)
    # Without batch norm the mode only matters where the file asks for it: its outputs tell.
    if has_batch_norm(subject.program):
        wanted = run_reference(subject.program, subject.tensors, subject.images, training=True)
    check = training_check(subject, wanted)
    yield check if check.ok else training_check(subject, wanted, cancelled(subject, wanted))


def cancelled(subject: Subject, wanted: Run) -> dict[str, Tensor]:
    """Which entries of each gradient are sums of which rounding alone is left, as of a bias in
    front of a batch norm: no more than what it moves by where every pixel and every parameter is
    rounded otherwise."""
    generator = torch.Generator().manual_seed(SEED)

    def nudged(value: Tensor) -> Tensor:
        signs = torch.randint(0, 2, value.shape, generator=generator, dtype=value.dtype) * 2 - 1
        return value * (1 + EPSILON * signs)

    tensors = {name: nudged(tensor) for name, tensor in subject.tensors.items()}
    training = has_batch_norm(subject.program)
    moved = run_reference(subject.program, tensors, nudged(subject.images), training)
    return {
        name: STEADY * slope.abs() < (moved.slopes[name] - slope).abs().max()
        for name, slope in wanted.slopes.items()
    }


def _inference_checks(subject: Subject, wanted: Run) -> Iterator[Check]:
    with torch.no_grad():
        logits = subject.model(subject.images)
        maps = cast(Intermediates, subject.model).forward_intermediates(subject.images)
    count = f"{len(subject.images)} images"
    yield _logits_check("logits", subject, logits, wanted.logits, count)
    yield _feature_check(maps, wanted.features)


def _logits_check(
    name: CheckName, subject: Subject, found: Tensor, wanted: Tensor, what: str
) -> Check:
    gap = difference(found, wanted, scale=spread(wanted))
    example = "" if gap.ok else f"logit {gap}; {first_difference(subject)}"
    return Check(name, "model", f"the reference's, {what}", said(gap), gap.ok, example)


def _feature_check(found: list[Tensor], wanted: tuple[Tensor, ...]) -> Check:
    shapes = "; ".join("×".join(map(str, feature.shape[1:])) for feature in wanted)
    if len(found) != len(wanted):
        measured = f"{len(found)} feature maps"
        return Check("features", "model", f"{len(wanted)} stages: {shapes}", measured, False)
    gaps = [difference(one, other) for one, other in zip(found, wanted, strict=True)]
    worst = max(range(len(gaps)), key=lambda i: gaps[i].relative)
    example = "" if gaps[worst].ok else f"feature map of stage {worst}: {gaps[worst]}"
    return Check("features", "model", shapes, said(gaps[worst]), gaps[worst].ok, example)


def _gradient_check(name: CheckName, found: Run, wanted: Run) -> Check:
    slope, gap = _worst_slope(found, wanted)
    example = "" if gap.ok else f"the gradient of {slope}: {gap}"
    declared = f"the reference's, {len(wanted.slopes)} parameters"
    return Check(name, "model", declared, said(gap), gap.ok, example)


def _worst_slope(
    found: Run, wanted: Run, cancelled: Mapping[str, Tensor] = MappingProxyType({})
) -> tuple[str, Difference]:
    """The gradient that is furthest off by its own scale; by the largest's, where it is nothing."""
    largest = max(float(slope.abs().max()) for slope in wanted.slopes.values())
    gaps = {}
    for name, slope in wanted.slopes.items():
        own, other = max(NOTHING * largest, float(slope.abs().max())), found.slopes[name]
        gaps[name] = difference(other, slope, own)
        if name in cancelled and other.shape == slope.shape:
            nothing = cancelled[name]
            kept = difference(torch.where(nothing, slope, other), slope, own)
            lost = difference(torch.where(nothing, other, slope), slope, largest)
            gaps[name] = max(kept, lost, key=lambda gap: gap.relative)
    worst = max(gaps, key=lambda name: gaps[name].relative)
    return worst, gaps[worst]


def _forms_check(subject: Subject, wanted: Run) -> Check:
    """What the file does while it is exported or compiled is the same."""
    made = logits_by_form(subject.model, subject.images)
    scale = spread(wanted.logits)
    gaps = {form: difference(logits, wanted.logits, scale) for form, logits in made.items()}
    worst = max(gaps, key=lambda form: gaps[form].relative)
    example = "" if gaps[worst].ok else f"while {worst}: logit {gaps[worst]}"
    declared = f"the same logits while {' and '.join(made)}"
    return Check("forms", "model", declared, said(gaps[worst]), gaps[worst].ok, example)


def training_check(
    subject: Subject, wanted: Run, cancelled: Mapping[str, Tensor] = MappingProxyType({})
) -> Check:
    """Logits, gradients and updated norm statistics while training, dropout aside. The gradients
    are taken with gradient checkpointing: both forms share what makes them; what is
    `cancelled` must be nothing, as it is in the reference."""
    model, program, images = subject.model, subject.program, subject.images
    found = run_model(model, program, images, training=True, backward=False)
    again, once = run_checkpointed(model, program, images)
    slope, gap_of_slope = _worst_slope(again, wanted, cancelled)
    gaps = {
        "a logit": difference(found.logits, wanted.logits),
        "with gradient checkpointing, a logit": difference(again.logits, wanted.logits),
        f"{once} is not computed again by gradient checkpointing": Difference(float(bool(once))),
        f"with gradient checkpointing, the gradient of {slope}": gap_of_slope,
    }
    for name, value in wanted.statistics.items():
        gaps[f"{name} after the step"] = difference(found.statistics[name], value)
    for path, rows in found.entered.items():
        wanted_mean = subject.tensors[f"{path}.running_mean"].lerp(rows.mean(0), MOMENTUM)
        wanted_var = subject.tensors[f"{path}.running_var"].lerp(rows.var(0), MOMENTUM)
        for name, value in (("running_mean", wanted_mean), ("running_var", wanted_var)):
            kept = found.statistics[f"{path}.{name}"]
            gaps[f"{path}.{name} after the step"] = difference(kept, value)
    gaps |= _training_maps(subject, wanted)
    worst = max(gaps, key=lambda name: gaps[name].relative)
    example = "" if gaps[worst].ok else f"{worst}: {gaps[worst]}"
    declared = "the reference's logits, gradients, feature maps"
    declared += ", norm statistics" if wanted.statistics else ""
    measured = said(gaps[worst])
    if cancelled:
        count = sum(int(entries.sum()) for entries in cancelled.values())
        measured += f"; {count:,} numbers among the gradients cancel, and are nothing in both"
    return Check("training", "model", declared, measured, gaps[worst].ok, example)


def _training_maps(subject: Subject, wanted: Run) -> dict[str, Difference]:
    """Feature maps and `forward_features` in training mode."""
    meant = (*wanted.features, wanted.last)
    found = training_maps(subject.model, subject.program, subject.images)
    if len(found) != len(meant):
        return {f"{len(found) - 1} feature maps while training": Difference(math.inf)}
    names = [f"the map of stage {number}" for number in range(len(wanted.features))]
    pairs = zip((*names, "forward_features"), found, meant, strict=True)
    return {name: difference(one, other) for name, one, other in pairs}


def check_second_size(subject: Subject, build: Builder) -> Check:
    """Logits at another input size: of this model, where the contract accepts one, and of one that
    was built for that size."""
    program = subject.program
    size = second_size(program) or _built_size(program)
    if size is None:
        declared = f"only {times(program.contract.minimum)}"
        return Check("second size", "model", declared, "nothing to compare", True)
    other = assemble(program.source, size=size)
    images = random_images(other, 1, SEED + 2)
    tensors = subject.tensors if not program.contract.fixed else draw(inventory(other), SEED)
    built = build(img_size=size).double().eval()
    built.load_state_dict({**built.state_dict(), **tensors})
    with torch.no_grad():
        wanted = run(other, tensors, images).logits
        gap = difference(built(images), wanted, spread(wanted))
        gaps = {"logit of a model built for it,": gap}
        if not program.contract.fixed:
            gaps["logit"] = difference(subject.model(images), wanted, spread(wanted))
    worst = max(gaps, key=lambda name: gaps[name].relative)
    model = subject.model if worst == "logit" else built
    at_size = replace(subject, program=other, images=images, tensors=tensors, model=model)
    example = "" if gaps[worst].ok else f"{worst} {gaps[worst]}; {first_difference(at_size)}"
    declared = f"the reference's, at {times(size)}"
    return Check("second size", "model", declared, said(gaps[worst]), gaps[worst].ok, example)


def _built_size(program: Program) -> Size | None:
    """For models of one size: a small one, not square, that the spec's model can be built for."""
    rows, columns = program.contract.multiple
    if program.contract.unique:
        return None
    sizes = [(more * rows, (more + 1) * columns) for more in (1, 2, 3)]
    return next((size for size in sizes if has_meaning(program, size)), None)


def second_size(program: Program) -> Size | None:
    """The smallest input that the contract accepts, not square and not the model's own."""
    contract, own = program.contract, program.input.grid
    if contract.fixed:
        return None
    rows, columns = (_first(contract, axis) for axis in (0, 1))
    wide = (rows, columns + contract.multiple[1])
    return wide if wide != own else (rows + contract.multiple[0], columns)


def at_least(subject: Subject) -> tuple[Program, Tensor]:
    """The program at the smallest accepted size, and as many images of it as the subject has; MANY
    where batch norms take statistics from them."""
    size, own = second_size(subject.program), subject.program.input.grid
    assert own is not None
    if size is None or size[0] * size[1] >= own[0] * own[1]:
        return subject.program, subject.images
    smaller = assemble(subject.program.source, size=size)
    count = MANY if has_batch_norm(smaller) else len(subject.images)
    return smaller, random_images(smaller, count, SEED)


def _first(contract: Contract, axis: int) -> int:
    multiple = contract.multiple[axis]
    return -(-contract.minimum[axis] // multiple) * multiple
