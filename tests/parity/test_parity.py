"""The emitted models compute what timm's models compute.

timm's model gets random parameters and norm statistics, ours the same ones through a port, and the
logits must agree: in float32 to 1e-5 of the largest logit, and in float64 to 1e-9 of the largest
difference between the logits of two images, which a wrong eps or a swapped layout does not pass.
Counts alone prove nothing here: a mixer outside its residual passes a count.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import timm
import torch
from timm.models.swin_transformer_v2 import WindowAttention
from torch import Tensor, nn

from relgraph.emitted import load_text
from relgraph.pipeline import compile_backbone
from tests.parity.ports import PORTS, port

SEED = 20_240_229
SIDE = 224
SIDES = {"swinv2_tiny": 256}
# Depth-wise convolution in float64 has no fast kernel on a CPU (40 s for this model at 224).
SIDES_IN_DOUBLE = {"pvt_v2_b2": 96}


def randomize(model: nn.Module, generator: torch.Generator, gain: float = 1.0) -> None:
    """Random parameters and statistics of a scale at which nothing saturates or vanishes.

    Matrices keep the variance of what they multiply; scales and variances lie around one (a layer
    scale of 1e-5 or a zero-initialised norm would hide a whole branch); the rest is small. `gain`
    makes up for what activations take, in deep models that hardly have a residual.
    """
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        if tensor.ndim in (2, 4):
            fan_in = tensor.numel() // len(tensor)
            tensor.normal_(0.0, gain * fan_in**-0.5, generator=generator)
        elif name.endswith(("bias", "mean", "beta", "token", "embed")):
            tensor.normal_(0.0, 0.3, generator=generator)
        else:
            tensor.uniform_(0.5, 1.5, generator=generator)


@torch.inference_mode()
def logits(model: nn.Module, images: Tensor) -> Tensor:
    made: Tensor = model(images.to(next(model.parameters()).dtype))
    return made


@dataclass(frozen=True)
class Pair:
    """timm's model and ours with the same random weights, and two images."""

    theirs: nn.Module
    ours: nn.Module
    images: Tensor


def carried(name: str) -> Pair:
    theirs_name, rows = PORTS[name]
    generator = torch.Generator().manual_seed(SEED)
    theirs = timm.create_model(theirs_name, pretrained=False).eval()
    randomize(theirs, generator)
    module = load_text(compile_backbone(name).text, f"{name}.py")
    ours = getattr(module, name)().eval()
    ours.load_state_dict(port(rows, ours.state_dict(), theirs.state_dict()))
    side = SIDES.get(name, SIDE)
    return Pair(theirs, ours, torch.randn(2, 3, side, side, generator=generator))


def spread(of: Tensor) -> Tensor:
    """The largest difference between the logits of the two images."""
    return (of[0] - of[1]).abs().max()


def in_double(theirs: nn.Module) -> nn.Module:
    """timm's model in float64, also the coordinates of Swin v2, which it rounds to float32."""
    for layer in theirs.double().modules():
        if isinstance(layer, WindowAttention):
            side = layer.window_size[0]
            offsets = torch.arange(1 - side, side, dtype=torch.float64) / (side - 1)
            line = offsets.sign() * torch.log2(1 + 8 * offsets.abs()) / 3
            table = layer.relative_coords_table
            table.copy_(torch.cartesian_prod(line, line).view_as(table))
    return theirs


@pytest.mark.parametrize("name", PORTS)
def test_logits_equal_timms(name: str) -> None:
    pair = carried(name)
    expected, found = logits(pair.theirs, pair.images), logits(pair.ours, pair.images)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()

    side = SIDES_IN_DOUBLE.get(name, pair.images.shape[-1])
    images = pair.images[..., :side, :side]
    expected, found = logits(in_double(pair.theirs), images), logits(pair.ours.double(), images)
    assert spread(expected) > 0.01 * expected.abs().max(), "logits that tell images apart"
    assert (found - expected).abs().max() <= 1e-9 * spread(expected)


def test_another_eps_is_noticed() -> None:
    """The tolerance in float64 refuses what a count and float32 would pass: another eps."""
    pair = carried("deit_small")
    expected = logits(pair.theirs.double(), pair.images)
    for norm in pair.ours.modules():
        if isinstance(norm, nn.LayerNorm):
            norm.eps = 1e-5
    found = logits(pair.ours.double(), pair.images)
    assert (found - expected).abs().max() > 1e-9 * spread(expected)
