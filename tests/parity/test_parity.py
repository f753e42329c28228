"""The emitted models compute what timm's models compute.

timm's model gets random parameters and norm statistics, ours the same ones through a port, and the
logits must agree: in float32 to 1e-5 of the largest logit, and in float64 to 1e-9 of the largest
difference between the logits of two images, which a wrong eps or a swapped layout does not pass.
Counts alone prove nothing here: a mixer outside its residual passes a count.
"""

from __future__ import annotations

import pytest
import timm
import torch
from torch import Tensor, nn

from relgraph.emitted import load_text
from relgraph.pipeline import compile_backbone
from tests.parity.ports import PORTS, port

SEED = 20_240_229


def randomize(model: nn.Module, generator: torch.Generator) -> None:
    """Random parameters and statistics of a scale at which nothing saturates or vanishes.

    Matrices keep the variance of what they multiply; scales and variances lie around one (a layer
    scale of 1e-5 or a zero-initialised norm would hide a whole branch); the rest is small.
    """
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        if tensor.ndim in (2, 4):
            fan_in = tensor.numel() // len(tensor)
            tensor.normal_(0.0, fan_in**-0.5, generator=generator)
        elif name.endswith(("bias", "mean", "beta", "token", "embed")):
            tensor.normal_(0.0, 0.3, generator=generator)
        else:
            tensor.uniform_(0.5, 1.5, generator=generator)


@torch.inference_mode()
def logits(model: nn.Module, images: Tensor) -> Tensor:
    return model(images.to(next(model.parameters()).dtype))


@pytest.mark.parametrize("name", PORTS)
def test_logits_equal_timms(name: str) -> None:
    theirs_name, rows = PORTS[name]
    generator = torch.Generator().manual_seed(SEED)
    theirs = timm.create_model(theirs_name, pretrained=False).eval()
    randomize(theirs, generator)
    compiled = compile_backbone(name)
    module = load_text(compiled.text, f"{name}.py")
    ours = getattr(module, name)().eval()
    ours.load_state_dict(port(rows, ours.state_dict(), theirs.state_dict()))
    images = torch.randn(2, 3, 224, 224, generator=generator)

    expected, found = logits(theirs, images), logits(ours, images)
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()

    expected, found = logits(theirs.double(), images), logits(ours.double(), images)
    spread = (expected[0] - expected[1]).abs().max()
    assert spread > 0.01 * expected.abs().max(), "the images are told apart by their logits"
    assert (found - expected).abs().max() <= 1e-9 * spread
