"""Which parts of an emitted file ran while it was under proof.

In: the name of the module that a file became. Out: the spans of text whose instructions ran. What
the values were is nobody's affair here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType, FrameType
from typing import Any, TypeAlias

Span: TypeAlias = tuple[int, int, int, int]
"""First line and column, last line and column, in characters of the compiler: (1, 0, 1, 5)."""

Trace: TypeAlias = Callable[[FrameType, str, Any], Any]


@dataclass
class Reached:
    """Collects instructions of one module while `watching`, by the interpreter's trace hook."""

    module: str
    _ran: set[tuple[CodeType, int]] = field(default_factory=set)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Within it every instruction of the module's functions is noted."""
        before = sys.gettrace()
        sys.settrace(self._called)
        try:
            yield
        finally:
            sys.settrace(before)

    def _called(self, frame: FrameType, event: str, argument: Any) -> Trace | None:
        if frame.f_globals.get("__name__") != self.module:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self._stepped

    def _stepped(self, frame: FrameType, event: str, argument: Any) -> Trace:
        if event == "opcode":
            self._ran.add((frame.f_code, frame.f_lasti))
        return self._stepped

    @cached_property
    def spans(self) -> frozenset[Span]:
        """Where the instructions that ran stand in the text. Ask when the watching is over."""
        return frozenset(self._spans())

    def _spans(self) -> Iterator[Span]:
        listed = {code: list(code.co_positions()) for code, _ in self._ran}
        for code, at in self._ran:
            line, end_line, column, end_column = listed[code][at // 2]
            if None not in (line, end_line, column, end_column):
                yield (line, column, end_line, end_column)  # type: ignore[misc]
