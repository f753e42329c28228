"""What is measured of the whole module as it is: additivity, homogeneity, order, cost.

In: a call with parameters, the shape of an image. Out: properties with their numbers. Nothing is
held fixed here.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from relgraph.probe.draws import Tensors, noise
from relgraph.probe.findings import Property, size
from relgraph.probe.tape import Call, apart

SAME = 1e-9
HIGHEST = 4


def facts(call: Call, tensors: Tensors, shape: tuple[int, ...]) -> tuple[Property, ...]:
    """Additive? homogeneous? of what order in x?"""
    return (
        _additive(call, tensors, shape),
        _homogeneous(call, tensors, shape),
        _order(call, tensors, shape),
    )


def _additive(call: Call, tensors: Tensors, shape: tuple[int, ...]) -> Property:
    one, other = noise(shape, 31), noise(shape, 32)
    zero = _run(call, tensors, torch.zeros_like(one))
    first, second = (_run(call, tensors, x) - zero for x in (one, other))
    gap = apart(first + second, _run(call, tensors, one + other) - zero)
    said = f"f(a) + f(b) is off from f(a + b) by {size(gap)}, the value at 0 taken off"
    return Property("additive in x", "yes" if gap <= SAME else "no", said)


def _homogeneous(call: Call, tensors: Tensors, shape: tuple[int, ...]) -> Property:
    one = noise(shape, 31)
    zero = _run(call, tensors, torch.zeros_like(one))
    once = _run(call, tensors, one) - zero
    gap = max(apart(t * once, _run(call, tensors, t * one) - zero) for t in (2.0, -1.0))
    said = f"t f(x) is off from f(t x) by {size(gap)} for t of 2 and -1, the value at 0 taken off"
    return Property("homogeneous in x", "yes" if gap <= SAME else "no", said)


def _order(call: Call, tensors: Tensors, shape: tuple[int, ...]) -> Property:
    """Along a line the differences of order n + 1 of a polynomial of order n are nothing."""
    base, step = noise(shape, 33), 0.5 * noise(shape, 34)
    values = [_run(call, tensors, base + t * step) for t in range(HIGHEST + 2)]
    scale = max(float(value.abs().max()) for value in values)
    gaps = []
    for order in range(HIGHEST + 1):
        values = [after - before for before, after in pairwise(values)]
        gaps.append(max(float(value.abs().max()) for value in values) / scale)
        if gaps[-1] <= SAME:
            return Property(
                "order in x",
                str(order),
                f"differences of order {order + 1} along a line are {size(gaps[-1])} of the values",
            )
    said = f"differences of order {HIGHEST + 1} along a line are {size(gaps[-1])} of the values"
    return Property("order in x", f"no polynomial of order {HIGHEST} or less", said)


def _run(call: Call, tensors: Tensors, x: Tensor) -> Tensor:
    with torch.no_grad():
        return call(tensors, x)


def multiply_adds(call: Call, tensors: Tensors, shape: tuple[int, ...]) -> int:
    """Products of convolutions and matrix products for one image, attention's counted."""
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        call(tensors, noise(shape, 31))
    return int(counter.get_total_flops()) // 2
