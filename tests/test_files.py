"""Files are replaced whole or not at all, and what the system refuses is told as the user's."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from relgraph.errors import RelgraphError
from relgraph.files import write_atomically
from relgraph.train.checkpoint import publish, read_checkpoint, write_checkpoint


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """A disk that is full after `size` bytes of a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    write_atomically(path, "old")
    with room_for(10), pytest.raises(RelgraphError, match="not-written"):
        write_atomically(path, "new" * 100)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("inside", ["model.py", "folder/model.py"])
def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RelgraphError, match="not-written"):
        write_atomically(tmp_path / "file" / inside, "new")


def test_a_checkpoint_that_has_no_room_leaves_the_one_before(tmp_path: Path) -> None:
    first = write_checkpoint(tmp_path, 1, {"state.json": b"{}"})
    publish(tmp_path, "last", first)
    with room_for(1000), pytest.raises(RelgraphError, match="not-written"):
        write_checkpoint(tmp_path, 2, {"model.safetensors": b"x" * 2000})
    assert {path.name for path in tmp_path.iterdir()} == {first.name, "last.json"}
    assert read_checkpoint(first) == {"state.json": b"{}"}
