"""Relation graphs as other tools read them: node-link JSON, GraphML, DOT, Mermaid.

In: a `RelationGraph`. Out: text, the same every time. Node-link JSON and GraphML are networkx's; a
node's value stands there as the algebra's properties (defaults left out), in GraphML as JSON text,
since its attributes are strings. `graph.store` is what relgraph itself loads again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from relgraph.graph.model import RelationGraph
from relgraph.graph.values import dump
from relgraph.relations.node import Composite, Node
from relgraph.relations.words import describe_node

_EDGE = ("relation", "axis", "before", "after")
_NODE = ("names", "cites", "words", "properties")


def node_link(graph: RelationGraph) -> str:
    """JSON as `networkx.node_link_graph(data, edges="edges")` reads it, one node or edge a line."""
    nodes = [json.dumps(node, ensure_ascii=False) for node in _nodes(graph)]
    edges = [json.dumps(edge, ensure_ascii=False) for edge in _edges(graph)]
    about = {"roots": list(graph.roots), "numbers": dump(graph.numbers), "frames": graph.frames}
    parts = (
        '"directed": true',
        '"multigraph": false',
        f'"graph": {json.dumps(about)}',
        f'"nodes": [\n{_rows(nodes)}\n]',
        f'"edges": [\n{_rows(edges)}\n]',
    )
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rows(lines: Iterable[str]) -> str:
    return ",\n".join(f"  {line}" for line in lines)


def _nodes(graph: RelationGraph) -> Iterator[dict[str, Any]]:
    for at, key in enumerate(graph.keys):
        titles = graph.titles.get(at, ())
        yield {
            "id": key,
            "names": [title.name for title in titles],
            "cites": list(dict.fromkeys(title.cite for title in titles if title.cite)),
            "words": describe_node(graph.nodes[at]),
            "properties": _properties(graph.nodes[at]),
        }


def _properties(node: Node) -> dict[str, Any]:
    """The node's value: an operator's properties, or a term's kind and parts."""
    if isinstance(node, Composite):
        return {"kind": node.kind, "parts": [_properties(part) for part in node.parts]}
    data: dict[str, Any] = dump(node)
    return data


def _edges(graph: RelationGraph) -> Iterator[dict[str, str]]:
    for at, key in enumerate(graph.keys):
        for target, edit in graph.edits(at):
            said = {name: getattr(edit, name) for name in _EDGE}
            yield {"source": key, "target": graph.keys[target], **said}


def graphml(graph: RelationGraph) -> str:
    """GraphML, all attributes strings; lists are joined by `; `, properties are JSON."""
    return "\n".join(_graphml(graph)) + "\n"


def _graphml(graph: RelationGraph) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
    for what, names in (("node", _NODE), ("edge", _EDGE)):
        for name in names:
            yield f'  <key id="{name}" for="{what}" attr.name="{name}" attr.type="string"/>'
    yield '  <graph edgedefault="directed">'
    for node in _nodes(graph):
        yield f"    <node id={quoteattr(node['id'])}>"
        yield from _data(node, _NODE)
        yield "    </node>"
    for edge in _edges(graph):
        yield f"    <edge source={quoteattr(edge['source'])} target={quoteattr(edge['target'])}>"
        yield from _data(edge, _EDGE)
        yield "    </edge>"
    yield "  </graph>"
    yield "</graphml>"


def _data(values: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield f'      <data key="{name}">{escape(_text(values[name]))}</data>'


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def dot(graph: RelationGraph) -> str:
    """Graphviz: nodes are called by their specs' names, or else their keys."""
    return "\n".join(_dot(graph)) + "\n"


def _dot(graph: RelationGraph) -> Iterator[str]:
    yield "digraph relations {"
    yield '  node [shape=box, fontname="Helvetica"];'
    yield '  edge [fontname="Helvetica", fontsize=10];'
    for at, key in enumerate(graph.keys):
        style = ", style=bold" if at in graph.titles else ""
        words = _quoted(describe_node(graph.nodes[at]))
        yield f"  {_quoted(key)} [label={_quoted(graph.title(at))}, tooltip={words}{style}];"
    for at, key in enumerate(graph.keys):
        for target, edit in graph.edits(at):
            arrow = f"{_quoted(key)} -> {_quoted(graph.keys[target])}"
            yield f"  {arrow} [label={_quoted(edit.words)}];"
    yield "}"


def _quoted(text: str) -> str:
    """A DOT string; names of specs may hold anything that a file name may."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def mermaid(graph: RelationGraph) -> str:
    """A Mermaid flowchart, for Markdown pages; nodes are numbered: keys are no identifiers."""
    return "\n".join(_mermaid(graph)) + "\n"


def _mermaid(graph: RelationGraph) -> Iterator[str]:
    yield "flowchart TD"
    for at in range(len(graph)):
        yield f"  n{at}[{_entity(graph.title(at))}]"
    for at in range(len(graph)):
        for target, edit in graph.edits(at):
            yield f"  n{at} -->|{_entity(edit.words)}| n{target}"


def _entity(text: str) -> str:
    """A Mermaid string: quotes and hashes are written as entities."""
    return '"' + text.replace("#", "#35;").replace('"', "#quot;") + '"'


FORMATS: Mapping[str, Callable[[RelationGraph], str]] = {
    "json": node_link,
    "graphml": graphml,
    "dot": dot,
    "mmd": mermaid,
}
"""Formats without a picture, by the usual ending of their files."""
