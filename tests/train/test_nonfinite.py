from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from relgraph.errors import RelgraphError
from relgraph.spec.recipe import Recipe
from relgraph.train.checkpoint import find_checkpoint, read_checkpoint
from relgraph.train.nonfinite import diagnosis
from relgraph.train.session import run_training
from tests.train.conftest import MODEL, request


def broken_model(folder: Path, *replacements: tuple[str, str]) -> Path:
    """The tiny model with some of its lines replaced."""
    text = MODEL.read_text()
    for line, broken in replacements:
        assert text.count(line) == 1
        text = text.replace(line, broken)
    path = folder / "broken_net.py"
    path.write_text(text)
    return path


def run_broken(recipe: Recipe, model: Path, run: Path) -> str:
    asked = request(recipe, run)
    with pytest.raises(RelgraphError) as caught:
        run_training(type(asked)(**{**vars(asked), "model": model}))
    (problem,) = caught.value.problems
    assert problem.code == "non-finite-loss"
    return problem.found


def test_the_update_and_the_first_bad_module_are_named(recipe: Recipe, tmp_path: Path) -> None:
    # From the fifth update (its ninth step) on, the last block divides by zero.
    model = broken_model(
        tmp_path,
        (
            "        self.drop_path = drop_path\n",
            "        self.drop_path, self.last = drop_path, 0\n",
        ),
        (
            "        self.norm = nn.LayerNorm(8)\n",
            "        self.norm = nn.LayerNorm(8)\n        self.stages[1].blocks[1].last = 1\n",
        ),
        (
            "        y = gain * F.relu(self.norm(self.conv(x)))\n",
            "        y = gain * F.relu(self.norm(self.conv(x)))\n"
            "        if self.training and self.last:\n"
            "            self.last += 1  # One more than the steps so far.\n"
            "        if self.last > 9:\n"
            "            y = y / 0.0\n",
        ),
    )
    run = tmp_path / "run"
    found = run_broken(recipe, model, run)
    assert found.startswith("update 5: stages.1.blocks.1 (Block) is the first module")
    saved = read_checkpoint(find_checkpoint(run / "checkpoints", "last"))
    assert json.loads(saved.pop("state.json"))["updates"] == 4
    for content in saved.values():
        for tensor in safetensors.torch.load(content).values():
            assert torch.isfinite(tensor).all()


def test_a_bad_gradient_stops_before_it_reaches_the_weights(recipe: Recipe, tmp_path: Path) -> None:
    # sqrt has an infinite slope at 0, though its value there is fine.
    line = "        return self.head(self.norm(x.mean((2, 3))))\n"
    root = "(self.position * 0).sum().sqrt()"
    model = broken_model(tmp_path, (line, line.rstrip() + f" + {root}\n"))
    found = run_broken(recipe, model, tmp_path / "run")
    assert found == "update 1: the gradient of position is not finite, though the loss is"


@pytest.fixture
def stack() -> Iterator[nn.Sequential]:
    yield nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))


def test_a_bad_weight_blames_its_module(stack: nn.Sequential) -> None:
    with torch.no_grad():
        stack[2].weight[0, 0] = float("inf")
    error = diagnosis(stack, torch.ones(1, 2), lambda: stack(torch.ones(1, 2)).sum(), 0)
    assert "2 (Linear) is the first module" in str(error)


def test_bad_images_are_told_from_a_bad_model(stack: nn.Sequential) -> None:
    images = torch.full((1, 2), float("nan"))
    error = diagnosis(stack, images, lambda: stack(images).sum(), 0)
    assert "the input images" in str(error)


def test_a_loss_that_alone_is_bad(stack: nn.Sequential) -> None:
    images = torch.ones(1, 2)
    error = diagnosis(stack, images, lambda: stack(images).sum() / 0, 0)
    assert "every module's output is" in str(error)
