"""`verify`, `train`, `evaluate`, `predict`, `export`: on a small model and a few real images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from relgraph.cli.process import run
from relgraph.data import FASHION_MNIST
from relgraph.data.idx import find_idx, read_idx, write_idx
from tests.cli.conftest import Command

OWN = """\
backbone: own
input: {size: 28, channels: 1}
classes: 10
stem: [patchify: 4, batch_norm]
stages: [{depth: 1, channels: 16}]
block: [{residual: [depthwise_conv: 3, batch_norm, pointwise, relu], label: token_mixer}]
head: [global_pool, classifier]
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, a few images, a picture, and a run of one epoch named `run`."""
    folder = tmp_path_factory.mktemp("trained")
    images = folder / "images"
    images.mkdir()
    for part, count in (("train", 64), ("t10k", 32)):
        for kind, dimensions in (("images-idx3", 3), ("labels-idx1", 1)):
            array = read_idx(find_idx(FASHION_MNIST, f"{part}-{kind}-ubyte"), dimensions)
            (images / f"{part}-{kind}-ubyte.gz").write_bytes(write_idx(array[:count]))
    pixels = read_idx(find_idx(FASHION_MNIST, "t10k-images-idx3-ubyte"), 3)
    Image.fromarray(pixels[0]).save(folder / "first.png")
    (folder / "own.yaml").write_text(OWN)
    settings = ("data.kind=idx", f"data.path={images}", "epochs=1", "batch_size=32")
    overrides = [part for setting in settings for part in ("--set", setting)]
    out = ["--out", str(folder / "run"), "--accelerator", "cpu", "--quiet"]
    assert run(["train", str(folder / "own.yaml"), *overrides, *out]) == 0
    return folder


@pytest.fixture
def in_trained(trained: Path, relgraph: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(trained)
    return trained


def test_run_folder_is_complete(trained: Path) -> None:
    run_folder = trained / "run"
    assert (run_folder / "own.py").is_file()
    assert (run_folder / "recipe.yaml").is_file()
    names = {path.name for path in (run_folder / "specs").rglob("*")}
    assert {"own.yaml", "resolved.json", "depthwise_conv.yaml"} <= names


def test_evaluate(in_trained: Path, relgraph: Command) -> None:
    found = json.loads(relgraph("evaluate", "run", "--json").out)
    assert found["score"]["images"] == 32
    assert 0 <= found["score"]["top1"] <= found["score"]["top5"] <= 1
    train_split = json.loads(relgraph("evaluate", "run", "--split", "train", "--json").out)
    assert train_split["score"]["images"] == 64
    other = json.loads(relgraph("evaluate", "run", "--data", "images", "--json").out)
    assert other["score"] == found["score"]
    assert relgraph("evaluate", "run").code == 0


def test_predict(in_trained: Path, relgraph: Command) -> None:
    (found,) = json.loads(relgraph("predict", "run", "first.png", "--top", "10", "--json").out)
    probabilities = [probability for _, probability in found["classes"]]
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert probabilities == sorted(probabilities, reverse=True)
    missing = relgraph("predict", "run", "first.png", "nothing.png")
    assert missing.code == 2
    assert "nothing.png" in missing.err


def test_resume_of_a_finished_run_is_fine(in_trained: Path, relgraph: Command) -> None:
    assert relgraph("train", "--resume", "run", "--accelerator", "cpu").code == 0


def test_export_of_a_run_agrees_and_takes_any_batch(in_trained: Path, relgraph: Command) -> None:
    ran = relgraph("export", "run", "--torch")
    assert (ran.code, ran.err) == (0, "")
    program = torch.export.load(str(in_trained / "run.pt2")).module()
    assert program(torch.zeros(7, 1, 28, 28)).shape == (7, 10)


def test_export_to_onnx(in_trained: Path, relgraph: Command) -> None:
    import onnxruntime

    assert relgraph("export", "own.yaml", "--onnx", "--out", "model.onnx").code == 0
    session = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"images": torch.zeros(3, 1, 28, 28).numpy()})
    assert logits.shape == (3, 10)


def test_export_that_computes_otherwise_is_not_written(
    in_trained: Path, relgraph: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    import relgraph.export as exporting

    honest = exporting._FORMS["torch"]

    def wrong(model: torch.nn.Module, images: torch.Tensor) -> tuple[bytes, exporting.Logits]:
        raw, exported = honest(model, images)
        return raw, lambda x: exported(x) + 1.0

    monkeypatch.setitem(exporting._FORMS, "torch", wrong)
    assert relgraph("export", "own.yaml", "--torch", "--out", "wrong.pt2").code == 1
    assert not (in_trained / "wrong.pt2").exists()


def test_verify_by_name_file_and_after_edits(in_trained: Path, relgraph: Command) -> None:
    fresh = relgraph("verify", "own.yaml")
    assert fresh.code == 0
    assert "not there" in fresh.err
    assert relgraph("generate", "own.yaml").code == 0
    path = in_trained / "generated" / "own.py"
    text = path.read_text()
    by_name = json.loads(relgraph("verify", "own.yaml", "--json").out)
    assert (by_name["ok"], by_name["edited"]) == (True, False)
    assert by_name["file"] == "generated/own.py"

    # Another meaning under the same spec: a failed proof, by name and by file.
    assert text.count("groups=dim") == 1
    path.write_text(text.replace("x = x + ", "x = x - ").replace("return x + ", "return x - "))
    for asked in ("own.yaml", "generated/own.py"):
        ran = relgraph("verify", asked)
        assert ran.code == 1
        assert "FAIL" in ran.out

    # A spec that went on without its file.
    path.write_text(text)
    spec = in_trained / "own.yaml"
    spec.write_text(OWN.replace("depthwise_conv: 3", "depthwise_conv: 5"))
    assert relgraph("verify", "own.yaml").code == 1
    spec.write_text(OWN)


def test_verify_of_an_operator(relgraph: Command) -> None:
    assert relgraph("verify", "depthwise_conv").code == 0
