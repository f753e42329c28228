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

from relgraph import pipeline, train, verify
from relgraph.demo.compare import Prepared, compare
from relgraph.demo.page import render_page
from relgraph.demo.result import DemoResult
from relgraph.files import sha256, write_atomically
from relgraph.spec.recipe import dump_recipe, find_recipe, load_recipe
from relgraph.spec.recipe_schema import Recipe
from relgraph.train.checkpoint import read_pointer

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
    # More threads than two would make the figures of different machines harder to compare.
    torch.set_num_threads(min(2, torch.get_num_threads()))
    recipe = load_recipe(find_recipe(RECIPE))
    prepared = [_prepare(name, mixer, out, say) for name, mixer in MODELS]
    for one in prepared:
        if not _train(one, recipe, out / one.name, fresh, say):
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


def _train(one: Prepared, recipe: Recipe, folder: Path, fresh: bool, say: Say) -> bool:
    """Train, or go on; whether the last epoch was reached."""
    if folder.exists() and (fresh or not _goes_on(folder, one.path, recipe)):
        say(f"{one.name}: an earlier run is kept in {_move_aside(folder)}")
    if folder.exists():
        request = train.TrainRequest(resume=folder, accelerator="cpu")
    else:
        request = train.TrainRequest(
            model=one.path,
            recipe=recipe,
            out=folder,
            sources=one.compiled.sources,
            accelerator="cpu",
        )
    return not train.train(request).interrupted


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
