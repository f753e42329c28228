"""What a proof found: declared beside measured, with a counter-example where they differ.

In: checks made by the modules beside this one. Out: plain frozen values that print, serialise and
count themselves. This module knows neither torch nor the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

CheckName = Literal[
    "spec",
    "calls",
    "state",
    "machine",
    "reach",
    "precision",
    "start",
    "parameters",
    "interface",
    "sizes",
    "logits",
    "features",
    "gradients",
    "forms",
    "training",
    "second size",
    "large values",
    "drop path",
    "cost",
    "runs",
    "values",
    "composition",
    "connectivity",
    "sharing",
    "dynamism",
    "shifts",
    "heads",
    "rank",
]

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called as `progress(what, done, total)` when a step of the proof begins."""


@dataclass(frozen=True)
class Check:
    """One property of one subject: what the spec declares, what was measured, whether they agree.

    `subject` is `model` or the path of a connection (`stages.0.blocks.1.local_attention`), the
    first of those that share it; `covers` counts them. `counter_example` says in words where a
    failure shows: which output depends on which input, which parameter has which shape.
    """

    name: CheckName
    subject: str
    declared: str
    measured: str
    ok: bool
    counter_example: str = ""
    covers: int = 1


@dataclass(frozen=True)
class Report:
    """Everything that was checked about one file.

    `edited` is true where the body no longer has the hash its header states: said, not judged,
    since the verdict is by meaning. `spec` is the SHA-256 of the resolved spec that the file
    carries, `sha256` that of the bytes that were judged.
    """

    name: str
    file: str
    edited: bool
    checks: tuple[Check, ...]
    spec: str
    sha256: str

    @property
    def ok(self) -> bool:
        """Whether every declared property was measured; a report without checks proves nothing."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed, in the order they were made."""
        return tuple(check for check in self.checks if not check.ok)

    def to_json(self) -> dict[str, object]:
        """The same facts as plain data: the fields in words, and `ok`."""
        return {
            "name": self.name,
            "file": self.file,
            "sha256": self.sha256,
            "spec": self.spec,
            "edited": self.edited,
            "ok": self.ok,
            "checks": [asdict(check) for check in self.checks],
        }

    def to_text(self) -> str:
        """A line for each check, declared beside measured, failures with their counter-example."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterable[str]:
        yield f"{self.name}: {self.file}"
        if self.edited:
            yield "note: the file was edited by hand since relgraph wrote it"
        for check in self.checks:
            yield from _check_lines(check)
        verdict = "proved" if self.ok else f"{len(self.failures)} of {len(self.checks)} failed"
        yield f"{verdict} ({len(self.checks)} checks)"


def _check_lines(check: Check) -> Iterable[str]:
    sign = "ok  " if check.ok else "FAIL"
    times = f" (x{check.covers})" if check.covers > 1 else ""
    yield f"{sign} {check.name:<12} {check.subject}{times}: {check.declared} | {check.measured}"
    if check.counter_example:
        yield f"     {check.counter_example}"


Enough: TypeAlias = Callable[[Check], bool]


def fails(check: Check) -> bool:
    """Enough to reject a file."""
    return not check.ok


def silent(what: str, done: int, total: int) -> None:
    """The progress callback that says nothing."""
