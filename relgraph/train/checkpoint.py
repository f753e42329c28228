"""Checkpoints on disk: named contents in, one folder per checkpoint out, and back after a check.

    checkpoints/step-00000400-3f2a91c07be4/   model.safetensors, optimizer.safetensors, state.json,
                                              manifest.json (SHA-256 of each of them)
    checkpoints/last.json, best.json          pointers: this checkpoint and the one before it

A folder is written under another name, flushed and renamed, so it is whole or absent; it is named
by its step and its manifest's hash, and never changed. A pointer is replaced atomically. So a kill
at any moment leaves the pointers at whole checkpoints. This module knows nothing of models.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from relgraph.errors import Problem, RelgraphError
from relgraph.files import sha256, sync_folder, write_atomically, writing

Pointer = Literal["last", "best"]

_MANIFEST = "manifest.json"
_UNFINISHED = ".unfinished-"


def write_checkpoint(folder: Path, step: int, contents: Mapping[str, bytes]) -> Path:
    """Write one checkpoint below `folder`; returns its own folder. Nothing points at it yet.

    Raises RelgraphError where it can't be written; what points elsewhere stays as it is.
    """
    with writing(folder):
        return _written(folder, step, contents)


def _written(folder: Path, step: int, contents: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    manifest = _json({name: sha256(content) for name, content in sorted(contents.items())})
    final = folder / f"step-{step:08d}-{sha256(manifest)[:12]}"
    if _is_whole(final, manifest):
        return final
    unfinished = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
    try:
        for name, content in (*contents.items(), (_MANIFEST, manifest)):
            _write_through(unfinished / name, content)
        sync_folder(unfinished)
        # What stands there under the same name has damaged files: contents of one name are equal.
        shutil.rmtree(final, ignore_errors=True)
        unfinished.rename(final)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    sync_folder(folder)
    return final


def publish(folder: Path, pointer: Pointer, checkpoint: Path) -> None:
    """Make `pointer` name `checkpoint`, keeping the one it named as its `previous`."""
    named = read_pointer(folder, pointer)
    if named.get("checkpoint") == checkpoint.name:
        return
    content = {"checkpoint": checkpoint.name, "previous": named.get("checkpoint")}
    write_atomically(folder / f"{pointer}.json", _json(content))


def prune(folder: Path) -> None:
    """Delete what no pointer names, now or as its previous, and what a kill left unfinished."""
    kept = {name for pointer in ("last", "best") for name in read_pointer(folder, pointer).values()}
    for path in folder.iterdir():
        old = path.name.startswith("step-") and path.name not in kept
        if old or path.name.startswith(_UNFINISHED):
            shutil.rmtree(path, ignore_errors=True)


def read_pointer(folder: Path, pointer: Pointer) -> dict[str, str | None]:
    """The names that a pointer holds: `checkpoint` and `previous`; empty where there is none."""
    path = folder / f"{pointer}.json"
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
        names = {key: content[key] for key in ("checkpoint", "previous")}
    except (OSError, ValueError, KeyError, TypeError):
        raise _damaged(path, "it is no pointer", _whole_ones(folder)) from None
    # A name beside the pointer, nothing that leads elsewhere.
    if not all(name is None or _is_name(name) for name in names.values()):
        raise _damaged(path, "it names no checkpoint", _whole_ones(folder))
    return names


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name.startswith("step-") and Path(name).name == name


def find_checkpoint(folder: Path, pointer: Pointer) -> Path:
    """The folder of the checkpoint that a pointer names. Raises RelgraphError where none is."""
    name = read_pointer(folder, pointer).get("checkpoint")
    if name is None:
        raise RelgraphError(
            Problem(
                "no-checkpoint", f"{folder} has no {pointer} checkpoint", "expected a saved run"
            )
        )
    return folder / name


def read_checkpoint(checkpoint: Path) -> dict[str, bytes]:
    """The contents of a checkpoint, every byte compared with its manifest.

    No format notices a flipped bit by itself. Raises RelgraphError naming the damaged file and the
    checkpoints beside it that are whole.
    """
    others = [path for path in _whole_ones(checkpoint.parent) if path != checkpoint]
    contents = _contents(checkpoint, others)
    manifest = contents.pop(_MANIFEST)
    if not checkpoint.name.endswith(sha256(manifest)[:12]):
        raise _damaged(checkpoint / _MANIFEST, "its hash is not the folder's", others)
    for name, expected in json.loads(manifest).items():
        if name not in contents:
            raise _damaged(checkpoint / name, "it is missing", others)
        if sha256(contents[name]) != expected:
            raise _damaged(checkpoint / name, "its SHA-256 is not the manifest's", others)
    return contents


def _contents(checkpoint: Path, others: list[Path]) -> dict[str, bytes]:
    try:
        contents = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    except OSError as error:
        raise _damaged(checkpoint, f"it can't be read ({error.strerror})", others) from None
    if _MANIFEST not in contents:
        raise _damaged(checkpoint / _MANIFEST, "it is missing", others)
    return contents


def _is_whole(checkpoint: Path, manifest: bytes | None = None) -> bool:
    """Whether a folder's files are what its manifest (and `manifest`, if given) says."""
    try:
        own = (checkpoint / _MANIFEST).read_bytes()
        expected = json.loads(own)
        files = all(
            sha256((checkpoint / name).read_bytes()) == digest for name, digest in expected.items()
        )
    except (OSError, ValueError, AttributeError):
        return False
    return files and checkpoint.name.endswith(sha256(own)[:12]) and manifest in (None, own)


def _whole_ones(folder: Path) -> list[Path]:
    """The undamaged checkpoints of a folder, the newest first."""
    found = sorted(folder.glob("step-*"), reverse=True) if folder.is_dir() else []
    return [path for path in found if _is_whole(path)]


def _damaged(path: Path, how: str, others: list[Path]) -> RelgraphError:
    hint = "no other checkpoint is whole; start again"
    if others:
        hint = f"go on from the previous checkpoint: --resume {others[0]}"
    found, expected = f"{path}: {how}", "expected the bytes that were saved"
    return RelgraphError(Problem("damaged-checkpoint", found, expected, hint))


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode("utf-8")
