"""The published figure, arrow by arrow: what was found about it before, and what is computed."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from relgraph.algebra.operator import Channel, Operator, Space, Weight
from relgraph.graph.closure import closure
from relgraph.graph.published import published
from relgraph.graph.published.computed import PublishedArrow, frozen
from relgraph.graph.published.drawn import ARROWS, NODES
from relgraph.graph.published.unsaid import unsaid
from relgraph.relations.derivation import MLP
from relgraph.relations.node import core
from relgraph.relations.table import edits
from relgraph.shipped import shipped

# Each arrow's edits in any order, and where it goes. Not computed by the code under test: found
# with another program, over the orbits of W on small maps, before this one was written.
FOUND: dict[tuple[str, str], tuple[set[str], str]] = {
    ("MLP", "Conv."): ({"share space: none → positions", "sparsify space: full → local"}, "down"),
    ("MLP", "Sep. MLP"): ({"sparsify channel: full → separate"}, "down"),
    ("MLP", "LR MLP"): ({"lower rank channel: full → inner"}, "down"),
    ("Conv.", "Pyramid MS Conv."): ({"lower rank space: full → scales"}, "up"),
    ("Conv.", "Bottleneck"): ({"lower rank channel: full → inner"}, "down"),
    ("Conv.", "DW-S Conv."): ({"sparsify channel: full → separate"}, "down"),
    ("Sep. MLP", "DW-S Conv."): (
        {"share space: none → positions", "sparsify space: full → local"},
        "down",
    ),
    ("Sep. MLP", "ViT"): (
        {"normalise: none → softmax", "make dynamic: static → pair", "share channel: none → heads"},
        "mixed",
    ),
    # The relative position bias is Swin's: the figure has no word for it.
    ("ViT", "Local ViT"): (
        {"sparsify space: full → window", "add position: none → relative"},
        "down",
    ),
    ("ViT", "PVT"): ({"lower rank space: full → reduce"}, "down"),
    ("DW-S Conv.", "Dynamic DW-S Conv."): ({"make dynamic: static → pooled"}, "up"),
    ("DW-S Conv.", "Dynamic Local-S MLP"): (
        {"make dynamic: static → center", "share channel: none → heads"},
        "mixed",
    ),
    ("Local ViT", "Dynamic Local-S MLP"): (
        {
            "move space: window → local",
            "change source: pair with relative position → center",
            "un-normalise: softmax → none",
        },
        "sideways",
    ),
}


def arrow(source: str, target: str) -> PublishedArrow:
    found = (a for a in published().arrows if (a.drawn.source, a.drawn.target) == (source, target))
    return next(found)


def test_the_figure_has_twelve_operators_and_thirteen_arrows() -> None:
    assert (len(NODES), len(ARROWS)) == (12, 13)
    names = {node.name for node in NODES}
    assert len(names) == 12
    assert {end for a in ARROWS for end in (a.source, a.target)} == names
    assert [(a.source, a.target) for a in ARROWS] == list(FOUND)
    assert Counter(a.version for a in ARROWS) == {"paper and repository": 10, "repository": 3}
    assert [a.target for a in ARROWS if a.dotted] == ["LR MLP"]
    assert {node.spec for node in NODES} <= shipped("operators").keys()


def test_every_operator_is_its_own_family_in_the_closure_of_mlp() -> None:
    graph = closure([MLP])
    keys = [node.key for node in published().nodes]
    assert len(set(keys)) == 12
    for node in published().nodes:
        assert graph.nodes[graph.place(node.key)] == node.core


@pytest.mark.parametrize(("ends", "found"), FOUND.items(), ids=lambda v: None)
def test_an_arrow_is_what_was_found(ends: tuple[str, str], found: tuple[set[str], str]) -> None:
    computed = arrow(*ends)
    words, way = found
    assert {step.edit.words for step in computed.edits} == words
    assert len(computed.edits) == len(words)
    assert computed.way == way


def test_eight_go_down_two_up_and_three_neither() -> None:
    ways = Counter(a.way for a in published().arrows)
    assert (ways["down"], ways["up"], ways["mixed"] + ways["sideways"]) == (8, 2, 3)


def test_edits_lead_from_end_to_end() -> None:
    for one in published().arrows:
        here = one.source.core
        for step in one.edits:
            assert step.edit in edits(here)
            assert isinstance(step.edit.target, Operator)
            here = step.edit.target
        assert here == one.target.core


def test_of_the_dynamic_arrows_one_goes_plainly_up() -> None:
    dynamic = [a for a in published().arrows if a.drawn.colour == "dynamic weight"]
    assert len(dynamic) == 4
    up = [a.target.name for a in dynamic if a.functions.direction == "up"]
    assert up == ["Dynamic DW-S Conv."]


def test_none_of_the_edits_to_dynamic_local_from_local_vit_goes_down() -> None:
    steps = arrow("Local ViT", "Dynamic Local-S MLP").edits
    assert len(steps) == 3
    assert "down" not in {step.way for step in steps}


def test_a_convolution_lies_inside_its_pyramid() -> None:
    pyramid = arrow("Conv.", "Pyramid MS Conv.")
    assert pyramid.functions.direction == "up"
    assert pyramid.functions.weights == "embedding"
    assert pyramid.parameters > 0
    assert any("Conv. lies inside Pyramid MS Conv." in said for said in unsaid(pyramid))


def test_attention_in_windows_or_to_a_smaller_map_is_down_with_frozen_weights_only() -> None:
    for target in ("Local ViT", "PVT"):
        one = arrow("ViT", target)
        assert (one.frozen.direction, one.functions.direction) == ("down", "sideways")
        assert any(said.startswith("down with W frozen only") for said in unsaid(one))


def test_the_class_of_sep_mlp_has_its_models_below() -> None:
    """Sep. MLP has weights of its own for every channel; ResMLP is one share edit below."""
    node = next(node for node in published().nodes if node.name == "Sep. MLP")
    assert node.core.channel.share == "none"
    apart = {m.model: [edit.words for edit in m.apart] for m in node.call_outs}
    assert apart["ResMLP"] == ["share channel: none → all"]
    # Mixer's matrix over positions is a perceptron with a hidden layer: a rank of its own.
    assert set(apart["MLP-Mixer"]) == {
        "share channel: none → all",
        "lower rank space: full → tokens",
    }
    untied = unsaid(arrow("Sep. MLP", "DW-S Conv."))
    assert "from ResMLP itself: untie channel: all → none" in untied


def test_other_models_stand_where_they_are_drawn() -> None:
    for node in published().nodes:
        for model in node.call_outs:
            if model.model not in ("ResMLP", "MLP-Mixer"):
                assert model.apart == (), model.words


def test_labels_say_one_edit_and_leave_out_the_others() -> None:
    for one in published().arrows:
        said = [step for step in one.edits if step.said]
        assert len(said) == 1, one.drawn
        left_out = [f"also {step.edit.words}" for step in one.edits if not step.said]
        assert list(unsaid(one)[: len(left_out)]) == left_out


def test_projections_are_told_as_no_part_of_w() -> None:
    come = [said for said in unsaid(arrow("Sep. MLP", "ViT")) if "projections come" in said]
    # Two 64×64 matrices with biases, on 56×56 positions.
    assert ["(8,320 parameters, 25,690,112 multiply-adds)" in said for said in come] == [True]
    going = unsaid(arrow("Local ViT", "Dynamic Local-S MLP"))
    assert any("projections go" in said for said in going)
    assert not any("projections" in said for said in unsaid(arrow("ViT", "PVT")))


def test_values_are_untied_where_functions_stay_shared() -> None:
    told = "functions stay shared over positions, their values do not: each position has its own"
    assert told in unsaid(arrow("DW-S Conv.", "Dynamic Local-S MLP"))
    assert told not in unsaid(arrow("DW-S Conv.", "Dynamic DW-S Conv."))


def test_costs_are_those_of_the_formulas() -> None:
    """At 64 channels on 56×56 with 7×7 kernels, by hand."""
    places, channels, taps = 56 * 56, 64, 49
    depthwise = arrow("Conv.", "DW-S Conv.")
    assert depthwise.source.cost.parameters == taps * channels**2
    assert depthwise.target.cost.parameters == taps * channels
    separated = arrow("MLP", "Sep. MLP")
    assert separated.parameters == places**2 * channels - (places * channels) ** 2
    pooled = arrow("DW-S Conv.", "Dynamic DW-S Conv.")
    # A hidden layer of a quarter, without bias, with a batch norm; then a bias for each weight.
    hidden = channels // 4
    predictor = channels * hidden + 2 * hidden + (hidden + 1) * taps * channels
    assert pooled.target.cost.parameters == predictor


def test_frozen_weights_have_the_sharing_of_values() -> None:
    heads = Channel("separate", share="heads", heads=2)
    local = Space("local", (3, 3), share="positions")
    center = core(Operator(local, heads, Weight("center")))
    assert frozen(center).space.share == "none"
    assert frozen(center).weight == Weight("static")
    pooled = core(Operator(local, heads, Weight("pooled")))
    assert frozen(pooled).space.share == "positions"
    pair = core(Operator(Space("full", border="mask"), heads, Weight("pair", "softmax")))
    assert frozen(pair) == core(Operator(Space("full"), heads))


def test_everything_is_told_as_lines_and_as_data() -> None:
    lines = "\n".join(published().lines())
    data = json.loads(json.dumps(published().to_json()))
    assert [(a["from"], a["to"]) for a in data["arrows"]] == list(FOUND)
    for one in data["arrows"]:
        assert f"{one['from']} → {one['to']}: {one['label']}" in lines
        assert all(edit["words"] in lines for edit in one["edits"])
        assert one["weights"]["kind"] in ("embedding", "projection", "none")
        assert one["weights"]["reason"] in lines
        assert all(said in lines for said in one["unsaid"])
    (table,) = published().tables()
    assert [row[0] for row in table.rows] == [node.name for node in NODES]
