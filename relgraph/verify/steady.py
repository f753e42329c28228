"""Whether a model is the same after a call as before it.

In: a subject, and the module of its file. Out: one check: once a model has been called, another
such call changes no attribute, no tensor, no list of the file, and takes no random number; norm
statistics while training aside. What counts its calls may be another model at the next one, and no
number of calls would show it.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from operator import length_hint
from typing import TypeAlias

import torch
from torch import Tensor, nn

from relgraph.verify.draws import inventory
from relgraph.verify.report import Check
from relgraph.verify.runs import held_training
from relgraph.verify.structure import at_least
from relgraph.verify.subject import Subject

Snapshot: TypeAlias = Mapping[str, str]
# Kept by nn.Module itself; tensors and modules among them are walked by name.
PLUMBING = frozenset({"_parameters", "_buffers", "_modules", "training"})
FIXED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, nn.Module)
DEEP = 4


def check_steady(subject: Subject, module: types.ModuleType) -> Check:
    """Inference, then training with dropout and drop path held still."""
    _, images = at_least(subject)
    problem = _changed_by(subject, module, images[:1], ())
    if not problem:
        before = {name: t.clone() for name, t in subject.model.state_dict().items()}
        statistics = tuple(one.name for one in inventory(subject.program) if one.statistic)
        with held_training(subject.model, subject.program):
            # A batch norm over vectors wants several images.
            problem = _changed_by(subject, module, images if statistics else images[:1], statistics)
        problem = f"while training, {problem}" if problem else ""
        subject.model.load_state_dict(before)
    measured = "it changes" if problem else "the same"
    return Check("state", "model", "the same after every call", measured, not problem, problem)


def _changed_by(
    subject: Subject, module: types.ModuleType, images: Tensor, spared: tuple[str, ...]
) -> str:
    """What the second of two equal calls changed: the first may fill a cache."""
    with torch.no_grad():
        subject.model(images)
        before, coins = _snapshot(subject.model, module, spared), torch.get_rng_state()
        subject.model(images)
    after = _snapshot(subject.model, module, spared)
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name, "nothing"), after.get(name, "nothing")
        if one != other:
            return f"a call changes {name} from {one} to {other}"
    if not torch.equal(coins, torch.get_rng_state()):
        return "a call takes random numbers"
    return ""


def _snapshot(model: nn.Module, module: types.ModuleType, spared: tuple[str, ...]) -> Snapshot:
    """Everything that a call could have written, by name, in words that differ if it did."""
    found = dict(_of_model(model, spared))
    for name, value in vars(module).items():
        if isinstance(value, type) and value.__module__ == module.__name__:
            found |= _named(name, vars(value))
        elif isinstance(value, types.FunctionType) and value.__module__ == module.__name__:
            found |= _named(name, vars(value) | {"defaults": value.__defaults__})
        elif not name.startswith("__"):
            found[name] = _words(value)
    return found


def _of_model(model: nn.Module, spared: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    tensors = [*model.named_parameters(), *model.named_buffers()]
    for name, tensor in tensors:
        if name not in spared and not name.endswith("num_batches_tracked"):
            yield name, _words(tensor)
    for path, inner in model.named_modules():
        plain = {name: value for name, value in vars(inner).items() if name not in PLUMBING}
        yield from _named(path or "the model", plain).items()


def _named(owner: str, values: Mapping[str, object]) -> dict[str, str]:
    return {
        f"{owner}.{name}": _words(value)
        for name, value in values.items()
        if not (name.startswith("__") and name.endswith("__"))
    }


def _words(value: object, depth: int = 0) -> str:
    """Words for a value that are others when it was changed."""
    if isinstance(value, Tensor):
        return f"a tensor of sum {float(value.detach().double().sum())!r}, {value._version}"
    if isinstance(value, FIXED) or depth > DEEP:
        return type(value).__name__
    if isinstance(value, dict):
        inner = [f"{key!r}: {_words(one, depth + 1)}" for key, one in value.items()]
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(_words(one, depth + 1) for one in value)}]"
    return _of_object(value, depth)


def _of_object(value: object, depth: int) -> str:
    """Iterators by what they have left, other objects by their attributes, else as printed."""
    if hasattr(value, "__next__"):
        frame = getattr(value, "gi_frame", None)
        return f"{value!r} {length_hint(value)} {frame and frame.f_lasti}"
    if getattr(type(value), "__repr__", None) is object.__repr__ and hasattr(value, "__dict__"):
        return f"{type(value).__name__} {_words(vars(value), depth + 1)}"
    return repr(value)
