"""The machine under a training: processes, devices, precision and determinism, by way of fabric."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed
from lightning_fabric import Fabric
from torch import Tensor, nn

from relgraph.errors import Problem, RelgraphError
from relgraph.spec.recipe_schema import Recipe
from relgraph.train.request import Accelerator, TrainRequest


def start_processes(request: TrainRequest, recipe: Recipe) -> Fabric:
    """Fabric with its processes running: this command, once per device.

    With several devices fabric starts the command anew for each; under torchrun or SLURM they run
    already. Raises RelgraphError where the machine lacks what is asked for.
    """
    kind = resolved_accelerator(request.accelerator)
    _check_devices(request, kind)
    several = request.devices * request.num_nodes > 1
    fabric = Fabric(
        accelerator=kind,
        devices=request.devices,
        num_nodes=request.num_nodes,
        strategy="ddp" if several else "auto",
        precision=precision(recipe, kind),
    )
    fabric.launch()
    return fabric


def resolved_accelerator(wanted: Accelerator) -> str:
    """`auto` as cuda, mps or cpu, whichever is there first."""
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def precision(recipe: Recipe, kind: str) -> Any:
    """Fabric's word for a recipe's precision: bf16 where the hardware computes in it."""
    has_bf16 = kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if recipe.precision == "auto":
        return "bf16-mixed" if has_bf16 else "32-true"
    if recipe.precision == "bf16-mixed" and kind == "cuda" and not has_bf16:
        found = f"{torch.cuda.get_device_name()} does not compute in bf16"
        raise RelgraphError(Problem("no-bf16", found, hint="set precision=auto"))
    return "32-true" if recipe.precision == 32 else recipe.precision


@contextmanager
def deterministic(kind: str) -> Iterator[None]:
    """Inside, the same inputs give the same bits; outside, torch's settings are as before.

    On a CPU too: torch adds up the gradient of a gathered table, such as a relative position bias,
    in the order that threads arrive unless it is told not to.
    """
    before = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    benchmark = torch.backends.cudnn.benchmark
    if kind == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # A few GPU kernels have no deterministic form: those warn, once, and the training goes on.
    torch.use_deterministic_algorithms(True, warn_only=kind != "cpu")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
        torch.backends.cudnn.benchmark = benchmark


def any_process(fabric: Fabric, *flags: bool) -> tuple[bool, ...]:
    """Whether each flag is set on any process: all processes get the same answer."""
    if fabric.world_size == 1:
        return flags
    counts = fabric.all_reduce(torch.tensor(flags, dtype=torch.float32), reduce_op="sum")
    assert isinstance(counts, Tensor)
    return tuple(bool(count) for count in counts)


def summed(fabric: Fabric, counts: Tensor) -> Tensor:
    """`counts` (on the CPU) added up over all processes."""
    if fabric.world_size == 1:
        return counts
    total = fabric.all_reduce(counts, reduce_op="sum")
    assert isinstance(total, Tensor)
    return total.cpu()


def share_buffers(fabric: Fabric, module: nn.Module) -> None:
    """Give every process the main one's norm statistics; each has gathered its own."""
    if fabric.world_size == 1:
        return
    for buffer in module.buffers():
        torch.distributed.broadcast(buffer, src=0)


def _check_devices(request: TrainRequest, kind: str) -> None:
    if request.devices < 1 or request.num_nodes < 1:
        found = f"{request.devices} devices on {request.num_nodes} machines"
        raise RelgraphError(Problem("bad-devices", found, "expected at least one"))
    available = {"cuda": torch.cuda.device_count(), "mps": 1}.get(kind)
    if available is not None and request.devices > available:
        raise RelgraphError(
            Problem(
                "bad-devices",
                found=f"{request.devices} {kind} devices asked for, {available} present",
                expected=f"at most {available}",
                hint="--accelerator cpu runs any number of processes",
            )
        )
