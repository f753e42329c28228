"""Ctrl-C and SIGTERM as a question that the training loop asks between steps."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """While it is entered, the first signal sets `requested`; a second one interrupts at once.

    Outside the main thread, where python allows no handlers, it never asks for a stop.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._set = False
        self._previous: dict[int, object] = {}

    @property
    def requested(self) -> bool:
        """Whether the training should save and end."""
        return self._set

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._previous[number] = signal.signal(number, self._received)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # as signal.signal gave it

    def _received(self, number: int, frame: FrameType | None) -> None:
        if self._set:
            raise KeyboardInterrupt
        self._set = True
        if not self.quiet:
            # Not print: the handler may stand inside another write to the same stream.
            os.write(2, b"\nstopping after this step; once more to stop at once\n")
