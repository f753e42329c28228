"""What carried weights are worth: training on from them against training from scratch.

    python benchmarks/transfer_worth.py [--seeds 0 1 2] [--steps 200 400] [--pairs …] [--device cpu]

For each seed and pair a source is trained on the images that ship with relgraph and its weights are
carried to the target by `relgraph.transfer`. The target is scored as it comes out (0 steps), with
its norm statistics counted anew, and after further training; beside it stands the same target from
scratch with the same further steps, seed, order of images and schedule. Each number of steps is a
training of its own, whose learning rate ends low. On the `--tune-seeds` every rate is tried, those
of `--lrs` from carried weights and those of `--scratch-lrs` from scratch, and on the other seeds
the best one of each arm. Two controls at the largest number of steps: the target from scratch with
the source's steps too (`total`), and the source itself trained further (`kept`).

Every training lies in `--results`, and what is there already is not made again: an interrupted
command goes on where it was when it is repeated. Seeds, steps, rates and pairs may be added, also
by two commands at once if they share no source. Each ends with transfer_worth.csv (a row for each
number there is), .md (the table) and .svg (the plot) in `--out`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transfer_worth_report import Row, select, write_report

from relgraph.errors import RelgraphError
from relgraph.files import sha256, write_atomically
from relgraph.pipeline import compile_backbone
from relgraph.spec.recipe import dump_recipe, find_recipe, load_recipe
from relgraph.spec.recipe_schema import Recipe
from relgraph.train import EvaluateRequest, TrainRequest, evaluate, train
from relgraph.train.request import Accelerator
from relgraph.transfer import TransferRequest, transfer

HERE = Path(__file__).parent
UPDATES_PER_EPOCH = 200  # 10,000 images in batches of 50
IMAGES = 1000  # to count norm statistics from
FURTHER = 1000  # added to the seed of what comes after the source: another order of images


@dataclass(frozen=True)
class Pair:
    """A source, a target, and the sentence that stands above them."""

    title: str
    source: str
    target: str


PAIRS = {
    "separable": Pair("dense → depth-wise separable", "small_dense", "small_separable"),
    "bottleneck": Pair("dense → bottleneck, rank 16 of 48", "small_dense", "small_bottleneck"),
    "pooled": Pair("static → predicted from the image", "small_separable", "small_pooled"),
    "center": Pair("static → predicted at each place", "small_separable", "small_center"),
    "activated": Pair("dense → separable, norm + relu between", "small_dense", "small_activated"),
}


@dataclass(frozen=True)
class Job:
    """One number of the table. `arm` is source; carried and recalibrated (both without training);
    further and scratch, which are compared; total and kept, the controls."""

    pair: str
    arm: str
    seed: int
    steps: int = 0
    lr: float = 0.0


Rates = Callable[[str, str, int, int], Sequence[float]]
"""The learning rates for a pair, an arm, a number of steps and a seed."""


def jobs(arguments: argparse.Namespace, rates: Rates) -> Iterator[Job]:
    """All that is asked for, seed by seed, so that an early end leaves whole seeds."""
    first, first_lr, further = arguments.source_steps, arguments.source_lr, max(arguments.steps)
    for seed, pair in itertools.product(arguments.seeds, arguments.pairs):
        yield Job(pair, "source", seed, first, first_lr)
        yield Job(pair, "carried", seed)
        yield Job(pair, "recalibrated", seed)
        for steps, arm in itertools.product(arguments.steps, ("further", "scratch")):
            for lr in rates(pair, arm, steps, seed):
                yield Job(pair, arm, seed, steps, lr)
    for seed, pair in itertools.product(arguments.control_seeds, arguments.pairs):
        yield Job(pair, "total", seed, first + further, first_lr)
        for lr in rates(pair, "kept", further, seed):
            yield Job(pair, "kept", seed, further, lr)


@dataclass(frozen=True)
class Bench:
    """Trains, carries and scores in one folder; what it made before it reads."""

    folder: Path
    device: Accelerator
    source_steps: int
    source_lr: float

    def row(self, job: Job) -> Row:
        """The number that a job asks for, which is kept for the report."""
        score = self._score(job)
        row = Row(**asdict(job), top1=score["top1"], loss=score["loss"])
        name = f"{job.pair}-{job.arm}-{job.steps}-lr{job.lr:g}-seed{job.seed}"
        write_atomically(self.folder / "rows" / f"{name}.json", json.dumps(asdict(row)) + "\n")
        return row

    def rows(self) -> list[Row]:
        """All numbers that this folder has."""
        paths = sorted((self.folder / "rows").glob("*.json"))
        return [Row(**json.loads(path.read_text("utf-8"))) for path in paths]

    def _score(self, job: Job) -> dict[str, float]:
        pair = PAIRS[job.pair]
        if job.arm == "source":
            return self.trained(pair.source, job)
        if job.arm in ("carried", "recalibrated"):
            return self.scored(self.carried(job, job.arm == "recalibrated"))
        if job.arm == "kept":
            return self.trained(pair.source, job, self._source(job))
        start = self.carried(job, True) if job.arm == "further" else None
        return self.trained(pair.target, job, start)

    def trained(self, spec: str, job: Job, start: Path | None = None) -> dict[str, float]:
        """Top-1 and loss of a training's last checkpoint on the test images."""
        folder = self._run(spec, job, start)
        done = self.folder / "scores" / f"{folder.name}.json"
        compiled = compile_backbone(str(HERE / "specs" / f"{spec}.yaml"))
        recipe = self._recipe(job)
        made_of = sha256(compiled.text + dump_recipe(recipe))
        if done.is_file():
            return _read(done, made_of)
        model = self.folder / "models" / f"{spec}.py"
        write_atomically(model, compiled.text)
        request = TrainRequest(
            model=model, recipe=recipe, out=folder, init=start, accelerator=self.device, quiet=True
        )
        if (folder / "checkpoints" / "last.json").is_file():
            request = TrainRequest(resume=folder, accelerator=self.device, quiet=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)  # killed before there was anything to go on
        result = train(request)
        if result.interrupted:
            raise KeyboardInterrupt
        assert result.score is not None, "a finished training has been scored"
        score = {"top1": result.score.top1, "loss": result.score.loss}
        write_atomically(done, json.dumps({**score, "made_of": made_of}) + "\n")
        return score

    def carried(self, job: Job, recalibrated: bool) -> Path:
        """The folder of the target with the source's weights, from the source's last checkpoint."""
        pair = PAIRS[job.pair]
        how = "recalibrated" if recalibrated else "carried"
        name = f"{pair.target}-{how}-of-{self.source_steps}-seed{job.seed}"
        out = self.folder / "transfers" / name
        if out.is_dir():
            return out
        request = TransferRequest(
            checkpoint=self._source(job),
            after=str(HERE / "specs" / f"{pair.target}.yaml"),
            out=out,
            fresh=True,
            seed=FURTHER + job.seed,
            images=IMAGES,
            recalibrate_norms=recalibrated,
        )
        transfer(request)
        return out

    def scored(self, run: Path) -> dict[str, float]:
        """Top-1 and loss of a transfer as it came out."""
        done = self.folder / "scores" / f"{run.name}.json"
        if done.is_file():
            return _read(done, run.name)
        score = evaluate(EvaluateRequest(run=run, accelerator=self.device)).score
        numbers = {"top1": score.top1, "loss": score.loss}
        write_atomically(done, json.dumps({**numbers, "made_of": run.name}) + "\n")
        return numbers

    def _source(self, job: Job) -> Path:
        """The last checkpoint of a job's trained source."""
        spec = PAIRS[job.pair].source
        source = Job(job.pair, "source", job.seed, self.source_steps, self.source_lr)
        self.trained(spec, source)
        checkpoints = self._run(spec, source, None) / "checkpoints"
        last: str = json.loads((checkpoints / "last.json").read_text("utf-8"))["checkpoint"]
        return checkpoints / last

    def _run(self, spec: str, job: Job, start: Path | None) -> Path:
        begin = "scratch" if start is None else start.name
        name = f"{spec}-from-{begin}-{job.steps}-lr{job.lr:g}-seed{self._seed(job)}"
        return self.folder / "runs" / name

    def _seed(self, job: Job) -> int:
        return job.seed if job.arm == "source" else FURTHER + job.seed

    def _recipe(self, job: Job) -> Recipe:
        """The demo's recipe with another length, rate and seed; the same for every arm."""
        settings = {
            "epochs": job.steps // UPDATES_PER_EPOCH,
            "batch_size": 50,
            "optimizer.lr": job.lr,
            "schedule.warmup_epochs": 0.25,
            "seed": self._seed(job),
        }
        overrides = [f"{key}={value}" for key, value in settings.items()]
        return load_recipe(find_recipe("fashion_demo"), overrides)


