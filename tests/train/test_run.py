"""What a run leaves behind, and what can be asked of it afterwards."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from relgraph.errors import RelgraphError
from relgraph.spec.recipe import Recipe, load_recipe
from relgraph.spec.recipe_schema import DataSource
from relgraph.train import (
    EvaluateRequest,
    PredictRequest,
    RunResult,
    TrainRequest,
    evaluate,
    extra,
    predict,
    train,
)
from relgraph.train.checkpoint import find_checkpoint, read_checkpoint
from relgraph.train.images import open_images
from relgraph.train.model import Architecture, build, head_names
from relgraph.train.run_folder import read_folder
from tests.train.conftest import MODEL, request, write_images
from tests.train.test_images import source, write_pictures


@pytest.fixture(scope="module")
def run(recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    spec = folder / "backbones" / "tiny_net.yaml"
    spec.parent.mkdir()
    spec.write_text("backbone: tiny_net\n")
    recipe = load_recipe(recipe_file, ["epochs=8", "mixing=null"])
    asked = request(recipe, folder / "run", sources=(spec,), resolved='{"backbone": "tiny_net"}')
    result = train(asked)
    assert result.score is not None and result.score.top1 > 0.7, "brightness is easily learned"
    return result.run


def epochs(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"architecture": 3}'])
def test_a_damaged_run_file_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RelgraphError, match="no-run"):
        read_folder(tmp_path)


def test_the_folder_is_complete_in_itself(run: Path, recipe_file: Path) -> None:
    assert (run / "tiny_net.py").read_bytes() == MODEL.read_bytes()
    assert (run / "specs" / "backbones" / "tiny_net.yaml").read_text() == "backbone: tiny_net\n"
    assert json.loads((run / "specs" / "resolved.json").read_text())["backbone"] == "tiny_net"
    assert load_recipe(run / "recipe.yaml").epochs == 8
    environment = json.loads((run / "environment.json").read_text())
    assert environment["packages"]["torch"] == torch.__version__.split("+")[0]
    rows = epochs(run)
    assert [row["epoch"] for row in rows] == [str(n) for n in range(1, 9)]


def test_evaluation_repeats_the_score_of_training(run: Path) -> None:
    rows = epochs(run)
    last = evaluate(EvaluateRequest(run=run, checkpoint="last", accelerator="cpu"))
    assert last.score.top1 == float(rows[-1]["top1"])
    assert last.score.loss == pytest.approx(float(rows[-1]["test_loss"]), rel=1e-6)
    best = evaluate(EvaluateRequest(run=run, accelerator="cpu"))
    assert best.score.top1 == max(float(row["top1"]) for row in rows)
    assert last.score.top1 == pytest.approx(np.mean([rate for _, rate in last.per_class]))
    by_folder = evaluate(EvaluateRequest(run=last.checkpoint, accelerator="cpu"))
    assert by_folder.score == last.score


def test_a_moved_run_still_answers(run: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(run, moved)
    asked = EvaluateRequest(run=moved, split="train", accelerator="cpu")
    assert evaluate(asked).score.images == 96


def test_other_images_need_the_same_classes(run: Path, tmp_path: Path) -> None:
    other = DataSource(kind="idx", path=str(write_images(tmp_path, test=8)))
    assert evaluate(EvaluateRequest(run=run, data=other, accelerator="cpu")).score.images == 8
    with pytest.raises(RelgraphError, match="other-classes"):
        evaluate(EvaluateRequest(run=run, data=DataSource(), accelerator="cpu"))


def test_predictions_are_those_of_the_evaluation(run: Path, tmp_path: Path) -> None:
    test = open_images(load_recipe(run / "recipe.yaml").data).test
    paths = []
    for number in range(12):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(test.pixels[number, 0].numpy()).save(paths[-1])  # type: ignore[union-attr]
    found = predict(PredictRequest(run=run, images=tuple(paths), top_k=9, accelerator="cpu"))
    assert [one.image for one in found] == paths
    for one in found:
        assert len(one.classes) == 4
        chances = [chance for _, chance in one.classes]
        assert chances == sorted(chances, reverse=True) and sum(chances) == pytest.approx(1)
    right = sum(int(one.classes[0][0]) == int(test.labels[n]) for n, one in enumerate(found))
    assert right >= 8


def test_any_size_and_mode_is_classified_and_bad_files_are_listed(
    run: Path, tmp_path: Path
) -> None:
    Image.new("RGBA", (50, 31), (200, 200, 200, 255)).save(tmp_path / "a.png")
    Image.new("CMYK", (5, 90)).save(tmp_path / "b.jpg")
    good = (tmp_path / "a.png", tmp_path / "b.jpg")
    assert len(predict(PredictRequest(run=run, images=good, accelerator="cpu"))) == 2
    (tmp_path / "c.png").write_text("no")
    with pytest.raises(RelgraphError) as caught:
        predict(PredictRequest(run=run, images=(*good, tmp_path / "c.png", tmp_path / "d.png")))
    assert len(caught.value.problems) == 2


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RelgraphError, match="no-run"):
        evaluate(EvaluateRequest(run=tmp_path))


# -- other beginnings -----------------------------------------------------------------------------


def test_pictures_in_folders_train_from_the_same_command(recipe: Recipe, tmp_path: Path) -> None:
    data = source(write_pictures(tmp_path / "pictures"), "image_folder")
    augmentation = recipe.augmentation.model_validate({"crop": "resized", "flip": 0.5})
    changes = {"data": data, "augmentation": augmentation, "batch_size": 8, "epochs": 2}
    result = train(request(recipe.model_copy(update=changes), tmp_path / "run"))
    assert result.updates == 2 and result.score is not None and result.score.images == 12
    picture = tmp_path / "pictures" / "val" / "birch" / "1.png"
    (found,) = predict(PredictRequest(run=result.run, images=(picture,), accelerator="cpu"))
    assert {name for name, _ in found.classes} == {"ash", "birch"}


def first_weights(recipe: Recipe, out: Path, **more: object) -> dict[str, torch.Tensor]:
    """The weights that a training starts from: a rate of almost nothing keeps them."""
    still = recipe.model_copy(
        update={
            "epochs": 1,
            "ema": None,
            "optimizer": recipe.optimizer.model_copy(update={"lr": 1e-30, "weight_decay": 0.0}),
            "schedule": recipe.schedule.model_copy(
                update={"warmup_epochs": 0.0, "warmup_lr": 0.0, "min_lr": 0.0}
            ),
        }
    )
    result = train(request(still, out, **more))
    contents = read_checkpoint(find_checkpoint(result.run / "checkpoints", "last"))
    return safetensors.torch.load(contents["model.safetensors"])


def test_weights_of_a_run_start_another(run: Path, recipe: Recipe, tmp_path: Path) -> None:
    averaged = read_checkpoint(find_checkpoint(run / "checkpoints", "best"))["ema.safetensors"]
    given = safetensors.torch.load(averaged)
    found = first_weights(recipe, tmp_path / "a", init=run)
    assert all(torch.equal(found[n], given[n]) for n in given if not n.startswith("stages"))
    fresh = first_weights(recipe, tmp_path / "b", init=run, reset_head=True)
    assert torch.equal(fresh["stem.weight"], given["stem.weight"])
    assert not torch.equal(fresh["head.weight"], given["head.weight"])


def test_a_new_head_fits_new_classes(run: Path, recipe: Recipe, tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", classes=3)
    data = recipe.data.model_copy(update={"path": str(folder)})
    changed = recipe.model_copy(update={"data": data, "epochs": 1, "mixing": None})
    with pytest.raises(RelgraphError) as caught:
        train(request(changed, tmp_path / "a", init=run))
    assert {p.hint for p in caught.value.problems} == {"--reset-head starts the classifier anew"}
    assert len(caught.value.problems) == 2, "the head's weight and bias"
    assert train(request(changed, tmp_path / "b", init=run, reset_head=True)).updates == 6


def test_weights_of_another_model_are_refused(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"elsewhere": torch.zeros(2)}, path)
    with pytest.raises(RelgraphError) as caught:
        train(request(recipe, tmp_path / "run", init=path))
    text = str(caught.value)
    assert "are missing: position, " in text and "have no place in the model: elsewhere" in text
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(RelgraphError, match=r"other\.safetensors"):
        train(request(recipe, tmp_path / "run2", init=path))


def test_the_head_is_what_depends_on_the_number_of_classes() -> None:
    architecture = Architecture(num_classes=4, in_chans=1, img_size=(12, 12))
    assert head_names(MODEL, architecture) == {"head.weight", "head.bias"}


def test_no_run_is_overwritten(run: Path, recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(RelgraphError, match="run-exists"):
        train(request(recipe, run))
    with pytest.raises(RelgraphError, match="bad-request"):
        train(TrainRequest(model=MODEL))


def test_default_folders_are_numbered(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    short = recipe.model_copy(update={"epochs": 1, "mixing": None})
    asked = TrainRequest(model=MODEL, recipe=short, accelerator="cpu", quiet=True)
    assert [train(asked).run for _ in range(2)] == [
        Path("runs/tiny_net-001"),
        Path("runs/tiny_net-002"),
    ]


def test_sizes_that_a_model_refuses_are_the_users_mistake(recipe: Recipe, tmp_path: Path) -> None:
    data = recipe.data.model_copy(update={"size": 2})
    with pytest.raises(RelgraphError, match=r"data\.size"):
        train(request(recipe.model_copy(update={"data": data}), tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_file_without_a_builder_is_no_model(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "empty.py"
    path.write_text("import torch\n")
    with pytest.raises(RelgraphError, match="names no builder"):
        build(path, Architecture(num_classes=2, in_chans=1))


# -- steps and their sizes ------------------------------------------------------------------------


def test_a_batch_norm_over_one_value_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "pooled_net.py"
    path.write_text(MODEL.read_text().replace("nn.LayerNorm(8)", "nn.BatchNorm1d(8)"))
    lonely = recipe.model_copy(update={"batch_size": 2, "mixing": None})
    asked = request(lonely, tmp_path / "run")
    with pytest.raises(RelgraphError, match="a batch norm needs two images"):
        train(replace(asked, model=path))
    assert not (tmp_path / "run").exists()


def last_weights(run: Path) -> dict[str, torch.Tensor]:
    contents = read_checkpoint(find_checkpoint(run / "checkpoints", "last"))
    return safetensors.torch.load(contents["model.safetensors"])


def test_accumulated_steps_add_up_to_the_whole_batch(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "normless_net.py"
    path.write_text(MODEL.read_text().replace("nn.BatchNorm2d(dim)", "nn.Identity()"))
    plain = recipe.model_copy(update={"mixing": None, "drop_path": 0.0, "ema": None})
    runs = []
    for accumulation in (1, 4):
        asked = request(
            plain.model_copy(update={"accumulation": accumulation}), tmp_path / f"{accumulation}"
        )
        runs.append(last_weights(train(replace(asked, model=path)).run))
    for name, tensor in runs[0].items():
        torch.testing.assert_close(runs[1][name], tensor, rtol=1e-3, atol=1e-5)


def test_bf16_trains_where_it_is_asked_for(recipe: Recipe, tmp_path: Path) -> None:
    half = recipe.model_copy(update={"precision": "bf16-mixed", "epochs": 2})
    result = train(request(half, tmp_path / "half"))
    full = train(request(half.model_copy(update={"precision": 32}), tmp_path / "full"))
    assert result.score is not None and full.score is not None
    assert result.score.loss == pytest.approx(full.score.loss, rel=0.05)
    halves, whole = last_weights(result.run), last_weights(full.run)
    assert all(tensor.dtype == whole[name].dtype for name, tensor in halves.items())
    assert not torch.equal(halves["head.weight"], whole["head.weight"])


def test_too_many_devices_are_refused(recipe: Recipe, tmp_path: Path) -> None:
    asked = replace(request(recipe, tmp_path / "run"), accelerator="cuda", devices=4)
    if torch.cuda.device_count() >= 4:
        asked = replace(asked, devices=torch.cuda.device_count() + 1)
    with pytest.raises(RelgraphError, match=r"bad-devices|batch-size"):
        train(asked)


def test_only_the_main_process_answers_for_an_interruption() -> None:
    fields: dict[str, object] = dict.fromkeys(
        ("epochs", "updates", "score", "best_top1", "parameters", "images_per_second"), 0
    )
    stopped = RunResult(run=Path("r"), interrupted=True, **fields)  # type: ignore[arg-type]
    assert stopped.exit_code == 130 and replace(stopped, is_main=False).exit_code == 0


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == "timm" else object())
    with pytest.raises(RelgraphError) as caught:
        train(TrainRequest())
    (problem,) = caught.value.problems
    assert problem.found == "timm not installed"
    assert problem.hint == "pip install 'relgraph[train]'"
