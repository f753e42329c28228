"""Counts of a campaign as a table: by kind of damage, and by what the problems are."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.specs_fuzz.run import State

MARKS = ("<!-- begin: {} -->", "<!-- end: {} -->")


def table(state: State) -> str:
    """Cases by kind: how many are refused with a place, still valid, or failures."""
    return "\n".join(_rows(state)) + "\n"


def _rows(state: State) -> Iterator[str]:
    yield "| kind | cases | refused | valid | failures |"
    yield "|---|--:|--:|--:|--:|"
    totals = [0, 0, 0, 0]
    for kind, found in sorted(state.counts.items()):
        numbers = [sum(found.values()), found["refused"], found["valid"], found["failed"]]
        totals = [a + b for a, b in zip(totals, numbers, strict=True)]
        yield _row(kind, numbers)
    if len(state.counts) > 1:
        yield _row("**all**", totals)


def _row(name: str, numbers: list[int]) -> str:
    return f"| {name} | " + " | ".join(f"{n:,}" for n in numbers) + " |"


def codes(state: State, most: int = 60) -> str:
    """The problems that were told, by code, those told most often."""
    told = ", ".join(f"`{code}` {count:,}" for code, count in state.codes.most_common(most))
    rest = len(state.codes) - most
    more = f", and {rest} more" if rest > 0 else ""
    return f"{len(state.codes)} codes of problems were told: {told}{more}.\n"


def placed(text: str, name: str, made: str) -> str:
    """`text` with what stands between the marks of `name` replaced."""
    begin, end = (mark.format(name) for mark in MARKS)
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    assert found, f"no place for {name}"
    return f"{before}{begin}\n{made}{end}{after}"
