"""What goes to a terminal has colours and drawn tables; what goes into a pipe has neither."""

from __future__ import annotations

import io
import sys

import pytest

from relgraph.cli import output
from relgraph.errors import Problem

PROBLEM = Problem("odd", found="[bold] and :smile: stand here", expected="neither is markup")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def open_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard output and standard error as one terminal. No fixture: pytest puts its own streams
    in place between a test's set-up and its call."""
    stream = Terminal()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def test_terminal_has_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    output.print_problems([PROBLEM])
    assert "\x1b[31m" in terminal.getvalue()


def test_nobody_who_wants_no_colour_gets_any(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    monkeypatch.setenv("NO_COLOR", "1")
    output.print_problems([PROBLEM])
    output.remark("beside it")
    assert "beside it" in terminal.getvalue()
    assert "\x1b" not in terminal.getvalue()


def test_terminal_gets_drawn_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    output.print_table(("name", "count"), [("[red]", 1234)])
    assert "─" in terminal.getvalue()
    assert "[red]" in terminal.getvalue()


def test_pipe_gets_the_text_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_problems([PROBLEM])
    output.say("[red]")
    output.print_table(("name", "count"), [("a", 1234), ("longer", 5)])
    printed = capsys.readouterr()
    assert "[bold] and :smile: stand here" in printed.err
    assert printed.out == "[red]\nname    count\na       1,234\nlonger      5\n"


def test_progress_moves_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = open_terminal(monkeypatch)
    with output.progress("loading") as progress:
        progress("the second of four", 1, 4)
    assert "the second of four" in terminal.getvalue()
    assert "25%" in terminal.getvalue()


def test_progress_is_not_written_into_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress("loading") as progress:
        progress("the second of four", 1, 4)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "")
