"""Whole transfers on disk: what is written, what takes it; what is refused leaves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from relgraph.cli.process import run
from relgraph.errors import RelgraphError
from relgraph.pipeline import compile_backbone
from relgraph.train import evaluate
from relgraph.train.model import Architecture, Backbone, build
from relgraph.train.request import EvaluateRequest
from relgraph.train.weights import put_weights, read_weights
from relgraph.transfer import TransferRequest, transfer
from tests.designs import write_spec
from tests.runs import write_run

MODEL = """
backbone: {name}
cite: A test
input: {{size: 28, channels: 1}}
classes: 10
stem: [conv: {{size: 3, channels: $channels, stride: 2}}, batch_norm]
stages: [{{depth: 2, channels: 8}}]
block:
  - residual: [{mixer}, batch_norm, relu]
head: [global_pool, classifier]
"""


@pytest.fixture
def specs(tmp_path: Path) -> dict[str, Path]:
    """Spec files that differ in the mixer."""
    mixers = {
        "small": "depthwise_conv: 3",
        "large": "depthwise_conv: 5",
        "dense": "conv: 3",
        "attention": "global_attention: {heads: 2}",
    }
    return {
        name: write_spec(tmp_path, MODEL.format(name=f"t_{name}", mixer=mixer), name)
        for name, mixer in mixers.items()
    }


def built(spec: Path, folder: Path, classes: int = 10) -> Backbone:
    """The emitted model of a spec, weights and statistics from a fixed seed."""
    path = folder / f"{spec.stem}_model.py"
    path.write_text(compile_backbone(str(spec)).text)
    torch.manual_seed(1)
    model = build(path, Architecture(num_classes=classes, in_chans=1))
    for name, tensor in model.state_dict().items():
        if tensor.dtype.is_floating_point:
            tensor.copy_(torch.rand_like(tensor) + (0.5 if "running_var" in name else -0.2))
    return model.eval()


def saved(spec: Path, folder: Path, classes: int = 10) -> Path:
    """A bare state dict of a spec's model."""
    path = folder / "weights.safetensors"
    safetensors.torch.save_file(built(spec, folder, classes).state_dict(), path)
    return path


def as_run(spec: Path, folder: Path) -> Path:
    """A run folder as a training leaves it, on the embedded images."""
    model = built(spec, folder)
    return write_run(folder / "run", folder / f"{spec.stem}_model.py", model)


def logits(model: Backbone, dtype: torch.dtype = torch.float32) -> Tensor:
    x = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(2)).to(dtype)
    with torch.no_grad():
        out: Tensor = model(x)
    return out


def test_an_emitted_model_computes_the_same_in_float32(
    specs: dict[str, Path], tmp_path: Path
) -> None:
    weights = saved(specs["small"], tmp_path)
    done = transfer(
        TransferRequest(
            checkpoint=weights,
            before=str(specs["small"]),
            after=str(specs["dense"]),
            out=tmp_path / "out",
        )
    )
    assert done.exact
    after = built(specs["dense"], tmp_path)
    put_weights(after, read_weights(tmp_path / "out"), set(), False)
    torch.testing.assert_close(
        logits(after), logits(built(specs["small"], tmp_path)), rtol=0, atol=1e-5
    )


def test_a_double_checkpoint_stays_double(specs: dict[str, Path], tmp_path: Path) -> None:
    model = built(specs["small"], tmp_path).double()
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(model.state_dict(), path)
    out = tmp_path / "out.safetensors"
    transfer(
        TransferRequest(
            checkpoint=path, before=str(specs["small"]), after=str(specs["large"]), out=out
        )
    )
    kept = safetensors.torch.load_file(out)
    assert kept["classifier.weight"].dtype == torch.float64
    after = built(specs["large"], tmp_path).double()
    after.load_state_dict(kept)
    torch.testing.assert_close(
        logits(after, torch.float64), logits(model, torch.float64), rtol=0, atol=1e-10
    )


def test_a_checkpoint_without_step_counters(specs: dict[str, Path], tmp_path: Path) -> None:
    path, out = saved(specs["small"], tmp_path), tmp_path / "out.safetensors"
    state = safetensors.torch.load_file(path)
    bare = {name: t for name, t in state.items() if not name.endswith("num_batches_tracked")}
    assert len(bare) < len(state)
    safetensors.torch.save_file(bare, path)
    names = {"before": str(specs["small"]), "after": str(specs["large"])}
    assert transfer(TransferRequest(checkpoint=path, out=out, **names)).exact
    kept = safetensors.torch.load_file(out)
    assert torch.equal(kept["stem.norm.running_mean"], state["stem.norm.running_mean"])


def test_other_classes_than_the_spec_are_told_by_the_weights(
    specs: dict[str, Path], tmp_path: Path
) -> None:
    weights = saved(specs["small"], tmp_path, classes=4)
    request = TransferRequest(
        checkpoint=weights,
        before=str(specs["small"]),
        after=str(specs["large"]),
        out=tmp_path / "o",
    )
    assert transfer(request).exact
    assert read_weights(tmp_path / "o")["classifier.weight"].shape[0] == 4


