"""The versions and the machine that a run was made with, as plain data."""

from __future__ import annotations

import platform
from importlib import metadata

import torch

import relgraph

_DISTRIBUTIONS = (
    "torch",
    "torchvision",
    "timm",
    "lightning-fabric",
    "safetensors",
    "numpy",
    "pillow",
    "pydantic",
)


def environment() -> dict[str, object]:
    """Versions of what computes, and what it computes on."""
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return {
        "relgraph": relgraph.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "gpus": gpus,
        "cuda": torch.version.cuda,
        "packages": {name: _version(name) for name in _DISTRIBUTIONS},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
