"""A kernel per position (I-D-DW, involution): the emitted class beside unfold, time and memory.

    python benchmarks/center_dynamic.py [ROUNDS]

7×7 kernels for 32 heads on 8 × 96 × 56 × 56, the first stage of I-D-DWNet-T. Both sides get the
same map and the same weights and run in turn in one process. Prints medians and ratios (Linux,
CPU, as many threads as OMP_NUM_THREADS says); asserts nothing, since machines differ.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from relgraph.bench.memory import extra_megabytes
from relgraph.bench.timing import seconds
from relgraph.emitted import load_emitted
from relgraph.pipeline import generate

BATCH, DIM, SIDE, HEADS, KERNEL = 8, 96, 56, 32, 7
Form = Callable[[Tensor, Tensor], Tensor]


def unfolded(w: Tensor, x: Tensor) -> Tensor:
    """Every neighbourhood laid out beside the others, then weighted and summed."""
    near = F.unfold(x, KERNEL, padding=KERNEL // 2)
    near = near.view(BATCH, HEADS, DIM // HEADS, KERNEL**2, SIDE, SIDE)
    return (near * w[:, :, None]).sum(3).flatten(1, 2)


def emitted() -> Form:
    """`aggregate` of the class in a freshly emitted I-D-DWNet-T."""
    with tempfile.TemporaryDirectory() as folder:
        (made,) = generate(["inhomogeneous_dwnet_tiny"], Path(folder))
        module: Any = load_emitted(made.path)
    layer = module.InhomogeneousDepthwiseConv2d(
        DIM, num_heads=HEADS, kernel_size=KERNEL, reduction=4
    )
    form: Form = layer.aggregate
    return form


def forward(form: Form, w: Tensor, x: Tensor, grad: Tensor) -> None:
    """Inference."""
    with torch.no_grad():
        form(w, x)


def training(form: Form, w: Tensor, x: Tensor, grad: Tensor) -> None:
    """Forward and the gradients of the map and of the weights."""
    torch.autograd.grad(form(w, x), (w, x), grad)


def main(rounds: int) -> None:
    """Time and memory of both forms, interleaved."""
    torch.manual_seed(0)
    x = torch.randn(BATCH, DIM, SIDE, SIDE).to(memory_format=torch.channels_last)
    w = torch.randn(BATCH, HEADS, KERNEL**2, SIDE, SIDE)
    grad = torch.randn(BATCH, DIM, SIDE, SIDE).to(memory_format=torch.channels_last)
    x.requires_grad_(), w.requires_grad_()
    forms: dict[str, Form] = {"unfold": unfolded, "emitted": emitted()}
    torch.testing.assert_close(forms["emitted"](w, x), unfolded(w, x), rtol=1e-4, atol=1e-4)
    for what in (forward, training):
        runs = {name: partial(what, form, w, x, grad) for name, form in forms.items()}
        times: dict[str, list[float]] = {name: [] for name in forms}
        memory: dict[str, list[float]] = {name: [] for name in forms}
        for _ in range(rounds):
            for name, run in runs.items():
                times[name].append(seconds(run))
                memory[name].append(extra_megabytes(run, x.device) or 0.0)
        _print(what.__name__, times, memory)


def _print(what: str, times: dict[str, list[float]], memory: dict[str, list[float]]) -> None:
    median = {name: statistics.median(values) for name, values in times.items()}
    extra = {name: statistics.median(values) for name, values in memory.items()}
    for name in times:
        print(f"{what:9} {name:8} {1e3 * median[name]:9.1f} ms  {extra[name]:8.1f} MB extra")
    faster = median["unfold"] / median["emitted"]
    share = 100 * extra["emitted"] / extra["unfold"]
    print(f"{what:9} emitted is {faster:.1f} times faster with {share:.1f}% of the extra memory\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
