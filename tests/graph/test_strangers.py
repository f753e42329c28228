"""Operators that nobody ships, asked every question: borders of their own, variants that `mlp`
does not become. What one answer says must be what the others say."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from relgraph.graph.closure import widened
from relgraph.graph.model import RelationGraph
from relgraph.graph.named import Names
from relgraph.graph.near import near
from relgraph.graph.picture.points import point_lines
from relgraph.graph.questions.asked import Asked, asked
from relgraph.graph.questions.common import common
from relgraph.graph.questions.holes import Filters, holes, with_middle
from relgraph.graph.questions.neighbours import neighbours
from relgraph.graph.questions.path import path
from relgraph.graph.questions.where import where_operator
from relgraph.graph.search import shortest
from relgraph.graph.style import alike
from relgraph.graph.universe import count
from relgraph.relations.families import family
from relgraph.relations.keys import node_of_key
from relgraph.relations.node import Node
from relgraph.relations.numbers import Numbers
from relgraph.relations.order import compare
from relgraph.relations.table import edits
from relgraph.relations.words import key

SPECS = {
    "torus": """
space: {connect: local, size: 5, share: positions, border: wrap}
channel: {connect: separate}
""",
    "mirror": """
space: {connect: local, size: 3, dilation: 2, share: positions, border: reflect}
channel: {connect: separate, heads: 4}
weight: {dynamic: center, reduction: 4, extent: 3}
""",
    "edges": """
space: {connect: local, size: [7, 1], share: positions, border: clamp}
channel: {connect: groups, groups: 4}
weight: {dynamic: pooled, reduction: 4, normalize: sigmoid}
""",
    "sharp": """
space: {connect: stripe, size: 2, along: columns, shift: [0, 1]}
channel: {connect: separate, heads: 2}
weight: {dynamic: pair, score: cosine, normalize: l1, position: absolute}
frame: {value: true}
""",
    "around": """
space: {connect: window, size: 7, halo: 2}
channel: {connect: separate, heads: 4}
weight: {dynamic: pair, score: cosine, normalize: softmax, position: relative}
frame: {value: true, output: true}
""",
    "overlap": """
space: {connect: outlook, size: 3, step: 2, share: windows, border: zero}
channel: {connect: separate, heads: 4}
frame: {value: true}
""",
    "between": """
space: {connect: point, share: positions}
channel: {connect: groups, groups: 4}
weight: {dynamic: channels, score: cosine}
frame: {value: true, output: true}
""",
    "spread": """
space: {connect: full, share: positions, rank: {separable: true}}
channel: {connect: separate}
""",
}


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory, names: Names) -> dict[str, Asked]:
    folder = tmp_path_factory.mktemp("specs")
    return {name: _stranger(folder, name, names) for name in SPECS}


def _stranger(folder: Path, name: str, names: Names) -> Asked:
    file = folder / f"{name}.yaml"
    file.write_text(f'operator: {name}\ncite: "nobody"{SPECS[name]}')
    return asked(str(file), names, lambda: pytest.fail("a spec is no key"))


@pytest.fixture(params=sorted(SPECS))
def stranger(request: pytest.FixtureRequest, strangers: dict[str, Asked]) -> Asked:
    return strangers[request.param]


OTHERS = {
    "torus": "cosine_attention",
    "mirror": "conv",
    "edges": "mirror",
    "sharp": "torus",
    "around": "linear_attention",
    "overlap": "outlook_attention",
    "between": "channel_conv",
    "spread": "token_mlp",
}


@pytest.fixture
def other(stranger: Asked, strangers: dict[str, Asked], names: Names) -> Asked:
    """Another operator for each of them: the one a shipped one, the other no less strange."""
    word = OTHERS[stranger.name]
    return strangers.get(word) or asked(word, names, lambda: pytest.fail("it is shipped"))


def _families(one: Asked, two: Asked) -> tuple[Node, Node]:
    """What `path` joins: the two cores' families, in the usual style where theirs differ."""
    start, goal, _ = alike(one.core, two.core)
    return family(start), family(goal)


def test_a_path_is_as_short_as_the_whole_graph_says(
    stranger: Asked, other: Asked, names: Names, graph: RelationGraph
) -> None:
    for one, two in ((stranger, other), (other, stranger)):
        start, goal = _families(one, two)
        wide = widened(graph, (start, goal))
        found = path(one, two, names, None)
        expected = shortest(wide, wide.place(key(start)), wide.place(key(goal)))
        assert expected is not None
        assert (found.length, found.count) == (expected.length, expected.count)


