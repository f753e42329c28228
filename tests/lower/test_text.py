"""Emitted text reads as a person's would: ruff finds nothing to say and nothing to format."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from relgraph.lower import lower
from relgraph.lower.module import Definition, Module, in_reading_order
from tests.lower import test_conv, test_dynamic, test_elements

ROOT = Path(__file__).parents[2]
HEADER = '"""Classes of an emitted file."""\n\nfrom __future__ import annotations\n\n'
TORCH = "import torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\n\n\n"


def _roots() -> Iterator[Definition]:
    for nodes in (test_conv.NODES, test_dynamic.NODES):
        for at in nodes.values():
            module = lower(at)
            assert isinstance(module, Module)
            if module.definition is not None:
                yield module.definition
    for element in test_elements.NODES.values():
        yield from test_elements.definitions(element)


DEFINITIONS = {definition.name: definition for definition in in_reading_order(_roots())}


def _file(definition: Definition) -> str:
    """A file with the definition and what it uses, as `emit` prints it."""
    used = in_reading_order([definition])
    imports = sorted({line for each in used for line in each.imports})
    body = "\n\n\n".join(each.text for each in used)
    standard = "\n".join(sorted(imports, key=lambda line: (line.startswith("from"), line)))
    tokens = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    torch = "\n".join(
        line
        for line in (
            "import torch" if "torch" in tokens else "",
            "import torch.nn.functional as F" if "F" in tokens else "",
            f"from torch import {', '.join(sorted({'Tensor', 'nn'} & tokens))}",
        )
        if line
    )
    gap = "\n\n" if standard else ""
    return f"{HEADER}{standard}{gap}{torch}\n\n\n{body}\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    for name, definition in DEFINITIONS.items():
        (folder / f"{name.lower()}_.py").write_text(_file(definition), encoding="utf-8")
    return folder


def _ruff(folder: Path, *command: str) -> str:
    configuration = ("--config", str(ROOT / "pyproject.toml"))
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, *configuration, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def test_ruff_finds_nothing(folder: Path) -> None:
    assert _ruff(folder, "check", "--no-cache", "--ignore", "D102") == ""


def test_ruff_formats_nothing(folder: Path) -> None:
    assert _ruff(folder, "format", "--no-cache", "--diff") == ""


@pytest.mark.parametrize("name", DEFINITIONS)
def test_functions_are_short_and_annotated(name: str) -> None:
    tree = ast.parse(DEFINITIONS[name].text)
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        assert function.end_lineno and function.end_lineno - function.lineno < 40
        assert function.returns is not None, function.name
        arguments = [*function.args.args, *function.args.kwonlyargs]
        bare = [a.arg for a in arguments if a.annotation is None]
        assert set(bare) <= {"self"}, function.name
    assert ast.get_docstring(tree.body[0]), name  # type: ignore[arg-type]
