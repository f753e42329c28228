"""Emitted text: deterministic, shared classes, harmless whatever a spec says."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from relgraph.assemble.parameters import parameters
from relgraph.emit.data import data_constant
from relgraph.emit.header import read_header
from relgraph.emit.text import literal, prose
from relgraph.emitted import load_text
from relgraph.pipeline import compile_backbone
from relgraph.shipped import shipped
from tests.designs import small

BACKBONES = list(shipped("backbones"))


@pytest.mark.parametrize("name", BACKBONES)
def test_names_and_shapes_of_parameters_are_the_programs(name: str) -> None:
    compiled = compile_backbone(name)
    module = load_text(compiled.text, f"{name}.py")
    with torch.device("meta"):
        model = getattr(module, module.BUILDER)()
    emitted = {key: tuple(value.shape) for key, value in model.named_parameters()}
    declared = {key: value.shape for key, value in parameters(compiled.program).items()}
    assert emitted == declared


@pytest.mark.parametrize("name", BACKBONES)
def test_text_is_readable(name: str) -> None:
    text = compile_backbone(name).text
    assert max(map(len, text.splitlines())) <= 100
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef)]
    long = {f.name for f in functions if f.end_lineno and f.end_lineno - f.lineno > 60}
    assert long <= {"__init__"}


def test_same_bytes_whatever_the_hash_seed() -> None:
    code = "from relgraph.pipeline import compile_backbone as c; print(c('pvt_v2_b2').text)"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(texts) == 1


def test_instances_that_differ_in_sizes_share_a_class() -> None:
    text = compile_backbone("swin_tiny").text
    assert text.count("\nclass SwinBlock") == 1
    assert text.count("\nclass WindowAttention") == 1


def test_header_knows_its_body() -> None:
    text = compile_backbone("dwnet_tiny").text
    header = read_header(text)
    assert header is not None
    assert header.intact
    edited = read_header(text.replace("kernel_size=7", "kernel_size=5"))
    assert edited is not None
    assert not edited.intact
    assert read_header("print('hello')\n") is None


def test_prose_of_a_spec_stays_prose(tmp_path: Path) -> None:
    hostile = '"""\nimport os  # \\" \'\'\' {x} %s \\N{BELL}'
    path = small(tmp_path, "- relu")
    quoted = hostile.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    path.write_text(path.read_text().replace('"A test"', f'"{quoted}"'))
    text = compile_backbone(str(path)).text
    tree = ast.parse(text)
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Import) and n.names[0].name == "os"]
    assert load_text(text, "example.py").SPEC["cite"].startswith('"""')


@pytest.mark.parametrize(
    "value", ["", "a", 'a"b', "a'b", "\n", "\\", "é", "\u2028", (1,), (1, (2, 3)), None, 1e-5, True]
)
def test_literals_read_back(value: object) -> None:
    text = literal(value)
    assert ast.literal_eval(text) == value
    assert text.isascii()


def test_prose_cannot_end_a_docstring() -> None:
    assert '"' not in prose('say """ and "')
    assert "\n" not in prose("a\nb")
    assert "\\" not in prose("a\\")


def test_data_deep_inside_a_spec_stands_by_itself() -> None:
    value: object = {"number": 96, "name": "identity", "nothing": {}, "empty": [], "text": "a b"}
    for _ in range(30):
        value = {"body": [value]}
    text = data_constant("DEEP", [value, value])
    made: dict[str, object] = {}
    exec(text, made)
    assert made["DEEP"] == [value, value]
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("identity") == 1, "equal parts are written once"


def test_a_word_longer_than_a_line_is_written() -> None:
    value: object = "w" * 120
    for _ in range(30):
        value = {"body": [value]}
    made: dict[str, object] = {}
    exec(data_constant("DEEP", value), made)
    assert made["DEEP"] == value
