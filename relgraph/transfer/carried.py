"""What became of weights on their way from one operator to another: frozen answers.

In: nothing. Out: the types that every part of `transfer` hands on. An operator's tensors go by
their names inside it, as `algebra.parameters` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from torch import Tensor

Tensors: TypeAlias = Mapping[str, Tensor]

Method = Literal[
    "copy",  # the same operator
    "embedding",  # another operator, the same function
    "neutral",  # nothing was there; it changes nothing
    "projection",  # the nearest weights, in the sense that the reason tells
    "partial",  # what has the same meaning was kept; the function was not
    "fresh",  # as a new model starts
    "dropped",  # the target has no place for it
]
EXACT: frozenset[Method] = frozenset({"copy", "embedding", "neutral"})


@dataclass(frozen=True, eq=False)
class Carried:
    """The tensors of the target that were made, how, and why not better.

    `error` is ‖W_target − W_source‖ / ‖W_source‖ over all entries on the layer's map where the
    weights are static, 0 where the function is unchanged, None where W depends on the input (over
    the images where some were given to calibrate with). `error_outputs` is
    ‖y_target − y_source‖ / ‖y_source‖ over all outputs on those images.
    """

    method: Method
    tensors: Tensors = field(default_factory=dict)
    reason: str = ""
    error: float | None = None
    error_outputs: float | None = None

    @property
    def is_exact(self) -> bool:
        """Whether the function is unchanged."""
        return self.method in EXACT


@dataclass(frozen=True)
class Refused:
    """No weights go this way, and why; with images to calibrate with some may."""

    reason: str
    needs_images: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """Some of an operator's tensors (its core, its bias, its frame): whether this part's function
    is kept and, if not, what was done instead (`how`) and why."""

    tensors: Tensors
    reason: str = ""
    error: float | None = None
    how: Method = "embedding"

    @property
    def is_exact(self) -> bool:
        """Whether this part's function is unchanged."""
        return self.how in EXACT


_ORDER: tuple[Method, ...] = ("embedding", "projection", "partial")


def together(*parts: Part) -> Carried:
    """An operator from its parts: as good as the worst of them."""
    worst = max((part.how for part in parts), key=_ORDER.index)
    tensors = {name: tensor for part in parts for name, tensor in part.tensors.items()}
    reasons = dict.fromkeys(part.reason for part in parts if part.reason and part.how == worst)
    errors = [part.error for part in parts if part.error is not None]
    error = 0.0 if worst == "embedding" else (max(errors) if errors else None)
    return Carried(worst, tensors, "; ".join(reasons), error)


def like(carried: Carried, fresh: Tensors) -> Carried:
    """The same with every tensor in the dtype and shape in which the target stores it."""
    stored = {}
    for name, tensor in carried.tensors.items():
        if name not in fresh:  # step counters, where only parameters were asked for
            continue
        wanted = fresh[name]
        assert tensor.shape == wanted.shape, f"{name}: {tensor.shape}, stored {wanted.shape}"
        stored[name] = tensor.detach().to(wanted.dtype, copy=True).contiguous()
    return replace(carried, tensors=stored)
