"""Times of several forms as a table of ratios."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from relgraph.bench.timing import interleaved

__all__ = ["interleaved", "table"]


def table(title: str, times: Mapping[str, list[float]], base: str) -> str:
    """Medians, and the median over rounds of the ratio to `base` in the same round."""
    lines = [f"{title} (ratio to {base}, below 1 is faster; {len(times[base])} rounds)"]
    for name, own in times.items():
        ratios = sorted(a / b for a, b in zip(own, times[base], strict=True))
        low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
        lines.append(
            f"  {name:34} {1e3 * statistics.median(own):9.1f} ms   ratio "
            f"{statistics.median(ratios):5.2f}   (middle half {low:.2f} to {high:.2f})"
        )
    return "\n".join(lines)