def test_the_usual_border_of_a_softmax_is_told_where_no_edit_writes_another(
    strangers: dict[str, Asked], names: Names
) -> None:
    """Both read zeros outside, but what is normalised on the way would not."""
    attention = asked("outlook_attention", names, lambda: pytest.fail("it is shipped"))
    forth = path(strangers["overlap"], attention, names, None)
    assert (forth.length, forth.beside) == (2, ("border mask → zero", "with output projection"))
    back = path(attention, strangers["overlap"], names, None)
    assert (back.length, back.beside) == (2, ("without output projection",))


def test_the_first_way_goes_round_by_no_other_source(
    strangers: dict[str, Asked], names: Names
) -> None:
    """From pairs to pairs: freezing them and predicting them anew is as short."""
    attention = asked("linear_attention", names, lambda: pytest.fail("it is shipped"))
    found = path(strangers["around"], attention, names, None, shown=9)
    first, *others = [[step.edit.relation for step in route.steps] for route in found.routes]
    assert not {"freeze", "make dynamic", "change source"} & set(first)
    assert any({"freeze", "make dynamic"} <= set(other) for other in others)


def test_where_tells_ways_that_path_finds(
    stranger: Asked, names: Names, graph: RelationGraph
) -> None:
    (spot,) = where_operator(stranger, names, graph).spots
    assert spot.nearest
    for one in spot.nearest:
        for name in one.name.split(", "):
            way = path(asked(name, names, lambda: graph), stranger, names, None)
            assert way.length == len(one.edits)
            assert set(one.beside) <= set(way.beside)


def test_what_they_have_in_common_is_above_and_below(
    stranger: Asked, other: Asked, names: Names, graph: RelationGraph
) -> None:
    cores = (stranger.core, other.core)
    wide = widened(graph, cores)
    found = common(stranger, other, wide)
    for core in map(family, cores):
        for one in found.above:
            assert compare(core, wide.nodes[wide.place(one.key)]).direction in ("up", "equal")
        for one in found.below:
            assert compare(core, wide.nodes[wide.place(one.key)]).direction in ("down", "equal")


def test_holes_around_them_are_their_neighbours(
    stranger: Asked, names: Names, graph: RelationGraph
) -> None:
    wide, at = with_middle(graph, stranger, names.operators)
    found = holes(wide, Filters(near=at, within=1), limit=None)
    made = {key(step.node) for step in neighbours(stranger, names).steps}
    assert {hole.key for hole in found.holes} == made - {wide.keys[at] for at in wide.titles}
    for hole in found.holes:
        names_ = wide.place(hole.nearest[0].split(", ")[0])
        way = [wide.nodes[names_], *(edit.target for edit in hole.edits)]
        assert way[-1] == hole.node
        assert all(any(e.target == b for e in edits(a, wide.numbers)) for a, b in pairwise(way))


def test_a_graph_that_has_them_is_not_made_again(
    strangers: dict[str, Asked], graph: RelationGraph
) -> None:
    assert widened(graph, (strangers["spread"].core,)) is graph
    assert widened(graph, (strangers["torus"].core,)) is not graph


def test_sizes_that_stand_for_any_are_said_of_a_spec(names: Names, graph: RelationGraph) -> None:
    spec, family_ = (
        asked(word, names, lambda: graph) for word in ("conv", "local.positions-full-static")
    )
    assert spec.core == family_.core
    assert spec.words.startswith("local 3×3")
    assert family_.words.startswith("a neighbourhood")


@pytest.mark.parametrize("word", [None, "torus", "local5x5.positions.d2x2-separate.heads4-center3"])
def test_boxes_of_two_nodes_never_read_the_same(
    word: str | None, strangers: dict[str, Asked], graph: RelationGraph
) -> None:
    drawn = graph
    if word in strangers:
        drawn = widened(graph, (strangers[word].core,))
    elif word is not None:
        root = node_of_key(word)
        assert root is not None
        drawn = near((root,), 2, Numbers(dilation=((1, 1), (2, 2)), window=((4, 4),)))
    assert len(set(map(point_lines, drawn.nodes))) == len(drawn)


def test_every_shipped_operator_has_surroundings_that_are_counted_named_and_drawn(
    names: Names, graph: RelationGraph
) -> None:
    """A word that `mlp` does not come by brings families of its own: what holds for those of
    `mlp` holds for them."""
    met = 0
    for one in names.operators:
        wide = widened(graph, (one.core,), names.operators)
        if wide is graph:
            continue
        met += 1
        roots = [wide.nodes[wide.place(root)] for root in wide.roots]
        assert len(wide) == count(roots, wide.numbers)
        assert all(node_of_key(key(node)) == node for node in wide.nodes)
        assert len(set(map(point_lines, wide.nodes))) == len(wide)
    assert met
