"""Exported forms give the eager model's logits at any batch size, for every small backbone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from relgraph.emitted import load_text
from relgraph.export import Form, export
from relgraph.pipeline import compile_backbone, generate
from relgraph.shipped import shipped

SMALL = [name for name in shipped("backbones") if name.endswith("_fashion")]


# 49 shifts a block become nodes of the graph: its repetitions cost a minute and are no news.
SHALLOW = ("dynamic_dwnet_fashion", "inhomogeneous_dwnet_fashion")


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_onnx_agrees_with_onnxruntime(name: str, tmp_path: Path) -> None:
    spec = name
    if name in SHALLOW:
        path = tmp_path / "shallow.yaml"
        path.write_text(f"backbone: shallow\nextends: {name}\nstages: {{depth: [1, 1]}}\n")
        spec = str(path)
    check(spec, "onnx", tmp_path)


@pytest.mark.parametrize("name", ["swin_fashion", "dynamic_dwnet_fashion"])
def test_torch_export_is_loaded_back(name: str, tmp_path: Path) -> None:
    check(name, "torch", tmp_path)


def check(name: str, form: Form, folder: Path) -> None:
    (made,) = generate([name], folder)
    exported = export(made.path, form, folder / f"model.{form}")
    assert exported.ok, exported.difference
    assert exported.path.stat().st_size == exported.bytes


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_the_default_compiler_agrees(name: str) -> None:
    """One of each operator class, the demo's two among them."""
    torch._dynamo.reset()
    module = load_text(compile_backbone(name).text, f"{name}.py")
    model = getattr(module, name)().eval()
    x = torch.randn(2, model.in_chans, *model.img_size)
    with torch.no_grad():
        compiled = torch.compile(model, fullgraph=True)
        torch.testing.assert_close(compiled(x), model(x), rtol=1e-4, atol=1e-5)
