"""All mutants, judged: by several processes, in an order that never changes, picked up where it
stopped.

In: mutants, and a file that remembers. Out: a row for each, in the order of the mutants. A
remembered verdict counts as long as the mutant's text is the same; what was not rejected can be
judged again after the proof has changed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.mutants.harvest import Mutant
from benchmarks.mutants.judge import Verdict, judge
from relgraph.files import sha256


@dataclass(frozen=True)
class Row:
    """A mutant and its verdict, as the state file and the page have them."""

    name: str
    family: str
    mistake: str
    line: str
    text: str
    verdict: Verdict


def run(
    mutants: Sequence[Mutant],
    state: Path | None = None,
    jobs: int = 1,
    again: bool = False,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> list[Row]:
    """Judge them all; with `again`, also those that were not rejected before."""
    known = _remembered(state, again)
    missing = [m for m in mutants if _key(m) not in known]
    told(len(mutants) - len(missing), len(mutants))
    for row in _rows(missing, jobs):
        known[row.name, row.text] = row
        if state is not None:
            with state.open("a") as file:
                file.write(json.dumps(asdict(row)) + "\n")
        told(sum(_key(m) in known for m in mutants), len(mutants))
    return [known[_key(m)] for m in mutants]


def _rows(mutants: Sequence[Mutant], jobs: int) -> Iterable[Row]:
    if jobs == 1 or len(mutants) < 2:
        yield from map(_row, mutants)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _begin) as pool:
        yield from pool.imap_unordered(_row, mutants, chunksize=4)


def _begin() -> None:
    import torch

    torch.set_num_threads(1)
    # Numerical libraries complain to the terminal of what broken models make of numbers.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def _row(mutant: Mutant) -> Row:
    text = sha256(mutant.text)
    return Row(mutant.name, mutant.family, mutant.mistake, mutant.shown, text, judge(mutant))


def _key(mutant: Mutant) -> tuple[str, str]:
    return mutant.name, sha256(mutant.text)


def _remembered(state: Path | None, again: bool) -> dict[tuple[str, str], Row]:
    """Rows of a state file; a last line that was cut off when a run was stopped is left out."""
    if state is None or not state.exists():
        return {}
    known = {}
    for line in state.read_text().splitlines():
        try:
            kept = json.loads(line)
        except json.JSONDecodeError:
            continue
        verdict = kept.pop("verdict")
        verdict["failed"] = tuple(verdict["failed"])
        row = Row(**kept, verdict=Verdict(**verdict))
        if row.verdict.outcome == "rejected" or not again:
            known[row.name, row.text] = row
    return known
