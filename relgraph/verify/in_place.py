"""A module of the model where it stands, for those that cannot be built at a small size.

In: the built model, the path of a connection. Out: either its difference from the reference at its
own size and random tensors, where equality means equal properties; or, to explain a failure, what
shows from outside: which inputs one output depends on, and whether that changes with the image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from relgraph.program import Connect
from relgraph.verify.compare import TOLERANCE, Difference, difference
from relgraph.verify.connectivity import VISIBLE
from relgraph.verify.reference import run_connect
from relgraph.verify.values import Tensors, from_layout, to_layout

Call: TypeAlias = Callable[[Tensor], Tensor]


def seen_in_place(model: nn.Module, path: str, node: Connect) -> str:
    """A sentence on the module at `path`: how many inputs the middle output sees, and whether by
    the same weights in two images."""
    slopes = []
    for seed in (1, 2):
        slope = _slope(model.get_submodule(path), node, seed)
        if slope is None:
            return "it does not run on the spec's map either"
        slopes.append(slope)
    seen = slopes[0].abs() > VISIBLE * slopes[0].abs().max()
    places, channels = int(seen.any(1).sum()), int(seen.any(0).sum())
    changed = float((slopes[0] - slopes[1]).abs().max()) > TOLERANCE * float(slopes[0].abs().max())
    word = "dynamic: W changes with the image" if changed else "static: one W for every image"
    return f"where it stands, an output sees {places} positions, {channels} channels; {word}"


def worst_in_place(
    model: nn.Module, paths: Sequence[str], full: Sequence[Connect], tensors: Tensors
) -> Difference:
    """The largest difference of a module's `forward`, and of its two halves where weights are
    predicted, from the connection that should stand there; infinite where one does not run."""
    worst = Difference(0.0)
    for path, node in zip(paths, full, strict=True):
        for seed in (1, 2):
            x = _image(node, seed)
            wanted = run_connect(node, path, tensors, x).detach()
            for call in _calls(model.get_submodule(path), node):
                found = _called(call, node, x)
                gap = Difference(math.inf) if found is None else difference(found, wanted)
                worst = max(worst, gap, key=lambda one: one.relative)
    return worst


def _calls(module: nn.Module, node: Connect) -> Iterator[Call]:
    """The module, and `aggregate(weights(x), x)`, which predicted weights must have."""
    yield module
    if node.connection.operator.weight.source in ("pooled", "center", "pair", "channels"):
        weights = getattr(module, "weights", None)
        aggregate = getattr(module, "aggregate", None)
        yield lambda x: aggregate(weights(x), x)  # type: ignore[misc]


def _called(call: Call, node: Connect, x: Tensor) -> Tensor | None:
    try:
        with torch.no_grad():
            return from_layout(call(to_layout(x, node.input)), node.output)
    except Exception:  # the module is a stranger's: anything may come out of it
        return None


def _image(node: Connect, seed: int) -> Tensor:
    """A random image (1, T + P, C) for the connection."""
    shape = node.input
    generator = torch.Generator().manual_seed(seed)
    size = (1, len(shape.tokens) + shape.positions, shape.channels)
    return torch.randn(size, generator=generator, dtype=torch.float64)


def _slope(module: nn.Module, node: Connect, seed: int) -> Tensor | None:
    """The gradient (T + P, C) of the middle output's first channel with respect to the input."""
    x = _image(node, seed).requires_grad_()
    try:
        y = from_layout(module(to_layout(x, node.input)), node.output)
    except Exception:  # the module is a stranger's: anything may come out of it
        return None
    (slope,) = torch.autograd.grad(y[0, y.shape[1] // 2, 0], x, allow_unused=True)
    return torch.zeros_like(x[0]) if slope is None else slope[0]