def test_a_run_becomes_a_run(specs: dict[str, Path], tmp_path: Path) -> None:
    source, out = as_run(specs["small"], tmp_path), tmp_path / "carried"
    done = transfer(
        TransferRequest(
            checkpoint=source, after=str(specs["large"]), out=out, outputs=True, images=32
        )
    )
    assert done.exact and done.logits is not None and done.logits < 1e-4
    scores = [evaluate(EvaluateRequest(run=folder)).score for folder in (source, out)]
    assert scores[0] == pytest.approx(scores[1]) or scores[0].top1 == scores[1].top1
    report = json.loads(next(out.glob("checkpoints/step-*/transfer.json")).read_text())
    assert report["exact"] is True
    assert any("optimiser" in note for note in report["notes"])
    changed = [layer for layer in report["layers"] if layer["method"] == "embedding"]
    assert [layer["error_outputs"] < 1e-5 for layer in changed] == [True, True]


def test_norms_are_counted_anew(specs: dict[str, Path], tmp_path: Path) -> None:
    source, out = as_run(specs["dense"], tmp_path), tmp_path / "carried"
    request = TransferRequest(
        checkpoint=source,
        after=str(specs["small"]),
        out=out,
        recalibrate_norms=True,
        images=64,
    )
    done = transfer(request)
    assert not done.exact
    before, after = read_weights(source), read_weights(out)
    assert not torch.equal(before["stem.norm.running_mean"], after["stem.norm.running_mean"])
    assert torch.equal(before["stem.conv.weight"], after["stem.conv.weight"])


def test_a_checkpoint_of_another_spec(specs: dict[str, Path], tmp_path: Path) -> None:
    weights, out = saved(specs["small"], tmp_path), tmp_path / "out"
    request = TransferRequest(
        checkpoint=weights, before=str(specs["large"]), after=str(specs["dense"]), out=out
    )
    with pytest.raises(RelgraphError) as caught:
        transfer(request)
    first = caught.value.problems[0]
    assert first.code == "weights-do-not-fit"
    assert "stages.0.blocks.0.depthwise_conv.weight is 8×1×3×3" in first.found
    assert "8×1×5×5" in first.expected
    assert not out.exists()


def test_a_path_that_no_weights_can_take(specs: dict[str, Path], tmp_path: Path) -> None:
    weights, out = saved(specs["small"], tmp_path), tmp_path / "out"
    request = TransferRequest(
        checkpoint=weights, before=str(specs["small"]), after=str(specs["attention"]), out=out
    )
    with pytest.raises(RelgraphError) as caught:
        transfer(request)
    (problem,) = caught.value.problems
    assert problem.code == "no-way"
    assert "local 3×3" in problem.found and "query · key" in problem.found
    assert "softmax" in problem.expected
    assert not out.exists() and not list(tmp_path.glob(".out*"))


def test_fresh_goes_on_with_the_rest(specs: dict[str, Path], tmp_path: Path) -> None:
    weights, out = saved(specs["small"], tmp_path), tmp_path / "out"
    names = ("--from", str(specs["small"]), "--to", str(specs["attention"]))
    assert run(["transfer", str(weights), *names, "-o", str(out)]) == 2
    assert run(["transfer", str(weights), *names, "-o", str(out), "--fresh"]) == 0
    kept = read_weights(out)
    assert torch.equal(kept["stem.conv.weight"], read_weights(weights)["stem.conv.weight"])


def test_the_table_and_its_json(
    specs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = saved(specs["small"], tmp_path)
    names = ["transfer", str(weights), "--from", str(specs["small"]), "--to", str(specs["large"])]
    assert run([*names, "-o", str(tmp_path / "one")]) == 0
    table = capsys.readouterr().out
    assert "stages.*.blocks.*.depthwise_conv" in table and "embedding" in table
    assert "computes the same function" in table
    assert run([*names, "-o", str(tmp_path / "two"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"path", "before", "after", "method", "reason", "error_w"} <= set(told["layers"][0])


@pytest.mark.parametrize("change", ["missing", "taken", "nothing said", "no images"])
def test_refused_before_anything_is_written(
    change: str, specs: dict[str, Path], tmp_path: Path
) -> None:
    weights, out = saved(specs["small"], tmp_path), tmp_path / "out"
    asked = {"checkpoint": weights, "before": str(specs["small"]), "after": str(specs["large"])}
    codes = {
        "missing": ("no-checkpoint", {"checkpoint": tmp_path / "nothing"}),
        "taken": ("output-exists", {}),
        "nothing said": ("what-was-trained", {"before": None}),
        "no images": ("which-images", {"outputs": True}),
    }
    code, other = codes[change]
    if change == "taken":
        out.write_text("something")
    with pytest.raises(RelgraphError) as caught:
        transfer(TransferRequest(**{**asked, "out": out, **other}))  # type: ignore[arg-type]
    assert caught.value.problems[0].code == code
    assert out.exists() == (change == "taken")
