"""A spec for images of other channels has the tensors that its emitted file builds for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.emitted import load_text
from relgraph.train.model import Architecture
from relgraph.transfer.sources import read_end
from relgraph.verify.draws import inventory
from tests.designs import write_spec

MODEL = """
backbone: t
input: {{size: 8, channels: 3}}
classes: 5
stem: [{stem}, conv: {{size: 3, channels: $channels, stride: 2}}]
stages: [{{depth: 1, channels: 8}}]
block: [pointwise]
head: [global_pool, classifier]
"""


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize(
    "stem",
    [
        "batch_norm, depthwise_conv: 3",
        "feed_forward",
        "global_attention: {heads: 1}",
        "global_attention: {heads: 1, channels: 6}, affine",
        "cross_covariance_attention: {heads: 1}, affine",
        "concat: [[], [depthwise_conv: 3]], affine",
        "space_to_depth: 2, affine, sum: [[affine], [affine]]",
    ],
)
def test_what_reads_the_image_follows_its_channels(
    tmp_path: Path, stem: str, channels: int
) -> None:
    end = read_end(str(write_spec(tmp_path, MODEL.format(stem=stem), "t")))
    asked = Architecture(num_classes=5, in_chans=channels)
    wanted = {one.name: one.shape for one in inventory(end.program(asked))}
    built = load_text(end.text, "t.py").t(in_chans=channels).state_dict()
    found = {name: tuple(tensor.shape) for name, tensor in built.items()}
    assert {name: found.pop(name) for name in wanted} == wanted
    assert all(name.endswith("num_batches_tracked") for name in found)
