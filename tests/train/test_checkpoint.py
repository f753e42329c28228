from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from relgraph.errors import RelgraphError
from relgraph.train.checkpoint import (
    find_checkpoint,
    prune,
    publish,
    read_checkpoint,
    read_pointer,
    write_checkpoint,
)

CONTENTS = {"model.safetensors": b"weights", "state.json": b"{}"}


def save(folder: Path, step: int, size: int = 8) -> Path:
    contents = {**CONTENTS, "model.safetensors": bytes([step % 256]) * size}
    written = write_checkpoint(folder, step, contents)
    publish(folder, "last", written)
    prune(folder)
    return written


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    written = write_checkpoint(tmp_path, 7, CONTENTS)
    assert read_checkpoint(written) == CONTENTS
    assert written.name.startswith("step-00000007-")


def test_equal_contents_make_one_folder(tmp_path: Path) -> None:
    assert write_checkpoint(tmp_path, 7, CONTENTS) == write_checkpoint(tmp_path, 7, CONTENTS)
    assert len(list(tmp_path.iterdir())) == 1


def test_the_pointer_keeps_the_one_before_and_the_rest_goes(tmp_path: Path) -> None:
    names = [save(tmp_path, step).name for step in (1, 2, 3)]
    pointer = read_pointer(tmp_path, "last")
    assert pointer == {"checkpoint": names[2], "previous": names[1]}
    assert {p.name for p in tmp_path.iterdir()} == {*names[1:], "last.json"}


def test_pruning_spares_the_best(tmp_path: Path) -> None:
    best = save(tmp_path, 1)
    publish(tmp_path, "best", best)
    for step in (2, 3, 4):
        save(tmp_path, step)
    assert read_checkpoint(find_checkpoint(tmp_path, "best"))


@pytest.mark.parametrize("name", ["model.safetensors", "state.json", "manifest.json"])
def test_a_flipped_bit_is_found_in_every_file(name: str, tmp_path: Path) -> None:
    before, damaged = save(tmp_path, 1), save(tmp_path, 2)
    content = bytearray((damaged / name).read_bytes())
    content[len(content) // 2] ^= 4
    (damaged / name).write_bytes(content)
    with pytest.raises(RelgraphError) as caught:
        read_checkpoint(find_checkpoint(tmp_path, "last"))
    (problem,) = caught.value.problems
    assert problem.code == "damaged-checkpoint"
    assert name in problem.found and before.name in problem.hint


@pytest.mark.parametrize("name", ["model.safetensors", "manifest.json"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    written = save(tmp_path, 1)
    (written / name).unlink()
    with pytest.raises(RelgraphError, match=f"{name}: it is missing"):
        read_checkpoint(written)


def test_a_damaged_folder_is_written_anew(tmp_path: Path) -> None:
    written = write_checkpoint(tmp_path, 7, CONTENTS)
    (written / "state.json").write_bytes(b"[]")
    assert read_checkpoint(write_checkpoint(tmp_path, 7, CONTENTS)) == CONTENTS


def test_a_damaged_pointer_names_what_is_whole(tmp_path: Path) -> None:
    written = save(tmp_path, 1)
    (tmp_path / "last.json").write_text("{")
    with pytest.raises(RelgraphError) as caught:
        find_checkpoint(tmp_path, "last")
    assert written.name in caught.value.problems[0].hint


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "{}",
        '{"checkpoint": 3, "previous": null}',
        '{"checkpoint": "../x", "previous": null}',
    ],
)
def test_a_pointer_that_names_no_checkpoint_is_damaged(text: str, tmp_path: Path) -> None:
    save(tmp_path, 1)
    (tmp_path / "last.json").write_text(text)
    with pytest.raises(RelgraphError, match="damaged-checkpoint"):
        find_checkpoint(tmp_path, "last")


def test_no_checkpoint_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RelgraphError, match="no-checkpoint"):
        find_checkpoint(tmp_path, "best")


def _save_for_ever(folder: Path) -> None:
    step = 0
    while True:
        step += 1
        save(folder, step, size=200_000)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_kill_while_saving_never_loses_a_loadable_checkpoint(tmp_path: Path) -> None:
    save(tmp_path, 0)
    chance = random.Random(0)
    latest = 0
    for _ in range(20):
        child = multiprocessing.get_context("fork").Process(
            target=_save_for_ever, args=(tmp_path,), daemon=True
        )
        child.start()
        assert child.pid is not None
        time.sleep(0.01 + 0.08 * chance.random())
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        checkpoint = find_checkpoint(tmp_path, "last")
        contents = read_checkpoint(checkpoint)
        assert set(contents) == set(CONTENTS)
        latest = max(latest, int(checkpoint.name.split("-")[1]))
        previous = read_pointer(tmp_path, "last")["previous"]
        assert previous is None or read_checkpoint(tmp_path / previous)
    assert latest > 0, "no child ever came to saving"
    save(tmp_path, 999)
    assert not list(tmp_path.glob(".unfinished-*")), "what kills left is swept by the next save"
    assert json.loads((tmp_path / "last.json").read_text())["checkpoint"].startswith(
        "step-00000999"
    )
