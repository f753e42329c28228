"""The two halves of a connection with predicted weights, by their gradients.

In: such a connection's module at a small size. Out: how far the gradients through
`aggregate(weights(x), x)` are from the reference's, with respect to the image and every parameter:
weights that are handed out without their gradient have the right values and train nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor

from relgraph.verify import oracle
from relgraph.verify.compare import Difference, difference
from relgraph.verify.small import Inputs, Small, entered
from relgraph.verify.values import from_layout

ROUNDING = 1e-5  # of the output: slopes far below it are none


def through_halves(small: Small, inputs: Inputs) -> Difference:
    """The largest difference of a gradient, relative to the largest of all."""
    x, halves = inputs.x.clone().requires_grad_(), small.halves
    shown = entered(small, Inputs(x, inputs.keys))
    made = from_layout(halves.aggregate(halves.weights(shown), shown), small.node.output)
    own = {name: t.clone().requires_grad_(_is_trained(name)) for name, t in small.tensors.items()}
    again = inputs.x.clone().requires_grad_()
    meant = oracle.connect(small.node.connection, own, again, inputs.keys)
    weights = dict(small.module.named_parameters())
    direction = torch.randn(meant.shape, generator=torch.Generator().manual_seed(0)).to(meant)
    found = _slopes(made, direction, [x, *weights.values()])
    wanted = _slopes(meant, direction, [again, *(own[name] for name in weights)])
    largest = max(float(slope.abs().max()) for slope in wanted)
    # A cosine of one key has no slope but for rounding.
    largest = max(largest, ROUNDING * float(meant.detach().abs().max()))
    pairs = zip(found, wanted, strict=True)
    return max((difference(*pair, largest) for pair in pairs), key=lambda gap: gap.relative)


def _is_trained(name: str) -> bool:
    return "running_" not in name


def _slopes(made: Tensor, direction: Tensor, by: list[Tensor]) -> list[Tensor]:
    if not made.requires_grad:
        return [torch.zeros_like(one) for one in by]
    slopes = torch.autograd.grad((made * direction).sum(), by, allow_unused=True)
    pairs = zip(slopes, by, strict=True)
    return [torch.zeros_like(one) if slope is None else slope for slope, one in pairs]