def _read(done: Path, made_of: str) -> dict[str, float]:
    score = json.loads(done.read_text("utf-8"))
    if score.pop("made_of") != made_of:
        sys.exit(f"{done} was made of another spec or recipe: choose another --results")
    return {name: float(value) for name, value in score.items()}


def main() -> None:
    """Run what is not there yet, then write the report."""
    arguments = parsed()
    torch.set_num_threads(arguments.threads)
    bench = Bench(arguments.results, arguments.device, arguments.source_steps, arguments.source_lr)
    began, tuned = time.monotonic(), arguments.tune_seeds

    def tried(arm: str) -> Sequence[float]:
        return arguments.scratch_lrs if arm == "scratch" else arguments.lrs  # type: ignore[no-any-return]

    def rates(pair: str, arm: str, steps: int, seed: int) -> Sequence[float]:
        if seed in tuned:
            return tried(arm)
        return [row.lr for row in select(bench.rows(), pair, arm, steps)[:1]] or tried(arm)

    asked = sum(1 for _ in jobs(arguments, lambda *job: tried(job[1]) if job[3] in tuned else [0]))
    try:
        for number, job in enumerate(jobs(arguments, rates), 1):
            row = bench.row(job)
            told = f"{job.pair} {job.arm}, seed {job.seed}, {job.steps} steps, lr {job.lr:g}"
            minutes = (time.monotonic() - began) / 60
            done = f"[{number}/{asked}] {told}: {row.top1:.2%}"
            print(f"{done} ({minutes:.1f} min)", flush=True)
    except RelgraphError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        sys.exit(130)
    titles = {name: pair.title for name, pair in PAIRS.items()}
    write_report(arguments.out or arguments.results, titles, bench.rows())


