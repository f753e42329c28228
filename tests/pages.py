"""Pages of docs/ whose console blocks are run again: what they show is what happens."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

from relgraph.cli.process import run

CONSOLE = re.compile(r"^```console\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"^<!-- file: (\S+) -->\n(?:```yaml\n.*?^```\n)?", re.DOTALL | re.MULTILINE)


def printed(command: str) -> str:
    """What a command prints, a mistake's words too."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        run(shlex.split(command)[1:])
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def fresh(text: str) -> str:
    """The page with every block run again, and files that they read or wrote shown, here."""
    return FILE.sub(_shown, CONSOLE.sub(_session, text))


def _session(match: re.Match[str]) -> str:
    commands = [line[2:] for line in match[1].splitlines() if line.startswith("$ ")]
    said = "".join(f"$ {command}\n{printed(command)}" for command in commands)
    return f"```console\n{said}```\n"


def _shown(match: re.Match[str]) -> str:
    return f"<!-- file: {match[1]} -->\n```yaml\n{Path(match[1]).read_text('utf-8')}```\n"
