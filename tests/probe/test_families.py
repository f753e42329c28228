"""Families of the algebra, emitted and read back: a slice of `benchmarks.probe_families`."""

from __future__ import annotations

import pytest
import torch

from benchmarks.probe_families import placed
from relgraph.algebra.families import families
from relgraph.algebra.operator import Operator

SLICE = families()[11::601]


@pytest.mark.parametrize("number", range(len(SLICE)))
def test_nothing_is_taken_for_what_it_is_not(number: int) -> None:
    assert _placed(SLICE[number])[0] != "wrong"


def _one(connect: str, border: str, source: str, **told: object) -> Operator:
    """The first family of this kind with heads, that shares its weights where it has any."""
    return next(
        one
        for one in families()
        if (one.space.connect, one.space.border, one.weight.source) == (connect, border, source)
        and one.channel.share == "heads"
        and (source == "pair" or one.space.share == "positions")
        and all(getattr(one.weight, name) == value for name, value in told.items())
    )


SOFT = {"normalize": "softmax", "score": "dot", "talking_heads": "none", "kv_heads": None}
FOUND = {
    "neighbours on a ring": _one("local", "wrap", "pair", position="relative", **SOFT),
    "neighbours reflected": _one("local", "reflect", "pair", position="none", **SOFT),
    "neighbours repeated": _one("local", "clamp", "pair", position="relative", **SOFT),
    "a network's bias repeated": _one("local", "clamp", "pair", position="continuous", **SOFT),
    "windows on a ring": _one("window", "wrap", "pair", position="none", **SOFT),
    "a border of predicted weights": _one("local", "clamp", "center", normalize="sigmoid"),
    "a grid on a ring": _one("grid", "wrap", "static", normalize="none"),
}


@pytest.mark.parametrize("name", FOUND)
def test_borders_are_found(name: str) -> None:
    assert _placed(FOUND[name])[0] == "itself"


def _pairs(connect: str, border: str, share: str, **told: object) -> Operator:
    """The first family of pairs of this kind, whose channels share as `share` says."""
    return next(
        one
        for one in families()
        if (one.space.connect, one.space.border, one.weight.source) == (connect, border, "pair")
        and one.channel.share == share
        and all(getattr(one.weight, name) == value for name, value in told.items())
    )


def test_rows_of_which_nothing_is_left_are_no_number_beside_logits() -> None:
    """Products that are cut at zero leave whole rows of zeros."""
    verdict, _ = _placed(_pairs("local", "wrap", "heads", normalize="l1", score="relu"))
    assert verdict == "nearest"


def test_sigmoids_near_one_still_tell_that_logits_are_straight() -> None:
    wanted = _pairs("grid", "zero", "all", normalize="sigmoid", position="continuous", score="dot")
    assert _placed(wanted)[0] == "itself"


def _placed(operator: Operator) -> tuple[str, str]:
    """On one thread: small products lose by more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return placed(operator)
    finally:
        torch.set_num_threads(before)
