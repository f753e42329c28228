"""The questions: what they answer of the shipped specs, checked against edits, order and costs."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from relgraph.algebra.operator import Operator
from relgraph.assemble.cost import cost
from relgraph.errors import RelgraphError
from relgraph.graph.closure import closure
from relgraph.graph.cost import Setting, node_cost, suiting
from relgraph.graph.model import RelationGraph
from relgraph.graph.named import Names, named_operators
from relgraph.graph.numbering import only_numbers
from relgraph.graph.questions.asked import Asked, asked
from relgraph.graph.questions.backbones import backbone_path
from relgraph.graph.questions.common import common
from relgraph.graph.questions.holes import Filters, holes, with_asked
from relgraph.graph.questions.matching import matched
from relgraph.graph.questions.neighbours import neighbours
from relgraph.graph.questions.path import PathAnswer, path, path_in
from relgraph.graph.questions.where import where_backbone, where_operator
from relgraph.graph.search import shortest
from relgraph.relations.families import family
from relgraph.relations.order import compare
from relgraph.relations.table import edits
from relgraph.relations.words import key
from relgraph.resolve import resolve_backbone
from relgraph.understanding import understand

PAIRS = (
    ("mlp", "conv"),
    ("local_attention", "depthwise_conv"),
    ("static_local_attention", "global_attention"),
    ("depthwise_conv", "dynamic_depthwise_conv"),
    ("pyramid_conv", "bottleneck"),
    ("token_mlp", "reduced_attention"),
    ("conv", "patchify"),
)


@pytest.fixture
def ask(names: Names, graph: RelationGraph):
    return lambda word: asked(word, names, lambda: graph)


def _path(ask, names: Names, first: str, second: str, **options) -> PathAnswer:
    a, b = ask(first), ask(second)
    return path(a, b, names, suiting((a.core, b.core)), **options)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_path_is_edits_one_after_the_other(ask, names: Names, pair: tuple[str, str]) -> None:
    found = _path(ask, names, *pair, shown=100)
    numbers = only_numbers((found.start, found.target.core))
    for route in found.routes:
        here = found.start
        for step in route.steps:
            assert step.edit in edits(here, numbers)
            assert step.facts.direction == compare(here, step.node, instances=True).direction
            here = step.node
        assert len(route.steps) == found.length
    assert sum(route.orders for route in found.routes) == found.count
    assert len(found.routes) == found.ways


@pytest.mark.parametrize("pair", PAIRS)
def test_families_have_the_paths_of_their_graph(
    ask, names: Names, graph: RelationGraph, pair: tuple[str, str]
) -> None:
    a, b = (ask(word) for word in pair)
    found = path(a, b, names, None)
    places = [graph.place(key(family(one.core))) for one in (a, b)]
    expected = shortest(graph, *places)
    assert expected is not None
    assert (found.length, found.count) == (expected.length, expected.count)


def test_a_saved_graph_answers_the_same(ask, names: Names) -> None:
    a, b = ask("local_attention"), ask("depthwise_conv")
    graph = closure((a.core, b.core), only_numbers((a.core, b.core)))
    setting = suiting((a.core, b.core))
    free, closed = path(a, b, names, setting), path_in(graph, a, b, names, setting)
    assert (free.length, free.count, free.ways) == (closed.length, closed.count, closed.ways)


def test_orders_of_commuting_edits_are_one_way(ask, names: Names) -> None:
    found = _path(ask, names, "local_attention", "depthwise_conv")
    assert found.length == 4
    assert found.routes[0].orders == math.factorial(4)
    assert any("24" in table.title for table in found.tables())


def test_the_same_core_is_no_edit_away(ask, names: Names) -> None:
    found = _path(ask, names, "conv", "conv")
    assert found.length == 0
    assert "the same core" in " ".join(found.lines())


def test_what_no_edit_changes_is_said_beside(ask, names: Names) -> None:
    assert "stride 1×1 → 16×16" in _path(ask, names, "conv", "patchify").beside
    assert "without value and output projections" in (
        _path(ask, names, "local_attention", "depthwise_conv").beside
    )


def test_costs_are_those_of_each_step(ask, names: Names) -> None:
    found = _path(ask, names, "depthwise_conv", "dynamic_depthwise_conv")
    assert found.setting is not None
    for step in found.routes[0].steps:
        assert step.cost == node_cost(step.node, found.setting)


def test_terms_have_no_path_to_operators(ask, names: Names) -> None:
    with pytest.raises(RelgraphError, match="conv_feed_forward is made of several operators"):
        _path(ask, names, "conv_feed_forward", "conv")


def test_neighbours_are_all_edits(ask, names: Names) -> None:
    source = ask("depthwise_conv")
    found = neighbours(source, names)
    assert [step.edit for step in found.steps] == list(edits(family(source.core)))
    named = {name for step in found.steps for name in step.names}
    assert {"conv", "dynamic_depthwise_conv"} <= named
    with_numbers = neighbours(source, names, Setting())
    assert all("7×7" in s.edit.words for s in with_numbers.steps if "local" in s.edit.before)


@pytest.mark.parametrize(
    ("first", "second", "above", "below"),
    [
        ("conv", "token_mlp", {"mlp"}, {"depthwise_conv"}),
        ("depthwise_conv", "pointwise", {"conv"}, {"point.positions-separate-static"}),
        ("mlp", "conv", {"mlp"}, {"conv"}),
    ],
)
def test_common(
    ask, graph: RelationGraph, first: str, second: str, above: set[str], below: set[str]
) -> None:
    found = common(ask(first), ask(second), graph)
    for expected, nodes in ((above, found.above), (below, found.below)):
        for name in expected:
            assert any(name in (one.key, *one.names) for one in nodes), nodes


def test_common_ones_are_extreme(ask, graph: RelationGraph) -> None:
    a, b = ask("conv"), ask("dynamic_depthwise_conv")
    found = common(a, b, graph)
    ends = [family(one.core) for one in (a, b)]
    nodes = {one.key: graph.nodes[graph.place(one.key)] for one in found.above}
    assert nodes
    for node in nodes.values():
        assert all(node == end or compare(end, node).direction == "up" for end in ends)
    for one, other in pairwise(nodes.values()):
        assert compare(one, other).direction == "sideways"


def test_holes_have_no_name_and_a_way_from_one(graph: RelationGraph) -> None:
    found = holes(graph, limit=None)
    assert found.found == len(found.holes) == found.unnamed
    ranks = [hole.distance for hole in found.holes]
    assert ranks == sorted(ranks)
    for hole in found.holes[:: len(found.holes) // 50]:
        at = graph.place(hole.key)
        assert not graph.names(at)
        start = next(n for n in graph.titles if graph.title(n) == hole.nearest[0])
        expected = shortest(graph, start, at)
        assert expected is not None
        assert expected.length == hole.distance
        assert hole.edits[-1].target == hole.node


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (Filters(normalize="l1"), "linear_attention"),
        (Filters(connect="outlook"), "outlook_attention"),
        (Filters(source="channels"), "cross_covariance_attention"),
    ],
)
def test_holes_of_words_that_mlp_does_not_become(
    wanted: Filters, name: str, names: Names, graph: RelationGraph
) -> None:
    """Edits write them only where somebody has them, and a shipped operator has."""
    assert holes(graph, wanted).found == 0
    found = holes(with_asked(graph, wanted, names.operators), wanted)
    assert found.found > 0
    assert all(wanted.admit(hole.node) for hole in found.holes)
    assert name in {name for hole in found.holes for name in hole.nearest}
    assert with_asked(graph, Filters(source="center"), names.operators) is graph


def test_no_holes_are_no_table(graph: RelationGraph) -> None:
    assert list(holes(graph, Filters(channel="local", source="pair")).tables()) == []


def test_holes_are_filtered(graph: RelationGraph) -> None:
    wanted = Filters(source="center", connect="local", channel="separate", normalize="softmax")
    for hole in holes(graph, wanted, limit=None).holes:
        assert isinstance(hole.node, Operator)
        assert hole.node.weight.source == "center"
        assert (hole.node.space.connect, hole.node.channel.connect) == ("local", "separate")
        assert hole.node.weight.normalize == "softmax"
    near = graph.place("conv")
    around = holes(graph, Filters(near=near, within=1), limit=None)
    assert {graph.place(hole.key) for hole in around.holes} == {
        n for n in graph.successors(near) if not graph.names(n)
    }


def test_where_tells_names_that_coincide(ask, names: Names, graph: RelationGraph) -> None:
    (spot,) = where_operator(replace(ask("conv"), name="mine", word="mine"), names, graph).spots
    assert spot.same == ("conv",)
    assert spot.relatives == ("patchify",)
    assert spot.nearest
    assert all(near.edits[-1].target == spot.family for near in spot.nearest)


def test_where_tells_what_no_edit_changes(
    tmp_path: Path, ask, names: Names, graph: RelationGraph
) -> None:
    """No edit leads to another border: the nearest are those of the usual one, and that is said."""
    (tmp_path / "ring.yaml").write_text(
        "operator: ring\nspace: {connect: local, size: 5, border: wrap, share: positions}\n"
        "channel: {connect: separate}\n"
    )
    (spot,) = where_operator(ask(str(tmp_path / "ring.yaml")), names, graph).spots
    assert (spot.same, spot.relatives) == ((), ())
    first, *rest = spot.nearest
    assert (first.name, first.edits) == ("depthwise_conv", ())
    assert first.words == "border zero → wrap (no relation)"
    assert all(near.edits and near.beside for near in rest if near.name != "global_filter")
    assert spot.derivation is not None
    assert spot.derivation.words.endswith("full → separate; border zero → wrap (no relation)")


def test_where_tells_the_parts_of_a_term(
    tmp_path: Path, ask, names: Names, graph: RelationGraph
) -> None:
    (tmp_path / "separable.yaml").write_text(
        "operator: separable\nbody: [depthwise_conv: 7, gelu, pointwise]\n"
    )
    answer = where_operator(ask(str(tmp_path / "separable.yaml")), names, graph)
    (spot,) = answer.spots
    assert [(part.same, part.relatives) for part in spot.parts] == [
        (("depthwise_conv",), ()),
        (("pointwise",), ()),
    ]
    assert [line.rpartition(": ")[2] for line in answer.lines()][-2:] == [
        "the same core as depthwise_conv",
        "the same core as pointwise",
    ]
    other = names.operators[0]
    chain = ask(str(tmp_path / "separable.yaml")).node
    dense = replace(chain, parts=(ask("conv").core, *chain.parts[1:]))
    known = Names((*names.operators, replace(other, name="dense", node=dense)))
    (spot,) = where_operator(ask(str(tmp_path / "separable.yaml")), known, graph).spots
    assert [(near.name, near.words) for near in spot.nearest] == [
        ("dense", "sparsify channel: in part 1, full → separate")
    ]


def test_unknown_words_name_the_nearest(ask) -> None:
    with pytest.raises(RelgraphError, match="did you mean depthwise_conv"):
        ask("depthwise_con")
    with pytest.raises(RelgraphError, match=r"did you mean local\.positions"):
        ask("local.position-separate-poold")
    assert isinstance(ask("local.positions-separate-pooled"), Asked)


def test_swin_becomes_dwnet_by_edits_and_norms() -> None:
    swin, dwnet = understand("swin_tiny"), understand("dwnet_tiny")
    found = backbone_path(swin, dwnet)
    mixer, feed_forward = found.groups
    assert (mixer.first, mixer.second) == ("local_attention", "depthwise_conv")
    assert (mixer.count, mixer.blocks, len(mixer.edits)) == (12, 12, 4)
    assert (feed_forward.edits, feed_forward.joined) == ((), True)
    assert feed_forward.elements == ("layer_norm → batch_norm",)
    assert not found.others, "stem, downsampling and head stay"
    assert (found.before, found.after) == (cost(swin.program), cost(dwnet.program))
    last = found.steps[-1].cost
    assert last is not None
    assert last.macs == found.after.macs, "norms and biases multiply nothing"
    assert abs(last.parameters - found.after.parameters) < 20_000


@pytest.mark.parametrize(
    ("first", "second", "edited"),
    [
        ("dwnet_tiny", "dynamic_dwnet_tiny", "make dynamic: static → pooled"),
        ("mixer_base", "resmlp_24", "raise rank space: tokens 384 → full"),
        ("swin_tiny", "swin_base", "regroup heads channel: heads 3/6/12/24 → heads 4/8/16/32"),
    ],
)
def test_other_backbones(first: str, second: str, edited: str) -> None:
    found = backbone_path(understand(first), understand(second))
    assert edited in [step.edit.words for step in found.steps]


def test_dynamic_dwnet_differs_by_edits_alone() -> None:
    found = backbone_path(understand("dwnet_tiny"), understand("dynamic_dwnet_tiny"))
    assert not found.others
    assert found.steps[-1].cost is not None
    assert found.steps[-1].cost.parameters == found.after.parameters
    assert found.steps[-1].cost.macs == found.after.macs


def test_a_product_with_an_element_inside_gives_no_matrix() -> None:
    found = backbone_path(understand("mixer_base"), understand("resmlp_24"))
    rank, width = (step.edit for step in found.steps)
    assert (rank.words, rank.weights) == ("raise rank space: tokens 384 → full", "none")
    assert rank.why == "gelu stands between the factors"
    assert rank.shown == "none: gelu stands between the factors"
    assert (width.direction, width.weights) == ("down", "none")
    wider = backbone_path(understand("resmlp_24"), understand("vit_base")).steps[-1].edit
    assert wider.words == "resize rank channel: inner 1536 → inner 3072"
    assert wider.weights == "embedding", "units that nothing reads change nothing"


def test_what_stands_in_one_branch_here_may_stand_in_two_there() -> None:
    convnext = Path(__file__).parents[2] / "examples" / "convnext_tiny.yaml"
    found = backbone_path(understand(str(convnext)), understand("dwnet_tiny"))
    assert [(g.first, g.second, g.edits) for g in found.groups] == [
        ("depthwise_conv", "depthwise_conv", ())
    ]


def test_what_stands_inside_an_operator_is_matched_too() -> None:
    found = backbone_path(understand("pvt_v2_b2"), understand("swin_tiny"))
    names = [(group.first, group.second) for group in found.groups]
    assert ("depthwise_conv in conv_feed_forward", "") in names
    assert ("pointwise in conv_feed_forward", "pointwise in feed_forward") in names


def test_the_table_tells_which_edits_are_made_where() -> None:
    found = backbone_path(understand("mixer_base"), understand("resmlp_24"))
    (table,) = found.tables()
    assert [row[0][:3] for row in table.rows[1:3]] == ["1. ", "2. "]
    assert [line[:3] for line in found.lines() if " of 12 blocks" in line] == ["1. ", "2. "]


def test_borders_are_no_edits() -> None:
    found = backbone_path(understand("swin_tiny"), understand("swin_tiny_static"))
    assert [group.elements for group in found.groups] == [(), ("border mask → wrap",)]
    assert all(group.joined and len(group.edits) == 3 for group in found.groups)


def test_operators_are_matched_in_order_with_fewest_changes(
    names: Names, graph: RelationGraph
) -> None:
    nodes = {one.name: one.node for one in names.operators}
    first = [nodes["depthwise_conv"], nodes["feed_forward"]]
    assert matched(first, first) == (0, ((0, 0), (1, 1)))
    assert matched(first, [nodes["feed_forward"]])[1] == ((0, None), (1, 0))
    assert matched([nodes["pyramid_conv"]], [nodes["squeeze_excite"], nodes["conv"]])[1] == (
        (None, 0),
        (0, 1),
    )
    assert matched([], first)[1] == ((None, 0), (None, 1))


def test_a_change_may_stand_several_times_in_a_block() -> None:
    found = backbone_path(understand("pvt_fashion"), understand("vit_fashion"))
    assert all(group.count <= group.blocks for group in found.groups)
    assert any(group.times > group.count for group in found.groups)


CONCAT = """backbone: ours
extends: swin_fashion
replace:
  channel_mixer:
    residual: [layer_norm, {concat: [[pointwise], [conv: 3]]}, pointwise: {channels: $channels}]
