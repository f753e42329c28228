"""The demonstration on a few images: it goes through, goes on, and repeats nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph import train
from relgraph.data import FASHION_MNIST
from relgraph.data.idx import find_idx, read_idx, write_idx
from relgraph.demo import run
from relgraph.demo.run import run_demo
from relgraph.train.checkpoint import read_pointer

pytestmark = pytest.mark.slow


@pytest.fixture
def few_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of one epoch on 96 of the embedded images, in place of the demo's."""
    images = tmp_path / "images"
    images.mkdir()
    for part, count in (("train", 96), ("t10k", 40)):
        for kind, dimensions in (("images-idx3", 3), ("labels-idx1", 1)):
            array = read_idx(find_idx(FASHION_MNIST, f"{part}-{kind}-ubyte"), dimensions)
            (images / f"{part}-{kind}-ubyte.gz").write_bytes(write_idx(array[:count]))
    (images / "classes.txt").write_text("\n".join(f"class {number}" for number in range(10)))
    recipe = tmp_path / "few.yaml"
    recipe.write_text(
        f"recipe: few\ndata: {{kind: idx, path: {images}}}\nepochs: 1\nbatch_size: 32\n"
    )
    monkeypatch.setattr(run, "RECIPE", str(recipe))
    monkeypatch.setattr(
        train, "linear_baseline", lambda: train.Score(top1=0.8, top5=1.0, loss=0.5, images=40)
    )
    return tmp_path / "demo"


def test_demo_makes_a_page_then_repeats_no_training(few_images: Path) -> None:
    said: list[str] = []
    first = run_demo(few_images, say=said.append)
    assert first.page is not None
    assert first.result is not None
    page = first.page.read_text("utf-8")
    for model in first.result.models:
        assert model.name in page
        assert all(check.ok for check in model.proof)
        assert (few_images / model.emitted).is_file()
        assert model.galleries, "there is something to see of what was learned"
        assert "class " in model.excerpt
    assert len(first.result.samples) >= 12
    checkpoints = {
        one: read_pointer(few_images / one / "checkpoints", "last") for one, _ in run.MODELS
    }
    again = run_demo(few_images, say=said.append)
    assert again.result is not None
    assert {
        one: read_pointer(few_images / one / "checkpoints", "last") for one, _ in run.MODELS
    } == checkpoints
    assert [model.accuracy for model in again.result.models] == [
        model.accuracy for model in first.result.models
    ]
    assert not any("earlier run" in line for line in said)


def test_run_of_another_recipe_is_kept_aside(
    few_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MODELS", run.MODELS[1:])
    other = few_images / "dwnet_fashion"
    other.mkdir(parents=True)
    (other / "mine.txt").write_text("do not lose me")
    outcome = run_demo(few_images, say=lambda line: None)
    assert outcome.page is not None
    assert (few_images / "dwnet_fashion-earlier-1" / "mine.txt").read_text() == "do not lose me"


def test_interrupted_demo_says_so_and_goes_on(
    few_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MODELS", run.MODELS[1:])
    whole = train.train
    asked: list[train.TrainRequest] = []

    def stopped(request: train.TrainRequest) -> train.RunResult:
        asked.append(request)
        return train.RunResult(
            run=few_images,
            interrupted=True,
            epochs=0,
            updates=1,
            score=None,
            best_top1=None,
            parameters=1,
            images_per_second=1.0,
        )

    monkeypatch.setattr(train, "train", stopped)
    assert run_demo(few_images, say=lambda line: None).page is None
    monkeypatch.setattr(train, "train", whole)
    assert run_demo(few_images, say=lambda line: None).page is not None
    assert asked[0].resume is None
