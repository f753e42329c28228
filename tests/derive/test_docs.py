"""What the page on derivation shows is what happens. To write its outputs again:
`python -m tests.derive.test_docs`."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import tempfile
from pathlib import Path

from relgraph.cli.process import run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "derive.md"
_CONSOLE = re.compile(r"^```console\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"^<!-- file: (\S+) -->\n(?:```yaml\n.*?^```\n)?", re.DOTALL | re.MULTILINE)


def printed(command: str) -> str:
    """What a command prints, a mistake's words too."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        run(shlex.split(command)[1:])
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def session(match: re.Match[str]) -> str:
    """A block with the commands that it shows and what they print now."""
    commands = [line[2:] for line in match[1].splitlines() if line.startswith("$ ")]
    said = "".join(f"$ {command}\n{printed(command)}" for command in commands)
    return f"```console\n{said}```\n"


def shown(match: re.Match[str]) -> str:
    """A file that the commands wrote."""
    return f"<!-- file: {match[1]} -->\n```yaml\n{Path(match[1]).read_text('utf-8')}```\n"


def fresh(text: str) -> str:
    """The page with everything run again, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return _FILE.sub(shown, _CONSOLE.sub(session, text))


def test_the_page_is_fresh() -> None:
    text = PAGE.read_text("utf-8")
    assert len(_CONSOLE.findall(text)) == 5
    assert fresh(text) == text


def test_every_option_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    options = set(re.findall(r"--[a-z-]+", printed("relgraph derive --help")))
    assert options - set(re.findall(r"--[a-z-]+", text)) <= {"--help", "--json"}


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text("utf-8")), "utf-8")
