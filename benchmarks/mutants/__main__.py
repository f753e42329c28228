"""Emitted files changed as people change them by mistake: does the proof notice?

    python -m benchmarks.mutants [--jobs N] [--resume FILE] [--again] [--page FILE]
                                 [--family NAME …] [--mistake NAME …] [--every N] [--control]

Judges every mutant of `benchmarks.mutants`, and prints those that the proof accepts although they
are another function. With --resume, verdicts are kept in FILE, and a run that was stopped goes on;
with --again what was not rejected is judged anew. --page writes the tables (docs/mutants.md). Exit
code 1 if fewer than 95% of the mutants that are another function are rejected, or if one that was
not rejected has no reason in `equal`. With --control nothing but a comment is changed in each
family's file; what is rejected then is a false alarm, and the exit code 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.mutants.families import families
from benchmarks.mutants.harvest import all_mutants
from benchmarks.mutants.judge import false_alarm
from benchmarks.mutants.page import page, rate, unexplained
from benchmarks.mutants.run import run
from relgraph.files import write_atomically

WANTED = 0.95


def main() -> int:
    asked = arguments()
    if asked.control:
        return control(asked.family)
    chosen = [
        mutant
        for mutant in all_mutants()
        if (not asked.family or mutant.family in asked.family)
        and (not asked.mistake or mutant.mistake in asked.mistake)
    ][:: asked.every]
    rows = run(chosen, asked.resume, asked.jobs, asked.again)
    if asked.page is not None:
        write_atomically(asked.page, page(rows))
    for row in rows:
        if row.verdict.outcome == "survived":
            print(f"survived: {row.mutant.name}\n  {row.mutant.shown}\n  {row.verdict.example}")
    for row in unexplained(rows):
        print(f"{row.verdict.outcome}, without a reason: {row.mutant.name}\n  {row.mutant.shown}")
    print(f"{len(rows):,} mutants; {rate(rows):.2%} of those that are another function rejected")
    return 0 if rate(rows) >= WANTED and not unexplained(rows) else 1


def control(chosen: Sequence[str]) -> int:
    """Files with another comment; 1 if one of them is rejected."""
    names = [family.name for family in families() if not chosen or family.name in chosen]
    told = {name: false_alarm(name) for name in names}
    alarms = {name: example for name, example in told.items() if example}
    for name, example in alarms.items():
        print(f"false alarm: {name}\n  {example}")
    print(f"{len(names)} files with another comment; {len(alarms)} rejected")
    return 1 if alarms else 0


def arguments() -> argparse.Namespace:
    lines = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=lines)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--page", type=Path)
    parser.add_argument("--family", nargs="*", default=())
    parser.add_argument("--mistake", nargs="*", default=())
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--every", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
