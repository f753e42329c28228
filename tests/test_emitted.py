"""Loading emitted files: from the bytes that are there, and nothing that is more than a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.emitted import check_source, load_emitted, load_text
from relgraph.errors import RelgraphError
from relgraph.pipeline import compile_backbone

HOSTILE = [
    "import os",
    "import subprocess as math",
    "from os import path",
    "from . import other",
    "import torch.nn, sys",
    "__import__('os')",
    "eval('1')",
    "exec('x = 1')",
    "open('file')",
    "getattr(torch, 'load')('x')",
    "torch.load('x')",
    "torch.hub.load('a', 'b')",
    "torch.os.system('true')",
    "().__class__.__bases__[0].__subclasses__()",
    "torch.utils.cpp_extension.load('x')",
    "globals()['x'] = 1",
    "__builtins__['open']('x')",
    "from torch import hub",
    "from torch import load as rate",
    "from torch.serialization import load",
    "import torch.hub as hub2",
    "from torch.utils import cpp_extension",
    "from collections import abc, sys",
    "print('hello')",
    "for _ in (): pass",
    "torch.manual_seed(0)",
    "rate = torch.set_num_threads(1)",
    "F.gelu = F.relu",
    "nn.LayerNorm.eps = 1.0",
    "torch.backends.cudnn.benchmark = True",
    "del F.gelu",
    "class Late(nn.Module): nn.init.zeros_(None)",
    "def late(x): nn.Module.training = False",
    "torch._dynamo.reset()",
]

HARMLESS = [
    "from typing import TYPE_CHECKING",
    "gelu = F.gelu",
    "class Empty(nn.Module): pass",
    "RATE: float = 0.1",
    "def late(x): x.training = False",
]


@pytest.mark.parametrize("line", HOSTILE)
def test_more_than_a_model_is_refused_with_its_place(line: str) -> None:
    text = compile_backbone("dwnet_fashion").text + "\n" + line + "\n"
    with pytest.raises(RelgraphError) as caught:
        check_source(text, "model.py")
    places = [problem.place for problem in caught.value.problems]
    assert {place.line for place in places if place} == {len(text.splitlines())}


@pytest.mark.parametrize("line", HARMLESS)
def test_what_a_person_may_add_is_accepted(line: str) -> None:
    check_source(compile_backbone("dwnet_fashion").text + "\n" + line + "\n", "model.py")


def test_every_such_place_is_told() -> None:
    with pytest.raises(RelgraphError) as caught:
        check_source("import os\nimport sys\neval('1')\n", "model.py")
    assert [p.place.line for p in caught.value.problems if p.place] == [1, 2, 3]


def test_no_python_is_told_as_such() -> None:
    with pytest.raises(RelgraphError, match=r"model.py:1:.*not-python"):
        check_source("class:\n", "model.py")


def test_the_bytes_on_disk_are_loaded_not_older_bytecode(tmp_path: Path) -> None:
    path = tmp_path / "value.py"
    for value in (1, 2, 3):  # Same length, within one second: what a bytecode cache trips over.
        path.write_text(f"VALUE = {value}\n")
        assert value == load_emitted(path).VALUE
    assert [entry.name for entry in tmp_path.iterdir()] == ["value.py"]


def test_a_missing_or_unreadable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(RelgraphError, match="unreadable"):
        load_emitted(tmp_path / "none.py")
    path = tmp_path / "latin.py"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RelgraphError, match="UTF-8"):
        load_emitted(path)


def test_classes_find_their_module() -> None:
    module = load_text("class A:\n    pass\n", "a.py")
    assert module.A.__module__ == module.__name__
