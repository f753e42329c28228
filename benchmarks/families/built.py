"""The module of a lowering, run from its text as a file would run it.

In: a lowered connection. Out: a torch module in float64, every number random.
"""

from __future__ import annotations

import types

import torch
from torch import Tensor, nn

from relgraph.lower.module import DropPathRate, MapSize, Module, in_reading_order

PRELUDE = (
    "from __future__ import annotations\n\nimport math\n\nimport torch\n"
    "import torch.nn.functional as F\nfrom torch import Tensor, nn\n"
)
SCALE = 0.5  # of random numbers: saturates no softmax


def build(lowered: Module) -> nn.Module:
    """The module that the constructor call makes, with its fresh numbers."""
    namespace = types.ModuleType("emitted")
    definitions = in_reading_order([lowered.definition] if lowered.definition else [])
    imports = sorted({line for one in definitions for line in one.imports})
    text = "\n\n\n".join([PRELUDE + "\n".join(imports), *(one.text for one in definitions)])
    exec(compile(text, "<emitted>", "exec"), namespace.__dict__)
    constructor = eval(lowered.constructor, namespace.__dict__)
    made: nn.Module = constructor(**{name: _plain(value) for name, value in lowered.arguments})
    return made


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module with every parameter and statistic random, in float64."""
    generator = torch.Generator().manual_seed(seed)
    module.double()
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            drawn = torch.randn(tensor.shape, generator=generator, dtype=torch.float64) * SCALE
            tensor.copy_(drawn.abs() + SCALE if name.endswith("running_var") else drawn)
    return module


def image(places: int, channels: int, batch: int = 2, seed: int = 1) -> Tensor:
    """Random values (B, P, C), as the oracle reads them."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, places, channels, generator=generator, dtype=torch.float64)


def _plain(value: object) -> object:
    if isinstance(value, MapSize):
        return value.height, value.width
    return value.rate if isinstance(value, DropPathRate) else value
