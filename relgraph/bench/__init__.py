"""Which form of a connection is fastest, measured where a backbone uses it.

In: a backbone. Out: for each distinct connection with several lowerings, the time of each (forward
and training step, eager or compiled) and its peak memory, interleaved in one process; and the
choice as a file for `generate --tuned`. `cases` finds what to measure, `forms` builds it, `timing`
and `memory` measure, `run` puts it together.
"""

from __future__ import annotations

from relgraph.bench.request import Benched, BenchRequest, Measured, What

__all__ = ["BenchRequest", "Benched", "Measured", "What", "bench"]


def bench(request: BenchRequest) -> Benched:
    """Measure all forms. Raises RelgraphError with all problems of the spec."""
    from relgraph.bench.run import run_bench

    return run_bench(request)
