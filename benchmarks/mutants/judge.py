"""One mutant: does the proof notice, and if it does not, is there anything to notice?

In: a mutant. Out: a `Verdict` with what rejected it, which check came first and its
counter-example; or that it is the same function as the file it was made from; or that it is not and
nobody noticed.
"""

from __future__ import annotations

import ast
import sys
import warnings
from dataclasses import dataclass
from typing import Literal

import torch

from benchmarks.mutants.differs import first_difference
from benchmarks.mutants.families import emitted
from benchmarks.mutants.harvest import Mutant
from relgraph.errors import RelgraphError
from relgraph.verify import Report, verify_text
from relgraph.verify.report import fails

Outcome = Literal["rejected", "equal", "survived"]


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant. `check` is the first that failed and `example` its counter-example;
    for a survivor `example` is what tells it from the original."""

    outcome: Outcome
    check: str = ""
    example: str = ""


def judge(mutant: Mutant) -> Verdict:
    """Prove the mutant; where the proof accepts it, compare it with its original."""
    text = mutant.text
    ast.parse(text)
    before = set(sys.modules)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _judged(text, mutant)
    finally:
        for name in set(sys.modules) - before:
            if name.startswith("relgraph_emitted"):
                del sys.modules[name]


def false_alarm(family: str) -> str:
    """What the proof has against a family's file of which a comment alone was changed; nothing, or
    all verdicts on that family are worth nothing."""
    text, line = emitted(family), "        self.num_classes = num_classes\n"
    assert line in text
    report = verify_text(text.replace(line, f"        # Their number.\n{line}"), f"{family}.py")
    assert report.edited
    return "" if report.ok else _rejected(report).example


def _judged(text: str, mutant: Mutant) -> Verdict:
    torch.manual_seed(0)  # what starts at random differs from process to process otherwise
    try:
        report = verify_text(text, f"{mutant.family}.py", until=fails)
    except RelgraphError as error:
        return Verdict("rejected", "refused", str(error))
    if not report.ok:
        return _rejected(report)
    difference = first_difference(emitted(mutant.family), text)
    if difference is None:
        return Verdict("equal")
    return Verdict("survived", example=difference)


def _rejected(report: Report) -> Verdict:
    first = report.failures[0]
    said = first.counter_example or f"{first.declared} | {first.measured}"
    return Verdict("rejected", first.name, f"{first.subject}: {said}")
