"""Bottlenecks: the descent is monotone and deterministic, and restarts hardly do better."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from relgraph.algebra.operator import Channel, Operator, Size
from relgraph.transfer.carried import Carried
from relgraph.transfer.projection import project, three
from relgraph.verify.oracle_channels import channel_orbits
from tests.transfer.projected import (
    FULL,
    LOCAL,
    POINT,
    SEPARATE,
    dense,
    item,
    ranked,
    relative,
    use,
)

GROUPS = Channel("groups", groups=2)
TIED = Channel("groups", groups=2, share="all")
WIDTH, GRID = (6, 5), (4, 5)
SLACK = {"inner": 1.01, "inner in groups": 1.04, "inner in tied groups": 1.04, "chain": 1.03}
TARGETS: dict[str, tuple[tuple[Operator, tuple[int, int]], ...]] = {
    "inner": ((ranked(Operator(LOCAL, FULL), "inner", 3), WIDTH),),
    "inner in groups": ((ranked(Operator(LOCAL, GROUPS), "inner", 4), WIDTH),),
    "inner in tied groups": ((ranked(Operator(LOCAL, TIED), "inner", 4), WIDTH),),
    "chain": (
        (Operator(POINT), (6, 8)),
        (Operator(LOCAL, SEPARATE), (8, 8)),
        (Operator(POINT), (8, 5)),
    ),
}


@pytest.mark.parametrize("case", TARGETS)
def test_the_error_is_that_of_w_and_restarts_hardly_do_better(case: str) -> None:
    source, own = item(use(Operator(LOCAL), WIDTH), grid=GRID)
    target, fresh = item(*(use(*one) for one in TARGETS[case]), grid=GRID)
    carried = project(source, target, own, fresh)
    assert isinstance(carried, Carried) and "alternating" in carried.reason, carried
    error = relative(dense(target, dict(carried.tensors)), dense(source, own))
    assert carried.error == pytest.approx(error, abs=1e-9)
    again = project(source, target, own, fresh)
    assert isinstance(again, Carried)
    assert all(torch.equal(t, again.tensors[n]) for n, t in carried.tensors.items())
    weighted, units = of_kernel(own["weight"]), units_of(target)
    total = float(weighted.square().sum())
    assert error <= SLACK[case] * min(restarted(weighted, units, n) for n in range(6)) / total**0.5


def of_kernel(weight: Tensor) -> Tensor:
    """(D, C, 9) scaled by the roots of how often each offset stands on the map of 4 × 5."""
    counts = torch.tensor([3.0, 4, 3])[:, None] * torch.tensor([4.0, 5, 4])
    return weight.flatten(2) * counts.flatten().double().sqrt()


def units_of(target: object) -> Tensor:
    middle = target.body[1]  # type: ignore[attr-defined]
    return channel_orbits(middle.connection)


def restarted(w: Tensor, units: Tensor, seed: int) -> float:
    """‖ΔW‖ after dense least squares, one factor after another, from random factors."""
    generator = torch.Generator().manual_seed(seed)
    count = int(units.max()) + 1
    places = torch.stack([(units == n).double() for n in range(count)])  # (U, r2, r1)
    a = torch.randn(units.shape[1], w.shape[1], generator=generator).double()
    b = torch.randn(w.shape[0], units.shape[0], generator=generator).double()
    error = torch.inf
    for _ in range(300):
        columns = torch.einsum("da,uab,bc->dcu", b, places, a).flatten(0, 1)
        theta = torch.linalg.lstsq(columns, w.flatten(0, 1), driver="gelsd").solution
        core = torch.einsum("ut,uab->abt", theta, places)
        right = torch.einsum("abt,bc->cta", core, a).flatten(0, 1)
        b = torch.linalg.lstsq(right, w.flatten(1).T, driver="gelsd").solution.T
        left = torch.einsum("da,abt->dtb", b, core).flatten(0, 1)
        a = torch.linalg.lstsq(left, w.transpose(1, 2).flatten(0, 1), driver="gelsd").solution
        made = torch.einsum("da,abt,bc->dct", b, core, a)
        before, error = error, float((w - made).norm())
        if before - error < 1e-8:
            break
    return error


@pytest.mark.parametrize("case", TARGETS)
def test_every_sweep_lowers_the_error(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, _ = item(*(use(*one) for one in TARGETS[case]), grid=GRID)
    w = torch.randn(5, 6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    errors = []
    for sweeps in range(8):
        monkeypatch.setattr(three, "SWEEPS", sweeps)
        made, _ = three.descended(w, units_of(target))
        errors.append(float((w - made.product()).norm()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0], "alternating improves on the start"


def test_a_bottleneck_comes_back_as_it_was() -> None:
    source, own = item(use(ranked(Operator(LOCAL), "inner", 3), WIDTH), grid=GRID)
    again, fresh = item(
        use(Operator(POINT), (6, 3)),
        use(Operator(LOCAL), (3, 3)),
        use(Operator(POINT), (3, 5)),
        grid=GRID,
    )
    carried = project(source, again, own, fresh)
    assert isinstance(carried, Carried) and carried.is_exact
    assert relative(dense(again, dict(carried.tensors)), dense(source, own)) < 1e-10


def test_a_full_inner_width_loses_nothing(grid: Size = GRID) -> None:
    source, own = item(use(Operator(LOCAL), WIDTH), grid=grid)
    target, fresh = item(use(ranked(Operator(LOCAL), "inner", 9), WIDTH), grid=grid)
    carried = project(source, target, own, fresh)
    assert isinstance(carried, Carried) and carried.is_exact
