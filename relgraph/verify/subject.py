"""A model under proof, as the steps of the proof hand it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from relgraph.program import Program


@dataclass(frozen=True)
class Subject:
    """A model under proof: float64, eval mode, holding `tensors`; random images.

    `asks_compiler`: the file has other forms for torch.compile or torch.export.
    """

    model: nn.Module
    program: Program
    tensors: Mapping[str, Tensor]
    images: Tensor
    asks_compiler: bool = True
