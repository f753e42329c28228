"""Runs of many judgements: picked up where they were stopped, by one process or several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.resumable import Found, judged


def square(number: int) -> Found:
    return {"square": number * number}


def never(number: int) -> Found:
    raise AssertionError(f"{number} was judged before")


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_item_is_judged_in_order(jobs: int) -> None:
    found = judged(range(9), str, square, jobs=jobs)
    assert found == [{"square": n * n} for n in range(9)]


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    judged(range(3), str, square, state)
    with state.open("a") as file:
        file.write('["3", {"squa')  # cut off in the middle of a line
    assert judged(range(3), str, never, state) == [{"square": n * n} for n in range(3)]
    assert judged(range(5), str, square, state)[3:] == [{"square": 9}, {"square": 16}]


def test_what_is_not_kept_is_judged_again(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    state.write_text(json.dumps(["2", {"square": 5}]) + "\n")
    assert judged([2], str, never, state) == [{"square": 5}]
    again = judged([2], str, square, state, keep=lambda found: found["square"] != 5)
    assert again == [{"square": 4}]
    assert judged([2], str, never, state) == [{"square": 4}], "the last finding holds"
