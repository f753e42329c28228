"""The demonstration from start to end: check, generate, prove, train, compare, one report page.

Goes in: a folder. Comes out: emitted files, two run folders and `report.html` in it. Interrupted at
any moment, the next call goes on: a training resumes, a finished one is not repeated. Nothing is
deleted: a run of other code or another recipe is moved aside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from relgraph import pipeline, verify
from relgraph.demo.compare import Prepared, compare
from relgraph.demo.page import render_page
from relgraph.demo.result import DemoResult
from relgraph.demo.together import train_together
from relgraph.files import sha256, write_atomically
from relgraph.spec.recipe import dump_recipe, find_recipe, load_recipe
from relgraph.spec.recipe_schema import Recipe
from relgraph.train.checkpoint import read_pointer
from relgraph.train.metrics import read_metrics

# The paper's experiment in small: one skeleton, two ways to mix tokens.
MODELS = (("swin_fashion", "local attention"), ("dwnet_fashion", "depth-wise convolution"))
RECIPE = "fashion_demo"
REPORT = "report.html"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How the demo ended: the page and its numbers, None where a training was interrupted and the
    next call goes on."""

    page: Path | None = None
    result: DemoResult | None = None


def run_demo(out: Path, fresh: bool = False, say: Say = print) -> Outcome:
    """Run the demonstration in `out`, or go on with it. `fresh` repeats every training.

    Raises RelgraphError where an emitted file in `out` was edited by hand, or packages are missing.
    """
    began = time.perf_counter()
    # One thread here too: inference is then timed as training was.
    torch.set_num_threads(1)
    recipe = load_recipe(find_recipe(RECIPE))
    prepared = [_prepare(name, mixer, out, say) for name, mixer in MODELS]
    wanted = {one.name: _request(one, recipe, out / one.name, fresh, say) for one in prepared}
    if not train_together({name: one for name, one in wanted.items() if one}, say):
        return Outcome()
    say("comparing with logistic regression on the same pixels; measuring speed")
    result = compare(prepared, out, began)
    write_atomically(out / REPORT, render_page(result))
    return Outcome(out / REPORT, result)


def _prepare(name: str, mixer: str, out: Path, say: Say) -> Prepared:
    say(f"{name}: checking the spec and generating the file")
    compiled = pipeline.compile_backbone(name)
    (made,) = pipeline.generate([name], out / "generated")
    say(f"{name}: proving that {made.path} is what the spec declares")
    report = verify.verify_file(made.path)
    held = "all hold" if report.ok else f"{len(report.failures)} FAIL"
    say(f"{name}: {len(report.checks)} properties measured, {held}")
    return Prepared(name, mixer, compiled, made.path, report)


def _request(
    one: Prepared, recipe: Recipe, folder: Path, fresh: bool, say: Say
) -> dict[str, object]:
    """What is left to train: all of it, the rest of a run, or nothing ({})."""
    if folder.exists() and (fresh or not _goes_on(folder, one.path, recipe)):
        say(f"{one.name}: an earlier run is kept in {_move_aside(folder)}")
    if not folder.exists():
        sources = [str(source) for source in one.compiled.sources]
        asked = {"model": str(one.path), "recipe": RECIPE, "out": str(folder)}
        return {**asked, "sources": sources}
    if _epochs_done(folder) == recipe.epochs:
        say(f"{one.name}: trained already")
        return {}
    return {"resume": str(folder)}


def _epochs_done(folder: Path) -> int:
    return sum(record["kind"] == "epoch" for record in read_metrics(folder))


def _goes_on(folder: Path, model: Path, recipe: Recipe) -> bool:
    """Whether a run has a checkpoint to go on from, and is of this very file and recipe."""
    copied, settings = folder / model.name, folder / "recipe.yaml"
    if not read_pointer(folder / "checkpoints", "last") or not copied.is_file():
        return False
    same_model = sha256(copied.read_bytes()) == sha256(model.read_bytes())
    return same_model and settings.read_text("utf-8") == dump_recipe(recipe)


def _move_aside(folder: Path) -> Path:
    number = 1
    while (aside := folder.with_name(f"{folder.name}-earlier-{number}")).exists():
        number += 1
    return folder.rename(aside)
