"""Files for other tools: read back by networkx, or taken apart by hand."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import networkx
import pytest

from relgraph.algebra.operator import Operator
from relgraph.graph.closure import closure
from relgraph.graph.formats import FORMATS, dot, graphml, mermaid, node_link
from relgraph.graph.model import RelationGraph, Title
from relgraph.graph.named import named_operators
from relgraph.graph.near import near
from relgraph.graph.part import around, part
from relgraph.graph.search import distances
from relgraph.graph.values import parse
from relgraph.relations.derivation import MLP
from relgraph.relations.node import IDENTITY, Composite


@pytest.fixture(scope="module")
def graph() -> RelationGraph:
    """A middle-sized graph with named nodes and, once, a term."""
    whole = closure([MLP], names=named_operators().operators)
    return part(whole, around(whole, whole.place("conv"), 2))


def test_node_link_is_the_graph_for_networkx(graph: RelationGraph) -> None:
    data = json.loads(node_link(graph))
    read = networkx.node_link_graph(data, edges="edges")
    assert isinstance(read, networkx.DiGraph)
    assert list(read) == list(graph.graph)
    assert dict(read.edges) == dict(graph.graph.edges)
    for at, key in enumerate(graph.keys):
        assert read.nodes[key]["names"] == list(graph.names(at))
        assert parse(Operator, read.nodes[key]["properties"]) == graph.nodes[at]


def test_graphml_is_read_by_networkx(graph: RelationGraph) -> None:
    read = networkx.read_graphml(io.BytesIO(graphml(graph).encode()))
    assert list(read) == list(graph.keys)
    assert dict(read.edges) == dict(graph.graph.edges)
    conv = read.nodes[graph.keys[graph.place("conv")]]
    assert conv["names"].split("; ") == list(graph.names(graph.place("conv")))
    assert all(isinstance(value, str) for value in conv.values())
    assert parse(Operator, json.loads(conv["properties"])) == graph.nodes[graph.place("conv")]


def test_dot_has_every_node_and_edge(graph: RelationGraph) -> None:
    lines = dot(graph).splitlines()
    string = r'"((?:[^"\\]|\\.)*)"'
    nodes = [m for line in lines if (m := re.fullmatch(rf"  {string} \[label=.*\];", line))]
    edges = [m for line in lines if (m := re.fullmatch(rf"  {string} -> {string} \[.*\];", line))]
    assert [m[1] for m in nodes] == list(graph.keys)
    assert {(m[1], m[2]) for m in edges} == set(graph.graph.edges)


def test_mermaid_has_every_node_and_edge(graph: RelationGraph) -> None:
    first, *lines = mermaid(graph).splitlines()
    assert first == "flowchart TD"
    nodes = [m for line in lines if (m := re.fullmatch(r'  n(\d+)\["([^"]*)"\]', line))]
    edges = [m for line in lines if (m := re.fullmatch(r'  n(\d+) -->\|"[^"]*"\| n(\d+)', line))]
    assert len(nodes) + len(edges) == len(lines)
    assert [m[2] for m in nodes] == [graph.title(at) for at in range(len(graph))]
    ends = {(graph.keys[int(m[1])], graph.keys[int(m[2])]) for m in edges}
    assert ends == set(graph.graph.edges)


def test_names_of_specs_may_hold_anything(graph: RelationGraph) -> None:
    odd = Title('a "b" <c> & #d \\e', 'me & "you" <us>')
    named = replace(graph, titles={0: (odd,)})
    assert json.loads(node_link(named))["nodes"][0]["names"] == [odd.name]
    read = networkx.read_graphml(io.BytesIO(graphml(named).encode()))
    assert read.nodes[graph.keys[0]]["names"] == odd.name
    assert r'label="a \"b\" <c> & #d \\e"' in dot(named)
    assert '"a #quot;b#quot; <c> & #35;d \\e"' in mermaid(named)


def test_terms_are_written_by_their_parts() -> None:
    term = Composite("sum", (IDENTITY, MLP))
    one = replace(
        closure([MLP], names=()),
        nodes=(term,),
        keys=("sum",),
        titles={},
        **{name: type(closure([MLP]).offsets)("I", values) for name, values in _NO_EDGES.items()},
    )
    (node,) = json.loads(node_link(one))["nodes"]
    assert node["properties"]["kind"] == "sum"
    assert [parse(Operator, p) for p in node["properties"]["parts"]] == list(term.parts)


_NO_EDGES = {"offsets": [0, 0], "targets": [], "marks": []}


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_graph_is_the_same_text(graph: RelationGraph, name: str) -> None:
    again = part(graph, reversed(range(len(graph))))
    assert FORMATS[name](graph) == FORMATS[name](again)


def test_parts_keep_edges_names_and_labels(graph: RelationGraph) -> None:
    kept = part(graph, graph.titles)
    assert 1 < len(kept) < len(graph)
    assert [kept.names(at) for at in range(len(kept))] == [
        graph.names(graph.place(key)) for key in kept.keys
    ]
    induced = graph.graph.subgraph(kept.keys)
    assert dict(kept.graph.edges) == dict(induced.edges)


def test_around_counts_edits_in_both_directions(graph: RelationGraph) -> None:
    at = graph.place("conv")
    undirected = graph.graph.to_undirected()
    expected = networkx.single_source_shortest_path_length(undirected, graph.keys[at], cutoff=1)
    assert {graph.keys[one]: far for one, far in around(graph, at, 1).items()} == dict(expected)


def test_near_is_the_part_of_the_closure_around() -> None:
    whole = closure([MLP], names=named_operators().operators)
    start = whole.place("conv")
    made = distances([start], whole.successors)
    expected = part(whole, [at for at, far in made.items() if far <= 2])
    found = near([whole.nodes[start]], 2, names=named_operators().operators)
    assert found.keys[0] == whole.keys[start]
    assert dict(found.graph.nodes) == dict(expected.graph.nodes)
    assert dict(found.graph.edges) == dict(expected.graph.edges)
