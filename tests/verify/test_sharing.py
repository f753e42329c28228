"""Classes of equal weights are found, split and merged ones are named; under softmax by logits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from relgraph.verify.declared import ABSENT
from relgraph.verify.sharing import Sharing, shared_logits, shared_magnitudes, shared_values

# A stencil of three taps on five places in a row; one channel.
OUTPUTS, TAPS = 5, 3


def stencil_labels() -> Tensor:
    labels = torch.full((OUTPUTS, 1, OUTPUTS, 1), ABSENT)
    for o in range(OUTPUTS):
        for tap in range(TAPS):
            if 0 <= o + tap - 1 < OUTPUTS:
                labels[o, 0, o + tap - 1, 0] = tap
    return labels


def filled(labels: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    things = torch.randn(int(labels.max()) + 1, generator=generator, dtype=torch.float64)
    return torch.where(labels == ABSENT, 0.0, things[labels.clamp(min=0)])


def softmaxed(logits: Tensor, labels: Tensor) -> Tensor:
    rows = logits.masked_fill(labels == ABSENT, -torch.inf).softmax(2)
    return torch.where(labels == ABSENT, 0.0, rows)


def over_magnitudes(values: Tensor) -> Tensor:
    return values / values.abs().sum(2, keepdim=True)


def test_numbers_are_seen_through_their_division_by_row() -> None:
    labels = stencil_labels()
    draws = [over_magnitudes(filled(labels, seed)) for seed in range(3)]
    found = shared_magnitudes(draws, labels)
    assert (found.ok, found.things) == (True, TAPS)


def test_a_sign_that_differs_is_named() -> None:
    labels = stencil_labels()
    draws = [over_magnitudes(filled(labels, seed)) for seed in range(3)]
    draws[1][2, 0, 3, 0] *= -1.0
    found = shared_magnitudes(draws, labels)
    assert found.broken is not None
    assert [2, 0, 3, 0] in found.broken


def test_the_declared_classes_are_found() -> None:
    labels = stencil_labels()
    found = shared_values([filled(labels, seed) for seed in range(3)], labels)
    assert (found.ok, found.things) == (True, TAPS)


def test_a_tie_that_does_not_hold_is_named() -> None:
    labels = stencil_labels()
    draws = [filled(labels, seed) for seed in range(3)]
    draws[1][2, 0, 3, 0] += 1.0
    found = shared_values(draws, labels)
    assert not found.ok
    assert found.broken is not None
    assert [2, 0, 3, 0] in found.broken


def test_a_tie_that_is_not_declared_is_named() -> None:
    labels = stencil_labels()
    coarse = torch.where(labels == 2, 0, labels)
    found = shared_values([filled(coarse, seed) for seed in range(3)], labels)
    assert found.broken is None
    assert found.merged is not None
    assert found.things == TAPS - 1


def test_equality_in_one_draw_is_chance() -> None:
    labels = stencil_labels()
    draws = [filled(labels, seed) for seed in range(3)]
    draws[0] = torch.where(labels == ABSENT, 0.0, 1.0).double()
    assert shared_values(draws, labels).ok


def test_softmax_weights_share_their_logits() -> None:
    labels = stencil_labels()
    draws = [softmaxed(filled(labels, seed), labels) for seed in range(3)]
    assert not shared_values(draws, labels).ok  # the border rows have fewer slots
    assert shared_logits(draws, labels).ok


@pytest.mark.parametrize("change", ["broken", "merged"])
def test_softmax_weights_with_other_logits_are_noticed(change: str) -> None:
    labels = stencil_labels()
    logits = [filled(labels, seed) for seed in range(3)]
    if change == "broken":
        for draw in logits:
            draw[2, 0, 3, 0] += 1.0
    else:
        coarse = torch.where(labels == 2, 0, labels)
        logits = [filled(coarse, seed) for seed in range(3)]
    found = shared_logits([softmaxed(draw, labels) for draw in logits], labels)
    assert not found.ok
    assert (found.merged is not None) == (change == "merged")


@pytest.mark.parametrize("rule", [shared_values, shared_logits])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_no_tie(
    rule: Callable[[list[Tensor], Tensor], Sharing],
    value: float,
    capfd: pytest.CaptureFixture[str],
) -> None:
    labels = stencil_labels()
    draws = [softmaxed(filled(labels, seed), labels) for seed in range(3)]
    draws[1][2, 0, 3, 0] = value
    found = rule(draws, labels)
    assert found.broken is not None
    assert [2, 0, 3, 0] in found.broken
    assert capfd.readouterr().err == ""  # the linear algebra library was not asked