"""


def test_what_is_no_term_is_replaced_as_a_whole(
    tmp_path: Path, names: Names, graph: RelationGraph
) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(CONCAT)
    found = backbone_path(understand("swin_fashion"), understand(str(path)))
    (group,) = found.groups
    assert (group.first, group.second) == ("feed_forward", "pointwise, conv")
    assert not group.joined
    assert "no edits" in " ".join(found.lines())


def test_operators_that_are_no_terms_are_said(
    tmp_path: Path, names: Names, graph: RelationGraph
) -> None:
    (tmp_path / "wide.yaml").write_text(
        "operator: wide\nbody:\n  - concat: [[pointwise], [conv: 3]]\n"
        "  - pointwise: {channels: $in}\n"
    )
    path = tmp_path / "ours.yaml"
    path.write_text("backbone: ours\nextends: swin_fashion\nreplace: {feed_forward: {wide: {}}}\n")
    found = where_backbone(resolve_backbone(path).backbone, names, graph)
    assert found.outside == ("wide",)
    assert "local_attention" in [spot.name for spot in found.spots]


def test_norms_that_stand_elsewhere_are_told() -> None:
    found = backbone_path(understand("swin_fashion"), understand("swinv2_fashion"))
    orders = ["window_attention_v2, layer_norm", "feed_forward, layer_norm"]
    assert [group.elements for group in found.groups] == [
        (f"in another order: {order}",) for order in orders
    ]
    behind = "downsample of stage 2: in another order: space_to_depth, pointwise, layer_norm"
    assert behind in found.others


def test_a_backbone_is_the_same_as_itself() -> None:
    swin = understand("swin_tiny")
    found = backbone_path(swin, swin)
    assert (found.groups, found.steps, found.others) == ((), (), ())
    assert "the same operators" in " ".join(found.lines())


def test_what_is_no_term_is_told_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, graph: RelationGraph
) -> None:
    (tmp_path / "beside.yaml").write_text(
        "operator: beside\nbody:\n  - concat: [[], [depthwise_conv: 3]]\n  - pointwise: $in\n"
    )
    monkeypatch.chdir(tmp_path)
    names = named_operators(tmp_path)
    with pytest.raises(RelgraphError) as caught:
        asked("beside", names, lambda: graph)
    (problem,) = caught.value.problems
    assert (problem.code, problem.found.split(":")[0]) == ("no-term", "beside")
