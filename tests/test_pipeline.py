"""Files on disk: written whole, never over a hand edit, equal to a fresh run or said not to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.errors import RelgraphError
from relgraph.files import write_atomically
from relgraph.pipeline import generate
from tests.designs import small


def statuses(paths: list[Path], out: Path, **options: bool) -> list[str]:
    return [made.status for made in generate([str(path) for path in paths], out, **options)]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    folder = tmp_path / "specs"
    folder.mkdir()
    return small(folder, "- relu")


def test_written_once_then_unchanged(spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert statuses([spec], out) == ["written"]
    before = (out / "example.py").stat().st_mtime_ns
    assert statuses([spec], out) == ["unchanged"]
    assert (out / "example.py").stat().st_mtime_ns == before


def test_check_writes_nothing_and_tells(spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert statuses([spec], out, check=True) == ["missing"]
    assert not out.exists()
    generate([str(spec)], out)
    assert statuses([spec], out, check=True) == ["fresh"]
    spec.write_text(spec.read_text().replace("relu", "gelu"))
    assert statuses([spec], out, check=True) == ["stale"]
    assert statuses([spec], out) == ["written"]


def test_a_hand_edited_file_is_kept(spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    generate([str(spec)], out)
    path = out / "example.py"
    edited = path.read_text().replace("F.relu", "F.silu")
    path.write_text(edited)
    assert statuses([spec], out, check=True) == ["edited"]
    with pytest.raises(RelgraphError, match="--force"):
        generate([str(spec)], out)
    assert path.read_text() == edited
    assert statuses([spec], out, force=True) == ["written"]


def test_a_file_of_somebody_else_is_kept(spec: Path, tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_text("print('mine')\n")
    with pytest.raises(RelgraphError, match="hand-edited"):
        generate([str(spec)], tmp_path)
    assert path.read_text() == "print('mine')\n"


def test_one_bad_spec_writes_nothing(spec: Path, tmp_path: Path) -> None:
    bad = small(spec.parent, "- reluu", name="bad")
    with pytest.raises(RelgraphError, match="relu"):
        generate([str(spec), str(bad)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_two_specs_of_one_name_are_refused(spec: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    twin = small(other, "- gelu")
    with pytest.raises(RelgraphError, match="same-name"):
        generate([str(spec), str(twin)], tmp_path / "out")


def test_replacing_a_file_is_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.txt"
    write_atomically(path, "old")

    def broken(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(RelgraphError, match="not-written"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]
