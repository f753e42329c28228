"""Trainings side by side, a process and a thread each: requests in, whether all were finished out.

A model this small gains little from a second thread, and loses much to it on a busy machine. Side
by side, two trainings use two cores, and are timed under the same conditions.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

from relgraph.errors import Problem, RelgraphError

Say = Callable[[str], None]
Request = dict[str, object]

_INTERRUPTED = 130
# Printed by a worker that was stopped, for whoever runs `relgraph train`; the demo has its own way.
_NOT_OURS = ("go on with:", "stopping after this step")


class _Worker:
    """A running training. Its lines arrive in `lines` as (name, text), None when it has ended."""

    def __init__(
        self, name: str, request: Request, lines: queue.Queue[tuple[str, str | None]]
    ) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "relgraph.demo.worker", json.dumps(request)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            # Ctrl-C is for us alone; workers are told by the end of their input.
            start_new_session=True,
        )
        self._lines = lines
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None, "it was opened as a pipe"
        with self.process.stderr as stream:
            for line in stream:
                self._lines.put((self.name, line.rstrip()))
        self._lines.put((self.name, None))

    def stop(self) -> None:
        """Ask it to finish its step, save and end."""
        assert self.process.stdin is not None, "it was opened as a pipe"
        self.process.stdin.close()

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait()
        self._reader.join()
        self.stop()
        return code


def train_together(requests: Mapping[str, Request], say: Say) -> bool:
    """Run the trainings; False where an interrupt stopped them, with everything saved.

    Raises RelgraphError where one of them fails; the others are stopped then, and go on another
    time.
    """
    lines: queue.Queue[tuple[str, str | None]] = queue.Queue()
    workers = [_Worker(name, request, lines) for name, request in requests.items()]
    interrupted = False
    try:
        _relay(lines, len(workers), say)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        for worker in workers:
            worker.stop()
    codes = {worker.name: worker.ended() for worker in workers}
    failed = [name for name, code in codes.items() if code not in (0, _INTERRUPTED)]
    if interrupted or (_INTERRUPTED in codes.values() and not failed):
        return False
    if failed:
        found = f"the training of {' and '.join(failed)} failed"
        raise RelgraphError(Problem("training-failed", found, hint="its own message stands above"))
    return True


def _relay(lines: queue.Queue[tuple[str, str | None]], running: int, say: Say) -> None:
    """Pass on what workers print, under their names, until all have ended."""
    while running:
        name, line = lines.get()
        if line is None:
            running -= 1
        elif line and not line.startswith(_NOT_OURS):
            say(f"{name}: {line}")
