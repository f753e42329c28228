"""0 fine, 1 false, 2 the user's mistake, 130 interrupted, 70 our bug; never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relgraph.cli import listing, process
from relgraph.cli.app import COMMANDS
from relgraph.errors import Problem, RelgraphError
from tests.cli.conftest import Command

BROKEN = "operator: odd\nspace: {connect: locl}\nchannel: {connect: separate}\n"


def test_fine(relgraph: Command) -> None:
    assert relgraph("list").code == 0


def test_help_is_fine_and_names_every_command(relgraph: Command) -> None:
    ran = relgraph("--help")
    assert ran.code == 0
    listed = [line.split()[0] for line in ran.out.partition("Commands:\n")[2].splitlines()]
    assert listed == list(COMMANDS), "in the order of the table"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command(relgraph: Command, name: str) -> None:
    ran = relgraph(name, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: relgraph {name} ")


def test_a_misspelt_command_is_told_the_nearest(relgraph: Command) -> None:
    ran = relgraph("chek", "swin_tiny")
    assert ran.code == 2
    assert "'check'" in ran.err


def test_version(relgraph: Command) -> None:
    from relgraph import __version__

    ran = relgraph("--version")
    assert (ran.code, ran.out.strip()) == (0, f"relgraph {__version__}")


@pytest.mark.parametrize(
    "arguments",
    [
        ("lst",),
        ("list", "operator"),
        ("cost",),
        ("cost", "swin_tiny", "--size", "many"),
        ("cost", "swin_tiny", "--size", "0"),
        ("cost", "swin_tiny", "--size", "230"),
        ("cost", "swin_tny"),
        ("cost", "fashion_demo"),
        ("show", "nothing.yaml"),
        ("check", "nothing.yaml"),
        ("generate", "local_attention"),
        ("verify", "nothing.py"),
        ("train",),
        ("train", "swin_fashion", "--recipe", "nothing"),
        ("train", "swin_fashion", "--set", "epochs=many"),
        ("train", "swin_fashion", "--resume", "runs"),
        ("evaluate", "nothing"),
        ("predict", "nothing", "nothing.png"),
        ("export", "swin_fashion"),
        ("export", "swin_fashion", "--onnx", "--torch"),
        ("export", "nothing.py", "--torch"),
        ("new", "operator", "Not A Name"),
        ("new", "operator", "conv"),
        ("new", "backbone", "own", "--like", "nothing"),
    ],
    ids=" ".join,
)
def test_mistakes_of_the_user(relgraph: Command, folder: Path, arguments: tuple[str, ...]) -> None:
    ran = relgraph(*arguments)
    assert ran.code == 2
    assert ran.err.strip()
    assert "Traceback" not in ran.err
    assert list(folder.iterdir()) == [], "a refused command leaves nothing behind"


def test_mistakes_as_json(relgraph: Command) -> None:
    ran = relgraph("cost", "swin_tny", "--json")
    assert ran.code == 2
    (problem,) = json.loads(ran.out)["problems"]
    assert problem["hint"] == "did you mean swin_tiny?"


def test_refused_spec(relgraph: Command, folder: Path) -> None:
    (folder / "odd.yaml").write_text(BROKEN)
    ran = relgraph("check", "odd.yaml")
    assert ran.code == 2
    assert "odd.yaml:2:18" in ran.err
    assert "did you mean local?" in ran.err
    assert "odd.yaml: refused" in ran.out


def test_interrupted(relgraph: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(listing, "shipped", interrupt)
    assert relgraph("list").code == 130


def test_bug_leaves_one_line_and_a_report(
    relgraph: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug for this test")

    monkeypatch.setattr(listing, "shipped", fail)
    ran = relgraph("list", "operators")
    assert ran.code == 70
    assert len(ran.err.strip().splitlines()) == 1
    (report,) = folder.glob("relgraph-bug-*.txt")
    assert report.name in ran.err
    text = report.read_text()
    assert "a bug for this test" in text
    assert "Traceback" in text
    assert "relgraph list operators" in text


def test_report_file_that_cannot_be_written_here(
    relgraph: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: object
) -> None:
    from relgraph.cli import bug

    written: list[Path] = []

    def refuse_here(path: Path, content: str) -> None:
        if path.parent == Path():
            raise RelgraphError(Problem("not-written", str(path)))
        written.append(path)

    monkeypatch.setattr(bug, "write_atomically", refuse_here)
    monkeypatch.setattr(listing, "shipped", lambda *_: 1 // 0)
    ran = relgraph("list")
    assert ran.code == 70
    assert str(written[0]) in ran.err


def test_report_that_no_folder_takes_is_printed(
    relgraph: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from relgraph.cli import bug

    def refuse(path: Path, content: str) -> None:
        raise RelgraphError(Problem("not-written", str(path)))

    monkeypatch.setattr(bug, "write_atomically", refuse)
    monkeypatch.setattr(listing, "shipped", lambda *_: 1 // 0)
    ran = relgraph("list")
    assert ran.code == 70
    assert "command: relgraph list" in ran.err
    assert "ZeroDivisionError: integer division" in ran.err


def test_reader_that_leaves_early_is_no_mistake() -> None:
    # The pipe's reader is gone before anything is written.
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "relgraph", "schema"],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode in (0, 1)
    assert done.stderr == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_in_a_real_process(tmp_path: Path, number: signal.Signals) -> None:
    # A loop stands in for a long command: the signal comes once it has begun. A shell's background
    # jobs ignore Ctrl-C, and what they start does too: the child asks for it.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import time; from relgraph.cli import listing, main\n"
        "def wait(*_):\n    print('begun', flush=True); time.sleep(60)\n"
        "listing.shipped = wait; main(['list'])"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    began = time.monotonic()
    child.send_signal(number)
    _, err = child.communicate(timeout=30)
    assert child.returncode == process.INTERRUPTED
    assert time.monotonic() - began < 30
    assert err == "interrupted\n"
