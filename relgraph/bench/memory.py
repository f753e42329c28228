"""How much memory one run needs at most, what it leaves included."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from pathlib import Path

import torch

_PROCESS = Path("/proc/self")
_MEGABYTE = 1024.0


def extra_megabytes(run: Callable[[], object], device: torch.device) -> float | None:
    """By how much the memory in use grows at most during `run`: the device's own count on a GPU,
    the process's on Linux; None elsewhere, where nobody counts."""
    if device.type == "cuda":
        return _on_gpu(run, device)
    if not (_PROCESS / "clear_refs").exists():
        run()
        return None
    library = ctypes.util.find_library("c")
    if library is not None and hasattr(ctypes.CDLL(library), "malloc_trim"):
        ctypes.CDLL(library).malloc_trim(0)
    (_PROCESS / "clear_refs").write_text("5")  # the peak starts anew from here
    before = _status("VmRSS")
    run()
    return (_status("VmHWM") - before) / _MEGABYTE


def _on_gpu(run: Callable[[], object], device: torch.device) -> float:
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    run()
    torch.cuda.synchronize(device)
    return (torch.cuda.max_memory_allocated(device) - before) / _MEGABYTE**2


def _status(name: str) -> int:
    lines = (_PROCESS / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
