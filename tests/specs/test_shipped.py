"""Every spec that ships: listed from its folder, so that a new one needs no new test."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from relgraph.assemble import assemble
from relgraph.assemble.walking import nodes
from relgraph.pipeline import compile_backbone
from relgraph.program import Program
from relgraph.resolve import resolve_backbone, resolve_operator
from relgraph.shipped import shipped
from tests.designs import write_spec

OPERATORS, BACKBONES = shipped("operators"), shipped("backbones")

# The nodes of the paper's relation graph, by the operators that stand for them.
PAPER_NODES = {
    "MLP": "mlp",
    "Conv.": "conv",
    "LR MLP": "low_rank_mlp",
    "Sep. MLP": "token_mlp",
    "Pyramid MS Conv.": "pyramid_conv",
    "Bottleneck": "bottleneck",
    "DW-S Conv.": "depthwise_conv",
    "ViT": "global_attention",
    "Local ViT": "local_attention",
    "PVT": "reduced_attention",
    "Dynamic DW-S Conv.": "dynamic_depthwise_conv",
    "Dynamic Local-S MLP": "inhomogeneous_depthwise_conv",
}

ALONE = """
    backbone: alone
    input: {{size: 112}}
    classes: 10
    stem: [pointwise: $channels]
    stages: [{{depth: 1, channels: 16}}]
    block: [{operator}]
    head: [global_pool, classifier]
"""


def test_every_node_of_the_papers_graph_ships() -> None:
    assert set(PAPER_NODES.values()) <= set(OPERATORS)


@pytest.mark.parametrize("path", [*OPERATORS.values(), *BACKBONES.values()], ids=lambda p: p.stem)
def test_a_spec_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    facts = yaml.safe_load(text)
    assert text.startswith("# "), "begins with a comment on what it is"
    assert facts["cite"]
    assert path.stem in (facts.get("operator"), facts.get("backbone"))
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_resolves_with_its_defaults(name: str) -> None:
    assert resolve_operator(name, in_channels=64).name == name


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_alone_in_a_block_compiles(name: str, tmp_path: Path) -> None:
    path = write_spec(tmp_path, ALONE.format(operator=name), "alone")
    assert "class Alone" in compile_backbone(str(path)).text


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_compiles(name: str) -> None:
    compiled = compile_backbone(name)
    assert f"def {name}(" in compiled.text
    assert not compiled.notes, "a shipped spec has no warnings"


def labels(program: Program, stage: int) -> set[str]:
    inside = f"stages.{stage}.blocks."
    return {node.label for path, node in nodes(program) if path.startswith(inside) and node.label}


@pytest.mark.parametrize("name", BACKBONES)
def test_mixers_carry_the_labels_that_edits_address(name: str) -> None:
    program = assemble(resolve_backbone(name).backbone)
    for stage in range(len(program.stages)):
        found = labels(program, stage)
        assert {"token_mixer", "channel_mixer"} <= found or "spatial" in found
