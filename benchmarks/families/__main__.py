"""Every consistent family of the algebra: is what is emitted for it what it means?

    python -m benchmarks.families [--jobs N] [--resume FILE] [--page FILE] [--every N] [--known]
                                  [--ask equality fast proof term]
    python -m benchmarks.families --refresh docs/families.md

For each family without rank words: every form of it at several sizes equals the oracle in outputs
and all gradients (float64, 1e-10) and has the closed form's parameters and multiply-adds
(equality), also with every frame, bias and predictor that a fast form accepts (fast); its declared
properties are measured (proof). For each with a rank word a file is emitted and proved (term).

After a change of the algebra --refresh writes anew what needs no run: the counts and the rules.
--known asks nothing that FILE does not answer.
With --resume, findings are kept in FILE, and a run that was stopped goes on; what had a problem is
asked again. --page writes the
tables (docs/families.md). Exit code 1, and a line for each family of which something is not as it
should be.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from benchmarks.families.judge import Question, Task, judge, name
from benchmarks.families.page import page, refreshed
from benchmarks.families.variants import fast_variants
from benchmarks.resumable import Found, judged, remembered
from relgraph.algebra.families import families, ranked
from relgraph.algebra.operator import Operator
from relgraph.files import write_atomically


def main() -> int:
    asked = arguments()
    if asked.refresh is not None:
        write_atomically(asked.refresh, refreshed(asked.refresh.read_text()))
        return 0
    tasks = [
        Task(question, number, operator)
        for question in get_args(Question)
        if question in asked.ask
        for number, operator in enumerate(of(question))
    ][:: asked.every]
    if asked.known:
        known = remembered(asked.resume)
        tasks = [task for task in tasks if task.name in known]
    found = judged(tasks, name, judge, asked.resume, asked.jobs, keep=_is_well)
    if asked.page is not None:
        write_atomically(asked.page, page(tasks, found))
    wrong = [(task, one) for task, one in zip(tasks, found, strict=True) if one["problems"]]
    for task, one in wrong:
        print(f"{task.name}\n  " + "\n  ".join(one["problems"]))
    print(f"{len(tasks):,} asked, {len(wrong)} with a problem")
    return 1 if wrong else 0


def _is_well(found: Found) -> bool:
    """Whether it need not be asked again."""
    return not found["problems"]


def of(question: Question) -> Iterable[Operator]:
    """The families that a question is about."""
    if question == "term":
        return ranked()
    return fast_variants() if question == "fast" else families()


def arguments() -> argparse.Namespace:
    lines = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=lines)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--known", action="store_true")
    parser.add_argument("--refresh", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--ask", nargs="+", choices=get_args(Question), default=get_args(Question))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
