"""Every edge of the relation graph, walked with numbers: what it says of weights, and what happens.

    python benchmarks/every_edge.py [--processes N] [--resume FILE] [--every N] [--table FILE]

Edges: the closure of families from `mlp`, and the edits of frames around some of them. Each carries
random float64 weights from an operator of 4 channels on a map of 4×6 to another; the oracle runs
both. Exit code 1 and a line for each edge that does not do what is said of it. With --resume
verdicts are kept in FILE, and a run that was stopped goes on. --every N takes every Nth edge.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from relgraph.files import write_atomically
from relgraph.transfer.every_edge.run import family_edges, frame_edges, run
from relgraph.transfer.every_edge.table import page, problems

FRAMED = 250  # every so many families are framed


def main() -> int:
    asked = arguments()
    families = family_edges()
    nodes = list(dict.fromkeys(edge.source for edge in families))[::FRAMED]
    edges = (*families, *frame_edges(nodes))[:: asked.every]
    began = time.perf_counter()
    with bar() as progress:
        task = progress.add_task("edges", total=len(edges))
        rows = run(
            edges,
            asked.resume,
            asked.processes,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    minutes = (time.perf_counter() - began) / 60
    print(f"{len(rows):,} edges in {minutes:.1f} minutes", file=sys.stderr)
    if asked.table is not None:
        write_atomically(asked.table, page(rows))
    else:
        print(page(rows))
    false = list(problems(rows))
    for line in false:
        print(line, file=sys.stderr)
    return 1 if false else 0


def arguments() -> argparse.Namespace:
    lines = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=lines)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--table", type=Path)
    return parser.parse_args()


def bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


if __name__ == "__main__":
    sys.exit(main())
