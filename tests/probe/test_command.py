"""`relgraph probe` as a person meets it: words, JSON, drafts, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relgraph.cli.process import run
from relgraph.graph.bodies import node_of
from relgraph.relations.words import key
from relgraph.resolve import resolve_operator

CONV = ["probe", "torch.nn:Conv2d", "--args", "[4, 4, 3, 1, 1]", "--shape", "1x4x5x5"]
NEST = ["probe", "timm.models.nest:Attention", "--args", "{dim: 8, num_heads: 2}"]


def test_words_say_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(CONV) == 0
    told = capsys.readouterr()
    assert "is local.positions-full-static, as conv" in told.out
    assert "running the code of torch.nn:Conv2d" in told.err


def test_json_has_the_same_facts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*CONV, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (operator,) = found["operators"]
    assert operator["family"] == "local.positions-full-static"
    assert operator["exact"] is True
    assert found["parameters"] == 4 * 4 * 9 + 4
    assert {one["property"] for one in operator["properties"]} >= {"dynamism", "rank"}


def test_a_draft_means_what_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "own.yaml"
    told = ["--shape", "1x4x9x8", "--layout", "NHWC", "-o", str(out)]
    assert run([*NEST, *told]) == 0
    assert run(["check", str(out)]) == 0
    node = node_of(resolve_operator(out, 64))
    assert key(node) == "stripe1x1-separate.heads2-pair.softmax-value-output"
    assert run([*NEST, *told]) == 2
    assert "file-exists" in capsys.readouterr().err
    assert run([*NEST, *told, "--force"]) == 0


def test_a_layer_of_a_timm_model_brings_its_shape(capsys: pytest.CaptureFixture[str]) -> None:
    size = "{img_size: 32}"
    assert run(["probe", "timm:test_vit#blocks.0.attn", "--args", size, "--tokens", "1"]) == 0
    assert "1×5×64" in capsys.readouterr().out


MISTAKES = {
    "no-shape": ["probe", "torch.nn:Conv2d", "--args", "[4, 4, 3]"],
    "bad-option": ["probe", "torch.nn:Conv2d", "--args", "[4, 4, 3]", "--shape", "some"],
    "cannot-build": ["probe", "torch.nn:Conv2d", "--args", "{width: 4}", "--shape", "1x4x5x5"],
    "wrong-input": ["probe", "torch.nn:Conv2d", "--args", "[4, 4, 3]", "--shape", "1x5x5x5"],
    "no-module": ["probe", "nowhere.py:Thing"],
    "which-part": [
        "probe",
        "timm.models.resnet:BasicBlock",
        "--args",
        "[8, 8]",
        "--shape",
        "1x8x5x5",
        "-o",
        "own.yaml",
    ],
}


@pytest.mark.parametrize("code", MISTAKES)
def test_mistakes_are_told_with_a_code(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(MISTAKES[code]) == 2
    assert code in capsys.readouterr().err
