"""Milliseconds from a spec's file to emitted text, imports done: every shipped backbone.

python benchmarks/compile_speed.py [ROUNDS]
"""

from __future__ import annotations

import statistics
import sys
import time

from relgraph.pipeline import compile_backbone
from relgraph.shipped import shipped


def milliseconds(name: str) -> float:
    """One compilation."""
    began = time.perf_counter()
    compile_backbone(name)
    return 1e3 * (time.perf_counter() - began)


def main(rounds: int) -> None:
    """A row for each backbone: median and slowest; the first compilation after imports apart."""
    names = list(shipped("backbones"))
    print(f"first of all ({names[0]}, with lazy imports): {milliseconds(names[0]):.0f} ms")
    for name in names:
        times = [milliseconds(name) for _ in range(rounds)]
        print(f"{name:30} median {statistics.median(times):6.1f} ms   slowest {max(times):6.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
