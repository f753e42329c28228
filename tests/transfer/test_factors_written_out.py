"""Factors written as items of a block: optimal as checked without relgraph's own algebra."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from tests.transfer.whole_models import Design, carried

DENSE = Design(("residual: [layer_norm, conv: 3]",))
FACTORS = Design(("residual: [layer_norm, {depthwise_conv: {size: 3, bias: false}}, pointwise]",))


def kernel(modules: list[torch.nn.Module], channels: int) -> Tensor:
    """The 3×3 kernel (D, C, 3, 3) of linear modules, one after the other, by what they answer to
    single ones."""
    x = torch.zeros(channels, channels, 5, 5, dtype=torch.float64)
    x[torch.arange(channels), torch.arange(channels), 2, 2] = 1
    y, zero = x, torch.zeros_like(x)
    for module in modules:
        y, zero = module(y), module(zero)
    return (y - zero)[:, :, 1:4, 1:4].flip(2, 3).transpose(0, 1).detach()


def test_the_nearest_product_is_a_decomposition_for_each_input_channel(tmp_path: Path) -> None:
    made = carried(tmp_path, DENSE, FACTORS)
    rows = [layer for layer in made.told.layers if layer.method == "projection"]
    assert [" + " in layer.path for layer in rows] == [True, True, True]
    for layer in rows:
        source = made.source.get_submodule(layer.source)
        target = [made.target.get_submodule(path) for path in layer.path.split(" + ")]
        channels = 32 if layer.path.startswith("stages.1") else 16
        wanted, got = kernel([source], channels), kernel(target, channels)
        # Each input channel is a matrix outputs × taps, of which the product has rank one. A tap
        # counts as often as it meets the map, so columns are scaled by the root of that.
        often = counts(3 if layer.path.startswith("stages.1") else 6)
        scaled = (wanted * often.sqrt()).permute(1, 0, 2, 3).flatten(2)
        singular = torch.linalg.svdvals(scaled)
        best = singular[:, 1:].square().sum() / singular.square().sum()
        lost = ((got - wanted).square() * often).sum() / (wanted.square() * often).sum()
        assert layer.error_w is not None
        assert abs(float(lost) ** 0.5 - layer.error_w) < 1e-9
        assert abs(float(lost - best)) < 1e-9


def counts(side: int) -> Tensor:
    """How often each tap stands in W on a map of side × side with zeros around."""
    along = torch.tensor([side - 1, side, side - 1], dtype=torch.float64)
    return along[:, None] * along[None]
