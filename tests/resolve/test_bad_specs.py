"""One mistake per file, with the message that a person sees beside it.

`tests/bad_specs/NAME.txt` holds what `NAME.yaml` must be told. After a message was changed on
purpose: `UPDATE_MESSAGES=1 pytest tests/resolve/test_bad_specs.py`, and read the difference.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from relgraph.errors import RelgraphError
from relgraph.resolve import resolve_backbone, resolve_operator

FOLDER = Path(__file__).parent.parent / "bad_specs"
CASES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def message(name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """What relgraph says about the file, run inside its folder so that paths are short."""
    monkeypatch.chdir(FOLDER)
    path = Path(f"{name}.yaml")
    with pytest.raises(RelgraphError) as caught:
        if path.read_text().startswith("operator:"):
            resolve_operator(path, 64)
        else:
            resolve_backbone(path)
    assert all(problem.place for problem in caught.value.problems)
    shipped = str(Path(__file__).parent.parent.parent / "specs")
    return str(caught.value).replace(shipped, "specs") + "\n"


@pytest.mark.parametrize("name", CASES)
def test_message(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = FOLDER / f"{name}.txt"
    said = message(name, monkeypatch)
    if os.environ.get("UPDATE_MESSAGES"):
        expected.write_text(said)
    assert said == expected.read_text()


def test_there_are_enough_and_each_has_its_message() -> None:
    assert len(CASES) >= 60
    assert sorted(path.stem for path in FOLDER.glob("*.txt")) == CASES


@pytest.mark.parametrize("name", ["definition_doubles", "stage_depth_huge", "yaml_too_deep"])
def test_absurd_specs_are_refused_early(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Work is counted, not timed: two million events, where the million items that the
    # first stands for would be many more.
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        message(name, monkeypatch)
    finally:
        sys.setprofile(None)
    assert calls < 4_000_000
