"""Closed-form multiply-adds against the oracle's count over its own tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relgraph.algebra.cost import activation_elements, macs
from relgraph.algebra.families import connection, families, framed
from relgraph.algebra.operator import Channel, Connection, Frame, Operator, Space, Weight
from relgraph.verify import oracle


# All of them, at awkward sizes too: `python -m benchmarks.families`.
def test_families_cost_what_the_oracle_counts() -> None:
    for operator in families()[::3]:
        at = connection(operator)
        assert macs(at) == oracle.multiply_adds(at), operator


def test_every_frame_costs_what_the_oracle_counts() -> None:
    for operator in families()[::17]:
        for variant in framed(operator):
            at = connection(variant)
            assert macs(at) == oracle.multiply_adds(at), variant


@pytest.mark.parametrize(("tokens", "key_grid"), [(0, None), (3, None), (0, (2, 3))])
def test_tokens_and_reduced_keys(tokens: int, key_grid: tuple[int, int] | None) -> None:
    frame = Frame(value=True, output=True)
    heads = Channel("separate", share="heads", heads=2)
    operator = Operator(Space("full"), heads, Weight("pair", normalize="softmax"), "none", frame)
    at = Connection(operator, 8, 8, (4, 6), (4, 6), tokens, key_grid)
    assert macs(at) == oracle.multiply_adds(at)
    static = replace(operator, weight=Weight(), channel=Channel("separate"))
    if key_grid is None:
        at = replace(at, operator=static)
        assert macs(at) == oracle.multiply_adds(at)


def test_between_maps_of_different_sizes() -> None:
    at = Connection(Operator(Space("full"), Channel("separate")), 8, 8, (4, 6), (5, 1))
    assert macs(at) == oracle.multiply_adds(at) == 8 * 24 * 5


def test_a_vector_is_one_place() -> None:
    at = Connection(Operator(Space(share="positions")), 8, 10, None, None)
    assert macs(at) == oracle.multiply_adds(at) == 80


def test_completion_is_counted() -> None:
    operator = Operator(Space("window", size=(3, 3), pad=True), Channel("separate"))
    at = Connection(operator, 8, 8, (4, 5), (4, 5))
    assert macs(at) == oracle.multiply_adds(at) == 6 * 6 * 9 * 8


def test_swin_tiny_first_block() -> None:
    heads = Channel("separate", share="heads", heads=3)
    weight = Weight("pair", normalize="softmax", position="relative")
    space = Space("window", size=(7, 7), shift=(3, 3), border="mask")
    operator = Operator(space, heads, weight, "none", Frame(value=True, output=True))
    at = Connection(operator, 96, 96, (56, 56), (56, 56))
    assert macs(at) == 3136 * (4 * 96 * 96 + 2 * 49 * 96)


def test_activations_grow_with_what_is_kept() -> None:
    plain = Operator(Space("local", (3, 3), share="positions"), Channel("separate"))
    center = replace(plain, weight=Weight("center"))
    kept = activation_elements(connection(plain)), activation_elements(connection(center))
    assert kept == (2 * 4 * 24, 2 * 4 * 24 + 4 * 9 * 24)
    softmax = replace(center, weight=Weight("center", normalize="softmax"))
    assert activation_elements(connection(softmax)) == kept[1]
    framed_ = replace(plain, frame=Frame(value=True, output=True))
    wide = connection(framed_)
    assert activation_elements(wide) == 24 * (4 + 6 + 4 + 4)
