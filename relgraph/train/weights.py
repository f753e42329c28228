"""Weights from elsewhere into a fresh model: `--init`, with a new head where one is asked for."""

from __future__ import annotations

from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from relgraph.errors import Problem, RelgraphError
from relgraph.train.checkpoint import find_checkpoint, read_checkpoint, read_pointer
from relgraph.train.model import Backbone
from relgraph.train.run_folder import split_checkpoint

_SHOWN = 5


def read_weights(path: Path) -> dict[str, Tensor]:
    """The weights of a .safetensors file, of a checkpoint, or of a run's best checkpoint.

    Of a checkpoint with averaged weights, those. Raises RelgraphError.
    """
    if path.is_file():
        return _parsed(path, path.read_bytes())
    folder, checkpoint = split_checkpoint(path)
    if checkpoint is None:
        checkpoints = folder / "checkpoints"
        pointer = "best" if read_pointer(checkpoints, "best") else "last"
        checkpoint = find_checkpoint(checkpoints, pointer)  # type: ignore[arg-type]
    contents = read_checkpoint(checkpoint)
    name = "ema.safetensors" if "ema.safetensors" in contents else "model.safetensors"
    return _parsed(checkpoint / name, contents[name])


def put_weights(
    model: Backbone, weights: dict[str, Tensor], head: set[str], reset_head: bool
) -> None:
    """Copy `weights` into a model; the tensors named in `head` stay fresh if `reset_head`.

    Every other tensor must be there in its shape, and nothing else. Raises RelgraphError with all
    that doesn't fit.
    """
    own = model.state_dict()
    wanted = {name: tensor for name, tensor in own.items() if not (reset_head and name in head)}
    given = {name: tensor for name, tensor in weights.items() if not (reset_head and name in head)}
    problems = [*_absent(wanted, given), *_misshapen(wanted, given, head)]
    if problems:
        raise RelgraphError(problems)
    model.load_state_dict({**own, **given})


def _parsed(path: Path, content: bytes) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        found = f"{path}: {error}"
        raise RelgraphError(Problem("bad-weights", found, "expected a .safetensors file")) from None


def _absent(wanted: dict[str, Tensor], given: dict[str, Tensor]) -> list[Problem]:
    missing = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    expected = "expected the weights of the same backbone"
    return [
        Problem("bad-weights", f"{len(names)} tensors {how}: {_some(names)}", expected)
        for how, names in (("are missing", missing), ("have no place in the model", unknown))
        if names
    ]


def _misshapen(
    wanted: dict[str, Tensor], given: dict[str, Tensor], head: set[str]
) -> list[Problem]:
    problems = []
    for name in wanted:
        if name not in given or given[name].shape == wanted[name].shape:
            continue
        found = f"{name} is {tuple(given[name].shape)}"
        expected = f"expected {tuple(wanted[name].shape)}"
        hint = "--reset-head starts the classifier anew" if name in head else ""
        problems.append(Problem("bad-weights", found, expected, hint))
    return problems


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
