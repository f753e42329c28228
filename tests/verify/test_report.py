"""A report counts itself, prints declared beside measured, and survives as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from relgraph.verify.report import Check, Report

GOOD = Check("connectivity", "stem.conv", "9 positions", "9 positions", True, covers=3)
BAD = Check("sharing", "stem.conv", "9 things", "8 things", False, "these two never differ")


def reported(*checks: Check, edited: bool = False) -> Report:
    return Report("swin", "swin.py", edited, checks, "5" * 64, "f" * 64)


def test_ok_is_that_every_check_is() -> None:
    report = reported(GOOD)
    assert report.ok
    assert not replace(report, checks=(GOOD, BAD)).ok
    assert replace(report, checks=(GOOD, BAD)).failures == (BAD,)


def test_a_report_without_checks_proves_nothing() -> None:
    assert not reported().ok


def test_json_holds_everything() -> None:
    report = reported(GOOD, BAD, edited=True)
    data = json.loads(json.dumps(report.to_json()))
    assert (data["name"], data["file"], data["edited"], data["ok"]) == (
        "swin",
        "swin.py",
        True,
        False,
    )
    assert data["checks"][1]["counter_example"] == BAD.counter_example
    assert data["checks"][0]["covers"] == 3
    assert (data["spec"], data["sha256"]) == ("5" * 64, "f" * 64)


def test_text_shows_the_counter_example_and_the_edit() -> None:
    text = reported(GOOD, BAD, edited=True).to_text()
    assert "edited by hand" in text
    assert "these two never differ" in text
    assert "1 of 2 failed" in text
    assert "(x3)" in text
