"""What the page on weights shows is what happens. To write its outputs again:
`python -m tests.transfer.test_docs`."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import tempfile
from pathlib import Path

import safetensors.torch
import torch

from relgraph.cli.process import run
from relgraph.pipeline import compile_backbone
from relgraph.train.model import Architecture, build

PAGE = Path(__file__).resolve().parents[2] / "docs" / "transfer.md"
MEASURED = "## What it is worth, measured"  # that part is another test's
_CONSOLE = re.compile(r"^```console\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"^<!-- file: (\S+) -->\n(?:```yaml\n.*?^```\n)?", re.DOTALL | re.MULTILINE)
KERNEL3 = """backbone: kernel3
extends: dwnet_fashion
set: {spatial: {size: 3}}
"""


def prepare(folder: Path) -> None:
    """A checkpoint whose weights a seed gives, and a spec."""
    (folder / "kernel3.yaml").write_text(KERNEL3)
    model = folder / "dwnet_fashion_model.py"
    model.write_text(compile_backbone("dwnet_fashion").text)
    torch.manual_seed(0)
    state = build(model, Architecture(num_classes=10, in_chans=1)).state_dict()
    safetensors.torch.save_file(state, folder / "dwnet.safetensors")


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
    """A spec that the commands read."""
    return f"<!-- file: {match[1]} -->\n```yaml\n{Path(match[1]).read_text('utf-8')}```\n"


def fresh(text: str) -> str:
    """The page with everything run again, in a folder of its own."""
    told, heading, measured = text.partition(MEASURED)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        prepare(Path())
        return _FILE.sub(shown, _CONSOLE.sub(session, told)) + heading + measured


def test_the_page_is_fresh() -> None:
    text = PAGE.read_text("utf-8")
    assert len(_CONSOLE.findall(text.partition(MEASURED)[0])) == 3
    assert fresh(text) == text


def test_every_option_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    options = set(re.findall(r"--[a-z-]+", printed("relgraph transfer --help")))
    assert options - set(re.findall(r"--[a-z-]+", text)) <= {"--help"}


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text("utf-8")), "utf-8")
