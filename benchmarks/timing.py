"""Compare forms of one thing fairly on a noisy machine: interleaved, medians of ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def interleaved(forms: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every form in every round; one untimed round first. The order turns round, so
    that no form always runs on a cache that another one warmed."""
    names = list(forms)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            began = time.perf_counter()
            forms[name]()
            if turn:
                times[name].append(time.perf_counter() - began)
    return times


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
