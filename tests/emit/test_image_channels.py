"""`in_chans` reaches what reads the image, and no width that only happens to be the same number."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from relgraph.emitted import load_text
from relgraph.pipeline import compile_backbone
from tests.designs import write_spec

MODEL = """
backbone: example
cite: A test
input: {{size: 16, channels: 3}}
classes: 5
stem: [{stem}]
stages: [{{depth: 1, channels: 3}}]
block: [relu]
define:
  twice: {{params: {{width: 3}}, body: [conv: {{size: 3, channels: $width}}, batch_norm, relu]}}
head: [global_pool, classifier]
"""
STEMS = {
    "a width of the same number": "conv: {size: 3, channels: 3}, batch_norm, conv: 3",
    "a patch of the same number": "patchify: {size: 4, channels: 3}, layer_norm",
    "norms and kernels per channel": "batch_norm, depthwise_conv: 3, conv: {size: 3, channels: 3}",
    "space to depth": "space_to_depth: 2, batch_norm, pointwise: 3",
    "side by side": "concat: [[], [batch_norm]], conv: {size: 3, channels: 3}",
    "branches": "sum: [[conv: {size: 3, channels: 3}], [pointwise: 3]]",
    "a part of its own": "twice, twice: 3",
    "a part that follows": "twice: 6, pointwise: 3",
    "groups of the same number": "pointwise: 3, conv: {size: 3, channels: 3, groups: 3}",
}


@pytest.mark.parametrize("case", STEMS)
def test_other_images_than_the_specs(tmp_path: Path, case: str) -> None:
    spec = write_spec(tmp_path, MODEL.format(stem=STEMS[case]))
    module = load_text(compile_backbone(str(spec)).text, "example.py")
    for channels in (3, 5):
        model = module.example(in_chans=channels).eval()
        maps = model.forward_intermediates(torch.randn(2, channels, 16, 16))
        assert [one.shape[1] for one in maps] == [3]
        assert model(torch.randn(2, channels, 16, 16)).shape == (2, 5)


def test_what_keeps_the_images_width_follows_it(tmp_path: Path) -> None:
    """Kernels per channel, a norm behind space to depth, the input of the first mixing layer."""
    stem = "depthwise_conv: 3, space_to_depth: 2, batch_norm, pointwise: 3"
    spec = write_spec(tmp_path, MODEL.format(stem=stem))
    model = load_text(compile_backbone(str(spec)).text, "example.py").example(in_chans=5)
    shapes = {name: tuple(p.shape) for name, p in model.stem.named_parameters()}
    assert shapes["depthwise_conv.weight"][0] == 5
    assert shapes["norm.weight"] == (20,)
    assert shapes["pointwise.weight"] == (3, 20)
