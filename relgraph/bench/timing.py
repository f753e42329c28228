"""Compare forms of one thing fairly on a noisy machine: interleaved, medians of ratios."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


def interleaved(forms: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every form in every round; one untimed round first. The order turns round, so
    that no form always runs on a cache that another one warmed."""
    names = list(forms)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            took = seconds(forms[name])
            if turn:
                times[name].append(took)
    return times


def seconds(run: Callable[[], object]) -> float:
    """Wall-clock time of one run."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
