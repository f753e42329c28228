"""A module beside the oracle: outputs, the gradient of everything, every way a map lies in memory.

In: a connection and a module of it. Out: what differs by more than 1e-10 of the largest value, in
words.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from benchmarks.families.built import image
from relgraph.algebra.operator import Connection
from relgraph.verify import oracle

SAME = 1e-10
NOTHING = 1e-3
OF_ALL = 1e-2  # of the largest gradient: smaller ones are held to 1e-12 of that


def differences(at: Connection, module: nn.Module, training: bool) -> Iterator[str]:
    """Between module and oracle on one batch: outputs and all gradients."""
    module.train(training)
    height, width = at.in_grid or (1, 1)
    x = image(height * width, at.in_channels, 3 if training else 2).requires_grad_()
    parameters = dict(module.named_parameters())
    # The oracle gets statistics of its own: a step in training changes them.
    kept = {name: tensor.clone() for name, tensor in module.named_buffers()}
    found = flat(module(laid_out(x, at)))
    wanted = oracle.connect(at, {**parameters, **kept}, x, training=training)
    yield from told("output", found, wanted)
    if found.shape == wanted.shape:
        yield from _slopes(found, wanted, {"x": x, **parameters})


def _slopes(found: Tensor, wanted: Tensor, leaves: dict[str, Tensor]) -> Iterator[str]:
    weight = torch.randn(
        wanted.shape, generator=torch.Generator().manual_seed(3), dtype=wanted.dtype
    )
    mine, theirs = (
        torch.autograd.grad(
            made, list(leaves.values()), weight, allow_unused=True, materialize_grads=True
        )
        for made in (found, wanted)
    )
    # Weights of a single slot are a constant: what cancels to nothing is rounding on both sides.
    floor = OF_ALL * max(float(slope.abs().max()) for slope in theirs)
    for name, one, other in zip(leaves, mine, theirs, strict=True):
        yield from told(f"gradient of {name}", one, other, floor)


def layouts(at: Connection, module: nn.Module) -> Iterator[str]:
    """Between one image and the same in other memory: contiguous, channels last, a strided view, as
    part of a batch."""
    assert at.in_grid is not None
    module.eval()
    height, width = at.in_grid
    x = laid_out(image(height * width, at.in_channels, 3), at)
    strided = x.repeat_interleave(2, 3)[..., ::2]
    with torch.no_grad():
        wanted = module(x)
        for name, other in {
            "a contiguous map": x.contiguous(),
            "channels last": x.contiguous(memory_format=torch.channels_last),
            "a strided view": strided,
        }.items():
            yield from told(name, module(other), wanted)
        yield from told("one image", module(x[:1]), wanted[:1])


def told(what: str, found: Tensor, wanted: Tensor, floor: float = NOTHING) -> Iterator[str]:
    """A sentence where the two differ, relative to the largest value wanted, or to `floor`."""
    if found.shape != wanted.shape:
        yield f"{what}: {tuple(found.shape)} instead of {tuple(wanted.shape)}"
        return
    scale = float(wanted.detach().abs().max().clamp(min=max(floor, NOTHING)))
    gap = float((found - wanted).detach().abs().max()) / scale
    if not gap <= SAME:
        yield f"{what} differs by {gap:.1e}"


def laid_out(x: Tensor, at: Connection) -> Tensor:
    """From the oracle's (B, P, C) to a map (B, C, H, W) as it lies between blocks."""
    assert at.in_grid is not None
    return x.transpose(1, 2).unflatten(2, at.in_grid)


def flat(y: Tensor) -> Tensor:
    """From a map to the oracle's order."""
    return y.flatten(2).transpose(1, 2)
