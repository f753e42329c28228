"""Graphs on disk: one JSON document, lossless, replaced whole or not at all.

In: a `RelationGraph` and a path. Out: a file, and the equal graph again. Properties and edges'
words are written once and referred to by number, so that a hundred thousand nodes stay small and
load fast; `graph.formats` writes what other tools read.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Hashable, Iterable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from relgraph.algebra.operator import Channel, Frame, Operator, Space, Weight
from relgraph.errors import Place, Problem, RelgraphError
from relgraph.files import write_atomically
from relgraph.graph.model import Label, RelationGraph, Title
from relgraph.graph.values import dump, parse
from relgraph.relations.node import Composite, Node
from relgraph.relations.numbers import Numbers

FORMAT = "relgraph graph"
VERSION = 1
PARTS: Mapping[str, type[Any]] = {
    "space": Space,
    "channel": Channel,
    "weight": Weight,
    "bias": str,
    "frame": Frame,
}
"""The fields of an operator, in the order of a row."""


def save(graph: RelationGraph, path: Path) -> None:
    """Write the graph to `path`, atomically."""
    write_atomically(path, json.dumps(_dumped(graph), ensure_ascii=False, separators=(",", ":")))


def load(path: Path) -> RelationGraph:
    """The graph that `save` wrote.

    Raises RelgraphError where there is no such file, or it holds something else.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _refused(path, error.strerror or "it cannot be read") from None
    except ValueError as error:
        raise _refused(path, f"it is no JSON: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise _refused(path, "it is no graph that relgraph saved")
    if data.get("version") != VERSION:
        raise _refused(path, f"its version is {data.get('version')}, this relgraph reads {VERSION}")
    try:
        return _parsed(data)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise _refused(path, f"it is damaged: {error}") from None


def _refused(path: Path, why: str) -> RelgraphError:
    expected = "a file that `relgraph graph --save` wrote"
    return RelgraphError(Problem("bad-graph-file", why, expected, place=Place(str(path), 1, 1)))


class _Table:
    """Values written once, and referred to by their number."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}

    def __getitem__(self, value: Hashable) -> int:
        return self.numbers.setdefault(value, len(self.numbers))


def _dumped(graph: RelationGraph) -> dict[str, Any]:
    tables = {name: _Table() for name in PARTS}
    rows = [_row(node, tables) for node in graph.nodes]
    ends = zip(graph.offsets, graph.offsets[1:], strict=False)
    return {
        "format": FORMAT,
        "version": VERSION,
        "numbers": dump(graph.numbers),
        "frames": graph.frames,
        "roots": list(graph.roots),
        "parts": {name: [dump(v) for v in table.numbers] for name, table in tables.items()},
        "nodes": rows,
        "keys": list(graph.keys),
        "names": {str(at): [[t.name, t.cite] for t in own] for at, own in graph.titles.items()},
        "labels": [
            [label.relation, label.axis, label.before, label.after] for label in graph.labels
        ],
        "degrees": [last - first for first, last in ends],
        "targets": graph.targets.tolist(),
        "marks": graph.marks.tolist(),
    }


def _row(node: Node, tables: Mapping[str, _Table]) -> Any:
    """An operator as one number for each of its parts; a composite as its kind and rows."""
    if isinstance(node, Composite):
        return {"kind": node.kind, "parts": [_row(part, tables) for part in node.parts]}
    return [table[getattr(node, name)] for name, table in tables.items()]


def _parsed(data: Mapping[str, Any]) -> RelationGraph:
    parts = [[_part(kind, v) for v in data["parts"][name]] for name, kind in PARTS.items()]
    nodes = tuple(_node(row, parts) for row in data["nodes"])
    labels = tuple(Label(*label) for label in data["labels"])
    graph = RelationGraph(
        nodes=nodes,
        keys=tuple(data["keys"]),
        labels=labels,
        offsets=array("I", accumulate(data["degrees"], initial=0)),
        targets=array("I", data["targets"]),
        marks=array("I", data["marks"]),
        titles={int(at): tuple(Title(*t) for t in own) for at, own in data["names"].items()},
        numbers=parse(Numbers, data["numbers"]),
        roots=tuple(data["roots"]),
        frames=bool(data["frames"]),
    )
    _check(graph)
    assert len(graph.predecessors) == len(graph)  # made now, so that no question waits for it
    return graph


def _part(kind: type[Any], value: Any) -> Any:
    return value if kind is str else parse(kind, value)


def _node(row: Any, parts: list[list[Any]]) -> Node:
    if isinstance(row, dict):
        return Composite(row["kind"], tuple(_node(part, parts) for part in row["parts"]))
    return Operator(*(table[at] for table, at in zip(parts, row, strict=True)))


def _check(graph: RelationGraph) -> None:
    """Every reference points somewhere. Raises ValueError."""
    count = len(graph.nodes)
    _agree("keys", len(set(graph.keys)), count)
    _agree("degrees", len(graph.offsets) - 1, count)
    _agree("targets", len(graph.targets), graph.offsets[-1])
    _agree("marks", len(graph.marks), graph.offsets[-1])
    _below("target", graph.targets, count)
    _below("mark", graph.marks, len(graph.labels))
    _below("name", graph.titles, count)
    if set(graph.roots) - set(graph.keys):
        raise ValueError("a root is no node")


def _agree(what: str, found: int, expected: int) -> None:
    if found != expected:
        raise ValueError(f"{found} {what}, expected {expected}")


def _below(what: str, found: Iterable[int], limit: int) -> None:
    highest = max(found, default=-1)
    if highest >= limit:
        raise ValueError(f"{what} {highest} of {limit}")
