"""AdamW for an emitted model: which parameters decay, and how fast each block learns."""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from torch import nn

from relgraph.spec.recipe_schema import Optimizer
from relgraph.train.model import Backbone

# The part of a parameter's name, in every emitted file, that tells which block it belongs to.
_BLOCK = re.compile(r"stages\.\d+\.blocks\.\d+\.")


def adamw(model: Backbone, setting: Optimizer) -> torch.optim.AdamW:
    """AdamW over groups of one weight decay and one `lr_scale` each; `set_rate` sets their rates.

    Biases, parameters of one dimension or none, and what the model's `no_weight_decay()` names do
    not decay. With `layer_decay` d, a block's rate is d times that of the one above it.
    """
    scales = _scales(model, setting.layer_decay)
    undecayed = model.no_weight_decay()
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        bare = parameter.ndim <= 1 or name.endswith(".bias") or name in undecayed
        decay = 0.0 if bare else setting.weight_decay
        groups.setdefault((decay, scales[name]), []).append(parameter)
    return torch.optim.AdamW(
        [
            {"params": parameters, "weight_decay": decay, "lr_scale": scale}
            for (decay, scale), parameters in groups.items()
        ],
        lr=setting.lr,
        betas=setting.betas,
        eps=setting.eps,
        # One kernel for all parameters: half the time of a small model's update, same arithmetic.
        foreach=True,
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of every group, by its own scale."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]


def _scales(model: nn.Module, layer_decay: float | None) -> dict[str, float]:
    """The factor on the learning rate of each parameter, by name."""
    names = [name for name, _ in model.named_parameters()]
    if layer_decay is None:
        return dict.fromkeys(names, 1.0)
    depths = _depths(names)
    deepest = max(depths.values())
    return {name: layer_decay ** (deepest - depth) for name, depth in depths.items()}


def _depths(names: Iterable[str]) -> dict[str, int]:
    """How many blocks stand before each parameter: 0 in the stem, the most in norm and head.

    What stands between two blocks, such as a downsampling layer, goes with the block after it.
    """
    depths: dict[str, int] = {}
    depth, last = 0, ""
    for name in names:
        block = _BLOCK.match(name)
        if block is not None and block[0] != last:
            depth, last = depth + 1, block[0]
        between_or_after = block is None and last != ""
        depths[name] = depth + 1 if between_or_after else depth
    return depths
