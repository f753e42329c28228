"""Random parameters for a module that nobody described, at a scale that does not saturate.

In: a module. Out: its parameters and norm statistics by name, drawn anew in float64: zero-init
gates and layer scales of 1e-6 would hide what they multiply. Masks and tables are left as they are.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

Tensors = dict[str, Tensor]

GAIN = 0.9


def drawn(module: nn.Module, seed: int) -> Tensors:
    """Every parameter and buffer of `module`; random are parameters and norm statistics."""
    generator = torch.Generator().manual_seed(1000 + seed)
    found: Tensors = {}
    for name, parameter in module.named_parameters():
        found[name] = _parameter(name, parameter.detach(), generator)
    for name, buffer in module.named_buffers():
        found[name] = _buffer(name, buffer.detach(), generator)
    return found


def _parameter(name: str, tensor: Tensor, generator: torch.Generator) -> Tensor:
    if tensor.is_complex():
        parts = (torch.view_as_real(tensor.resolve_conj())[..., part] for part in (0, 1))
        return torch.complex(*(_parameter(name, part, generator) for part in parts))
    if not tensor.is_floating_point():
        return tensor
    noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
    last = name.rpartition(".")[2]
    if last == "bias":
        return 0.3 * noise
    if tensor.numel() == max(tensor.shape, default=1):  # scales of norms, of layers, temperatures
        return 1.0 + 0.3 * noise.clamp(-2.5, 2.5)
    fan_in = math.prod(tensor.shape[1:])
    # A table (positions, relative offsets) is added, not summed over.
    is_table = "table" in name or "bias" in last or "pos" in last or "rel" in last
    return 0.5 * noise if is_table else GAIN / math.sqrt(fan_in) * noise


def _buffer(name: str, tensor: Tensor, generator: torch.Generator) -> Tensor:
    last = name.rpartition(".")[2]
    if last == "running_var":
        return torch.rand(tensor.shape, generator=generator, dtype=torch.float64) + 0.5
    if last == "running_mean":
        return 0.3 * torch.randn(tensor.shape, generator=generator, dtype=torch.float64)
    return tensor


def noise(shape: tuple[int, ...], seed: int) -> Tensor:
    """Float64 numbers for a value of `shape`, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)
