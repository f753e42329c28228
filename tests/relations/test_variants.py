"""Variants of the weight that edits write only in graphs of roots that have them: `l1`, cosines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relgraph.algebra.operator import Channel, Operator, Space, Weight
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


def test_magnitudes_of_pairs_reach_no_further() -> None:
    """Nothing is −∞ there: outside the smaller window query · key stays what it is."""
    windows = [atom(Weight("pair", "l1", "absolute"), Space("window", (n, n))) for n in (2, 4)]
    assert compare(*windows, instances=True).direction == "sideways"
