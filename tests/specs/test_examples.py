"""The specs in examples/: each compiles, builds, and has its authors' parameter count."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from relgraph.assemble.cost import cost
from relgraph.pipeline import compile_backbone
from tests.support import run_text

FOLDER = Path(__file__).parent.parent.parent / "examples"
COUNTS = {
    "convnext_tiny": 28_589_128,
    "deit_small_distilled": 22_436_432,
    "densenet121": 7_978_856,
    "efficientnet_b0": 5_288_548,
    "focalnet_tiny": 28_427_116,
    "gmlp_small": 19_422_656,
    "mobilevit_xs": 2_317_848,
    "res2net50": 25_699_120,
    "rope_vit_small": 21_984_232,
    "shufflenet_v2": 2_278_604,
    "twins_svt_small": 24_060_776,
    "volo_d1": 26_247_040,
}


def test_every_example_is_tested_and_listed() -> None:
    names = {path.stem for path in FOLDER.glob("*.yaml")}
    assert names == set(COUNTS)
    page = (FOLDER / "README.md").read_text()
    assert all(f"`{name}.yaml`" in page for name in names)


@pytest.mark.parametrize("name", COUNTS)
def test_the_count_is_the_published_one(name: str) -> None:
    path = FOLDER / f"{name}.yaml"
    compiled = compile_backbone(str(path))
    module = run_text(compiled.text, name)
    with torch.device("meta"):
        model = getattr(module, module.BUILDER)()
    built = sum(parameter.numel() for parameter in model.parameters())
    assert built == cost(compiled.program).parameters == COUNTS[name]
    assert f"{COUNTS[name]:,}" in path.read_text(), "the comment states the count"
