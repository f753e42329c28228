"""The forms of a connection as modules, all with the same weights, and the input that they read.

Each form's classes are written to text and loaded as those of an emitted file are: what is timed is
what would stand in the file.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from relgraph.emitted import load_text
from relgraph.lower import candidates
from relgraph.lower.module import Module, in_reading_order, plain
from relgraph.program import Connect, Shape

IMPORTS = (
    "import math",
    "import torch",
    "import torch.nn.functional as F",
    "from torch import Tensor, nn",
)


class Keys(nn.Module):
    """Stands for a reduction, which all forms share: hands out keys on a smaller map."""

    keys: Tensor

    def __init__(self, keys: Tensor) -> None:
        super().__init__()
        self.register_buffer("keys", keys)

    def forward(self, x: Tensor) -> Tensor:
        """The keys, whatever comes in."""
        return self.keys


def forms(node: Connect, batch: int, device: torch.device) -> dict[str, nn.Module]:
    """Every form that fits `node`, by name in the table's order, with equal weights in float32."""
    made: dict[str, nn.Module] = {}
    state: dict[str, Tensor] | None = None
    for name, lowered in candidates(node):
        torch.manual_seed(0)
        module = _built(lowered, node, batch)
        if state is None:
            state = module.state_dict()
        module.load_state_dict(state)
        made[name] = module.to(device)
    return made


def example(shape: Shape, batch: int, device: torch.device) -> Tensor:
    """A random input in the layout and the memory order of emitted models."""
    generator = torch.Generator().manual_seed(0)
    places = shape.positions + len(shape.tokens)
    x = torch.randn(batch, places, shape.channels, generator=generator).to(device)
    if shape.grid is None:
        return x[:, 0]
    if shape.layout == "sequence":
        return x
    rows, columns = shape.grid
    return x.transpose(1, 2).reshape(batch, -1, rows, columns)  # channels_last, as maps are


def _built(lowered: Module, node: Connect, batch: int) -> nn.Module:
    arguments: dict[str, Any] = {name: plain(value) for name, value in lowered.arguments}
    if node.reduce is not None:
        arguments["reduce"] = Keys(example(node.reduce.output, batch, torch.device("cpu")))
    if lowered.definition is None:
        owner: Any = nn
        constructor = getattr(owner, lowered.constructor.removeprefix("nn."))
    else:
        constructor = getattr(_module(lowered), lowered.constructor)
    module: nn.Module = constructor(**arguments)
    return module


def _module(lowered: Module) -> ModuleType:
    assert lowered.definition is not None
    definitions = in_reading_order([lowered.definition])
    extra = {line for one in definitions for line in one.imports}
    imports = "\n".join([*IMPORTS, *sorted(extra - set(IMPORTS))])
    text = "\n\n\n".join([imports, *(one.text for one in definitions)]) + "\n"
    module = load_text(text, f"{lowered.constructor}.py")
    assert module.__name__ in sys.modules, "torch.compile finds a class by its module"
    return module
