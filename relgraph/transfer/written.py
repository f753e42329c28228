"""What a transfer leaves on disk: a folder that `train --init`, `evaluate` and `predict` take.

In: the target's weights, its file, the report, and the run that the source came from, if any. Out:
a run folder with one checkpoint and no state of an optimiser, or a single .safetensors file.
Everything is written under another name first and renamed, so that it is there whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from relgraph.errors import Problem, RelgraphError
from relgraph.files import sha256, sync_folder, write_atomically, writing
from relgraph.spec.recipe_schema import Recipe
from relgraph.train.checkpoint import publish, write_checkpoint
from relgraph.train.run_folder import Run, fill_folder
from relgraph.transfer.sources import End

REPORT = "transfer.json"
_OTHER_KINDS = frozenset((".bin", ".ckpt", ".json", ".npz", ".onnx", ".pt", ".pth", ".py", ".yaml"))


@dataclass(frozen=True, eq=False)
class Result:
    """All that is written: weights, the report and what it is called, the target's file and, where
    there is one, the run that the checkpoint came from with its recipe."""

    tensors: Mapping[str, Tensor]
    report: Mapping[str, Any]
    end: End
    run: Run | None
    recipe: Recipe | None
    report_name: str = REPORT


def refuse_taken(out: Path) -> None:
    """Raise RelgraphError where something stands at `out` already, no folder holds it or may be
    written to, or its name is that of another kind of file."""
    taken = out.is_file() or (out.is_dir() and any(out.iterdir())) or out.is_symlink()
    if taken:
        found = f"{out} is there already"
        raise RelgraphError(Problem("output-exists", found, "a new folder or file"))
    if out.suffix in _OTHER_KINDS:
        found = f"{out}: weights are not written as {out.suffix}"
        raise RelgraphError(Problem("output-kind", found, "a folder, or a .safetensors file"))
    parent = out.resolve().parent
    if parent.exists() and not parent.is_dir():
        raise RelgraphError(Problem("no-folder", f"{parent} is no folder"))
    there = next(folder for folder in (parent, *parent.parents) if folder.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise RelgraphError(Problem("read-only", f"{there} may not be written to"))


def write_result(out: Path, result: Result) -> None:
    """Write `out`: a .safetensors file with the report among its metadata, else a folder. Raises
    RelgraphError where the system refuses."""
    report = json.dumps(result.report, indent=2, ensure_ascii=False) + "\n"
    if out.suffix == ".safetensors":
        raw = safetensors.torch.save(dict(result.tensors), {"relgraph.transfer": report})
        write_atomically(out, raw)
        return
    with writing(out):
        _write_folder(out, result, report)


def _write_folder(out: Path, result: Result, report: str) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        _fill(unfinished, result, report)
        unfinished.chmod(0o777 & ~_umask())
        if out.is_dir():
            out.rmdir()
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    sync_folder(out.parent)


def _fill(folder: Path, result: Result, report: str) -> None:
    """The run's own files, made for the target, and one checkpoint that `best` names: `last` is
    where a training goes on from, and no optimiser could."""
    end = result.end
    model = folder / f"{end.name}.py"
    write_atomically(model, end.text)
    contents = {
        "model.safetensors": safetensors.torch.save(dict(result.tensors)),
        result.report_name: report.encode(),
    }
    made = write_checkpoint(folder / "checkpoints", 0, contents)
    publish(folder / "checkpoints", "best", made)
    write_atomically(folder / result.report_name, report)
    if result.run is None or result.recipe is None:
        return
    run = replace(
        result.run,
        model_file=model.name,
        model_sha256=sha256(end.text),
        parameters=sum(t.numel() for name, t in result.tensors.items() if not _is_statistic(name)),
    )
    fill_folder(folder, run, result.recipe, model, end.sources, end.resolved)


def _is_statistic(name: str) -> bool:
    return name.endswith(("running_mean", "running_var", "num_batches_tracked"))


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
