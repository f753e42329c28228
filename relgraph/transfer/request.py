"""What a transfer is asked for and what it answers: frozen values that need no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from relgraph.transfer.layer import Layer

Objective: TypeAlias = Literal["outputs", "weights"]
"""What is nearest: the outputs on images, where the target is linear in its numbers, or W."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called as `progress(what, done, total)` where something takes its time."""


def silent(what: str, done: int, total: int) -> None:
    """The progress callback that says nothing."""


@dataclass(frozen=True, kw_only=True)
class TransferRequest:
    """Which weights go where.

    `checkpoint` is a run folder (its best), a checkpoint folder in one, or a .safetensors file.
    `before` and `after` are backbones or emitted files; `before` is by default the run's own file.
    `out` is the folder to make, or a .safetensors file. `fresh` allows that every operator that
    differs starts fresh; `seed` is that of what does. The recipe (a run's own by default) names the
    data set of which the first `images` training images serve `calibrate` (projections of weights
    that change with the image, nearest in `objective`), `recalibrate_norms` and `outputs` (errors
    of each layer's outputs; by default on a few images, where some can be had).
    """

    checkpoint: Path
    after: str
    out: Path
    before: str | None = None
    fresh: bool = False
    seed: int = 0
    recipe: Path | None = None
    images: int = 256
    calibrate: bool = False
    objective: Objective = "outputs"
    recalibrate_norms: bool = False
    outputs: bool | None = None

    @property
    def needs_images(self) -> bool:
        """Whether something was asked for that is computed from images."""
        return self.calibrate or self.recalibrate_norms or bool(self.outputs)


@dataclass(frozen=True, kw_only=True)
class Transferred:
    """What was written, row by row. `exact`: the two models compute the same function.

    `logits` is the largest difference of a logit on the images, where outputs were compared.
    """

    before: str
    after: str
    checkpoint: str
    out: str
    exact: bool
    layers: tuple[Layer, ...]
    notes: tuple[str, ...] = ()
    logits: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)
