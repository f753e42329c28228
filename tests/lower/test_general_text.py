"""The text of attention, matrices and general forms: ruff finds nothing to say or to format."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from relgraph.algebra.families import connection, families
from relgraph.lower import lower
from relgraph.lower.general import lower_general
from relgraph.lower.module import Definition, Module, in_reading_order
from tests.lower import test_attention, test_general, test_matrix
from tests.lower.against_oracle import named

ROOT = Path(__file__).parents[2]
TORCH = "import math\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn"


def _lowered() -> Iterator[Module]:
    for nodes in (test_attention.NODES, test_matrix.NODES):
        for at in nodes.values():
            chosen = lower(at)
            assert isinstance(chosen, Module)
            yield chosen
    yield from map(lower_general, test_general.SPECIAL.values())
    for operator in [*families()[::61], *test_general._framed_slice()]:
        yield lower_general(named(connection(operator)))


def _roots() -> Iterator[Definition]:
    for module in _lowered():
        assert module.definition is not None
        yield module.definition


def test_ruff_has_nothing_to_say_or_to_format(tmp_path: Path) -> None:
    definitions = in_reading_order(_roots())
    assert len(definitions) > 100
    text = "\n\n\n".join([f'"""Classes."""\n\n{TORCH}', *(d.text for d in definitions)])
    path = tmp_path / "emitted.py"
    path.write_text(text + "\n", encoding="utf-8")
    settings = ["--config", str(ROOT / "pyproject.toml"), str(path)]
    for command in (["check", "--ignore", "D102"], ["format", "--check"]):
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *settings],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout
