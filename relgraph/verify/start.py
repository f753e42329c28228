"""How a model starts: fresh parameters from the constructor, and again from `reset_parameters`.

In: the model as it was built, a way to build it on no device, and, where the file is not what
relgraph would write now, the fresh model. Out: one check: after `to_empty` and `reset_parameters`
the tables are those of the constructor and every parameter is drawn from the same distribution;
that of the fresh model. Draws are told apart by mean and spread, constants exactly; what holds only
a few values is drawn several times, since one draw says too little of its spread.
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
# A spread says something from so many values on; what has fewer is reset so many times.
FEW = 8
REPEATS = 16
# In a model of few values every tensor of no more than these is: resets cost little there.
SMALL_MODEL, SMALL = 1_000_000, 4096


@dataclass(frozen=True)
class Draw:
    """A tensor as it started: number of values of all times it was drawn, their mean and standard
    deviation."""

    count: int
    mean: float
    spread: float

    @classmethod
    def of(cls, *drawn: Tensor) -> Draw:
        """What is kept of a tensor, drawn once or several times."""
        values = torch.stack(drawn).detach().double()
        if values.numel() == 0:
            return cls(0, 0.0, 0.0)
        # NaN where memory was left as it was found: unequal to everything.
        low, high = (float(one) for one in values.aminmax())
        # A constant's mean is rounded, and its spread about that is not quite 0.
        spread = 0.0 if low == high else float(values.std(correction=0))
        return cls(values.numel(), float(values.mean()), spread)

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
    """The constructor against the fresh model's, `reset_parameters` against both.

    `fresh` is reset on the way.
    """
    problem = next(_problems(built, build, fresh), "")
    declared = f"{len(built.draws)} tensors start as they should, reset_parameters included"
    measured = "differently" if problem else "so"
    return Check("start", "model", declared, measured, not problem, problem)


def _problems(
    built: Started, build: Callable[..., nn.Module], fresh: nn.Module | None
) -> Iterator[str]:
    wanted = {} if fresh is None else _drawn_again(fresh)
    for name, found, draw in _unlike(built.draws, wanted):
        yield f"{name} starts with {found}; the spec's with {draw}"
    model = _blank(build)
    reset = _drawn_again(model)
    for first in (built.draws, wanted):
        for name, found, draw in _unlike(reset, first):
            what = f"{name} starts with {found}; the spec's with {draw}"
            yield f"after to_empty and reset_parameters, {what}"
    tables = started(model).tables
    for name, table in built.tables.items():
        if not _same(table, tables.get(name)):
            yield f"reset_parameters leaves the table {name} as to_empty made it"


def _blank(build: Callable[..., nn.Module]) -> nn.Module:
    """The model in memory that holds nothing that a reset could leave as it is."""
    with torch.device("meta"):
        model = build()
    model = model.to_empty(device="cpu")
    for tensor in model.state_dict().values():
        tensor.fill_(math.nan if tensor.is_floating_point() else -1)
    for _, module in model.named_modules():
        for buffer in module._buffers.values():
            if buffer is not None and not buffer.is_floating_point():
                buffer.fill_(-1)
    return model


def _drawn_again(model: nn.Module) -> dict[str, Draw]:
    """What `model` draws when it is reset: once, several times where it holds few values."""
    reset = getattr(model, "reset_parameters")  # noqa: B009
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(1)
        reset()
        draws = dict(started(model).draws)
        most = SMALL if sum(draw.count for draw in draws.values()) <= SMALL_MODEL else FEW
        few = [name for name, draw in draws.items() if draw.count < most]
        drawn = {name: [model.state_dict()[name].clone()] for name in few}
        for _ in range(REPEATS - 1 if few else 0):
            reset()
            state = model.state_dict()
            for name in few:
                drawn[name].append(state[name].clone())
    return draws | {name: Draw.of(*values) for name, values in drawn.items()}


def _same(one: Tensor | None, other: Tensor | None) -> bool:
    if one is None or other is None:
        return one is other
    return torch.equal(one, other)


def _unlike(
    found: Mapping[str, Draw], wanted: Mapping[str, Draw]
) -> Iterator[tuple[str, Draw, Draw]]:
    for name, draw in wanted.items():
        if name in found and not _alike(found[name], draw):
            yield name, found[name], draw


def _alike(one: Draw, other: Draw) -> bool:
    if not math.isfinite(one.mean) or not math.isfinite(other.mean):
        return False
    fewer, more = sorted((one, other), key=lambda draw: draw.count)
    if more.spread == 0.0:
        return fewer.spread == 0.0 and math.isclose(one.mean, other.mean, rel_tol=1e-6)
    if fewer.spread == 0.0 and fewer.count > 1:
        return False
    # Of what was drawn more often the spread is known better.
    wide = more.spread if more.count > fewer.count else max(one.spread, other.spread)
    if abs(one.mean - other.mean) > SLACK * wide * math.sqrt(1 / one.count + 1 / other.count):
        return False
    if fewer.count < FEW:
        return True
    return abs(math.log(one.spread / other.spread)) < SLACK / math.sqrt(fewer.count)
