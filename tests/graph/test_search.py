"""Shortest paths: the same as networkx finds, counted without being listed."""

from __future__ import annotations

import random

import networkx
import pytest

from relgraph.graph.model import RelationGraph
from relgraph.graph.search import distances, shortest


@pytest.fixture(scope="module")
def pairs(graph: RelationGraph) -> list[tuple[int, int]]:
    draw = random.Random(1)
    return [(draw.randrange(len(graph)), draw.randrange(len(graph))) for _ in range(40)]


def test_all_shortest_paths_are_found(graph: RelationGraph, pairs: list[tuple[int, int]]) -> None:
    for source, target in pairs:
        found = shortest(graph, source, target)
        assert found is not None
        expected = networkx.all_shortest_paths(graph.graph, graph.keys[source], graph.keys[target])
        named = {tuple(graph.keys[at] for at in path) for path in found}
        assert named == {tuple(path) for path in expected}
        assert found.count == len(named)


def test_a_node_is_no_edits_from_itself(graph: RelationGraph) -> None:
    found = shortest(graph, 7, 7)
    assert found is not None
    assert (found.length, found.count, list(found)) == (0, 1, [(7,)])


def test_distances_are_those_of_networkx(graph: RelationGraph) -> None:
    expected = networkx.single_source_shortest_path_length(graph.graph, graph.keys[0])
    found = distances((0,), graph.successors)
    assert {graph.keys[at]: far for at, far in found.items()} == expected
    near = distances((0,), graph.successors, 2)
    assert near == {at: far for at, far in found.items() if far <= 2}


def test_the_networkx_graph_says_everything(graph: RelationGraph) -> None:
    made = graph.graph
    assert (made.number_of_nodes(), made.number_of_edges()) == (len(graph), graph.edges)
    node = made.nodes[graph.keys[graph.named["depthwise_conv"]]]
    assert node["names"] == ("depthwise_conv",)
    assert "own channel only" in node["words"]
    edge = made.edges["full.none-full-static", "full.positions-full-static"]
    assert edge == {"relation": "share", "axis": "space", "before": "none", "after": "positions"}
