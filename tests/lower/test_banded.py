"""Bands of channels: both forms mean what the oracle says, and a gate of them what timm does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from timm.layers.eca import EcaModule

from relgraph.algebra.cost import macs
from relgraph.algebra.operator import Channel, ChannelShare, Operator, Space
from relgraph.algebra.parameters import parameter_count, parameters
from relgraph.emitted import load_text
from relgraph.lower import candidates, lower
from relgraph.lower.module import Module
from relgraph.pipeline import compile_backbone
from relgraph.program import Connect
from relgraph.verify.oracle import multiply_adds
from tests.lower.against_oracle import (
    assert_compiles,
    assert_equals_oracle,
    assert_exports,
    assert_runs_in_bfloat16,
    assert_survives_meta,
    node,
)

POINT = Space("point", share="positions")


def band(size: int, share: ChannelShare = "all", bias: bool = True) -> Operator:
    channel = Channel("local", share=share, size=size)
    return Operator(POINT, channel, bias="channels" if bias else "none")


def at(operator: Operator, layout: str = "map") -> Connect:
    if layout == "tokens":
        return node(operator, 6, (2, 3), tokens=2)
    return node(operator, 6, (2, 3) if layout == "map" else None)


NODES = {
    f"{layout}, {size}{'' if bias else ', unbiased'}": at(band(size, bias=bias), layout)
    for layout in ("map", "tokens", "vector")
    for size, bias in ((3, True), (4, False), (13, False))
}


@pytest.mark.parametrize("name", NODES)
def test_one_kernel_along_the_channels(name: str) -> None:
    lowered = lower(NODES[name])
    assert isinstance(lowered, Module)
    assert lowered.constructor.startswith("ChannelConv")
    assert_equals_oracle(NODES[name], lowered)
    assert_survives_meta(lowered, NODES[name])
    assert_runs_in_bfloat16(lowered, NODES[name])


def test_it_compiles_and_exports() -> None:
    one = NODES["map, 4, unbiased"]
    lowered = lower(one)
    assert isinstance(lowered, Module)
    made = assert_equals_oracle(one, lowered)
    assert_compiles(made, one)
    assert_exports(made, one)


@pytest.mark.parametrize("share", [s for s in get_args(ChannelShare) if s != "heads"])
@pytest.mark.parametrize("size", [2, 3, 5, 12])
def test_every_form_has_the_same_parameters_and_counts(size: int, share: ChannelShare) -> None:
    one = at(band(size, share))
    live = sum(max(6 - abs(m - (size - 1) // 2), 0) for m in range(size))
    assert parameter_count(one.connection) == (size if share == "all" else live) + 6
    assert macs(one.connection) == multiply_adds(one.connection) == 6 * size * 6
    for name, lowered in candidates(one):
        assert isinstance(lowered, Module), name
        made = assert_equals_oracle(one, lowered)
        shapes = {n: tuple(p.shape) for n, p in made.named_parameters()}
        assert shapes == {p.name: p.shape for p in parameters(one.connection)}, name


def test_a_start_keeps_the_size_of_what_is_read() -> None:
    wide = replace(at(band(5, bias=False)).connection, in_channels=4096, out_channels=4096)
    assert parameters(wide)[0].init == "variance_preserving"


SPEC = """\
backbone: one_gate
stem: [patchify: 2]
stages: [{depth: 1, channels: 12}]
block: [efficient_channel_attention: 5]
head: [global_pool, classifier]
input: {size: 8}
"""


def test_a_gate_of_bands_is_timms_eca(tmp_path: Path) -> None:
    (tmp_path / "one_gate.yaml").write_text(SPEC)
    compiled = compile_backbone(str(tmp_path / "one_gate.yaml"))
    model = load_text(compiled.text, "one_gate.py").one_gate().double()
    (ours,) = (m for m in model.modules() if type(m).__name__ == "EfficientChannelAttention")
    theirs = EcaModule(kernel_size=5).double()
    with torch.no_grad():
        ours.channel_conv.weight.normal_()
        theirs.conv.weight.copy_(ours.channel_conv.weight.view(1, 1, 5))
        x = torch.randn(2, 12, 5, 7, dtype=torch.float64)
        expected, found = theirs(x), ours(x)
    assert (found - expected).abs().max() <= 1e-9 * expected.abs().max()
