"""The reference interpreter's wiring against the same sums written by hand."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from relgraph.assemble import assemble
from relgraph.program import Program
from relgraph.resolve import resolve_backbone
from relgraph.verify.draws import draw, inventory
from relgraph.verify.reference import run
from relgraph.verify.values import from_map

SPEC = """
backbone: wiring
cite: "A test"
input: {{size: 6, channels: 4}}
classes: 3
stem: []
stages: [{{depth: 1, channels: {channels}}}]
block:
{block}
head: [{head}]
"""


def wired(
    folder: Path, block: str, head: str = "global_pool, classifier", channels: int = 4
) -> Program:
    path = folder / "wiring.yaml"
    body = textwrap.indent(textwrap.dedent(block).strip(), "  ")
    path.write_text(SPEC.format(block=body, head=head, channels=channels))
    return assemble(resolve_backbone(path).backbone)


def images(program: Program) -> Tensor:
    assert program.input.grid is not None
    shape = (2, program.input.channels, *program.input.grid)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def feature(program: Program) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """The images, the feature map of the only stage, and the tensors of its only block."""
    tensors, x = draw(inventory(program), 2), images(program)
    (found,) = run(program, tensors, x).features
    prefix = "stages.0.blocks.0."
    return x, found, {k.removeprefix(prefix): t for k, t in tensors.items() if prefix in k}


def mixed(x: Tensor, tensors: dict[str, Tensor], name: str) -> Tensor:
    weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    return F.conv2d(x, weight[:, :, None, None], bias)


def test_a_residual_adds_its_scaled_body(tmp_path: Path) -> None:
    program = wired(tmp_path, "- residual: {body: [pointwise, relu], scale: 0.5}")
    x, found, own = feature(program)
    y = F.relu(mixed(x, own, "pointwise"))
    torch.testing.assert_close(found, x + own["scale.weight"][:, None, None] * y)


def test_a_shortcut_stands_in_where_the_shape_changes(tmp_path: Path) -> None:
    block = """
    - residual:
        body: [conv: {size: 3, stride: 2, channels: 6, bias: false}]
        shortcut: [pointwise: {channels: 6, stride: 2, bias: false}]
    """
    x, found, own = feature(wired(tmp_path, block, channels=6))
    body = F.conv2d(x, own["conv.weight"], stride=2, padding=1)
    short = F.conv2d(x[:, :, ::2, ::2], own["pointwise.weight"][:, :, None, None])
    torch.testing.assert_close(found, short + body)


def test_a_gate_broadcasts_over_positions(tmp_path: Path) -> None:
    x, found, own = feature(wired(tmp_path, "- product: [[], [global_pool, pointwise, sigmoid]]"))
    gate = torch.sigmoid(F.linear(x.mean((2, 3)), own["pointwise.weight"], own["pointwise.bias"]))
    torch.testing.assert_close(found, x * gate[:, :, None, None])


def test_parts_of_a_split_are_put_side_by_side_again(tmp_path: Path) -> None:
    x, found, own = feature(
        wired(tmp_path, "- split: {sizes: [1, rest], bodies: [[], [pointwise]]}")
    )
    torch.testing.assert_close(found, torch.cat([x[:, :1], mixed(x[:, 1:], own, "pointwise")], 1))


def test_a_tap_is_what_stood_there(tmp_path: Path) -> None:
    block = """
    - pointwise
    - tap: first
    - relu
    - sum: [[], [from: first, tanh]]
    """
    x, found, own = feature(wired(tmp_path, block))
    y = mixed(x, own, "pointwise")
    torch.testing.assert_close(found, F.relu(y) + torch.tanh(y))


def test_tokens_that_a_branch_lacks_get_nothing_added(tmp_path: Path) -> None:
    block = """
    - add_token: class
    - sum: [[], [select: map, relu]]
    """
    x, found, own = feature(wired(tmp_path, block, head="select: class, classifier"))
    torch.testing.assert_close(found, x + F.relu(x))
    program = wired(tmp_path, block, head="select: class, classifier")
    tensors = draw(inventory(program), 2)
    logits = run(program, tensors, images(program)).logits
    token = own["class_token.weight"][:, 0].expand(2, -1)
    head = tensors["classifier.weight"], tensors["classifier.bias"]
    torch.testing.assert_close(logits, F.linear(token, *head))


def test_training_updates_the_tensors_it_was_given(tmp_path: Path) -> None:
    program = wired(tmp_path, "- batch_norm")
    tensors, x = draw(inventory(program), 2), images(program)
    name = "stages.0.blocks.0.norm.running_mean"
    before = tensors[name].clone()
    run(program, tensors, x)
    torch.testing.assert_close(tensors[name], before)
    run(program, tensors, x, training=True)
    torch.testing.assert_close(tensors[name], 0.9 * before + 0.1 * x.mean((0, 2, 3)))


def test_the_watch_sees_every_module_inner_first(tmp_path: Path) -> None:
    program = wired(tmp_path, "- residual: [feed_forward]")
    seen: dict[str, Tensor] = {}
    x = images(program)
    made = run(program, draw(inventory(program), 2), x, watch=lambda p, y, _: seen.update({p: y}))
    names = list(seen)
    block = "stages.0.blocks.0"
    assert names.index(f"{block}.feed_forward.pointwise1") < names.index(f"{block}.feed_forward")
    assert names.index(f"{block}.feed_forward") < names.index(block)
    torch.testing.assert_close(seen[block], from_map(made.features[0]))


@pytest.mark.parametrize("seed", [0, 1])
def test_draws_depend_on_the_seed_alone(tmp_path: Path, seed: int) -> None:
    program = wired(tmp_path, "- batch_norm")
    one, other = draw(inventory(program), seed), draw(inventory(program), seed)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert all(float(t.min()) > 0 for name, t in one.items() if name.endswith("running_var"))
