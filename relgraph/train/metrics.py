"""Figures of a training as files: every record in `metrics.jsonl`, epochs in `metrics.csv`.

Records are appended as whole lines. A resumed run first drops what lies after its checkpoint, so
the files read as if nothing had happened. TensorBoard gets the same figures where it is asked for.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from relgraph.errors import Problem, RelgraphError
from relgraph.files import write_atomically, writing

Figures = Mapping[str, float | int | None]

EPOCH_COLUMNS = (
    "epoch",
    "update",
    "lr",
    "train_loss",
    "test_loss",
    "top1",
    "top5",
    "images_per_second",
    "seconds",
)


class _Writer(Protocol):
    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None: ...

    def close(self) -> None: ...


class Metrics:
    """The metric files of one run folder, from update `after` on."""

    def __init__(self, run: Path, after: int, tensorboard: bool = False) -> None:
        self._jsonl = run / "metrics.jsonl"
        self._csv = run / "metrics.csv"
        kept = [record for record in read_metrics(run) if record["update"] <= after]
        write_atomically(self._jsonl, "".join(_line(record) for record in kept))
        epochs = [record for record in kept if record["kind"] == "epoch"]
        write_atomically(self._csv, _row(EPOCH_COLUMNS) + "".join(map(_epoch_row, epochs)))
        self._board = _tensorboard(run, after) if tensorboard else None

    def step(self, figures: Figures) -> None:
        """Record an update; `figures` must say which `update` and `epoch` it is."""
        self._append(self._jsonl, _line({"kind": "step", **figures}))
        self._show("train", figures)

    def epoch(self, figures: Figures) -> None:
        """Record a finished epoch, with the columns of `EPOCH_COLUMNS`."""
        self._append(self._jsonl, _line({"kind": "epoch", **figures}))
        self._append(self._csv, _epoch_row(figures))
        self._show("epoch", figures)

    def close(self) -> None:
        """Flush what TensorBoard holds back."""
        if self._board is not None:
            self._board.close()

    def _append(self, path: Path, line: str) -> None:
        with writing(path), path.open("a", encoding="utf-8", newline="") as stream:
            stream.write(line)

    def _show(self, group: str, figures: Figures) -> None:
        if self._board is None:
            return
        for name, value in figures.items():
            if name not in ("update", "epoch") and value is not None:
                self._board.add_scalar(f"{group}/{name}", value, int(figures["update"] or 0))


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """Every whole record of a run's `metrics.jsonl`, in order, without a line that a kill cut."""
    path = run / "metrics.jsonl"
    if not path.is_file():
        return []
    records = []
    for line in path.read_text("utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get("update"), int):
            records.append(record)
    return records


def _line(record: Figures | Mapping[str, Any]) -> str:
    return json.dumps(record, allow_nan=False) + "\n"


def _epoch_row(figures: Figures) -> str:
    return _row([figures.get(column) for column in EPOCH_COLUMNS])


def _row(values: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _tensorboard(run: Path, after: int) -> _Writer:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise RelgraphError(
            Problem(
                "missing-extra",
                found="tensorboard is not installed",
                expected="it, for --tensorboard",
                hint="pip install tensorboard",
            )
        ) from None
    board: _Writer = SummaryWriter(str(run / "tensorboard"), purge_step=after + 1)
    return board
