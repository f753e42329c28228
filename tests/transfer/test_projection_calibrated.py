"""Weights that change with the image onto static ones: both optima against dense least squares."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from relgraph.algebra.operator import Channel, Frame, Operator, Predictor, Size, Space, Weight
from relgraph.transfer.carried import Carried, Refused
from relgraph.transfer.projection import project
from relgraph.transfer.request import Objective
from relgraph.verify import oracle
from tests.transfer.projected import (
    FULL,
    LOCAL,
    SEPARATE,
    Operators,
    item,
    ranked,
    relative,
    run,
    use,
)

HEADS = Channel("separate", share="heads", heads=2)
EVERY = Space("full")
PAIR = Weight("pair", normalize="softmax", position="relative")
POOLED = Weight("pooled", predictor=Predictor(2, norm="batch_norm"))
WINDOW = Space("window", size=(2, 2))
FRAMED = Frame(True, True)
Case = tuple[Operator, Operator, Size]
CASES: dict[str, Case] = {
    "attention to every entry": (Operator(EVERY, HEADS, PAIR), Operator(EVERY, HEADS), (2, 3)),
    "attention to a depth-wise kernel": (
        Operator(EVERY, HEADS, PAIR, frame=FRAMED),
        Operator(LOCAL, SEPARATE, frame=FRAMED),
        (3, 4),
    ),
    "windows to windows shared": (
        Operator(WINDOW, HEADS, PAIR, bias="none"),
        Operator(replace(WINDOW, share="windows"), HEADS, bias="none"),
        (4, 6),
    ),
    "pooled to static": (Operator(LOCAL, SEPARATE, POOLED), Operator(LOCAL, SEPARATE), (4, 5)),
    "center to static with stride": (
        Operator(replace(LOCAL, stride=(2, 2)), HEADS, Weight("center")),
        Operator(replace(LOCAL, stride=(2, 2)), HEADS, bias="both"),
        (4, 5),
    ),
    "pooled to a kernel that mixes channels": (
        Operator(LOCAL, Channel("groups", groups=2), POOLED),
        Operator(replace(LOCAL, size=(3, 1)), FULL),
        (3, 4),
    ),
    "pooled to tied groups without bias": (
        Operator(LOCAL, FULL, POOLED),
        Operator(LOCAL, Channel("groups", groups=2, share="all"), bias="none"),
        (3, 4),
    ),
}


def loaded(
    case: Case,
) -> tuple[Operators, dict[str, Tensor], Operators, dict[str, Tensor], Tensor]:
    before, after, grid = case
    source, own = item(use(before, (4, 4)), grid=grid)
    target, fresh = item(use(after, (4, 4)), grid=grid)
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(40, grid[0] * grid[1], 4, generator=generator, dtype=torch.float64)
    return source, own, target, fresh, x + 0.3


@pytest.mark.parametrize("objective", ["outputs", "weights"])
@pytest.mark.parametrize("case", CASES)
def test_both_errors_are_what_they_say(case: str, objective: Objective) -> None:
    source, own, target, fresh, x = loaded(CASES[case])
    made = project(source, target, own, fresh, x, objective)
    assert isinstance(made, Carried), made
    outputs = relative(run(target, dict(made.tensors), x), run(source, own, x))
    assert made.error_outputs == pytest.approx(outputs, abs=1e-9)
    w = oracle.dense(source.connection, own, x)  # type: ignore[union-attr]
    still = oracle.dense(target.connection, dict(made.tensors), x[:1])  # type: ignore[union-attr]
    assert made.error == pytest.approx(relative(still.expand_as(w), w), abs=1e-9)


@pytest.mark.parametrize("case", CASES)
def test_each_is_the_optimum_of_what_it_minimises(case: str) -> None:
    source, own, target, fresh, x = loaded(CASES[case])
    fit = project(source, target, own, fresh, x, "outputs")
    mean = project(source, target, own, fresh, x, "weights")
    assert isinstance(fit, Carried) and isinstance(mean, Carried)
    assert fit.error_outputs is not None and mean.error_outputs is not None
    assert fit.error is not None and mean.error is not None
    assert fit.error_outputs <= mean.error_outputs and mean.error <= fit.error
    for name, minimised in (("outputs", fit), ("weights", mean)):
        moved = perturbations(source, target, own, minimised, x, name)
        assert min(moved) >= -1e-12, name


def perturbations(
    source: Operators,
    target: Operators,
    own: dict[str, Tensor],
    made: Carried,
    x: Tensor,
    what: str,
) -> list[float]:
    """By how much small steps in all directions of the core's numbers change the squared error."""

    def error(tensors: dict[str, Tensor]) -> float:
        if what == "outputs":
            return float((run(target, tensors, x) - wanted).square().mean())
        still = oracle.dense(target.connection, tensors, x[:1])  # type: ignore[union-attr]
        return float((still - w).square().mean())

    wanted = run(source, own, x)
    w = oracle.dense(source.connection, own, x).mean(0)  # type: ignore[union-attr]
    tensors = dict(made.tensors)
    framed = target.connection.operator.frame.output  # type: ignore[union-attr]
    if framed and what == "outputs":  # the optimum is the core's, before the projection
        tensors["proj.weight"] = torch.eye(4, dtype=torch.float64)
        wanted = run(source, own | {"proj.weight": torch.eye(4, dtype=torch.float64)}, x)
    names = ["weight"]
    if what == "outputs" and tensors.get("bias", torch.zeros(2, 2)).ndim == 1 and is_one(target):
        names.append("bias")
    start, found = error(tensors), []
    generator = torch.Generator().manual_seed(1)
    for name in names:
        for _ in range(10):
            step = 1e-3 * torch.randn(tensors[name].shape, generator=generator).double()
            found.append(error({**tensors, name: tensors[name] + step}) - start)
            found.append(error({**tensors, name: tensors[name] - step}) - start)
    return found


def is_one(target: Operators) -> bool:
    """Whether all outputs share numbers, so that a bias per channel is fitted."""
    return target.connection.operator.space.share == "positions"  # type: ignore[union-attr]


def test_a_few_images_leave_the_rest_at_the_mean() -> None:
    source, own, target, fresh, x = loaded(CASES["attention to every entry"])
    fit = project(source, target, own, fresh, x[:1], "outputs")
    assert isinstance(fit, Carried)
    assert fit.error_outputs is not None and fit.error_outputs < 1e-8


def test_projections_without_a_place_are_multiplied_in_or_refused() -> None:
    attention = Operator(EVERY, HEADS, PAIR, frame=FRAMED)
    case = (attention, Operator(EVERY, FULL), (2, 3))
    source, own, target, fresh, x = loaded(case)
    made = project(source, target, own, fresh, x)
    assert isinstance(made, Carried) and made.error is None
    mean = project(source, target, own, fresh, x, "weights")
    assert isinstance(mean, Carried) and mean.error is None and mean.error_outputs is not None
    assert made.error_outputs is not None and made.error_outputs <= mean.error_outputs < 1
    without = project(source, target, own, fresh)
    assert isinstance(without, Refused) and "images" in without.reason


def test_a_changing_source_goes_into_factors_by_its_mean() -> None:
    case = (
        Operator(LOCAL, SEPARATE, POOLED),
        ranked(Operator(LOCAL, SEPARATE), "separable"),
        (4, 5),
    )
    source, own, target, fresh, x = loaded(case)
    made = project(source, target, own, fresh, x)
    assert isinstance(made, Carried) and made.error is not None
    outputs = relative(run(target, dict(made.tensors), x), run(source, own, x))
    assert made.error_outputs == pytest.approx(outputs, abs=1e-9)
