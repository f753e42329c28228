"""Static spatial matrices and static window mixing: emitted modules mean what the oracle says."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch

from relgraph.algebra.operator import Channel, Frame, Operator, Size, Space
from relgraph.algebra.parameters import parameters
from relgraph.lower import matrix, mixing
from relgraph.lower.module import MapSize, Module, in_reading_order
from relgraph.program import Connect
from tests.lower.against_oracle import (
    assert_compiles,
    assert_equals_oracle,
    assert_exports,
    assert_runs_in_bfloat16,
    assert_survives_meta,
    node,
)
from tests.support import build

FULL = Space("full")
SHARED = Channel("separate", share="all")
HEADS = Channel("separate", share="heads", heads=2)
OWN = Channel("separate")
BIASES = ("none", "channels", "positions", "both")


def _mixing(share: str, channel: Channel = HEADS, shift: Size = (0, 0), **more: bool) -> Operator:
    border = "wrap" if shift != (0, 0) else "zero"
    space = Space("window", (2, 3), shift=shift, share=share, border=border)  # type: ignore[arg-type]
    return Operator(space, channel, bias="none", frame=Frame(True, True, **more))


NODES: dict[str, Connect] = {
    f"{channel.connect} {channel.share} {bias}": node(
        Operator(FULL, channel, bias=bias),  # type: ignore[arg-type]
        6,
        (3, 4),
        out_channels=4 if channel.connect == "full" else 6,
    )
    for channel, bias in itertools.product((SHARED, HEADS, OWN, Channel("full")), BIASES)
} | {
    "tokens": node(Operator(FULL, SHARED, bias="positions"), 6, (3, 4), tokens=2),
    "tokens by heads": node(Operator(FULL, HEADS), 6, (3, 4), tokens=1),
    "into five": node(Operator(FULL, SHARED, bias="positions"), 6, (3, 4), out_grid=(5, 1)),
    "from five": node(Operator(FULL, SHARED, bias="positions"), 6, (5, 1), out_grid=(3, 4)),
    "same windows": node(_mixing("windows"), 6, (4, 9)),
    "same windows, shifted": node(_mixing("windows", shift=(1, 2)), 6, (4, 9)),
    "same windows, by channel": node(_mixing("windows", OWN, shift=(1, 0)), 6, (4, 9)),
    "own windows": node(_mixing("none"), 6, (4, 9)),
    "own windows, shifted": node(_mixing("none", shift=(1, 2)), 6, (4, 9)),
    "without biases": node(_mixing("none", value_bias=False, output_bias=False), 6, (4, 9)),
}


def _lower(at: Connect) -> Module:
    if matrix.accepts_matrix(at):
        return matrix.lower_matrix(at)
    assert mixing.accepts_window_mixing(at)
    return mixing.lower_window_mixing(at)


@pytest.mark.parametrize("name", NODES)
def test_equals_the_oracle(name: str) -> None:
    made = assert_equals_oracle(NODES[name], _lower(NODES[name]))
    found = {name: tuple(p.shape) for name, p in made.named_parameters()}
    assert found == {p.name: p.shape for p in parameters(NODES[name].connection)}


@pytest.mark.parametrize("name", NODES)
def test_compiles_exports_and_resets(name: str) -> None:
    at = NODES[name]
    lowered = _lower(at)
    made = assert_equals_oracle(at, lowered)
    assert_compiles(made, at)
    assert_exports(made, at)
    assert_survives_meta(lowered, at)
    assert_runs_in_bfloat16(lowered, at)


def test_windows_that_share_fit_another_map() -> None:
    built = NODES["same windows, shifted"]
    made = build(_lower(built))
    larger = node(built.connection.operator, 6, (8, 6))
    assert_equals_oracle(larger, _lower(larger), module=made.double())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("separate all positions", r"a weight for each position of \(3, 4\), found \(4, 4\)"),
        ("own windows", r"weights for each window of \(4, 9\), found \(4, 4\)"),
        ("same windows", "windows 2 x 3 must divide the map, found 4 x 4"),
    ],
)
def test_refuses_an_impossible_size(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build(_lower(NODES[name]))(torch.zeros(1, 6, 4, 4))


def test_only_maps_follow_the_image() -> None:
    """Hidden tokens of a factored matrix keep their number when the image grows."""
    into, back = (
        dict(_lower(replace(NODES[name], attr=factor)).arguments)
        for name, factor in (("into five", "gather"), ("from five", "spread"))
    )
    assert into == {"map_size": MapSize(3, 4), "out_size": (5, 1)}
    assert back == {"map_size": (5, 1), "out_size": MapSize(3, 4)}


def test_sizes_share_a_class() -> None:
    definitions = [d for d in (_lower(at).definition for at in NODES.values()) if d is not None]
    assert len(in_reading_order(definitions)) > 20
