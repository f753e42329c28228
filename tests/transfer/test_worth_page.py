"""The page's table of what carried weights are worth is that of the committed numbers."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))  # its scripts import each other by name

import transfer_worth  # noqa: E402
import transfer_worth_report as report  # noqa: E402


def numbers() -> list[report.Row]:
    """Every row of the committed file."""
    text = (ROOT / "docs/figures/transfer_worth.csv").read_text("utf-8")
    return [
        report.Row(
            row["pair"],
            row["arm"],
            int(row["seed"]),
            int(row["steps"]),
            *(float(row[name]) for name in ("lr", "top1", "loss")),
        )
        for row in csv.DictReader(text.splitlines())
    ]


def test_the_table_is_that_of_the_numbers() -> None:
    rows = numbers()
    named = {row.pair for row in rows}
    titles = {name: pair.title for name, pair in transfer_worth.PAIRS.items() if name in named}
    assert report.as_csv(rows) == (ROOT / "docs/figures/transfer_worth.csv").read_text("utf-8")
    page = (ROOT / "docs/transfer.md").read_text("utf-8")
    assert report.markdown(titles, rows) in page


def test_every_arm_that_is_compared_has_three_seeds_at_equal_steps() -> None:
    rows = numbers()
    for pair in {row.pair for row in rows}:
        for steps in report.steps_of(rows, pair):
            for arm in ("further", "scratch"):
                assert {row.seed for row in report.select(rows, pair, arm, steps)} == {0, 1, 2}
