"""What the page on probes shows is what happens. To write its outputs again:
`python -m tests.probe.test_docs`."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from pathlib import Path

import torch

from tests import pages

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "probe.md"
PYTHON = re.compile(r"^```python\n(.*?)^```\n", re.DOTALL | re.MULTILINE)


def fresh(text: str) -> str:
    """The page with everything run again, in a folder of its own that has its module."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        shutil.copytree(ROOT / "docs" / "modules", "docs/modules")
        return pages.fresh(text)


def test_the_page_is_fresh() -> None:
    text = PAGE.read_text("utf-8")
    assert len(pages.CONSOLE.findall(text)) == 3
    assert fresh(text) == text


def test_the_python_on_the_page_runs() -> None:
    (code,) = PYTHON.findall(PAGE.read_text("utf-8"))
    exec(compile(code, str(PAGE), "exec"), {})


def test_every_option_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    options = set(re.findall(r"--[a-z-]+", pages.printed("relgraph probe --help")))
    assert options - set(re.findall(r"--[a-z-]+", text)) <= {"--help", "--out"}


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text("utf-8")), "utf-8")
