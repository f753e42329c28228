"""What tells two starts apart, also of parameters with so few values that one draw says little."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from relgraph.verify.report import Check
from relgraph.verify.start import Draw, check_start, started

SEEDS = range(20)


class Few(nn.Module):
    """A parameter of `count` values, filled by `fill`."""

    def __init__(self, fill: Callable[[Tensor], object], count: int = 1) -> None:
        super().__init__()
        self.fill = fill
        self.weight = nn.Parameter(torch.empty(count))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        with torch.no_grad():
            self.fill(self.weight)


def drawn(std: float = 1.0, mean: float = 0.0) -> Callable[[Tensor], object]:
    return lambda weight: nn.init.normal_(weight, mean, std)


def checked(
    first: Callable[[Tensor], object], second: Callable[[Tensor], object], count: int = 1
) -> Check:
    """Built with `first`, reset with `second`."""
    torch.manual_seed(0)
    return check_start(started(Few(first, count)), lambda: Few(second, count), None)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_few_values_of_one_distribution_are_no_difference(count: int, seed: int) -> None:
    torch.manual_seed(seed)
    model = Few(drawn(0.5, 2.0), count)
    found = check_start(started(model), lambda: Few(drawn(0.5, 2.0), count), None)
    assert found.ok, found.counter_example


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_constants_are_compared_exactly(count: int) -> None:
    assert checked(nn.init.ones_, nn.init.ones_, count).ok
    assert not checked(nn.init.ones_, nn.init.zeros_, count).ok


@pytest.mark.parametrize("count", [1, 3, 7, 24, 100])
def test_a_constant_has_no_spread(count: int) -> None:
    """The mean of several times 0.1 is rounded, and none of them is it."""
    assert Draw.of(torch.full((count,), 0.1, dtype=torch.float64)).spread == 0.0


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_a_draw_is_no_constant(count: int) -> None:
    found = checked(drawn(), nn.init.zeros_, count)
    assert not found.ok
    assert found.counter_example.startswith(
        "after to_empty and reset_parameters, weight starts with"
    )


@pytest.mark.parametrize("count", [2, 7, 8])
def test_a_constant_is_no_draw(count: int) -> None:
    assert not checked(nn.init.zeros_, drawn(), count).ok


def test_another_mean_is_told_of_one_value() -> None:
    assert not checked(drawn(0.01, 1.0), drawn(0.01)).ok


def test_a_constant_in_the_place_of_a_draw_is_told_by_the_fresh_model() -> None:
    # One value says nothing of its spread; that it stays the same when it is reset does.

    def build() -> Few:
        return Few(nn.init.zeros_)

    assert not check_start(started(build()), build, Few(drawn())).ok
    assert check_start(started(build()), build, build()).ok


def test_what_a_reset_forgets_is_told() -> None:
    def fill_once(weight: Tensor) -> None:
        if not weight.is_meta and not weight.isnan().any():
            weight.fill_(1.0)

    assert not checked(nn.init.ones_, fill_once).ok
