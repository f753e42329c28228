"""Modules that no test of the probe was written around: what is said of them was judged by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.probe import strange, unseen
from tests.probe.measured import Found, found, measured

TOKENS = (1, 16, 8)
MAP = (1, 8, 5, 5)
POINT = ("point.positions-full-static", True)

CLAIMED: dict[str, tuple[nn.Module, tuple[int, ...], list[Found]]] = {
    # Queries and keys go round the value that both branches read.
    "acmix": (
        unseen.MixedBranches(),
        (1, 8, 4, 4),
        [POINT, ("full-separate.all-pair.softmax", True), ("local.positions-full-static", True)],
    ),
    "central difference": (
        unseen.CentralDifference(8, 8, 3, bias=False),
        MAP,
        [("local.positions-full-static", True)],
    ),
    "a table through a softmax": (
        unseen.GivenTable(),
        TOKENS,
        [POINT, ("full.none-separate.all-static.softmax", True)],
    ),
    "weight norm": (
        nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 3, padding=1)),
        MAP,
        [("local.positions-full-static", True)],
    ),
}


@pytest.mark.parametrize("name", CLAIMED)
def test_what_is_claimed_is_so(name: str) -> None:
    module, shape, wanted = CLAIMED[name]
    assert list(found(module, shape)) == wanted


# What differs, or is undecided, in words.
OPEN: dict[str, tuple[nn.Module, tuple[int, ...], str]] = {
    "standardized weights": (unseen.Standardized(8, 8, 3), MAP, "560 numbers are free"),
    "a spectral norm": (
        nn.utils.parametrizations.spectral_norm(nn.Conv2d(8, 8, 3, padding=1)),
        MAP,
        "575 numbers are free",
    ),
    "one projection": (unseen.OneProjection(), TOKENS, "one projection makes queries and keys"),
    "a sum over places": (unseen.Hydra(), TOKENS, "depends on the image in another way"),
    "a softmax over places": (unseen.AftSimple(), TOKENS, "a softmax over places"),
    "what is apart from the mean": (unseen.SimAm(), MAP, "on a branch of the gate stands a sum"),
    "levels": (unseen.Focal(), (1, 4, 5, 5), "depends on the image in another way"),
    "a given decay": (unseen.Decay(), TOKENS, "a bias of places that is given"),
    "a tap less": (unseen.OddKernel(), (1, 16, 9, 9), "channel 5 reads other places"),
}


@pytest.mark.parametrize("name", OPEN)
def test_what_is_not_so_is_not_claimed(name: str) -> None:
    module, shape, words = OPEN[name]
    operators = measured(module, shape).operators
    assert not all(one.exact for one in operators)
    assert words in "\n".join(text for one in operators for text in one.lines())


WIDE: dict[str, tuple[nn.Module, tuple[int, ...], Found, str]] = {
    # The last is what is said of how much was asked.
    "depthwise": (
        nn.Conv2d(96, 96, 5, padding=2, groups=96),
        (1, 96, 12, 12),
        ("local.positions-separate-static", True),
        "connectivity and sharing hold in all 191,102,976 entries",
    ),
    "dense": (
        nn.Conv2d(48, 64, 3, padding=1),
        (1, 48, 10, 10),
        ("local.positions-full-static", True),
        "connectivity and sharing hold in all 30,720,000 entries",
    ),
    "dense, with a stride": (
        nn.Conv2d(48, 64, 3, stride=2, padding=1),
        (1, 48, 10, 10),
        ("local.positions-full-static", True),
        "asked of 2 of 48 input channels",
    ),
    "attention": (
        strange.Attention(96, 3),
        (1, 100, 96),
        ("full-separate.heads-pair.softmax", True),
        "connectivity holds in all 92,160,000 entries, by random features; the rest was asked of 2",
    ),
    "tokens": (
        nn.Sequential(nn.Linear(96, 192), nn.GELU(), nn.Linear(192, 96)),
        (1, 100, 96),
        ("point.positions-full.inner-static", True),
        "connectivity and sharing hold",
    ),
}


@pytest.mark.parametrize("name", WIDE)
def test_wide_layers_tell_how_much_of_them_was_asked(name: str) -> None:
    module, shape, wanted, words = WIDE[name]
    (one,) = measured(module, shape).operators
    assert (one.family, one.exact) == wanted
    assert words in one.part.measured.proof


def test_wide_tokens_in_front_are_places_too() -> None:
    (one,) = measured(strange.Attention(96, 3), (1, 101, 96), tokens=1).operators
    assert (one.family, one.exact) == ("full-separate.heads-pair.softmax", True)
    assert "in all 94,012,416 entries" in one.part.measured.proof


def test_a_channel_of_its_own_is_found_in_a_wide_layer() -> None:
    whole = measured(unseen.OddPlace(48, 10), (1, 48, 10, 10)).operators
    assert [one.exact for one in whole] == [True, False]


def test_nothing_is_decided_of_what_is_no_sum() -> None:
    (pooled,) = measured(nn.MaxPool2d(3, 1, 1), MAP).operators
    assert not any(one.decided for one in pooled.part.measured.properties)


def test_a_mean_of_zero_is_no_missing_gradient() -> None:
    (one,) = measured(Centred(), TOKENS).operators
    assert one.family == "full-separate-fixed.average"


class Centred(nn.Module):
    """Each channel less its mean over places: its plain sum has no gradient."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - x.mean(1, keepdim=True)
