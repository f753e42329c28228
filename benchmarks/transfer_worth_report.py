"""The report of transfer_worth.py: rows in; a table, every number as CSV, and a plot out."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from relgraph.files import write_atomically

# Okabe and Ito's colours, told apart by every kind of eye; marks and dashes tell them apart too.
BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#595959"
LOOKS = {
    "further": ("carried weights", BLUE, "o", "-"),
    "scratch": ("from scratch", VERMILLION, "s", "--"),
}
TICKS = (10, 12, 15, 20, 30, 50, 90)


@dataclass(frozen=True)
class Row:
    """One number: top-1 in 0..1 and loss of one model on the test images. See transfer_worth.Job
    for what the arms are."""

    pair: str
    arm: str
    seed: int
    steps: int
    lr: float
    top1: float
    loss: float


def write_report(folder: Path, titles: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Write transfer_worth.csv, .md and .svg for the pairs that have rows."""
    titles = {pair: title for pair, title in titles.items() if steps_of(rows, pair)}
    table = markdown(titles, rows)
    write_atomically(folder / "transfer_worth.csv", as_csv(rows))
    write_atomically(folder / "transfer_worth.md", table)
    write_atomically(folder / "transfer_worth.svg", plot(titles, rows))
    print(table)


def as_csv(rows: Sequence[Row]) -> str:
    """Every number, also those of the learning rate that was not the better one."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def better(rows: Sequence[Row]) -> list[Row]:
    """Of the learning rates that were tried on most seeds the one with the higher mean top-1: its
    rows, by seed."""
    rates = sorted({row.lr for row in rows})
    groups = [sorted((r for r in rows if r.lr == lr), key=lambda r: r.seed) for lr in rates]
    return max(groups, key=lambda group: (len(group), statistics.mean(r.top1 for r in group)))


def select(rows: Sequence[Row], pair: str, arm: str, steps: int | None = None) -> list[Row]:
    """The rows of one arm, at the better learning rate; empty where there are none."""
    own = [r for r in rows if (r.pair, r.arm) == (pair, arm) and steps in (None, r.steps)]
    return better(own) if own else []


def steps_of(rows: Sequence[Row], pair: str) -> list[int]:
    """The numbers of further steps that a pair has in both arms, in order."""
    own = [{r.steps for r in rows if (r.pair, r.arm) == (pair, arm)} for arm in LOOKS]
    return sorted(set.intersection(*own))


def markdown(titles: Mapping[str, str], rows: Sequence[Row]) -> str:
    """Top-1 in per cent, mean ± standard deviation over seeds, a line for each number of steps."""
    lines = [
        "| | further steps | carried | from scratch | difference | learning rates |",
        "|---|---|---|---|---|---|",
    ]
    for pair, title in titles.items():
        source, total, kept = (select(rows, pair, arm) for arm in ("source", "total", "kept"))
        lines.append(f"| **{title}** | source, {_length(source)} | {spread(source)} | | | |")
        lines.append(f"| | 0 | {spread(select(rows, pair, 'carried'))} | | | |")
        recalibrated = spread(select(rows, pair, "recalibrated"))
        lines.append(f"| | 0, norms recalibrated | {recalibrated} | | | |")
        lines += [_compared(rows, pair, steps) for steps in steps_of(rows, pair)]
        if total:
            lines.append(f"| | {_length(total)} in all | | {spread(total)} | | {total[0].lr:g} |")
        if kept:
            told = f"source, {_length(kept)} more"
            lines.append(f"| | {told} | {spread(kept)} | | | {kept[0].lr:g} |")
    return "\n".join(lines) + "\n"


def _compared(rows: Sequence[Row], pair: str, steps: int) -> str:
    carried, scratch = (select(rows, pair, arm, steps) for arm in ("further", "scratch"))
    against = {row.seed: row.top1 for row in scratch}
    gains = [100 * (row.top1 - against[row.seed]) for row in carried if row.seed in against]
    rates = f"{carried[0].lr:g}, {scratch[0].lr:g}"
    return f"| | {steps} | {spread(carried)} | {spread(scratch)} | {_mean(gains, '+')} | {rates} |"


def spread(rows: Sequence[Row]) -> str:
    """Mean ± standard deviation of top-1 in per cent."""
    return _mean([100 * row.top1 for row in rows]) if rows else ""


def _mean(values: Sequence[float], sign: str = "") -> str:
    deviation = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):{sign}.1f}{deviation}"


def _length(rows: Sequence[Row]) -> str:
    return f"{rows[0].steps:,} steps"


def plot(titles: Mapping[str, str], rows: Sequence[Row]) -> str:
    """One panel for each pair: test error over further steps, both arms, the same bytes each time.

    Errors stand on a logarithmic scale, on which 12 and 90 per cent can both be read.
    """
    with matplotlib.rc_context({"svg.hashsalt": "transfer_worth", "font.size": 10}):
        figure = Figure(figsize=(3.6 * len(titles) + 0.6, 4.5), layout="constrained")
        panels = figure.subplots(1, len(titles), sharey=True, squeeze=False)[0]
        for axes, (pair, title) in zip(panels, titles.items(), strict=True):
            _panel(axes, title, [row for row in rows if row.pair == pair])
        panels[0].set_ylabel("test error, per cent (lower is better)")
        both = [axes.get_legend_handles_labels() for axes in panels]
        entries = {
            label: mark for marks, labels in both for mark, label in zip(marks, labels, strict=True)
        }
        named = (entries.values(), entries.keys())
        figure.legend(*named, loc="outside lower center", ncols=3, frameon=False)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _panel(axes: Axes, title: str, rows: Sequence[Row]) -> None:
    """Means joined by lines, every seed as a small mark, references as thin lines."""
    pair = rows[0].pair
    steps = steps_of(rows, pair)
    start = {"further": select(rows, pair, "recalibrated"), "scratch": []}
    for arm, (label, colour, mark, dash) in LOOKS.items():
        groups = [(0, start[arm]), *((at, select(rows, pair, arm, at)) for at in steps)]
        groups = [(at, group) for at, group in groups if group]
        means = [_error(statistics.mean(row.top1 for row in group)) for _, group in groups]
        places = [at for at, _ in groups]
        axes.plot(places, means, dash, color=colour, marker=mark, markersize=6, label=label)
        for at, group in groups:
            errors = [_error(row.top1) for row in group]
            axes.plot([at] * len(group), errors, "_", color=colour, markersize=15)
    untouched = [_error(row.top1) for row in select(rows, pair, "carried")]
    axes.plot(
        [0], [statistics.mean(untouched)], "x", color=BLUE, label="before norms are recounted"
    )
    _references(axes, rows)
    axes.set(title=title, xlabel="further steps", xticks=[0, *steps], yscale="log")
    axes.set_yticks(TICKS, [str(tick) for tick in TICKS])
    axes.set_yticks([], minor=True)
    axes.set_ylim(9.5, 95)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _references(axes: Axes, rows: Sequence[Row]) -> None:
    """The source, and the controls: the source trained further, scratch with the steps of both."""
    for arm, label, dash in (
        ("source", "the source", ":"),
        ("total", "from scratch, the source's steps added", "-."),
    ):
        group = select(rows, rows[0].pair, arm)
        if group:
            error = _error(statistics.mean(row.top1 for row in group))
            axes.axhline(error, color=GREY, linestyle=dash, linewidth=1.2, label=label)
    kept = select(rows, rows[0].pair, "kept")
    if kept:
        error = _error(statistics.mean(row.top1 for row in kept))
        label = "the source, trained further"
        axes.plot(kept[0].steps, error, "D", color=GREY, mfc="none", markersize=12, label=label)


def _error(top1: float) -> float:
    return 100 * (1 - top1)
