"""What the page on derivation shows is what happens. To write its outputs again:
`python -m tests.derive.test_docs`."""

from __future__ import annotations

import contextlib
import re
import tempfile
from pathlib import Path

from tests import pages

PAGE = Path(__file__).resolve().parents[2] / "docs" / "derive.md"


def fresh(text: str) -> str:
    """The page with everything run again, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return pages.fresh(text)


def test_the_page_is_fresh() -> None:
    text = PAGE.read_text("utf-8")
    assert len(pages.CONSOLE.findall(text)) == 5
    assert fresh(text) == text


def test_every_option_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    options = set(re.findall(r"--[a-z-]+", pages.printed("relgraph derive --help")))
    assert options - set(re.findall(r"--[a-z-]+", text)) <= {"--help", "--json"}


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text("utf-8")), "utf-8")
