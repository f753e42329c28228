"""Questions need neither torch nor numpy, and networkx only where a graph of its own is made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "numpy", "networkx")
PROGRAM = """
import sys
from relgraph.cli.process import run
assert run({arguments!r}) == 0
loaded = sorted(set({heavy!r}) & set(sys.modules))
assert not loaded, loaded
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["path", "mlp", "conv"],
        ["path", "swin_fashion", "mixer_fashion", "--json"],
        ["neighbours", "conv"],
        ["common", "conv", "token_mlp"],
        ["holes", "--limit", "1"],
        ["where", "swin_fashion"],
    ],
    ids=" ".join,
)
def test_questions_are_light(arguments: list[str]) -> None:
    program = PROGRAM.format(arguments=arguments, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
