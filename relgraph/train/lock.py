"""One training at a time in a run folder.

In: a run folder. Out: a context in which no other process trains there. The system's own lock on
`run.json` is taken: it is gone with the process that held it, however that ended, so nothing is
ever left over that would have to be told from a live one, and the folder holds no further file.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from relgraph.errors import Problem, RelgraphError
from relgraph.files import writing


@contextlib.contextmanager
def training_alone(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder` while inside.

    Raises RelgraphError where another process holds it. Where the file system or the platform
    knows no such locks, nothing is held.
    """
    with contextlib.ExitStack() as held:
        with writing(folder / "run.json"):
            # Some systems lock only what may be written.
            stream = held.enter_context((folder / "run.json").open("r+b"))
        if not _lock(stream.fileno()):
            raise RelgraphError(
                Problem(
                    "run-in-use",
                    found=f"another process trains in {folder}",
                    expected="one at a time",
                    hint="wait for it or stop it: what it saved last is where the next goes on",
                )
            )
        yield


def _lock(file: int) -> bool:
    """Whether the lock is this process's now; it lasts until the file is closed."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # no locks on this file system
    return True
