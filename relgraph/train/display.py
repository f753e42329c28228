"""What a person sees of a training: a progress bar on a terminal, a line per epoch elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from relgraph.train.metrics import Figures


class Display:
    """Progress of `updates` updates in `epochs` epochs, on standard error; nothing if `quiet`."""

    def __init__(self, updates: int, epochs: int, done: int, quiet: bool) -> None:
        self._epochs = epochs
        self._quiet = quiet
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TextColumn("loss {task.fields[loss]:.3f}"),
            TextColumn("{task.fields[speed]:,.0f} images/s"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._progress.add_task(
            "starting", total=updates, completed=done, loss=float("nan"), speed=0.0
        )

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def step(self, updates: int, epoch: int, loss: float, images_per_second: float) -> None:
        """`updates` are done, in epoch number `epoch` (from 0)."""
        self._progress.update(
            self._task,
            completed=updates,
            description=f"epoch {epoch + 1}/{self._epochs}",
            loss=loss,
            speed=images_per_second,
        )

    def epoch(self, figures: Figures) -> None:
        """An epoch has been finished and evaluated."""
        self.say(
            f"epoch {figures['epoch']}/{self._epochs}"
            f"  loss {figures['train_loss']:.4f}  test loss {figures['test_loss']:.4f}"
            f"  top-1 {figures['top1']:.2%}  {figures['images_per_second']:,.0f} images/s"
        )

    def say(self, text: str) -> None:
        """One line, above the bar where there is one."""
        if not self._quiet:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)
