"""Lines of emitted files: none too long, and a formatter finds nothing to change."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from relgraph.emit.text import counted, statement
from relgraph.pipeline import compile_backbone
from tests.specs.test_examples import COUNTS, FOLDER

ROOT = Path(__file__).parents[2]
# Long sums, concatenations and chains, widths without a rule, maps that are no part of the image.
LONG = """\
backbone: long_lines
cite: A test
input: {size: [33, 97]}
classes: 5
stem:
  - pointwise: 24
block:
  - residual: [layer_norm, global_attention: {heads: 2}, batch_norm, gelu, relu, silu]
  - concat:
      - [batch_norm, relu, pointwise: {channels: 8}, batch_norm, gelu, pointwise, relu]
      - [relu, pointwise: {channels: 8}, gelu, batch_norm, relu, pointwise, gelu, relu]
      - [depthwise_conv, pointwise: {channels: 8}]
  - [pointwise, relu, pointwise, gelu, pointwise, silu, pointwise, relu, pointwise, relu]
stages:
  - {channels: 24, depth: 2}
head: [global_pool, classifier]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every example, emitted; the shipped backbones lie in `generated/`, where lint sees them."""
    folder = tmp_path_factory.mktemp("emitted")
    own = folder / "long_lines.yaml"
    own.write_text(LONG)
    for path in [own, *(FOLDER / f"{name}.yaml" for name in COUNTS)]:
        (folder / f"{path.stem}.py").write_text(compile_backbone(str(path)).text)
    return folder


def _ruff(folder: Path, *command: str) -> str:
    configuration = ("--no-cache", "--config", str(ROOT / "pyproject.toml"))
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, *configuration, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def test_no_line_is_too_long(folder: Path) -> None:
    lines = [line for path in folder.glob("*.py") for line in path.read_text().splitlines()]
    assert [line for line in lines if len(line) > 100] == []


def test_ruff_finds_nothing(folder: Path) -> None:
    assert _ruff(folder, "check", "--ignore", "D102") == ""


def test_ruff_formats_nothing(folder: Path) -> None:
    assert _ruff(folder, "format", "--diff") == ""


BRANCHES = ", ".join(f"self.branch{n}(part{n})" for n in range(12))
LINES = (
    f"x = torch.cat(({BRANCHES}), dim=1)",
    "return self.first_of_them(self.second_of_them(self.third_of_them(self.fourth(x)))).flatten(2)",
    "x = kept + self.drop_path(self.pointwise2(self.activation(self.norm(self.pointwise1(x)))))",
    f"rows = [{', '.join(f'({n}, {n})' for n in range(30))}]",
    f"names = ('{'x' * 70}',)",
)


@pytest.mark.parametrize("indent", [0, 8, 20])
@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:12])
def test_wrapping_changes_no_meaning(line: str, indent: int) -> None:
    wrapped = statement(line, indent)
    assert max(map(len, wrapped.splitlines())) <= 100
    above = "def f():\n" if indent else ""
    assert ast.dump(ast.parse(above + wrapped)) == ast.dump(ast.parse(above + " " * indent + line))


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((64, 96, 128, 160), "range(64, 192, 32)"),
        ((0, 1, 2, 3), "range(4)"),
        ((9, 6, 3, 0), "range(9, -3, -3)"),
        ((1, 2, 3), ""),
        ((1, 1, 1, 1), ""),
        ((1, 2, 4, 8), ""),
    ],
)
def test_even_steps_are_a_range(numbers: tuple[int, ...], text: str) -> None:
    assert counted([str(number) for number in numbers]) == text
    assert not text or tuple(eval(text)) == numbers
