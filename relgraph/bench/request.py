"""What a measurement is asked for and what it answers: frozen values that need no torch."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

What: TypeAlias = Literal["forward", "training step"]
Progress: TypeAlias = Callable[[str, int, int], None]
SLOW = 20.0
"""A form that takes this many times as long as another on its first run is not run again."""


def silent(what: str, done: int, total: int) -> None:
    """The progress callback that says nothing."""


@dataclass(frozen=True, kw_only=True)
class BenchRequest:
    """`rounds` interleaved runs of every form of `backbone`'s connections, for `batch` images, on
    `device` (`cpu` or `cuda`); `compiled` times torch.compile's code instead of eager."""

    backbone: str
    batch: int = 8
    rounds: int = 7
    device: str = "cpu"
    compiled: bool = False
    progress: Progress = silent


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One form of one connection doing one thing. `seconds` of every round (one, where the form is
    too slow to be run again); `megabytes` it needs at most beside its input and parameters, None
    where this machine does not tell; `rate` is the part of the machine's matrix-product rate that
    its multiply-adds reach (a training step counts three forwards)."""

    form: str
    what: What
    seconds: tuple[float, ...]
    ratio: float
    megabytes: float | None
    rate: float

    @property
    def median(self) -> float:
        """Median seconds."""
        return statistics.median(self.seconds)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A distinct connection: where it stands, and its forms in the table's order; the first is the
    one that `generate` takes."""

    name: str
    key: str
    where: tuple[str, ...]
    channels: int
    grid: tuple[int, int]
    macs: int
    measured: tuple[Measured, ...]

    def of(self, what: What) -> tuple[Measured, ...]:
        """Its forms doing one thing, in the table's order."""
        return tuple(one for one in self.measured if one.what == what)


@dataclass(frozen=True, kw_only=True)
class Benched:
    """All cases of a backbone; `matmul_rate` is the machine's, in multiply-adds per second."""

    backbone: str
    machine: str
    batch: int
    matmul_rate: float
    cases: tuple[Case, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)
