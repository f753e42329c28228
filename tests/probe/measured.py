"""A module measured at a small size: what the tests of this folder say of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from relgraph.probe import Probed, probe

Found = tuple[str, bool]
"""An operator's family, and whether it is proved to be just that."""


def found(module: nn.Module, shape: tuple[int, ...], **told: Any) -> tuple[Found, ...]:
    """Every operator of the module."""
    return tuple((one.family, one.exact) for one in measured(module, shape, **told).operators)


def measured(module: nn.Module, shape: tuple[int, ...], **told: Any) -> Probed:
    """The probe of the module on one thread: small products lose by more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return probe(module, shape, **told)
    finally:
        torch.set_num_threads(before)
