from __future__ import annotations

from pathlib import Path

from relgraph.train.metrics import EPOCH_COLUMNS, Metrics, read_metrics


def epoch(number: int) -> dict[str, float | int | None]:
    figures: dict[str, float | int | None] = dict.fromkeys(EPOCH_COLUMNS, 0.5)
    return {**figures, "epoch": number, "update": number * 10}


def filled(run: Path) -> Metrics:
    metrics = Metrics(run, after=0)
    for number in (1, 2):
        metrics.step({"update": number * 10 - 5, "epoch": number, "loss": 0.25})
        metrics.epoch(epoch(number))
    return metrics


def test_records_are_read_back_in_order(tmp_path: Path) -> None:
    filled(tmp_path).close()
    assert [(r["kind"], r["update"]) for r in read_metrics(tmp_path)] == [
        ("step", 5), ("epoch", 10), ("step", 15), ("epoch", 20)
    ]  # fmt: skip
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert rows[0] == ",".join(EPOCH_COLUMNS)
    assert [row.split(",")[:2] for row in rows[1:]] == [["1", "10"], ["2", "20"]]


def test_going_on_drops_what_came_after_and_what_was_cut(tmp_path: Path) -> None:
    filled(tmp_path).close()
    with (tmp_path / "metrics.jsonl").open("a") as stream:
        stream.write('{"kind": "step", "upd')
    Metrics(tmp_path, after=15).epoch(epoch(2))
    assert [r["update"] for r in read_metrics(tmp_path)] == [5, 10, 15, 20]
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 3


def test_tensorboard_gets_the_same_figures(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path, after=0, tensorboard=True)
    metrics.epoch(epoch(1))
    metrics.close()
    (written,) = (tmp_path / "tensorboard").iterdir()
    assert b"epoch/top1" in written.read_bytes()
