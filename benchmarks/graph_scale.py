"""How large graphs grow: seconds, memory, files and queries, each graph in a fresh process.

    python benchmarks/graph_scale.py [--json]

Rows: the families that `mlp` becomes, and those that all shipped operators become (words that edits
write only where somebody has them); closures of instances of `mlp` of about ten and a hundred
thousand nodes, over numbers a person might ask for. Seconds are of this process's processor time,
so that other work of the machine counts less. Memory is the peak of the whole process, Python
included. Queries are shortest paths between pairs of nodes spread over the graph, counted in full,
on the graph as it was loaded again: the first one, and the median and the slowest of the others.
"""

from __future__ import annotations

import json
import multiprocessing
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from relgraph.algebra.operator import Operator, Size
from relgraph.graph.search import Shortest
from relgraph.relations.derivation import MLP
from relgraph.relations.numbers import GENERIC, Numbers

QUERIES = 60


def squares(*sides: int) -> tuple[Size, ...]:
    return tuple((side, side) for side in sides)


SIZES: dict[str, Numbers] = {
    "families": GENERIC,
    "families of all": GENERIC,
    "10k": Numbers(
        kernel=squares(3, 5, 7),
        window=squares(4, 7, 8),
        shift=squares(0, 2),
        stripe=(1, 2),
        grid=squares(2, 7),
        groups=(2, 4, 8, 16),
        heads=(2, 4, 8, 16),
        inner=(16, 32, 64),
        reduce=(2, 4),
        tokens=(16, 32),
        extent=(1, 3),
    ),
    "100k": Numbers(
        kernel=squares(3, 5, 7, 9, 11, 13),
        dilation=squares(1, 2, 3),
        window=squares(4, 7, 8, 14, 16),
        shift=squares(0, 2, 3),
        stripe=(1, 2, 4, 7),
        grid=squares(2, 4, 7, 8),
        groups=(2, 4, 8, 16, 32, 64),
        heads=(2, 3, 4, 6, 8, 12, 16, 24, 32, 48),
        inner=(16, 32, 64, 96, 128, 192, 256, 384, 512, 768),
        reduce=(2, 4, 7),
        tokens=(16, 32, 64),
        extent=(1, 3, 5),
        along=("rows", "columns"),
    ),
}
HEADERS = (
    "graph",
    "nodes",
    "edges",
    "closure s",
    "save s",
    "load s",
    "file MB",
    "peak MB",
    "first query s",
    "median s",
    "slowest s",
)


def measure(name: str) -> dict[str, float | str]:
    from relgraph.graph.closure import closure
    from relgraph.graph.search import shortest
    from relgraph.graph.store import load, save

    roots = shipped() if name == "families of all" else (MLP,)
    closing, graph = timed(lambda: closure(roots, SIZES[name]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.json"
        saving, _ = timed(lambda: save(graph, path))
        size = path.stat().st_size / 1e6
        loading, again = timed(lambda: load(path))
    assert again == graph, "a saved graph is the same when it is loaded"
    draw = random.Random(0)
    pairs = [(draw.randrange(len(graph)), draw.randrange(len(graph))) for _ in range(QUERIES + 1)]
    first, *others = (timed(lambda ends=ends: ways(shortest(again, *ends)))[0] for ends in pairs)
    figures = (closing, saving, loading, size, peak, first, statistics.median(others), max(others))
    return dict(zip(HEADERS, (name, len(graph), graph.edges, *figures), strict=True))


def shipped() -> tuple[Operator, ...]:
    """The cores of the shipped operators that are one connection."""
    from relgraph.graph.named import named_operators

    cores = (one.core for one in named_operators().operators)
    return tuple(core for core in cores if isinstance(core, Operator))


def ways(found: Shortest | None) -> int:
    """How many shortest paths there are: no edit leads back to a word that only a root has."""
    return 0 if found is None else found.count


def timed(function):
    began = time.process_time()
    result = function()
    return time.process_time() - began, result


def main(arguments: Sequence[str]) -> None:
    context = multiprocessing.get_context("spawn")
    rows = []
    for name in SIZES:
        with context.Pool(1) as fresh:
            rows.append(fresh.apply(measure, (name,)))
    if "--json" in arguments:
        print(json.dumps(rows, indent=2))
        return
    print("| " + " | ".join(HEADERS) + " |")
    print("|" + "---|" * len(HEADERS))
    for row in rows:
        print("| " + " | ".join(_cell(value) for value in row.values()) + " |")


def _cell(value: float | str) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if value < 0.1 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else value


if __name__ == "__main__":
    main(sys.argv[1:])
