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
WIDE_SWIN = """backbone: wide_swin
extends: swin_fashion
stages: {channels: [64, 128], heads: [4, 8]}
"""


def prepare(folder: Path) -> None:
    """Checkpoints whose weights a seed gives, and specs."""
    (folder / "kernel3.yaml").write_text(KERNEL3)
    (folder / "wide_swin.yaml").write_text(WIDE_SWIN)
    for name in ("dwnet", "swin"):
        model = folder / f"{name}_fashion_model.py"
        model.write_text(compile_backbone(f"{name}_fashion").text)
        torch.manual_seed(0)
        state = build(model, Architecture(num_classes=10, in_chans=1)).state_dict()
        safetensors.torch.save_file(state, folder / f"{name}.safetensors")


def fresh(text: str) -> str:
    """The page with everything run again, in a folder of its own."""
    told, heading, measured = text.partition(MEASURED)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        prepare(Path())
        return pages.fresh(told) + heading + measured


def test_the_page_is_fresh() -> None:
    text = PAGE.read_text("utf-8")
    assert len(pages.CONSOLE.findall(text.partition(MEASURED)[0])) == 4
    assert fresh(text) == text


def test_every_option_is_on_the_page() -> None:
    text = PAGE.read_text("utf-8")
    options = set(re.findall(r"--[a-z-]+", pages.printed("relgraph transfer --help")))
    assert options - set(re.findall(r"--[a-z-]+", text)) <= {"--help"}


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text("utf-8")), "utf-8")
