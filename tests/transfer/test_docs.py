"""What the page on weights shows is what happens. To write its outputs again:
`python -m tests.transfer.test_docs`."""

from __future__ import annotations

import contextlib
import re
import tempfile
from pathlib import Path

import safetensors.torch
import torch

from relgraph.pipeline import compile_backbone
from relgraph.train.model import Architecture, build
from tests import pages

PAGE = Path(__file__).resolve().parents[2] / "docs" / "transfer.md"
MEASURED = "## What it is worth, measured"  # that part is another test's
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


def fresh(text: str) -> str:
    """The page with everything run again, in a folder of its own."""
    told, heading, measured = text.partition(MEASURED)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        prepare(Path())
        return pages.fresh(told) + heading + measured


def test_the_page_is_fresh() -> None:
    text = PAGE.read_text("utf-8")
    assert len(pages.CONSOLE.findall(text.partition(MEASURED)[0])) == 3
    assert fresh(text) == text


def test_every_option_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    options = set(re.findall(r"--[a-z-]+", pages.printed("relgraph transfer --help")))
    assert options - set(re.findall(r"--[a-z-]+", text)) <= {"--help"}


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text("utf-8")), "utf-8")
