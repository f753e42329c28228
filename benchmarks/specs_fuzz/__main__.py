"""Specs made at random: are valid ones understood, and damaged ones refused with a place?

    python -m benchmarks.specs_fuzz [--kind valid|invalid] [--examples N] [--processes N]
                                    [--resume FILE] [--corpus FOLDER] [--page FILE]

Case number n is the same files in every run. With --resume counts are kept in FILE, and a run that
was stopped goes on. A case that goes wrong is kept below --corpus, from where the tests replay it
ever after. --page writes the counts into a page (docs/fuzzing.md). Exit code 1 if a case went
wrong.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.specs_fuzz.page import codes, placed, table
from benchmarks.specs_fuzz.run import State, run
from relgraph.files import write_atomically


def main() -> int:
    asked = arguments()
    state = State.read(asked.kind, asked.resume)
    with bar() as progress:
        task = progress.add_task(f"{asked.kind} specs, in parts", total=None)
        run(
            state,
            asked.examples,
            asked.processes,
            asked.resume,
            asked.corpus,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    print(table(state))
    if asked.kind == "invalid":
        print(codes(state))
    if asked.page is not None:
        made = table(state) + ("\n" + codes(state) if asked.kind == "invalid" else "")
        write_atomically(asked.page, placed(asked.page.read_text("utf-8"), asked.kind, made))
    if state.failures:
        print(f"{state.failures:,} went wrong: see {asked.corpus}", file=sys.stderr)
    return 1 if state.failures else 0


def arguments() -> argparse.Namespace:
    lines = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=lines)
    parser.add_argument("--kind", choices=["valid", "invalid"], default="invalid")
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--corpus", type=Path, default=Path("tests/corpus/specs"))
    parser.add_argument("--page", type=Path)
    return parser.parse_args()


def bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


if __name__ == "__main__":
    sys.exit(main())
