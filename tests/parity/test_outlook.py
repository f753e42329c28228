"""The shipped outlook attention against VOLO's layer in timm, random weights, float64."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from timm.models.volo import OutlookAttention

from relgraph.assemble.walking import nodes
from relgraph.lower import candidates
from relgraph.lower.module import Module
from relgraph.program import Connect
from tests.designs import program, small
from tests.lower.against_oracle import randomize
from tests.support import build

DIM, HEADS = 8, 2


def shipped(folder: Path, step: int, size: int) -> Connect:
    """`outlook_attention` as a model uses it, on a map of half as many positions each way."""
    text = f"- outlook_attention: {{heads: {HEADS}, step: {step}}}"
    made = program(small(folder, text, size))
    return next(
        node
        for _, node in nodes(made)
        if isinstance(node, Connect) and node.connection.operator.space.connect == "outlook"
    )


def carried(theirs: OutlookAttention) -> dict[str, torch.Tensor]:
    """timm's tensors under our names: the layer that makes logits takes their scale."""
    return {
        "value.weight": theirs.v.weight,
        "expand.weight": theirs.attn.weight * theirs.scale,
        "expand.bias": theirs.attn.bias * theirs.scale,
        "proj.weight": theirs.proj.weight,
        "proj.bias": theirs.proj.bias,
    }


@pytest.mark.parametrize(("step", "size"), [(1, 14), (2, 16), (2, 14)], ids=str)
def test_outlook_attention_is_volos(step: int, size: int, tmp_path: Path) -> None:
    """Also where the step does not divide the map: the last cells are smaller."""
    theirs = randomize(OutlookAttention(DIM, HEADS, kernel_size=3, padding=1, stride=step)).eval()
    assert isinstance(theirs, OutlookAttention)
    x = torch.randn(2, size // 2, size // 2, DIM, dtype=torch.float64)
    forms = candidates(shipped(tmp_path, step, size))
    assert [name for name, _ in forms] == ["outlook attention", "general"]
    for name, lowered in forms:
        assert isinstance(lowered, Module), name
        ours = build(lowered).double()
        ours.load_state_dict(carried(theirs), strict=False)
        with torch.no_grad():
            found, expected = ours(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1), theirs(x)
        assert (found - expected).abs().max() <= 1e-9 * expected.abs().max(), name
