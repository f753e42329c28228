"""Blocks that move parts of the channels, as specs, against their papers' definitions written out:
ShiftViT's (Wang et al., AAAI 2022) and the spatial shift of S²-MLP (Yu et al., WACV 2022)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from relgraph.assemble import assemble
from relgraph.emit import emit
from relgraph.resolve import resolve_backbone
from relgraph.verify import verify_text
from tests.lower.against_oracle import randomize
from tests.support import run_text
from tests.verify.models import until

# A twelfth of the channels in each of four directions, the rest in place; then the feed-forward.
SHIFTVIT = """\
backbone: shiftvit_block
input: {size: 8, channels: 24}
stages: [{depth: 1, channels: 24}]
block:
  - split:
      sizes: [2, 2, 2, 2, rest]
      bodies: [[shift: [0, 1]], [shift: [0, -1]], [shift: [1, 0]], [shift: [-1, 0]], []]
  - residual: [{group_norm: 1}, {feed_forward: 2}]
head: [global_pool, classifier]
"""

# A quarter in each direction between two linear layers; the last row or column is repeated.
S2_MLP = """\
backbone: s2_mlp_block
input: {size: 8, channels: 24}
define:
  move: {params: {offset: [0, 1]}, body: [shift: {offset: $offset, border: clamp}]}
stages: [{depth: 1, channels: 24}]
block:
  - residual:
    - layer_norm
    - pointwise: 24
    - gelu
    - split:
        sizes: [0.25, 0.25, 0.25, 0.25]
        bodies: [[move: [-1, 0]], [move: [1, 0]], [move: [0, -1]], [move: [0, 1]]]
    - pointwise: 24
head: [global_pool, classifier]
"""


def moved_in_twelfths(x: Tensor) -> Tensor:
    """The first four twelfths move to the left, right, up and down; zeros come in."""
    g, out = x.shape[1] // 12, torch.zeros_like(x)
    out[:, :g, :, :-1] = x[:, :g, :, 1:]
    out[:, g : 2 * g, :, 1:] = x[:, g : 2 * g, :, :-1]
    out[:, 2 * g : 3 * g, :-1] = x[:, 2 * g : 3 * g, 1:]
    out[:, 3 * g : 4 * g, 1:] = x[:, 3 * g : 4 * g, :-1]
    out[:, 4 * g :] = x[:, 4 * g :]
    return out


def moved_in_quarters(x: Tensor) -> Tensor:
    """A quarter each down, up, right and left; what is left behind keeps its old values."""
    g, out = x.shape[1] // 4, x.clone()
    out[:, :g, 1:] = x[:, :g, :-1]
    out[:, g : 2 * g, :-1] = x[:, g : 2 * g, 1:]
    out[:, 2 * g : 3 * g, :, 1:] = x[:, 2 * g : 3 * g, :, :-1]
    out[:, 3 * g :, :, :-1] = x[:, 3 * g :, :, 1:]
    return out


def linear(x: Tensor, state: dict[str, Tensor], name: str) -> Tensor:
    """A layer over channels, at every position."""
    weight = state[f"{name}.weight"].flatten(1)
    return F.linear(x.movedim(1, -1), weight, state[f"{name}.bias"]).movedim(-1, 1)


def emitted(text: str, folder: Path) -> str:
    """The file of a spec."""
    path = folder / f"{text.split()[1]}.yaml"
    path.write_text(text)
    return emit(assemble(resolve_backbone(path).backbone))


def block_of(text: str) -> tuple[nn.Module, dict[str, Tensor]]:
    """The only block of a file's model, random, and its tensors."""
    module = run_text(text)
    model = randomize(getattr(module, module.BUILDER)()).eval()
    block = model.get_submodule("stages.0.blocks.0")
    return block, dict(block.state_dict())


def test_a_block_of_shiftvit(tmp_path: Path) -> None:
    block, state = block_of(emitted(SHIFTVIT, tmp_path))
    x = torch.randn(2, 24, 8, 8, dtype=torch.float64)
    moved = moved_in_twelfths(x)
    h = F.group_norm(moved, 1, state["norm.weight"], state["norm.bias"])
    h = F.gelu(linear(h, state, "feed_forward.pointwise1"))
    h = linear(h, state, "feed_forward.pointwise2")
    torch.testing.assert_close(block(x), moved + h, rtol=1e-12, atol=1e-12)


def test_a_block_of_s2_mlp(tmp_path: Path) -> None:
    block, state = block_of(emitted(S2_MLP, tmp_path))
    x = torch.randn(2, 24, 8, 8, dtype=torch.float64)
    norm = state["norm.weight"], state["norm.bias"]
    h = F.layer_norm(x.movedim(1, -1), (24,), *norm, eps=1e-5).movedim(-1, 1)
    h = moved_in_quarters(F.gelu(linear(h, state, "pointwise1")))
    expected = x + linear(h, state, "pointwise2")
    torch.testing.assert_close(block(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("text", [SHIFTVIT, S2_MLP], ids=["shiftvit", "s2_mlp"])
def test_they_are_proved(text: str, tmp_path: Path) -> None:
    report = verify_text(emitted(text, tmp_path), "block.py")
    assert report.ok, [check for check in report.checks if not check.ok]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("down, right = self.offset", "right, down = self.offset"),
        ("x = F.pad(x, (max(-right", "x = -F.pad(-x, (max(right"),
        ("return x[:, :, down : down + h, right : right + w]", "return x[:, :, :h, :w]"),
        ("x = F.pad(x, (", "x = clamped(x, ("),
    ],
    ids=["axes", "left for right", "not cut", "another border"],
)
def test_other_moves_are_rejected(old: str, new: str, tmp_path: Path) -> None:
    text = emitted(SHIFTVIT, tmp_path)
    assert old in text
    text = text.replace(old, new).replace("clamped(x, (", "F.pad(x, mode='replicate', pad=(")
    report = verify_text(text, "block.py", until=until({"logits", "values"}))
    failed = {check.name for check in report.checks if not check.ok}
    assert {"logits", "values"} <= failed
