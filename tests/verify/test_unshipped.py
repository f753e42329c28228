"""Specs that nobody shipped, of shapes that the shipped ones do not have: proved as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.assemble import assemble
from relgraph.resolve import resolve_backbone
from relgraph.verify import verify_backbone, verify_operator

HEAD = "head: [global_pool, classifier]\n"
AXIAL = """\
operator: my_axial
params: {heads: 2}
space: {connect: axial}
channel: {connect: separate, heads: $heads}
weight: {dynamic: pair, normalize: softmax, position: relative}
"""
PADDED = """\
operator: my_padded
params: {size: 5}
space: {connect: window, size: $size, pad: true, border: mask, share: all}
channel: {connect: separate, heads: 2}
weight: {normalize: softmax}
frame: {value: true, output: true}
"""
REDUCED = """\
operator: my_reduced
params: {reduce: [{patchify: {size: 2, channels: $in}}, layer_norm]}
space: {connect: full, share: all, rank: {reduce: $reduce}}
channel: {connect: separate, share: all}
weight: {normalize: softmax}
"""
OPERATORS = {
    "a clamped average before a stride": """\
operator: my_blur
space: {connect: local, size: 3, stride: 2, border: clamp, share: positions}
channel: {connect: separate}
weight: {fixed: average}
""",
    "a grid with a bias by offset": """\
operator: my_grid
space: {connect: grid, size: 7}
channel: {connect: separate, heads: 4}
weight: {dynamic: pair, normalize: softmax, position: relative}
""",
    "whole kernels only, from the corner": """\
operator: my_corner
space: {connect: local, size: 3, anchor: corner, share: positions}
channel: {connect: groups, groups: 4}
""",
    "a border that reflects": """\
operator: my_mirror
space: {connect: local, size: 5, border: reflect, share: positions}
channel: {connect: separate}
""",
    "windows of one place": """\
operator: my_scale
space: {connect: point, share: windows}
channel: {connect: separate}
bias: both
""",
    "windows that a small map would cut": """\
operator: my_wide
space: {connect: window, size: [2, 7], share: positions, pad: true}
channel: {connect: separate}
""",
    "moved windows of which the border cuts pieces": """\
operator: my_moved
space: {connect: window, size: 4, shift: half, border: mask}
channel: {connect: separate, heads: 4}
weight: {dynamic: center, normalize: softmax, reduction: 4}
""",
    "a matrix of low rank for every place": """\
operator: my_factors
space: {connect: point}
channel: {connect: full, rank: {inner: 8}}
""",
    "three maps in one operator": """\
operator: my_pyramid
space: {connect: local, size: [1, 3], rank: {scales: [2, 4]}}
channel: {connect: separate}
""",
}
BACKBONES = {
    "tables for maps that are no stage's": """\
backbone: my_net
input: {size: 32}
stem: [conv: {size: 3, channels: 8, stride: 2}, my_axial]
stages: [{depth: 1, channels: 8, stride: 2}, {depth: 1, channels: 12}]
block: [my_axial, conv: {size: 3, channels: $channels, stride: $stride}]
downsample: [conv: {size: 3, channels: $channels, stride: 2, border: reflect}]
""",
    "a map that is no whole part of the image's": """\
backbone: my_net
input: {size: [35, 30]}
stem: [conv: {size: 3, channels: 8, stride: 2, padding: 0}]
stages: [{depth: 2, channels: 8}]
block: [my_axial]
""",
    "reductions that are square, and one that is not": """\
backbone: my_net
input: {size: 16}
stem: [conv: {size: 3, channels: 8, stride: 2}]
stages: [{depth: 1, channels: 8, stride: 1}, {depth: 1, channels: 12, stride: 2}]
block: [conv: {size: [1, 3], stride: [1, 2], channels: $channels}, my_axial]
""",
    "blocks without a sum between others that have one": """\
backbone: my_net
input: {size: 16}
stem: [patchify: 4]
stages: [{depth: 4, channels: 8}, {depth: 2, channels: 8}]
cycle: [[residual: [conv: 3]], [conv: 3], [residual: {body: [conv: 3], drop_path: 0.25}]]
drop_path: 0.3
""",
    "pools that round down": """\
backbone: my_net
input: {size: 20}
stem: [conv: {size: 3, channels: 8, padding: 0}, relu, max_pool: 2]
stages: [{depth: 1, channels: 8}, {depth: 1, channels: 12}]
block: [residual: [conv: 3]]
downsample: [pointwise: $channels, avg_pool: 2]
""",
    "windows larger than a map": """\
backbone: my_net
input: {size: 16}
stem: [patchify: 2]
stages: [{depth: 1, channels: 8}, {depth: 1, channels: 8}]
block: [residual: [local_attention: {window: 8, shift: 2, heads: 2, position: none}]]
downsample: [patchify: {size: 2, channels: $channels}]
""",
    "padded windows larger than a map": """\
backbone: my_net
input: {size: 16}
stem: [patchify: 2]
stages: [{depth: 1, channels: 8}, {depth: 1, channels: 8}]
block: [residual: [my_padded: 5]]
downsample: [patchify: {size: 2, channels: $channels}]
""",
    "one weight over reduced keys": """\
backbone: my_net
input: {size: 16}
stem: [patchify: 2]
stages: [{depth: 1, channels: 8}]
block: [residual: [my_reduced]]
""",
    "down and up again": """\
backbone: my_net
input: {size: 16}
stem: [patchify: 2]
stages: [{depth: 1, channels: 8}]
block: [residual: [conv: {size: 3, stride: 2}, gelu, upsample: 2]]
""",
}


def _written(tmp_path: Path, text: str) -> str:
    for own in (AXIAL, PADDED, REDUCED):
        (tmp_path / f"{own.split()[1]}.yaml").write_text(own)
    name = text.split(":")[1].split()[0]
    path = tmp_path / f"{name}.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("what", OPERATORS)
def test_an_operator_is_proved(what: str, tmp_path: Path) -> None:
    report = verify_operator(_written(tmp_path, OPERATORS[what]))
    assert report.ok, [check for check in report.checks if not check.ok]


@pytest.mark.parametrize("what", BACKBONES)
def test_a_backbone_is_proved(what: str, tmp_path: Path) -> None:
    report = verify_backbone(_written(tmp_path, BACKBONES[what] + HEAD))
    assert report.ok, [check for check in report.checks if not check.ok]


@pytest.mark.parametrize(
    ("what", "multiple", "minimum"),
    [
        ("pools that round down", (1, 1), (6, 6)),
        ("down and up again", (4, 4), (4, 4)),
    ],
)
def test_the_contract_knows_the_least_map(
    what: str, multiple: tuple[int, int], minimum: tuple[int, int], tmp_path: Path
) -> None:
    backbone = resolve_backbone(_written(tmp_path, BACKBONES[what] + HEAD)).backbone
    contract = assemble(backbone).contract
    assert not contract.fixed
    assert (contract.multiple, contract.minimum) == (multiple, minimum)
    assemble(backbone, minimum)


@pytest.mark.parametrize(
    ("what", "fixed"),
    [
        ("windows larger than a map", True),  # 4 and 8 do, 12 does not
        ("padded windows larger than a map", False),
        ("one weight over reduced keys", True),  # what spreads sees the reduced map alone
    ],
)
def test_the_contract_knows_what_no_larger_map_divides(
    what: str, fixed: bool, tmp_path: Path
) -> None:
    backbone = resolve_backbone(_written(tmp_path, BACKBONES[what] + HEAD)).backbone
    assert assemble(backbone).contract.fixed == fixed
