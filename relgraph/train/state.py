"""What a training must remember: tensors by name, and where it stands. Live objects in, plain
tensors and JSON data out, and back without a bit lost.

There is no state of random generators in it: see `relgraph.train.seeds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor

from relgraph.errors import Problem, RelgraphError
from relgraph.train.model import Backbone
from relgraph.train.request import Score

Tensors = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a training stands: `updates` done, `epochs` finished and evaluated.

    `loss_sum` adds up the loss of the current epoch's updates so far.
    """

    updates: int = 0
    epochs: int = 0
    loss_sum: float = 0.0
    best_top1: float | None = None
    score: Score | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain data. Floats keep every bit: JSON writes their shortest exact form."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Position:
        """The position that `to_json` wrote."""
        score = data["score"]
        return replace(cls(**data), score=None if score is None else Score(**score))


@dataclass(frozen=True, eq=False)
class Trained:
    """The live objects whose tensors a checkpoint holds."""

    model: Backbone
    optimizer: torch.optim.Optimizer
    ema: ModelEmaV3 | None = None

    @property
    def best_weights(self) -> Backbone:
        """The model to evaluate: the average where there is one."""
        return self.model if self.ema is None else self.ema.module

    def tensors(self) -> dict[str, Tensors]:
        """Copies of everything, by part: `model`, `optimizer` and perhaps `ema`."""
        parts = {"model": _copied(self.model.state_dict()), "optimizer": self._optimizer_tensors()}
        if self.ema is not None:
            parts["ema"] = _copied(self.ema.module.state_dict())
        return parts

    def restore(self, parts: Mapping[str, Tensors]) -> None:
        """Put back what `tensors` gave, in place, whatever device and memory format is used now."""
        self.model.load_state_dict(parts["model"])
        if self.ema is not None:
            self.ema.module.load_state_dict(parts["ema"])
        self._restore_optimizer(parts["optimizer"])

    def refuse_non_finite(self) -> None:
        """The last guard before a checkpoint: raises RelgraphError where a weight is no number."""
        for name, tensor in self.model.state_dict().items():
            if not bool(torch.isfinite(tensor).all()):
                raise RelgraphError(
                    Problem("non-finite-weight", f"{name} holds a value that is no finite number")
                )

    def _optimizer_tensors(self) -> Tensors:
        flat: Tensors = {}
        for name, parameter in self.model.named_parameters():
            for field, value in self.optimizer.state.get(parameter, {}).items():
                flat[f"{name}/{field}"] = value
        return _copied(flat)

    def _restore_optimizer(self, flat: Tensors) -> None:
        parameters = dict(self.model.named_parameters())
        for key, value in flat.items():
            name, field = key.rsplit("/", 1)
            parameter = parameters[name]
            # In the parameter's own memory format: a vectorised update may round differently on
            # another one, and the resumed run would drift from the uninterrupted one.
            if value.shape == parameter.shape and value.ndim:
                value = torch.empty_like(parameter, requires_grad=False).copy_(value)
            self.optimizer.state[parameter][field] = value


def _copied(tensors: Mapping[str, Tensor]) -> Tensors:
    """Copies on the CPU in plain row-major memory, the only one that safetensors stores."""
    return {
        name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()
    }
