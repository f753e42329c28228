"""All mutants, judged: several at once, picked up where a run was stopped.

In: mutants, and a file that remembers. Out: a row for each, in the order of the mutants. A
remembered verdict counts as long as the function that was changed is the same; what was not
rejected can be judged again after the proof has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.mutants.harvest import Mutant
from benchmarks.mutants.judge import Verdict, judge
from benchmarks.resumable import Found, judged


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

    found = judged(mutants, name, judge_plainly, state, jobs, keep)
    return [Row(m, Verdict(**one)) for m, one in zip(mutants, found, strict=True)]


def name(mutant: Mutant) -> str:
    """The mutant's name, as a function of a module."""
    return mutant.name


def judge_plainly(mutant: Mutant) -> Found:
    """The verdict as plain data."""
    return asdict(judge(mutant))
