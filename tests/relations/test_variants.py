"""Variants that edits write only in graphs of roots that have them: `l1`, cosines, bands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relgraph.algebra.operator import (
    Border,
    Channel,
    ChannelShare,
    Normalize,
    Operator,
    Rank,
    Size,
    Space,
    SpaceShare,
    Weight,
)
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
    "continuous": Weight("pair", "softmax", "continuous"),
    "rotary": Weight("pair", "softmax", "rotary"),
    "linear": Weight("pair", "l1", score="relu"),
    "multi-query": Weight("pair", "softmax", "relative", kv_heads=1),
    "talking": Weight("pair", "softmax", "relative", talking_heads="both"),
    "talking logits": Weight("pair", "softmax", "relative", talking_heads="logits"),
}


COSINE = Weight("pair", "softmax", score="cosine")
NETWORK = Weight("pair", "softmax", "continuous")
TURNED = Weight("pair", "softmax", "rotary")
TALKING = Weight("pair", "softmax", talking_heads="both")
LOGITS, HEARD = (replace(TALKING, talking_heads=how) for how in ("logits", "weights"))
AVERAGE = Weight("fixed", fixed="average")


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


def moved(rows: int, columns: int, border: Border = "zero") -> Operator:
    weight = Weight("fixed", fixed="shift", offset=(rows, columns))
    sides = 2 * abs(rows) + 1, 2 * abs(columns) + 1
    return core(Operator(Space("local", sides, border=border), HEADS, weight))


def test_a_graph_has_shifts_where_a_root_is_one() -> None:
    root = family(moved(0, -1))
    assert root == moved(1, 1)
    numbers = own_numbers(GENERIC, (root,))
    assert numbers.families
    nodes = closure((root,)).nodes
    assert len(closure((MLP,)).nodes) + 1 == len(nodes) <= count((root,), numbers)
    assert all(node_of_key(key(node)) == node for node in nodes)
    steps = derivation(root)
    assert steps is not None
    assert steps[-1].target == root


@pytest.mark.parametrize(
    ("rows", "columns", "word"),
    [(1, 1, "shift"), (0, -2, "shift.left2"), (-1, 3, "shift.up1.right3"), (2, 0, "shift.down2")],
)
def test_a_shift_has_a_name_by_its_way(rows: int, columns: int, word: str) -> None:
    node = moved(rows, columns)
    assert key(node).endswith(f"-fixed.{word}")
    assert node_of_key(key(node)) == node


KERNEL = Space("local", (3, 3), share="positions")


@pytest.mark.parametrize(
    ("space", "weight", "direction"),
    [
        (KERNEL, Weight(), "up"),
        (replace(KERNEL, rank=Rank("separable")), Weight(), "up"),
        (replace(KERNEL, border="clamp"), Weight(), "sideways"),
        (replace(KERNEL, share="all"), Weight(), "sideways"),
        (replace(KERNEL, size=(3, 1)), Weight(), "sideways"),
        (Space("axial", share="positions"), Weight(), "up"),
        (Space("full"), Weight("pooled"), "up"),
        (KERNEL, Weight("center"), "up"),
        (replace(KERNEL, border="mask"), Weight(normalize="softmax"), "sideways"),
        (Space("window", (3, 3)), Weight(), "sideways"),
        (KERNEL, Weight("fixed", fixed="average"), "sideways"),
    ],
)
def test_a_shift_is_one_tap(space: Space, weight: Weight, direction: str) -> None:
    other = core(Operator(space, Channel("separate"), weight))
    assert compare(moved(0, 1), other, instances=True).direction == direction
    wrapped = replace(other, space=replace(other.space, border="wrap"))
    if direction == "up" and space.connect == "local":  # others hold what comes round, too
        assert compare(moved(0, 1, "wrap"), core(wrapped), instances=True).direction == "up"
        assert compare(moved(0, 1, "wrap"), other, instances=True).direction == "sideways"


def surrounded(
    halo: int, share: SpaceShare = "none", size: Size = (4, 4), weight: Weight | None = None
) -> Operator:
    weight = weight or Weight()
    border: Border = "zero" if weight.normalize == "none" else "mask"
    return atom(weight, Space("window", size, halo=(halo, halo), share=share, border=border))


def test_a_graph_has_windows_with_a_halo_where_a_root_has_one() -> None:
    root = family(surrounded(3))
    assert isinstance(root, Operator)
    assert root.space == Space("window", (2, 2), halo=(1, 1))
    numbers = own_numbers(GENERIC, (root,))
    assert numbers.families
    nodes = closure((root,)).nodes
    assert len(closure((MLP,)).nodes) < len(nodes) <= count((root,), numbers)
    assert all(node_of_key(key(node)) == node for node in nodes)
    steps = derivation(root)
    assert steps is not None
    assert steps[-1].target == root


def test_a_halo_is_widened_step_by_step() -> None:
    numbers = replace(GENERIC, window=((4, 4),), halo=((0, 0), (1, 1), (2, 2)))
    made = {
        (edit.relation, edit.before, edit.after, edit.target)
        for edit in edits(surrounded(1), numbers)
        if edit.relation in ("widen", "narrow")
    }
    assert made == {
        ("widen", "halo 1×1", "halo 2×2", surrounded(2)),
        ("narrow", "halo 1×1", "halo 0×0", surrounded(0)),
    }
    assert key(surrounded(3)) == "window4x4.none.halo3x3-separate.heads4-static"
    assert node_of_key(key(surrounded(3))) == surrounded(3)


@pytest.mark.parametrize(
    ("one", "other", "direction"),
    [
        (surrounded(0), surrounded(1), "up"),
        (surrounded(1), surrounded(3), "up"),
        (surrounded(0, "windows"), surrounded(1, "windows"), "up"),
        (surrounded(0, "positions"), surrounded(1, "positions"), "sideways"),
        (surrounded(1, "positions"), surrounded(1, "windows"), "up"),
        (atom(Weight(), Space("local", (3, 3))), surrounded(1), "up"),
        (atom(Weight(), Space("local", (5, 5))), surrounded(1), "sideways"),
        (atom(Weight(), replace(KERNEL, size=(3, 3))), surrounded(1, "windows"), "up"),
        (atom(Weight(), KERNEL), surrounded(1, "positions"), "up"),
        (atom(Weight(), KERNEL), surrounded(0, "positions"), "sideways"),
        (atom(Weight(), replace(KERNEL, size=(5, 5))), surrounded(1, "positions"), "sideways"),
        (surrounded(1, size=(2, 2)), atom(Weight(), Space("local", (5, 5))), "up"),
        (surrounded(1), surrounded(3, size=(2, 2)), "up"),
        (surrounded(0), surrounded(1, size=(2, 2)), "sideways"),
        (
            surrounded(0, weight=Weight("pair", "softmax", "absolute")),
            surrounded(1, weight=Weight("pair", "softmax", "absolute")),
            "up",
        ),
        (
            surrounded(0, weight=Weight("pair", "softmax", "relative")),
            surrounded(1, weight=Weight("pair", "softmax", "relative")),
            "sideways",
        ),
    ],
)
def test_what_lies_in_a_halo(one: Operator, other: Operator, direction: str) -> None:
    assert compare(one, other, instances=True).direction == direction


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
        (NETWORK, replace(NETWORK, position="relative"), "up", "embedding"),
        (NETWORK, replace(NETWORK, position="absolute"), "up", "embedding"),
        (replace(NETWORK, position="relative"), NETWORK, "down", "none"),
        (replace(NETWORK, position="none"), NETWORK, "up", "embedding"),
        (Weight("pair"), Weight("pair", position="continuous"), "sideways", "none"),
        (AVERAGE, NETWORK, "up", "embedding"),
        (AVERAGE, TURNED, "up", "embedding"),
        (Weight("static", "softmax"), NETWORK, "sideways", "none"),
        (Weight("static", "softmax"), TURNED, "sideways", "none"),
        (TURNED, replace(TURNED, position="none"), "sideways", "none"),
        (TURNED, replace(TURNED, position="relative"), "sideways", "none"),
        (TURNED, replace(TURNED, position="absolute"), "sideways", "projection"),
        (TURNED, NETWORK, "sideways", "none"),
        (TURNED, Weight("static"), "sideways", "projection"),
        (Weight("pair", "softmax"), TALKING, "up", "embedding"),
        (LOGITS, TALKING, "up", "embedding"),
        (HEARD, replace(TALKING, position="absolute"), "up", "embedding"),
        (LOGITS, HEARD, "sideways", "none"),
        (LOGITS, Weight("pair", "softmax", "absolute"), "sideways", "projection"),
        (HEARD, Weight("pair", "softmax", "absolute"), "sideways", "none"),
        (HEARD, Weight("pair", "sigmoid", "absolute"), "sideways", "none"),
        (Weight("static", "softmax"), replace(TALKING, position="absolute"), "up", "embedding"),
        (TALKING, Weight("static"), "sideways", "projection"),
    ],
)
def test_what_lies_in_what(one: Weight, other: Weight, direction: str, carried: str) -> None:
    a, b = atom(one), atom(other)
    assert compare(a, b, instances=True).direction == direction
    assert carries(a, b, instances=True).kind == carried


def test_a_network_does_not_close_what_is_outside_and_places_are_counted_in_blocks() -> None:
    for weight in (NETWORK, replace(NETWORK, position="rotary")):
        windows = [atom(weight, Space("window", (n, n), border="mask")) for n in (2, 4)]
        assert compare(*windows, instances=True).direction == "sideways"
    plain = atom(replace(NETWORK, position="none"), Space("window", (2, 2), border="mask"))
    assert compare(plain, atom(NETWORK), instances=True).direction == "sideways"


def test_what_heads_tell_each_other_is_not_silent_outside() -> None:
    for weight, way in ((Weight("pair", "softmax", "absolute"), "up"), (TALKING, "sideways")):
        weight = replace(weight, position="absolute")
        small = atom(weight, Space("window", (2, 2), border="mask"))
        large = atom(replace(TALKING, position="absolute"))
        assert compare(small, large, instances=True).direction == way


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


def between(normalize: Normalize = "softmax", groups: int = 2) -> Operator:
    channel = Channel("groups", groups=groups) if groups > 1 else Channel()
    weight = Weight("channels", normalize, score="cosine")
    return core(Operator(Space("point", share="positions"), channel, weight))


def test_a_graph_compares_channels_where_a_root_does() -> None:
    root = family(between(groups=4))
    assert root == between()
    numbers = own_numbers(GENERIC, (root,))
    assert numbers.families
    assert numbers != GENERIC
    nodes = closure((root,)).nodes
    assert len(closure((MLP,)).nodes) + 4 == len(nodes) <= count((root,), numbers)
    assert all(node_of_key(key(node)) == node for node in nodes)
    assert node_of_key(key(between(groups=4))) == between(groups=4)
    steps = derivation(root)
    assert steps is not None
    assert steps[-1].target == root


STATIC = core(Operator(Space("point", share="positions"), Channel("groups", groups=2)))


@pytest.mark.parametrize(
    ("one", "other", "carried"),
    [
        (between(), between("none"), "none"),
        (between(), between(groups=4), "none"),
        (STATIC, between("none"), "none"),
        (STATIC, between(), "none"),
        (between("none"), STATIC, "projection"),
        (between(), STATIC, "projection"),
    ],
)
def test_channels_compared_hold_no_numbers(one: Operator, other: Operator, carried: str) -> None:
    assert compare(one, other, instances=True).direction == "sideways"
    assert carries(one, other, instances=True).kind == carried


def test_making_a_grouped_point_dynamic_compares_its_channels() -> None:
    numbers = only_numbers((STATIC, between("none")))
    found = {edit.target: edit for edit in edits(STATIC, numbers)}
    assert found[between("none")].relation == "make dynamic"
    back = {edit.target: edit for edit in edits(between("none"), numbers)}
    assert back[STATIC].relation == "freeze"
    assert between("none") not in {edit.target for edit in edits(STATIC)}


def test_magnitudes_of_pairs_reach_no_further() -> None:
    """Nothing is −∞ there: outside the smaller window query · key stays what it is."""
    windows = [atom(Weight("pair", "l1", "absolute"), Space("window", (n, n))) for n in (2, 4)]
    assert compare(*windows, instances=True).direction == "sideways"
