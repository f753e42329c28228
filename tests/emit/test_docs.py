"""The module docstring says by which edits `mlp` becomes each operator."""

from __future__ import annotations

import re

import pytest

from relgraph.assemble.cost import cost
from relgraph.assemble.walking import nodes
from relgraph.emit.docs import module_docstring
from relgraph.program import Connect, Scope
from relgraph.understanding import understand


def operators(name: str) -> dict[str, str]:
    """What the docstring says of each operator, in one line."""
    program = understand(name).program
    text = "\n".join(module_docstring(program, cost(program)))
    said = text[text.index("Operators (") : text.index("Shapes:")]
    found = re.findall(r"^  (\w+): (.*?)(?=^  \w|\Z)", said, re.DOTALL | re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in found}


@pytest.mark.parametrize(
    ("backbone", "operator", "expected"),
    [
        ("vit_fashion", "patchify", "sparsify space full → local; share space none → positions."),
        ("vit_fashion", "pointwise", "sparsify space full → point; share space none → positions."),
        (
            "pyramid_fashion",
            "pyramid_conv",
            "sparsify space full → local; share space none → positions; lower rank space full → "
            "scales.",
        ),
        (
            "dynamic_dwnet_fashion",
            "dynamic_depthwise_conv",
            "sparsify space full → local; share space none → positions; sparsify channel full → "
            "separate; make dynamic static → pooled.",
        ),
    ],
)
def test_derivations_of_operators(backbone: str, operator: str, expected: str) -> None:
    assert operators(backbone)[operator].endswith(f"from mlp: {expected}")


def test_a_reduced_map_and_a_frame_are_told() -> None:
    said = operators("pvt_fashion")["reduced_attention"]
    assert "from a reduced map" in said
    assert "lower rank space full → reduce" in said
    assert said.endswith("wrap in value projection; wrap in output projection.")


@pytest.mark.parametrize("backbone", ["swin_static_fashion", "mixer_fashion", "resnet_fashion"])
def test_every_connection_has_a_derivation_and_bodies_have_none(backbone: str) -> None:
    said = operators(backbone)
    for _, node in nodes(understand(backbone).program):
        if isinstance(node, Connect):
            assert "from mlp: " in said[node.name]
        if isinstance(node, Scope) and node.name in said:
            assert ("from mlp: " in said[node.name]) == (node.operator is not None)
