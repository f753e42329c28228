"""`optimize` on disk: what is written and what takes it; what is refused leaves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from relgraph.cli.process import run
from relgraph.errors import RelgraphError
from relgraph.optimize import optimize
from relgraph.pipeline import compile_backbone
from relgraph.train import evaluate
from relgraph.train.model import Architecture, Backbone, build
from relgraph.train.request import EvaluateRequest
from relgraph.transfer.sources import read_end
from tests.runs import write_run

GREY = Architecture(num_classes=10, in_chans=1, img_size=(28, 28))


def trained(name: str, folder: Path) -> tuple[Path, Backbone]:
    """An emitted file and its model, weights and statistics drawn."""
    file = folder / f"{name}.py"
    file.write_text(compile_backbone(name).text)
    torch.manual_seed(3)
    model = build(file, GREY)
    for tensor_name, tensor in model.state_dict().items():
        if "running" in tensor_name:
            tensor.copy_(torch.rand_like(tensor) + 0.5)
    return file, model.eval()


def test_a_run_becomes_a_run_that_scores_the_same(tmp_path: Path) -> None:
    file, model = trained("resnet_fashion", tmp_path)
    source = write_run(tmp_path / "run", file, model)
    made = optimize(source, tmp_path / "out")
    assert made.ok and made.difference < 1e-5
    assert made.parameters < made.parameters_before and made.folded == 15
    assert json.loads((tmp_path / "out" / "optimize.json").read_text()) == made.to_json()
    scores = [
        evaluate(EvaluateRequest(run=path, accelerator="cpu"))
        for path in (source, tmp_path / "out")
    ]
    assert scores[0].per_class == scores[1].per_class


def test_weights_need_the_name_of_their_model(tmp_path: Path) -> None:
    _, model = trained("resnet_fashion", tmp_path)
    weights = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(model.state_dict(), weights)
    with pytest.raises(RelgraphError, match="does not say which model"):
        optimize(weights, tmp_path / "out")
    assert optimize(weights, tmp_path / "out", "resnet_fashion").ok


def test_what_is_optimized_is_not_optimized_again(tmp_path: Path) -> None:
    """Nor carried to another model: its weights are no longer those of its spec."""
    file, model = trained("resnet_fashion", tmp_path)
    source = write_run(tmp_path / "run", file, model)
    once = tmp_path / "once"
    assert optimize(source, once).ok
    with pytest.raises(RelgraphError, match="inference version"):
        optimize(once, tmp_path / "twice")
    with pytest.raises(RelgraphError, match="inference version"):
        read_end(str(once / "resnet_fashion_inference.py"))
    assert not (tmp_path / "twice").exists()


@pytest.mark.parametrize("out", ["taken", "model.safetensors"])
def test_a_place_that_cannot_be_is_refused(tmp_path: Path, out: str) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RelgraphError):
        optimize(tmp_path / "no_run", tmp_path / out)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_was_edited_to_compute_something_else_is_not_optimized(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Folding follows the spec in the file; what the file does decides whether that is right."""
    file, model = trained("resnet_fashion", tmp_path)
    text = file.read_text()
    assert "F.relu(" in text
    file.write_text(text.replace("F.relu(", "F.silu("))
    source = write_run(tmp_path / "run", file, model)
    assert run(["optimize", str(source), "-o", str(tmp_path / "out")]) == 1
    assert "was not written" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
