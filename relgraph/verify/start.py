"""How a model starts: fresh parameters from the constructor, and again from `reset_parameters`.

In: the model as it was built, a way to build it on no device, and, where the file is not what
relgraph would write now, the fresh model. Out: one check: after `to_empty` and `reset_parameters`
the tables are those of the constructor and every parameter is drawn from the same distribution;
that of the fresh model. Draws are told apart by mean and spread, constants exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from relgraph.verify.report import Check

# Standard errors of a mean or a spread that two draws of one distribution may be apart.
SLACK = 7.0
# A spread says something from so many values on.
FEW = 8


@dataclass(frozen=True)
class Draw:
    """A tensor as it started: number of values, their mean and standard deviation, the largest."""

    count: int
    mean: float
    spread: float
    largest: float

    @classmethod
    def of(cls, tensor: Tensor) -> Draw:
        """What is kept of a tensor."""
        values = tensor.detach().double()
        # NaN where memory was left as it was found: unequal to everything.
        spread = float(values.std(correction=0)) if values.numel() else 0.0
        mean = float(values.mean()) if values.numel() else 0.0
        return cls(values.numel(), mean, spread, float(values.abs().max()) if spread else 0.0)

    def __str__(self) -> str:
        return f"mean {self.mean:.3g}, deviation {self.spread:.3g}"


@dataclass(frozen=True)
class Started:
    """A model's draws by name, and its tables (buffers outside the state dict)."""

    draws: Mapping[str, Draw]
    tables: Mapping[str, Tensor | None]


def started(model: nn.Module) -> Started:
    """What `model` holds right after it was built or reset."""
    state = model.state_dict()
    draws = {name: Draw.of(t) for name, t in state.items() if t.is_floating_point()}
    tables = {
        f"{path}.{name}".lstrip("."): buffer
        for path, module in model.named_modules()
        for name, buffer in module._buffers.items()
        if f"{path}.{name}".lstrip(".") not in state
    }
    return Started(draws, tables)


def check_start(built: Started, build: Callable[..., nn.Module], fresh: nn.Module | None) -> Check:
    """The constructor against the fresh model's, `reset_parameters` against the constructor."""
    problem = "" if fresh is None else next(_unlike(built.draws, started(fresh).draws), "")
    problem = problem or next(_after_reset(built, build), "")
    declared = f"{len(built.draws)} tensors start as they should, reset_parameters included"
    measured = "differently" if problem else "so"
    return Check("start", "model", declared, measured, not problem, problem)


def _after_reset(built: Started, build: Callable[..., nn.Module]) -> Iterator[str]:
    with torch.device("meta"):
        model = build()
    model = model.to_empty(device="cpu")
    for tensor in model.state_dict().values():
        tensor.fill_(math.nan if tensor.is_floating_point() else -1)
    for _, module in model.named_modules():
        for buffer in module._buffers.values():
            if buffer is not None and not buffer.is_floating_point():
                buffer.fill_(-1)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(1)
        reset = getattr(model, "reset_parameters")  # noqa: B009
        reset()
    again = started(model)
    for what in _unlike(again.draws, built.draws):
        yield f"after to_empty and reset_parameters, {what}"
    for name, table in built.tables.items():
        if not _same(table, again.tables.get(name)):
            yield f"reset_parameters leaves the table {name} as to_empty made it"


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return torch.equal(one, other)


def _unlike(found: Mapping[str, Draw], wanted: Mapping[str, Draw]) -> Iterator[str]:
    for name, draw in wanted.items():
        if name in found and not _alike(found[name], draw):
            yield f"{name} starts with {found[name]}; the spec's with {draw}"


def _alike(one: Draw, other: Draw) -> bool:
    if one.count != other.count or not math.isfinite(one.mean):
        return False
    if one.spread == 0.0 or other.spread == 0.0:
        return one.spread == other.spread and math.isclose(one.mean, other.mean, rel_tol=1e-6)
    wide = max(one.spread, other.spread)
    if abs(one.mean - other.mean) > SLACK * wide * math.sqrt(2 / one.count):
        return False
    ratio = abs(math.log(one.spread / other.spread))
    return one.count < FEW or ratio < SLACK / math.sqrt(one.count)
