"""Paths: shortest, all of them, in the table's order, and the published arrows have them."""

from __future__ import annotations

from functools import cache
from typing import Literal

import pytest

from relgraph.algebra.operator import Channel, Operator, Size, Space, Weight
from relgraph.relations.derivation import MLP, derivation, path, paths
from relgraph.relations.distance import at_least
from relgraph.relations.families import family
from relgraph.relations.node import Node, bare, core
from relgraph.relations.numbers import Numbers
from relgraph.relations.table import edits
from relgraph.resolve import resolve_operator
from relgraph.resolved import OperatorUse
from tests.relations.listed import closure

FAMILIES = tuple(closure())
STARTS = FAMILIES[:: len(FAMILIES) // 30]
FOUR_HEADS = Channel("separate", share="heads", heads=4)


@cache
def breadth_first(start: Operator) -> dict[Node, tuple[int, int]]:
    """Distance to every family, and the number of shortest paths."""
    found: dict[Node, tuple[int, int]] = {start: (0, 1)}
    waiting: list[Operator] = [start]
    for operator in waiting:
        distance, ways = found[operator]
        for edit in closure()[operator]:
            target = edit.target
            assert isinstance(target, Operator)
            if target not in found:
                found[target] = (distance + 1, 0)
                waiting.append(target)
            if found[target][0] == distance + 1:
                found[target] = (distance + 1, found[target][1] + ways)
    return found


@pytest.mark.parametrize("start", STARTS, ids=range(len(STARTS)))
def test_the_bound_is_never_more_than_the_distance(start: Operator) -> None:
    for goal, (distance, _) in breadth_first(start).items():
        assert isinstance(goal, Operator)
        assert at_least(start, goal) <= distance, (start, goal)
        assert (at_least(start, goal) == 0) == (start == goal)


@pytest.mark.parametrize("start", STARTS[::6], ids=range(len(STARTS[::6])))
def test_paths_are_all_the_shortest(start: Operator) -> None:
    for goal, (distance, ways) in list(breadth_first(start).items())[::61]:
        found = paths(start, goal)
        assert found.count == ways
        assert len(found.listed) == min(ways, 64) == len(set(found.listed))
        assert {len(edits_) for edits_ in found.listed} == {distance}
        for steps in found.listed:
            nodes = [start, *(edit.target for edit in steps)]
            assert nodes[-1] == goal
            assert all(edit in edits(node) for node, edit in zip(nodes, steps, strict=False))


def test_every_family_is_connected_both_ways_but_given_weights_lead_on() -> None:
    assert len(breadth_first(MLP)) == len(FAMILIES)
    for start in STARTS:
        assert len(breadth_first(start)) == len(FAMILIES)


def test_the_derivation_is_the_first_path_from_mlp() -> None:
    for goal in FAMILIES[::17]:
        assert derivation(goal) == path(MLP, goal)[0]
    assert derivation(MLP) == ()


def test_a_derivation_forgets_numbers_frames_and_borders() -> None:
    swin = Operator(
        Space("window", (7, 7), shift=(3, 3), border="mask"),
        Channel("separate", share="heads", heads=4),
        Weight("pair", "softmax"),
    )
    assert derivation(core(swin)) == derivation(family(core(swin)))
    ring = core(Operator(Space("full", share="positions", border="wrap")))
    found = derivation(ring)
    assert found is not None
    assert [edit.words for edit in found] == ["share space: none → positions"]


def test_where_no_edits_lead_there_is_no_path() -> None:
    ring = core(Operator(Space("full", share="positions", border="wrap")))
    assert path(MLP, ring) == ()
    assert paths(MLP, ring).count == 0
    assert path(MLP, MLP) == ((),)


def test_a_path_between_instances_writes_their_numbers() -> None:
    def local(size: Size) -> Operator:
        return core(Operator(Space("local", size, share="positions"), Channel("separate")))

    numbers = Numbers(kernel=((3, 3), (5, 5), (7, 7)))
    first, *others = path(local((3, 3)), local((7, 7)), numbers)
    assert others[0][1].words == "densify space: point → local 7×7"
    assert [edit.words for edit in first] == [
        "resize space: local 3×3 → local 5×5",
        "resize space: local 5×5 → local 7×7",
    ]


NODES = {
    "MLP": "mlp",
    "Conv.": "conv",
    "Sep. MLP": "token_mlp",
    "LR MLP": "low_rank_mlp",
    "Pyramid MS Conv.": "pyramid_conv",
    "Bottleneck": "bottleneck",
    "DW-S Conv.": "depthwise_conv",
    "ViT": "global_attention",
    "Local ViT": "local_attention",
    "PVT": "reduced_attention",
    "Dynamic DW-S Conv.": "dynamic_depthwise_conv",
    "Dynamic Local-S MLP": "inhomogeneous_depthwise_conv",
}
# The arrows of Han et al., Figure 1 and its repository, with the edits that each stands for.
ARROWS: tuple[tuple[str, str, int, tuple[str, ...]], ...] = (
    ("MLP", "Conv.", 2, ("sparsify space: full → local", "share space: none → positions")),
    ("MLP", "Sep. MLP", 1, ("sparsify channel: full → separate",)),
    ("MLP", "LR MLP", 1, ("lower rank channel: full → inner",)),
    ("Conv.", "Pyramid MS Conv.", 1, ("lower rank space: full → scales",)),
    ("Conv.", "Bottleneck", 1, ("lower rank channel: full → inner",)),
    ("Conv.", "DW-S Conv.", 1, ("sparsify channel: full → separate",)),
    (
        "Sep. MLP",
        "DW-S Conv.",
        2,
        ("sparsify space: full → local", "share space: none → positions"),
    ),
    (
        "Sep. MLP",
        "ViT",
        6,
        (
            "share channel: none → heads",
            "make dynamic: static → pair",
            "normalise: none → softmax",
        ),
    ),
    ("ViT", "Local ViT", 2, ("sparsify space: full → window", "add position: none → relative")),
    ("ViT", "PVT", 1, ("lower rank space: full → reduce",)),
    ("DW-S Conv.", "Dynamic DW-S Conv.", 1, ("make dynamic: static → pooled",)),
    (
        "DW-S Conv.",
        "Dynamic Local-S MLP",
        2,
        ("share channel: none → heads", "make dynamic: static → center"),
    ),
    (
        "Local ViT",
        "Dynamic Local-S MLP",
        6,
        (
            "move space: window → local",
            "change source: pair with relative position → center",
            "un-normalise: softmax → none",
        ),
    ),
)


@cache
def published(name: str) -> Operator:
    """The core of a shipped operator's family."""
    use = resolve_operator(NODES[name], 96)
    assert isinstance(use, OperatorUse)
    found = family(bare(core(use.operator)))
    assert isinstance(found, Operator)
    return found


@pytest.mark.parametrize(("a", "b", "count", "words"), ARROWS)
def test_every_published_arrow_is_a_path(
    a: str, b: str, count: int, words: tuple[str, ...]
) -> None:
    found = paths(published(a), published(b))
    assert found.count == count
    assert tuple(edit.words for edit in found.listed[0]) == words


@pytest.mark.parametrize("talking", ["none", "both"])
@pytest.mark.parametrize("shared", [None, 1, 2])
def test_turned_heads_that_share_keys_or_talk_are_reached(
    shared: int | None, talking: Literal["none", "both"]
) -> None:
    turned = Weight(
        "pair",
        normalize="softmax",
        position="rotary",
        kv_heads=shared,
        talking_heads=talking,
    )
    found = derivation(core(Operator(Space("full"), FOUR_HEADS, turned, "none")))
    assert found is not None
    assert len(found) == 4 + (shared is not None) + (talking != "none")
