"""The demonstration on a few images: it goes through, goes on, and repeats nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relgraph import pipeline, train, verify
from relgraph.data import FASHION_MNIST
from relgraph.data.idx import find_idx, read_idx, write_idx
from relgraph.demo import run
from relgraph.demo.run import run_demo
from relgraph.demo.together import train_together
from relgraph.errors import RelgraphError
from relgraph.train.checkpoint import read_pointer
from relgraph.verify import verify_file
from relgraph.verify.report import Report

pytestmark = pytest.mark.slow
PROOFS: dict[bytes, Report] = {}


def proved(path: Path) -> Report:
    """What `verify_file` says; the same bytes are proved once for all of these tests."""
    source = path.read_bytes()
    if source not in PROOFS:
        PROOFS[source] = verify_file(path)
    return PROOFS[source]


@pytest.fixture
def few_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of two epochs on 96 of the embedded images, in place of the demo's."""
    images = tmp_path / "images"
    images.mkdir()
    for part, count in (("train", 96), ("t10k", 40)):
        for kind, dimensions in (("images-idx3", 3), ("labels-idx1", 1)):
            array = read_idx(find_idx(FASHION_MNIST, f"{part}-{kind}-ubyte"), dimensions)
            (images / f"{part}-{kind}-ubyte.gz").write_bytes(write_idx(array[:count]))
    (images / "classes.txt").write_text("\n".join(f"class {number}" for number in range(10)))
    recipe = tmp_path / "few.yaml"
    recipe.write_text(
        f"recipe: few\ndata: {{kind: idx, path: {images}}}\nepochs: 2\nbatch_size: 32\n"
    )
    monkeypatch.setattr(run, "RECIPE", str(recipe))
    monkeypatch.setattr(verify, "verify_file", proved)
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


def test_interrupted_demo_saves_goes_on_and_keeps_aside_what_is_not_its_own(
    few_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MODELS", run.MODELS[1:])
    folder = few_images / "dwnet_fashion"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("do not lose me")

    def interrupt_after_an_epoch(line: str) -> None:
        if "epoch 1/2" in line:
            raise KeyboardInterrupt

    assert run_demo(few_images, say=interrupt_after_an_epoch).page is None
    assert (few_images / "dwnet_fashion-earlier-1" / "mine.txt").read_text() == "do not lose me"
    assert read_pointer(folder / "checkpoints", "last")
    said: list[str] = []
    outcome = run_demo(few_images, say=said.append)
    assert outcome.page is not None and outcome.result is not None
    assert [epoch.epoch for epoch in outcome.result.models[0].epochs] == [1, 2]
    assert any("resuming" in line for line in said)


def test_training_that_fails_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(RelgraphError, match="the training of odd failed"):
        train_together({"odd": {"resume": str(tmp_path / "nothing")}}, said.append)
    assert any(line.startswith("odd: no-run") for line in said)


def test_worker_ends_with_its_starter(few_images: Path) -> None:
    starter = (
        "import json, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'relgraph.demo.worker', sys.argv[1]],\n"
        "    stdin=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)\n"
        "print(child.pid, child.stderr.readline(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    compiled = pipeline.generate(["dwnet_fashion"], few_images)
    request = {
        "model": str(compiled[0].path),
        "recipe": run.RECIPE,
        "out": str(few_images / "alone"),
        "sources": [],
    }
    process = subprocess.Popen(
        [sys.executable, "-c", starter, json.dumps(request)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline().split()[0])
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 60
    while _is_running(pid):
        assert time.monotonic() < deadline, "the worker outlives its starter"
        time.sleep(0.1)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
