"""What `docs/questions.md` shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Command

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "questions.md").read_text("utf-8")
SHOWN = re.findall(r"^```console\n\$ relgraph ([^\n]*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
PYTHON = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_shown_output_is_the_real_one(relgraph: Command, command: str, output: str) -> None:
    ran = relgraph(*command.split())
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == output


def test_every_question_is_shown() -> None:
    assert {command.split()[0] for command, _ in SHOWN} == {
        "path",
        "neighbours",
        "common",
        "holes",
        "where",
    }


def test_the_code_runs() -> None:
    (code,) = PYTHON
    exec(compile(code, "questions.md", "exec"), {})
