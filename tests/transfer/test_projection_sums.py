"""Reductions by an average and sums over scales: the answer is the dense least-squares optimum."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from relgraph.algebra.operator import Channel, Operator, Size, Space
from relgraph.transfer.carried import Carried
from relgraph.transfer.projection import project
from tests.transfer.projected import (
    FULL,
    LOCAL,
    SEPARATE,
    Operators,
    dense,
    item,
    ranked,
    relative,
    run,
    use,
)

EVERY = Space("full")
HEADS = Channel("separate", share="heads", heads=2)
Case = tuple[Operator, Operator, tuple[int, int], Size]
CASES: dict[str, Case] = {
    "reduce": (
        Operator(EVERY, SEPARATE),
        ranked(Operator(EVERY, SEPARATE), "reduce", 2),
        (2, 2),
        (2, 4),
    ),
    "reduce, heads, from a kernel": (
        Operator(LOCAL, SEPARATE),
        ranked(Operator(EVERY, HEADS), "reduce", 2),
        (4, 4),
        (4, 2),
    ),
    "reduce, channels mixed": (
        Operator(EVERY),
        ranked(Operator(EVERY, FULL), "reduce", 2),
        (2, 3),
        (2, 4),
    ),
    "scales from every entry": (
        Operator(EVERY, SEPARATE),
        ranked(Operator(LOCAL, SEPARATE), "scales", 2),
        (2, 2),
        (4, 6),
    ),
    "scales from a larger kernel": (
        Operator(replace(LOCAL, size=(5, 5))),
        ranked(Operator(LOCAL), "scales", 2),
        (2, 2),
        (4, 6),
    ),
    "two scales": (
        Operator(replace(LOCAL, size=(7, 7)), SEPARATE),
        ranked(Operator(LOCAL, SEPARATE), "scales", 2, 4),
        (1, 1),
        (4, 8),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_projection_is_the_least_squares_optimum(case: str) -> None:
    before, after, width, grid = CASES[case]
    source, own = item(use(before, width), grid=grid)
    target, fresh = item(use(after, width), grid=grid)
    carried = project(source, target, own, fresh)
    assert isinstance(carried, Carried), carried
    wanted = dense(source, own)
    error = relative(dense(target, dict(carried.tensors)), wanted)
    assert carried.error == pytest.approx(error, abs=1e-9)
    columns = columns_of(target, fresh)
    best = columns @ torch.linalg.lstsq(columns, wanted.flatten()[:, None], driver="gelsd").solution
    assert error == pytest.approx(relative(best[:, 0], wanted.flatten()), abs=1e-9)
    assert carried.method == "projection" and 0.01 < error < 1


def test_a_kernel_lies_inside_its_scales() -> None:
    source, own = item(use(Operator(LOCAL), (2, 3)), grid=(4, 6))
    target, fresh = item(use(ranked(Operator(LOCAL), "scales", 2), (2, 3)), grid=(4, 6))
    carried = project(source, target, own, fresh)
    assert isinstance(carried, Carried) and carried.is_exact, carried
    x = torch.randn(3, 24, 2, dtype=torch.float64)
    made = run(target, dict(carried.tensors), x)
    assert torch.allclose(made, run(source, own, x), atol=1e-10)


def columns_of(target: Operators, fresh: dict[str, Tensor]) -> Tensor:
    """dW / dθ, numbers of all parts as columns."""
    names = [name for name in fresh if name.endswith("weight")]
    rest = {name: torch.zeros_like(tensor) for name, tensor in fresh.items()}
    units = [
        (name, unit)
        for name in names
        for unit in torch.eye(fresh[name].numel(), dtype=torch.float64)
    ]
    return torch.stack(
        [
            dense(target, {**rest, name: unit.reshape(fresh[name].shape)}).flatten()
            for name, unit in units
        ],
        1,
    )
