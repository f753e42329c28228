"""A module of the model where it stands, for those that cannot be built at a small size.

In: the built model, the path of a connection. Out: what shows from outside: which inputs one output
depends on, and whether that dependence changes with the image. Only sampled outputs are looked at,
by gradients; this explains a failure, it proves nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from relgraph.program import Connect
from relgraph.verify.compare import TOLERANCE
from relgraph.verify.connectivity import VISIBLE
from relgraph.verify.values import from_layout, to_layout


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


def _slope(module: nn.Module, node: Connect, seed: int) -> Tensor | None:
    """The gradient (T + P, C) of the middle output's first channel with respect to the input."""
    shape = node.input
    generator = torch.Generator().manual_seed(seed)
    size = (1, len(shape.tokens) + shape.positions, shape.channels)
    x = torch.randn(size, generator=generator, dtype=torch.float64).requires_grad_()
    try:
        y = from_layout(module(to_layout(x, shape)), node.output)
    except Exception:  # the module is a stranger's: anything may come out of it
        return None
    (slope,) = torch.autograd.grad(y[0, y.shape[1] // 2, 0], x, allow_unused=True)
    return torch.zeros_like(x[0]) if slope is None else slope[0]
