"""A run that is stopped or killed anywhere, and resumed, ends bit for bit as if it had not been."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from relgraph.errors import RelgraphError
from relgraph.spec.recipe import Recipe, load_recipe
from relgraph.train.checkpoint import find_checkpoint, read_checkpoint, read_pointer
from relgraph.train.metrics import read_metrics
from relgraph.train.session import run_training
from tests.train.conftest import StopAtPoll, request, resumed, write_images

UPDATES = 18
TIMES = ("images_per_second", "seconds")


@pytest.fixture(scope="module")
def uninterrupted(recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    result = run_training(request(load_recipe(recipe_file), run))
    assert not result.interrupted and result.exit_code == 0 and result.updates == UPDATES
    return run


def traces(run: Path) -> dict[str, object]:
    """Everything that a run leaves, but for the clock: weights, moments and averages by bytes."""
    folder = run / "checkpoints"
    figures = [{k: v for k, v in r.items() if k not in TIMES} for r in read_metrics(run)]
    rows = [line.split(",")[:-2] for line in (run / "metrics.csv").read_text().splitlines()]
    return {
        "last": read_checkpoint(find_checkpoint(folder, "last")),
        "best": read_checkpoint(find_checkpoint(folder, "best")),
        "figures": figures,
        "rows": rows,
    }


def test_two_uninterrupted_runs_are_equal(
    uninterrupted: Path, recipe: Recipe, tmp_path: Path
) -> None:
    run_training(request(recipe, tmp_path / "again"))
    assert traces(tmp_path / "again") == traces(uninterrupted)


def test_another_seed_gives_another_run(
    uninterrupted: Path, recipe: Recipe, tmp_path: Path
) -> None:
    run_training(request(recipe.model_copy(update={"seed": 1}), tmp_path / "other"))
    assert traces(tmp_path / "other")["last"] != traces(uninterrupted)["last"]


# The loop looks before each update (6 an epoch), before each test batch (5), after an evaluation:
# these stop at the first update, inside epochs, in the first and last evaluation, between epochs.
@pytest.mark.parametrize("polls", [0, 2, 5, 8, 11, 15, 29, 34])
def test_a_stop_at_any_point_changes_nothing(
    polls: int, uninterrupted: Path, recipe: Recipe, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    stopped = run_training(request(recipe, run), StopAtPoll(polls))
    assert stopped.interrupted and stopped.exit_code == 130 and stopped.updates < UPDATES + 1
    finished = run_training(resumed(run))
    assert not finished.interrupted
    assert traces(run) == traces(uninterrupted)


def test_a_run_stopped_at_every_look_still_ends_the_same(
    uninterrupted: Path, recipe: Recipe, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    result = run_training(request(recipe, run), StopAtPoll(3))
    while result.interrupted:
        result = run_training(resumed(run), StopAtPoll(6))
    assert traces(run) == traces(uninterrupted)


@pytest.mark.parametrize("checkpoints", [1, 2, 5])
def test_a_killed_run_resumes_to_the_same_bits(
    checkpoints: int, uninterrupted: Path, recipe: Recipe, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    # A forked child could not differentiate: autograd's threads stay behind with the parent.
    child = multiprocessing.get_context("spawn").Process(
        target=run_training, args=(request(recipe, run),)
    )
    child.start()
    assert child.pid is not None
    _wait_for_checkpoints(run, checkpoints, child)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert child.exitcode == -signal.SIGKILL
    run_training(resumed(run))
    assert traces(run) == traces(uninterrupted)


def test_a_second_training_in_the_folder_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    child = multiprocessing.get_context("spawn").Process(
        target=run_training, args=(request(recipe.model_copy(update={"epochs": 10_000}), run),)
    )
    child.start()
    assert child.pid is not None
    _wait_for_checkpoints(run, 1, child)
    os.kill(child.pid, signal.SIGSTOP)  # as it stands, so that both would read the same
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(RelgraphError, match="run-in-use"):
        run_training(resumed(run))
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    child.kill()
    child.join()
    # The lock went with the process.
    assert run_training(resumed(run), StopAtPoll(3)).interrupted


def _wait_for_checkpoints(
    run: Path, count: int, child: multiprocessing.process.BaseProcess
) -> None:
    """Until `last` has named `count` checkpoints one after the other."""
    seen: set[str | None] = set()
    for _ in range(120_000):
        seen.add(read_pointer(run / "checkpoints", "last").get("checkpoint"))
        if len(seen - {None}) >= count:
            return
        assert child.is_alive(), "the run ended before it could be killed"
        time.sleep(0.001)
    raise AssertionError("no checkpoint came")


def test_resuming_an_earlier_checkpoint_drops_the_later_records(
    recipe: Recipe, uninterrupted: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run_training(request(recipe, run))
    earlier = read_pointer(run / "checkpoints", "last")["previous"]
    assert earlier is not None
    run_training(resumed(run / "checkpoints" / earlier))
    assert traces(run)["figures"] == traces(uninterrupted)["figures"]


def test_a_finished_run_has_nothing_left_to_do(uninterrupted: Path) -> None:
    before = traces(uninterrupted)
    result = run_training(resumed(uninterrupted))
    assert not result.interrupted and result.updates == UPDATES
    assert traces(uninterrupted) == before


def test_other_images_are_refused(recipe: Recipe, tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images")
    own = recipe.model_copy(update={"data": recipe.data.model_copy(update={"path": str(folder)})})
    run_training(request(own, tmp_path / "run"), StopAtPoll(3))
    write_images(folder, train=112)
    with pytest.raises(RelgraphError, match="data-changed"):
        run_training(resumed(tmp_path / "run"))


def test_an_edited_model_file_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    run_training(request(recipe, tmp_path / "run"), StopAtPoll(3))
    file = tmp_path / "run" / "tiny_net.py"
    file.write_text(file.read_text() + "\n# edited\n")
    with pytest.raises(RelgraphError, match="model-file-changed"):
        run_training(resumed(tmp_path / "run"))


def test_a_damaged_checkpoint_is_named_with_the_one_before(recipe: Recipe, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_training(request(recipe, run))
    pointer = json.loads((run / "checkpoints" / "last.json").read_text())
    weights = run / "checkpoints" / pointer["checkpoint"] / "model.safetensors"
    flipped = bytearray(weights.read_bytes())
    flipped[-3] ^= 1
    weights.write_bytes(flipped)
    with pytest.raises(RelgraphError) as caught:
        run_training(resumed(run))
    assert "model.safetensors" in str(caught.value)
    assert pointer["previous"] in caught.value.problems[0].hint
    result = run_training(resumed(run / "checkpoints" / pointer["previous"]))
    assert result.updates == UPDATES
