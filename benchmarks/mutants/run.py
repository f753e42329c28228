"""All mutants, judged: several at once, picked up where a run was stopped.

In: mutants, and a file that remembers. Out: a row for each, in the order of the mutants. A
remembered verdict counts as long as the mutant's text is the same; what was not rejected can be
judged again after the proof has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.mutants.harvest import Mutant
from benchmarks.mutants.judge import Verdict, judge
from benchmarks.resumable import Found, judged
from relgraph.files import sha256


@dataclass(frozen=True)
class Row:
    """A mutant and what became of it."""

    mutant: Mutant
    verdict: Verdict


def run(
    mutants: Sequence[Mutant], state: Path | None = None, jobs: int = 1, again: bool = False
) -> list[Row]:
    """Judge them all; with `again`, also those that were not rejected before."""

    def keep(found: Found) -> bool:
        return found["outcome"] == "rejected" or not again

    found = judged(mutants, key, judge_plainly, state, jobs, keep)
    return [Row(m, Verdict(**one)) for m, one in zip(mutants, found, strict=True)]


def key(mutant: Mutant) -> str:
    """The mutant's name and its text."""
    return f"{mutant.name}:{sha256(mutant.text)[:16]}"


def judge_plainly(mutant: Mutant) -> Found:
    """The verdict as plain data."""
    return asdict(judge(mutant))