def parsed() -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(description="Carried weights against a start from scratch.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, nargs="+", default=[200, 400])
    parser.add_argument("--lrs", type=float, nargs="+", default=[1e-3, 4e-3])
    parser.add_argument("--scratch-lrs", type=float, nargs="+", default=[4e-3, 1.2e-2, 3.6e-2])
    parser.add_argument("--tune-seeds", type=int, nargs="+", help="the first seed by default")
    parser.add_argument("--source-steps", type=int, default=1200)
    parser.add_argument("--source-lr", type=float, default=4e-3)
    parser.add_argument("--control-seeds", type=int, nargs="*", help="all by default")
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=list(PAIRS)[:3])
    parser.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("runs/transfer_worth"))
    parser.add_argument("--out", type=Path, help="folder of the report; --results by default")
    arguments = parser.parse_args()
    for steps in (*arguments.steps, arguments.source_steps):
        if steps < UPDATES_PER_EPOCH or steps % UPDATES_PER_EPOCH:
            parser.error(f"{steps} steps: an epoch has {UPDATES_PER_EPOCH}, choose a multiple")
    arguments.tune_seeds = arguments.tune_seeds or arguments.seeds[:1]
    if arguments.control_seeds is None:
        arguments.control_seeds = arguments.seeds
    return arguments


if __name__ == "__main__":
    main()
