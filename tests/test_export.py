"""Exported forms give the eager model's logits at any batch size, for every small backbone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from relgraph.emitted import load_text
from relgraph.export import Form, export
from relgraph.pipeline import compile_backbone, generate
from relgraph.shipped import shipped
from tests.designs import write_spec

SMALL = [name for name in shipped("backbones") if name.endswith("_fashion")]
# What they put in the place of their 7×7 kernels: 49 shifts a block become nodes of the graph, and
# the repetitions of nine cost a quarter and are no less of a test.
UNROLLED = {
    "dynamic_dwnet_fashion": "{dynamic_depthwise_conv: {size: 3, reduction: 4}}",
    "inhomogeneous_dwnet_fashion": (
        "{inhomogeneous_depthwise_conv: {size: 3, reduction: 4, group_channels: $group_channels}}"
    ),
}


@pytest.fixture(params=SMALL)
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A small backbone, by name; where taps are unrolled, with few of them."""
    name = str(request.param)
    if name not in UNROLLED:
        return name
    text = f"extends: {name}\nstages: {{depth: [1, 1]}}\nreplace: {{spatial: {UNROLLED[name]}}}\n"
    return str(write_spec(tmp_path, f"backbone: few_taps\n{text}", "few_taps"))


@pytest.mark.slow
def test_onnx_agrees_with_onnxruntime(spec: str, tmp_path: Path) -> None:
    check(spec, "onnx", tmp_path)


def test_torch_export_is_loaded_back(spec: str, tmp_path: Path) -> None:
    check(spec, "torch", tmp_path)


def check(name: str, form: Form, folder: Path) -> None:
    (made,) = generate([name], folder)
    exported = export(made.path, form, folder / f"model.{form}")
    assert exported.ok, exported.difference
    assert exported.path.stat().st_size == exported.bytes


@pytest.mark.slow
def test_the_default_compiler_agrees_in_one_graph(spec: str) -> None:
    """One of each operator class, the demo's two among them."""
    torch._dynamo.reset()
    compiled = compile_backbone(spec)
    module = load_text(compiled.text, f"{compiled.name}.py")
    model = getattr(module, module.BUILDER)().eval()
    x = torch.randn(2, model.in_chans, *model.img_size)
    with torch.no_grad():
        fast = torch.compile(model, fullgraph=True)
        torch.testing.assert_close(fast(x), model(x), rtol=1e-4, atol=1e-5)
