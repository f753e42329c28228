"""All edges, judged: by several processes, in an order that never changes, picked up where it
stopped.

In: edges, and a file that remembers. Out: a row for each edge, in the order of the edges. A
remembered row counts only if nothing of relgraph changed since: the file begins with a hash of it.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

import relgraph
from relgraph.graph.closure import closure
from relgraph.relations.derivation import MLP
from relgraph.relations.node import Node
from relgraph.relations.table import edits
from relgraph.relations.words import key
from relgraph.transfer.every_edge.judge import Verdict, judge

_AT_ONCE = 50  # edges of one task: each process remembers the operators that it built


@dataclass(frozen=True)
class Edge:
    """An edge of the graph and what its edit is called."""

    source: Node
    target: Node
    relation: str
    axis: str
    before: str
    after: str

    @property
    def name(self) -> str:
        """Unique in a graph: at most one edit joins two nodes."""
        return f"{key(self.source)} → {key(self.target)}"


@dataclass(frozen=True)
class Row:
    """An edge's name, what its edit is called, and the verdict."""

    edge: str
    relation: str
    axis: str
    before: str
    after: str
    verdict: Verdict


Told = Callable[[int, int], None]
"""Called as `told(judged, all)`."""


def family_edges() -> tuple[Edge, ...]:
    """Every edge of the closure of families from `mlp`, in the graph's order."""
    graph = closure((MLP,)).graph
    nodes: dict[str, Node] = {name: facts["node"] for name, facts in graph.nodes(data=True)}
    edges = graph.edges(data=True)
    words = ("relation", "axis", "before", "after")
    return tuple(Edge(nodes[a], nodes[b], *(facts[w] for w in words)) for a, b, facts in edges)


def frame_edges(nodes: Iterable[Node]) -> tuple[Edge, ...]:
    """Every edit of what stands around these nodes, and of what these edits make, back again."""
    found: dict[tuple[Node, Node], Edge] = {}
    for node in nodes:
        there = list(_framing(node))
        back = [edge for one in there for edge in _framing(one.target)]
        for edge in (*there, *back):
            found.setdefault((edge.source, edge.target), edge)
    return tuple(found.values())


def _framing(node: Node) -> Iterator[Edge]:
    for edit in edits(node, frames=True):
        if edit.axis == "frame":
            yield Edge(node, edit.target, edit.relation, edit.axis, edit.before, edit.after)


def judge_edge(edge: Edge) -> Row:
    """The verdict on one edge."""
    verdict = judge(edge.source, edge.target)
    return Row(edge.name, edge.relation, edge.axis, edge.before, edge.after, verdict)


def run(
    edges: Sequence[Edge], file: Path | None = None, processes: int = 1, told: Told | None = None
) -> tuple[Row, ...]:
    """A row for each edge. `file` gets a line for each as soon as it is judged, and saves the work
    of those that it holds already."""
    known = {} if file is None else _remembered(file)
    left = [edge for edge in edges if edge.name not in known]
    for rows in _judged(left, processes):
        known.update((row.edge, row) for row in rows)
        if file is not None:
            with file.open("a", encoding="utf-8") as out:
                out.writelines(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)
        if told is not None:
            told(len(edges) - len(left) + sum(edge.name in known for edge in left), len(edges))
    return tuple(known[edge.name] for edge in edges)


def _judged(edges: Sequence[Edge], processes: int) -> Iterator[list[Row]]:
    tasks = [edges[at : at + _AT_ONCE] for at in range(0, len(edges), _AT_ONCE)]
    if processes == 1:
        yield from map(_task, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap(_task, tasks)


def _task(edges: Sequence[Edge]) -> list[Row]:
    torch.set_num_threads(1)  # matrices are small: more threads than processes slow each other down
    return [judge_edge(edge) for edge in edges]


def _remembered(file: Path) -> dict[str, Row]:
    """The rows of a file of this very relgraph; of any other one nothing, and it starts anew. A
    last line that was cut off while it was written is judged again."""
    head = json.dumps({"relgraph": _hash()})
    lines = file.read_text("utf-8").splitlines(keepends=True) if file.is_file() else []
    if not lines or lines[0].rstrip() != head:
        file.write_text(head + "\n", "utf-8")
        return {}
    whole = [line for line in lines[1:] if line.endswith("\n")]
    if len(whole) + 1 < len(lines):
        file.write_text("".join((lines[0], *whole)), "utf-8")
    return {row.edge: row for row in map(_read, whole)}


def _read(line: str) -> Row:
    values = json.loads(line)
    return Row(**{**values, "verdict": Verdict(**values["verdict"])})


def _hash() -> str:
    """Of every source file of relgraph, and torch's version."""
    own = hashlib.sha256(torch.__version__.encode())
    assert relgraph.__file__ is not None, "relgraph is a package on disk"
    for file in sorted(Path(relgraph.__file__).parent.rglob("*.py")):
        own.update(file.read_bytes())
    return own.hexdigest()
