"""Files are replaced whole or not at all: a reader never sees half of one.

What the system refuses (a full disk, a folder that may not be written) is the user's to mend and
said so, as a RelgraphError.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from relgraph.errors import Problem, RelgraphError


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Whatever the system refuses inside becomes a RelgraphError that names the place."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        expected, hint = (
            "a folder that can be written, with room in it",
            "free some, or choose another",
        )
        raise RelgraphError(Problem("not-written", f"{path}: {reason}", expected, hint)) from None


def write_atomically(path: Path, content: bytes | str) -> None:
    """Replace `path` by `content`: unique temporary file in the same folder, fsync, rename.

    The old file, or its absence, survives a crash at any moment. Raises RelgraphError
    where it can't be written.
    """
    with writing(path):
        _replace(path, content)


def _replace(path: Path, content: bytes | str) -> None:
    raw = content.encode("utf-8") if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` durable, where the platform can open a folder."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sha256(content: bytes | str) -> str:
    """The hexadecimal SHA-256 of `content` (text as UTF-8)."""
    raw = content.encode("utf-8") if isinstance(content, str) else content
    return hashlib.sha256(raw).hexdigest()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
