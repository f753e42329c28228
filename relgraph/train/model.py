"""An emitted file in, a model out: what training asks of the classes in `generated/`.

The file is loaded by path, from its bytes; nothing here knows how it was made.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from relgraph.emitted import load_emitted
from relgraph.errors import Problem, RelgraphError

if TYPE_CHECKING:

    class Backbone(nn.Module):
        """What every emitted model offers. It is told by its methods: emitted files import no
        relgraph, so there is no common class."""

        num_classes: int
        in_chans: int

        def forward(self, x: Tensor) -> Tensor:
            """Images (B, C, H, W) to logits (B, num_classes)."""

        def no_weight_decay(self) -> set[str]:
            """Names of parameters that must not decay."""

else:
    Backbone = nn.Module


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The arguments of an emitted builder; None leaves the file's own default."""

    num_classes: int
    in_chans: int
    img_size: tuple[int, int] | None = None
    drop_path_rate: float | None = None

    def arguments(self) -> dict[str, Any]:
        """As keywords for the builder."""
        fields = {
            "num_classes": self.num_classes,
            "in_chans": self.in_chans,
            "img_size": self.img_size,
            "drop_path_rate": self.drop_path_rate,
        }
        return {name: value for name, value in fields.items() if value is not None}


def build(path: Path, architecture: Architecture) -> Backbone:
    """The model of an emitted file, with fresh weights from torch's global generator.

    Raises RelgraphError where the file is no emitted model or refuses the arguments.
    """
    builder = _builder(path)
    try:
        return cast("Backbone", builder(**architecture.arguments()))
    except (TypeError, ValueError) as error:
        problem = Problem(
            "model-refuses",
            found=f"{path.name} can't be built with {_listed(architecture)}: {error}",
            expected="sizes that the model accepts",
            hint="set data.size=… to one of them",
        )
        raise RelgraphError(problem) from error


def default_size(path: Path) -> tuple[int, int] | None:
    """The (height, width) that an emitted file was made for, or None where any will do."""
    parameter = inspect.signature(_builder(path)).parameters.get("img_size")
    default = None if parameter is None else parameter.default
    if isinstance(default, int):
        return (default, default)
    return cast("tuple[int, int]", tuple(default)) if isinstance(default, tuple | list) else None


def head_names(path: Path, architecture: Architecture) -> set[str]:
    """Names of the tensors whose shape depends on the number of classes.

    Found by building the model twice without memory, so that no naming rule has to be known.
    """
    shapes = []
    for more in (0, 1):
        wider = Architecture(
            num_classes=architecture.num_classes + more,
            in_chans=architecture.in_chans,
            img_size=architecture.img_size,
        )
        with torch.device("meta"):
            state = build(path, wider).state_dict()
        shapes.append({name: tensor.shape for name, tensor in state.items()})
    return {name for name, shape in shapes[0].items() if shapes[1][name] != shape}


def parameter_count(model: nn.Module) -> int:
    """The number of learned values."""
    return sum(parameter.numel() for parameter in model.parameters())


def _builder(path: Path) -> Any:
    module: ModuleType = load_emitted(path)
    builder = getattr(module, str(getattr(module, "BUILDER", "")), None)
    if not callable(builder):
        found = f"{path} names no builder in BUILDER"
        raise RelgraphError(Problem("no-model", found, "expected a file that relgraph generated"))
    return builder


def _listed(architecture: Architecture) -> str:
    return ", ".join(f"{name}={value}" for name, value in architecture.arguments().items())
