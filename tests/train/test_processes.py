"""Trainings in processes of their own: two gloo processes, and signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors.torch
import torch

from relgraph.spec.recipe import load_recipe
from relgraph.train.checkpoint import find_checkpoint, read_checkpoint, read_pointer
from relgraph.train.metrics import read_metrics
from relgraph.train.session import run_training
from tests.train.conftest import MODEL, request

LAUNCH = Path(__file__).with_name("launch.py")
ROOT = LAUNCH.parents[2]


def launched(fields: dict[str, object]) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("LOCAL_RANK", "WORLD_SIZE")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(LAUNCH), json.dumps(fields)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def weights(run: Path) -> dict[str, torch.Tensor]:
    contents = read_checkpoint(find_checkpoint(run / "checkpoints", "last"))
    return safetensors.torch.load(contents["model.safetensors"])


@pytest.mark.slow
def test_two_processes_train_on_the_images_of_one(recipe_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "two"
    # No norm statistics and no mixing pairs depend on the split, so both trainings are one sum.
    settings = ["mixing=null", "drop_path=0", "optimizer.lr=1e-3"]
    model = _without_batch_norm(tmp_path)
    child = launched(
        {
            "model": str(model),
            "recipe": str(recipe_file),
            "set": settings,
            "out": str(run),
            "devices": 2,
        }
    )
    out, err = child.communicate(timeout=240)
    assert child.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["updates"] == 18
    assert err.count("epoch 3/3") == 1, "only the main process speaks"

    asked = request(load_recipe(recipe_file, settings), tmp_path / "one")
    run_training(type(asked)(**{**vars(asked), "model": model}))
    own, other = weights(tmp_path / "one"), weights(run)
    for name, tensor in own.items():
        torch.testing.assert_close(other[name], tensor, rtol=1e-4, atol=1e-5)
    last = [r for r in read_metrics(run) if r["kind"] == "epoch"][-1]
    expected = [r for r in read_metrics(tmp_path / "one") if r["kind"] == "epoch"][-1]
    assert last["test_loss"] == pytest.approx(expected["test_loss"], rel=1e-4)
    assert len(read_metrics(run)) == len(read_metrics(tmp_path / "one"))


def _without_batch_norm(folder: Path) -> Path:
    path = folder / "normless_net.py"
    text = MODEL.read_text().replace("nn.BatchNorm2d(dim)", "nn.Identity()")
    path.write_text(text)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(("number", "devices"), [(signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_a_signal_saves_says_how_to_go_on_and_exits_130(
    number: signal.Signals, devices: int, recipe_file: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    fields = {"model": str(MODEL), "recipe": str(recipe_file), "out": str(run)}
    child = launched({**fields, "set": ["epochs=5000", "mixing=null"], "devices": devices})
    _wait_until_training(run, child)
    child.send_signal(number)
    out, err = child.communicate(timeout=120)
    assert child.returncode == 130, err
    assert f"relgraph train --resume {run}" in err and "Traceback" not in err
    state = json.loads(read_checkpoint(find_checkpoint(run / "checkpoints", "last"))["state.json"])
    assert state["updates"] == json.loads(out.splitlines()[-1])["updates"] > 0


def _wait_until_training(run: Path, child: subprocess.Popen[str]) -> None:
    for _ in range(6000):
        name = read_pointer(run / "checkpoints", "last").get("checkpoint")
        if name is not None and not name.startswith("step-00000000"):
            return
        assert child.poll() is None, child.communicate()[1]
        time.sleep(0.02)
    raise AssertionError("the training never began")
