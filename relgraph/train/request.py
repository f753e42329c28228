"""What training, evaluation and prediction are asked for and what they answer: frozen values.

Nothing here imports torch, so that commands can build a request before they know whether torch is
installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from relgraph.spec.recipe_schema import DataSource, Recipe

Accelerator = Literal["auto", "cpu", "cuda", "mps"]
Split = Literal["train", "test"]


@dataclass(frozen=True, kw_only=True)
class TrainRequest:
    """A training to start (`model` and `recipe`) or to go on with (`resume`).

    `model` is an emitted file; `sources` (the spec files it was made from) and `resolved` (the
    resolved spec as text) are copied into the run folder. `out` is that folder, by default the next
    free `runs/NAME-001`. `init` takes weights from a run, a checkpoint or a .safetensors file.
    `resume` is a run folder, or one checkpoint folder inside a run. `devices` counts processes on
    each of `num_nodes` machines.
    """

    model: Path | None = None
    recipe: Recipe | None = None
    out: Path | None = None
    sources: tuple[Path, ...] = ()
    resolved: str = ""
    init: Path | None = None
    reset_head: bool = False
    resume: Path | None = None
    accelerator: Accelerator = "auto"
    devices: int = 1
    num_nodes: int = 1
    tensorboard: bool = False
    quiet: bool = False


@dataclass(frozen=True, kw_only=True)
class Score:
    """Accuracies in 0..1 and mean cross-entropy (nats) over `images` images."""

    top1: float
    top5: float
    loss: float
    images: int


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """How a training ended. `score` is the last evaluation's, None where none was reached."""

    run: Path
    interrupted: bool
    epochs: int
    updates: int
    score: Score | None
    best_top1: float | None
    parameters: int
    images_per_second: float
    is_main: bool = True

    @property
    def exit_code(self) -> int:
        """130 where the training was interrupted, else 0.

        Always 0 in the other processes of a distributed run: the main one answers for all, and
        launchers take another process's failure for a crash and kill the rest.
        """
        return 130 if self.interrupted and self.is_main else 0


@dataclass(frozen=True, kw_only=True)
class EvaluateRequest:
    """Which weights to score on which images.

    `run` is a run folder (its `best` checkpoint, or `last`) or a checkpoint folder inside one.
    `data` replaces the run's own images, of which the classes must be the same.
    """

    run: Path
    checkpoint: Literal["best", "last"] = "best"
    split: Split = "test"
    data: DataSource | None = None
    accelerator: Accelerator = "auto"
    batch_size: int | None = None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A score, the accuracy within each class, and what was scored."""

    score: Score
    per_class: tuple[tuple[str, float], ...]
    checkpoint: Path
    images_per_second: float


@dataclass(frozen=True, kw_only=True)
class PredictRequest:
    """Which images to classify with which run (or checkpoint folder); `top_k` classes of each."""

    run: Path
    images: tuple[Path, ...]
    top_k: int = 5
    checkpoint: Literal["best", "last"] = "best"
    accelerator: Accelerator = "auto"


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The most probable classes of one image, most probable first: (name, probability)."""

    image: Path
    classes: tuple[tuple[str, float], ...]
