"""The folder of a run, complete in itself: what was trained, how, on what, and what came out.

NAME.py           the emitted file, copied         recipe.yaml       every value that was used
run.json          how the file is built and fed    environment.json  versions and machine
specs/            the spec files, and resolved.json
checkpoints/      see `relgraph.train.checkpoint`
metrics.jsonl, metrics.csv, tensorboard/
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from relgraph.errors import Problem, RelgraphError
from relgraph.files import sha256, write_atomically, writing
from relgraph.spec.recipe import Recipe, dump_recipe, load_recipe
from relgraph.train.environment import environment
from relgraph.train.model import Architecture
from relgraph.train.preparation import Preparation

_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Run:
    """What `run.json` holds: how the model is built, how images reach it, which they were."""

    model_file: str
    model_sha256: str
    architecture: Architecture
    preparation: Preparation
    classes: tuple[str, ...]
    fingerprint: str
    parameters: int

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"format": _FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Run:
        """The value that `to_json` wrote."""
        own = {key: value for key, value in data.items() if key != "format"}
        own["architecture"] = Architecture(**_tupled(own["architecture"]))
        own["preparation"] = Preparation(**_tupled(own["preparation"]))
        return cls(**_tupled(own))


def new_folder(name: str, wanted: Path | None) -> Path:
    """Make the folder of a new run: `wanted`, or the next free `runs/NAME-001`.

    Raises RelgraphError where `wanted` holds something already.
    """
    if wanted is not None:
        if wanted.exists() and (not wanted.is_dir() or any(wanted.iterdir())):
            raise RelgraphError(
                Problem(
                    "run-exists",
                    found=f"{wanted} is not empty",
                    expected="a new folder",
                    hint=f"--resume {wanted} goes on with the run in it",
                )
            )
        with writing(wanted):
            wanted.mkdir(parents=True, exist_ok=True)
        return wanted
    number = 1
    while True:
        folder = Path("runs") / f"{name}-{number:03d}"
        with writing(folder), contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
        number += 1


def fill_folder(
    folder: Path, run: Run, recipe: Recipe, model: Path, sources: Iterable[Path], resolved: str
) -> None:
    """Write all that is known before the first step. `run.json` comes last: it makes it a run."""
    write_atomically(folder / model.name, model.read_bytes())
    write_atomically(folder / "recipe.yaml", dump_recipe(recipe))
    for source in sources:
        # The kind of a spec is its folder's name; two files of one name differ in it.
        beside = source.resolve().parent.name  # a parent may be named by `../`
        write_atomically(folder / "specs" / beside / source.name, source.read_bytes())
    if resolved:
        write_atomically(folder / "specs" / "resolved.json", resolved)
    write_atomically(folder / "environment.json", _json(environment()))
    write_atomically(folder / "run.json", _json(run.to_json()))


def read_folder(folder: Path) -> tuple[Run, Recipe]:
    """What a run folder says. Raises RelgraphError where it is none or its model file changed."""
    path = folder / "run.json"
    if not path.is_file():
        found = f"{folder} has no run.json"
        raise RelgraphError(Problem("no-run", found, "expected the folder of a training run"))
    try:
        run = Run.from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        found = f"{path} can't be understood ({error})"
        raise RelgraphError(Problem("no-run", found, "expected what relgraph wrote")) from None
    _check_model_file(folder / run.model_file, run.model_sha256)
    return run, load_recipe(folder / "recipe.yaml")


def split_checkpoint(path: Path) -> tuple[Path, Path | None]:
    """The run folder of a path that names a run or a checkpoint in it, and that checkpoint."""
    if path.name.startswith("step-") and path.parent.name == "checkpoints":
        return path.parent.parent, path
    return path, None


def _check_model_file(path: Path, expected: str) -> None:
    if not path.is_file() or sha256(path.read_bytes()) != expected:
        raise RelgraphError(
            Problem(
                "model-file-changed",
                found=f"{path} is not the file that was trained",
                expected="the emitted file as it was copied when the run began",
                hint="put the file back, or start a new run with --init",
            )
        )


def _tupled(data: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists back as tuples."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in data.items()}


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, allow_nan=False) + "\n"
