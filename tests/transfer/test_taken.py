"""What a transfer leaves is taken by every command for runs, and bad input leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from relgraph.cli.process import run
from relgraph.transfer import norms, written
from tests.transfer.test_run import as_run, saved, specs
from tests.transfer.whole_models import embedded

__all__ = ["specs"]  # the fixture

CAPPED = ["--set", "epochs=1", "--set", "batch_size=8", "--set", "workers=0"]


def few_images(folder: Path) -> Path:
    """An image folder of two classes, eight images each for training and for the test."""
    from PIL import Image

    images = embedded()
    pixels, labels = torch.as_tensor(images.pixels), torch.as_tensor(images.labels)
    for name, chosen in (("boot", 9), ("shirt", 0)):
        found = pixels[labels == chosen].reshape(-1, 28, 28)
        for part, first in (("train", 0), ("val", 8)):
            inside = folder / part / name
            inside.mkdir(parents=True)
            for at in range(first, first + 8):
                Image.fromarray(found[at].numpy()).save(inside / f"{at}.png")
    return folder


def test_evaluate_predict_train_and_export_take_it(specs: dict[str, Path], tmp_path: Path) -> None:
    source, out = as_run(specs["small"], tmp_path), tmp_path / "carried"
    assert run(["transfer", str(source), "--to", str(specs["dense"]), "-o", str(out)]) == 0
    assert run(["evaluate", str(out)]) == 0
    photos = few_images(tmp_path / "photos")
    assert run(["predict", str(out), str(photos / "val" / "boot" / "8.png")]) == 0
    begun = ["train", str(specs["dense"]), "--init", str(out), "--reset-head", *CAPPED]
    data = ["--set", "data.kind=image_folder", "--set", f"data.path={photos}"]
    data += [
        "--set",
        "data.channels=1",
        "--set",
        "data.size=28",
        "--set",
        "augmentation.crop=resized",
    ]
    assert run([*begun, *data, "--out", str(tmp_path / "further")]) == 0
    assert run(["evaluate", str(tmp_path / "further")]) == 0
    onnx = tmp_path / "carried.onnx"
    assert run(["export", str(out), "--onnx", "--out", str(onnx)]) == 0
    assert onnx.is_file()


Spoilt = dict[str, Tensor]


def _nan(tensors: Spoilt, name: str) -> Spoilt:
    return {**tensors, name: torch.full_like(tensors[name], float("nan"))}


def _whole(tensors: Spoilt, name: str) -> Spoilt:
    return {**tensors, name: tensors[name].long()}


def _missing(tensors: Spoilt, name: str) -> Spoilt:
    return {other: tensor for other, tensor in tensors.items() if other != name}


def _extra(tensors: Spoilt, name: str) -> Spoilt:
    return {**tensors, "one.more": tensors[name].clone()}


BAD: dict[str, tuple[Callable[[Spoilt, str], Spoilt], str]] = {
    "NaN": (_nan, "weights-not-finite: stages.0.blocks.0.depthwise_conv.weight: 72 of 72"),
    "whole numbers": (_whole, "depthwise_conv.weight is of int64; floating point numbers"),
    "missing": (_missing, "no stages.0.blocks.0.depthwise_conv.weight in the checkpoint"),
    "extra": (_extra, "one.more is 8×1×3×3; no such parameter in t_small"),
}


@pytest.mark.parametrize("name", BAD)
def test_tensors_that_cannot_be_carried(
    name: str, specs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, out = saved(specs["small"], tmp_path), tmp_path / "out"
    spoil, words = BAD[name]
    tensors = safetensors.torch.load_file(weights)
    safetensors.torch.save_file(spoil(tensors, "stages.0.blocks.0.depthwise_conv.weight"), weights)
    names = ["--from", str(specs["small"]), "--to", str(specs["large"])]
    assert run(["transfer", str(weights), *names, "-o", str(out)]) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_half_a_file(specs: dict[str, Path], tmp_path: Path) -> None:
    weights, out = saved(specs["small"], tmp_path), tmp_path / "out"
    weights.write_bytes(weights.read_bytes()[:-20])
    names = ["--from", str(specs["small"]), "--to", str(specs["large"])]
    assert run(["transfer", str(weights), *names, "-o", str(out)]) == 2
    assert not out.exists()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_read(dtype: torch.dtype, specs: dict[str, Path], tmp_path: Path) -> None:
    weights, out = saved(specs["small"], tmp_path), tmp_path / "out.safetensors"
    tensors = safetensors.torch.load_file(weights)
    half = {n: t.to(dtype) if t.dtype.is_floating_point else t for n, t in tensors.items()}
    safetensors.torch.save_file(half, weights)
    names = ["--from", str(specs["small"]), "--to", str(specs["large"])]
    assert run(["transfer", str(weights), *names, "-o", str(out)]) == 0
    made = safetensors.torch.load_file(out)
    assert torch.equal(made["classifier.weight"], half["classifier.weight"].float())


@pytest.mark.parametrize("when", ["recalibrating", "writing"])
def test_an_interrupt_leaves_nothing(
    when: str, specs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    source = as_run(specs["small"], tmp_path)
    module, name = {"recalibrating": (norms, "recalibrate"), "writing": (written, "publish")}[when]
    monkeypatch.setattr(module, name, interrupt)
    before = sorted(tmp_path.iterdir())
    asked = ["--to", str(specs["large"]), "-o", str(tmp_path / "out"), "--recalibrate-norms"]
    assert run(["transfer", str(source), *asked, "--images", "16"]) == 130
    assert sorted(tmp_path.iterdir()) == before


def test_another_kind_of_file_is_refused(
    specs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = saved(specs["small"], tmp_path)
    names = ["--from", str(specs["small"]), "--to", str(specs["large"])]
    assert run(["transfer", str(weights), *names, "-o", str(tmp_path / "out.pt")]) == 2
    assert "output-kind" in capsys.readouterr().err


def test_other_classes_and_sizes_are_told(
    specs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, large = saved(specs["small"], tmp_path), specs["large"]
    text = large.read_text().replace("classes: 10", "classes: 7").replace("size: 28", "size: 32")
    large.write_text(text)
    asked = ["--from", str(specs["small"]), "--to", str(large), "-o", str(tmp_path / "out")]
    assert run(["transfer", str(weights), *asked]) == 0
    told = capsys.readouterr().err
    assert "t_large has 7 classes; kept is what was trained, 10" in told
    assert "t_large has an input size of 32×32; kept is what was trained, 28×28" in told


def test_identical_specs_are_a_copy(specs: dict[str, Path], tmp_path: Path) -> None:
    weights, out = saved(specs["small"], tmp_path), tmp_path / "out.safetensors"
    names = ["--from", str(specs["small"]), "--to", str(specs["small"])]
    assert run(["transfer", str(weights), *names, "-o", str(out)]) == 0
    one, other = safetensors.torch.load_file(weights), safetensors.torch.load_file(out)
    assert all(torch.equal(one[name], other[name]) for name in one if "num_batches" not in name)


def test_a_folder_that_the_system_refuses(
    specs: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights, out = saved(specs["small"], tmp_path), tmp_path / "out"

    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("relgraph.transfer.written._write_folder", refuse)
    names = ["--from", str(specs["small"]), "--to", str(specs["large"])]
    assert run(["transfer", str(weights), *names, "-o", str(out)]) == 2
    assert f"not-written: {out}: Permission denied" in capsys.readouterr().err
    assert not out.exists()
