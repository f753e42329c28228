"""Variants that edits write only in graphs of roots that have them: `l1`, cosines, bands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relgraph.algebra.operator import Channel, ChannelShare, Operator, Space, Weight
from relgraph.graph.closure import closure
from relgraph.graph.numbering import only_numbers, own_numbers
from relgraph.graph.universe import count
from relgraph.relations.derivation import derivation
from relgraph.relations.families import family
from relgraph.relations.keys import node_of_key
from relgraph.relations.node import core
from relgraph.relations.numbers import GENERIC
from relgraph.relations.order import compare
from relgraph.relations.table import edits
from relgraph.relations.weights import carries
from relgraph.relations.words import key
from tests.relations.listed import MLP

HEADS = Channel("separate", share="heads", heads=4)


def atom(weight: Weight, space: Space | None = None) -> Operator:
    return core(Operator(space or Space("full", border="mask"), HEADS, weight))


VARIANTS = {
    "l1": Weight("pair", "l1", "relative"),
    "cosine": Weight("pair", "softmax", "relative", score="cosine"),
    "linear": Weight("pair", "l1", score="relu"),
    "multi-query": Weight("pair", "softmax", "relative", kv_heads=1),
}


COSINE = Weight("pair", "softmax", score="cosine")


@pytest.mark.parametrize("name", VARIANTS)
def test_a_graph_has_a_variant_where_a_root_has_it(name: str) -> None:
    root = family(atom(VARIANTS[name]))
    numbers = own_numbers(GENERIC, (root,))
    assert numbers != GENERIC
    assert numbers.families
    nodes = closure((root,)).nodes
    assert len(closure((MLP,)).nodes) < len(nodes) <= count((root,), numbers)
    assert MLP in nodes
    assert all(node_of_key(key(node)) == node for node in nodes)


@pytest.mark.parametrize("name", VARIANTS)
def test_it_is_one_edit_from_what_is_usual(name: str) -> None:
    variant = atom(VARIANTS[name])
    usual = atom(Weight("pair", "softmax", "relative"))
    if name == "linear":  # products of features are normalised by nothing but their sum
        usual = atom(Weight("pair", "l1"))
    numbers = only_numbers((variant, usual))
    for one, other in ((variant, usual), (usual, variant)):
        assert other in {edit.target for edit in edits(one, numbers)}
    assert variant not in {edit.target for edit in edits(usual)}


@pytest.mark.parametrize("name", VARIANTS)
def test_it_is_derived_from_mlp(name: str) -> None:
    goal = family(atom(VARIANTS[name]))
    steps = derivation(goal)
    assert steps is not None
    assert steps[-1].target == goal


@pytest.mark.parametrize(
    ("one", "other", "direction", "carried"),
    [
        (Weight("pair", "softmax"), Weight("pair", "l1"), "sideways", "none"),
        (COSINE, Weight("pair", "softmax"), "sideways", "none"),
        (COSINE, replace(COSINE, position="relative"), "up", "embedding"),
        (Weight("static", "softmax"), COSINE, "sideways", "projection"),
        (Weight("static"), Weight("pair", score="cosine"), "sideways", "none"),
        (Weight("static"), Weight("pair", position="absolute", score="cosine"), "up", "embedding"),
        (Weight("pair", "l1", score="relu"), Weight("pair", "l1"), "sideways", "none"),
        (Weight("pair", "softmax", kv_heads=1), Weight("pair", "softmax"), "up", "embedding"),
        (Weight("pair", "softmax"), Weight("pair", "softmax", kv_heads=1), "down", "none"),
        (Weight("pair", kv_heads=1), Weight("pair", kv_heads=2), "up", "embedding"),
        (Weight("static"), Weight("pair", score="elu"), "sideways", "none"),
        (Weight("static", "l1"), Weight("static"), "up", "embedding"),
        (Weight("static"), Weight("static", "l1"), "down", "none"),
        (Weight("static", "l1"), Weight("pooled", "l1"), "up", "embedding"),
    ],
)
def test_what_lies_in_what(one: Weight, other: Weight, direction: str, carried: str) -> None:
    a, b = atom(one), atom(other)
    assert compare(a, b, instances=True).direction == direction
    assert carries(a, b, instances=True).kind == carried


def banded(size: int = 3, share: ChannelShare = "none") -> Operator:
    point = Space("point", share="positions")
    return core(Operator(point, Channel("local", share=share, size=size)))


def test_a_graph_has_bands_where_a_root_has_one() -> None:
    root = family(banded(5))
    assert root == banded(3)
    numbers = own_numbers(GENERIC, (root,))
    assert numbers.families
    assert numbers != GENERIC
    nodes = closure((root,)).nodes
    assert len(closure((MLP,)).nodes) < len(nodes) <= count((root,), numbers)
    assert all(node_of_key(key(node)) == node for node in nodes)
    assert node_of_key(key(banded(5))) == banded(5)
    steps = derivation(banded(5, "all"))
    assert steps is not None
    assert steps[-1].target == banded(3, "all")


@pytest.mark.parametrize(
    ("one", "other", "direction"),
    [
        (Channel("full"), Channel("local", size=3), "down"),
        (Channel("local", size=5), Channel("local", size=3), "down"),
        (Channel("local", size=3), Channel("local", size=3, share="all"), "down"),
        (Channel("local", size=3), Channel("separate"), "down"),
        (Channel("local", size=3, share="all"), Channel("separate", share="all"), "down"),
        (Channel("local", size=3, share="all"), Channel("separate"), "sideways"),
        (Channel("groups", groups=2), Channel("local", size=3), "sideways"),
        (Channel("local", size=2), Channel("local", size=3), "up"),
        (Channel("local", size=4), Channel("local", size=3), "down"),
    ],
)
def test_where_bands_lie(one: Channel, other: Channel, direction: str) -> None:
    point = Space("point", share="positions")
    a, b = (core(Operator(point, channel)) for channel in (one, other))
    assert compare(a, b, instances=True).direction == direction
    kinds = {"down": "projection", "up": "embedding", "sideways": "projection"}
    assert carries(a, b, instances=True).kind == kinds[direction]


def test_bands_of_one_channel_are_no_bands() -> None:
    assert banded(1).channel == Channel("separate")
    assert banded(1, "all").channel == Channel("separate", share="all")


def test_magnitudes_of_pairs_reach_no_further() -> None:
    """Nothing is −∞ there: outside the smaller window query · key stays what it is."""
    windows = [atom(Weight("pair", "l1", "absolute"), Space("window", (n, n))) for n in (2, 4)]
    assert compare(*windows, instances=True).direction == "sideways"
