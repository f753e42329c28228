"""Attention of windows to what stands around them: the fast form beside the oracle, and proofs that
notice what is changed in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from relgraph.algebra.operator import Border, Channel, Frame, Operator, Size, Space, Weight
from relgraph.algebra.parameters import parameters
from relgraph.assemble import assemble
from relgraph.emit import emit
from relgraph.lower.halo import accepts_halo_attention, lower_halo_attention
from relgraph.program import Connect
from relgraph.resolve import resolve_backbone
from relgraph.verify import verify_text
from tests.lower.against_oracle import (
    assert_compiles,
    assert_composes,
    assert_equals_oracle,
    assert_exports,
    assert_runs_in_bfloat16,
    assert_survives_meta,
    node,
    randomize,
)
from tests.support import build
from tests.verify.models import until

ATTENTION = Operator(
    Space("window", (2, 3), halo=(1, 2), border="mask"),
    Channel("separate", share="heads", heads=2),
    Weight("pair", "softmax", "relative"),
    "none",
    Frame(True, True),
)


def around(border: Border, position: str, grid: Size = (4, 9), halo: Size = (1, 2)) -> Connect:
    operator = replace(
        ATTENTION,
        space=replace(ATTENTION.space, border=border, halo=halo),
        weight=replace(ATTENTION.weight, position=position),  # type: ignore[arg-type]
    )
    return node(operator, 6, grid)


NODES = {
    "relative": around("mask", "relative"),
    "zeros": around("zero", "relative"),
    "plain": around("mask", "none"),
    "zeros, plain": around("zero", "none"),
    "wrapped": around("wrap", "none"),
    "one axis": around("mask", "relative", halo=(0, 2)),
    "one axis covered": around("mask", "relative", grid=(2, 6)),
    "further than the map": around("zero", "relative", halo=(5, 0)),
}


@pytest.mark.parametrize("name", NODES)
def test_equals_the_oracle(name: str) -> None:
    at = NODES[name]
    assert accepts_halo_attention(at)
    lowered = lower_halo_attention(at)
    made = assert_equals_oracle(at, lowered)
    assert_composes(made, at)
    found = {name: tuple(p.shape) for name, p in made.named_parameters()}
    assert found == {p.name: p.shape for p in parameters(at.connection)}
    assert_survives_meta(lowered, at)
    assert_runs_in_bfloat16(lowered, at)


@pytest.mark.parametrize("name", ["relative", "zeros, plain"])
def test_compiles_and_exports(name: str) -> None:
    at = NODES[name]
    made = randomize(build(lower_halo_attention(at)))
    assert_compiles(made, at)
    assert_exports(made, at)


@pytest.mark.parametrize("name", ["relative", "plain", "wrapped"])
def test_takes_another_size(name: str) -> None:
    """A module built for one map means the same operator on another."""
    at = NODES[name]
    moved = node(at.connection.operator, 6, (8, 12))
    made = randomize(build(lower_halo_attention(at)))
    assert_equals_oracle(moved, lower_halo_attention(moved), module=made)


def test_what_covers_its_map_has_nothing_around_it() -> None:
    covered = around("mask", "relative", grid=(2, 3))
    assert not accepts_halo_attention(covered)
    assert covered.connection.operator.space.halo != (0, 0)
    shapes = {p.name: p.shape for p in parameters(covered.connection)}
    assert shapes["relative_position_bias_table"] == (3 * 5, 2)


SPEC = """\
backbone: halo_model
input: {size: 12, channels: 8}
stages: [{depth: 1, channels: 8}]
block: [residual: [layer_norm, halo_attention: {window: 3, halo: 1, heads: 2}]]
head: [global_pool, classifier]
"""


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("halo") / "halo_model.yaml"
    path.write_text(SPEC)
    return emit(assemble(resolve_backbone(path).backbone))


def test_a_model_is_proved(text: str) -> None:
    report = verify_text(text, "halo_model.py")
    assert report.ok, [check for check in report.checks if not check.ok]


@pytest.mark.parametrize(
    ("old", "new", "caught"),
    [
        (
            "return first[:, None] + torch.arange(-halo, size + halo",
            "return first[:, None] + halo + torch.arange(-halo, size + halo",
            {"connectivity", "logits"},
        ),
        ("masked_fill(inputs < 0, -math.inf)", "masked_fill(inputs < -1, -math.inf)", {"values"}),
        ("step = reads[None, :] -", "step = -reads[None, :] +", {"values", "logits"}),
        ("if window_h < h else 0", "if window_h < 0 else 0", {"connectivity", "logits"}),
    ],
    ids=["behind alone", "zeros take part", "offsets output - input", "no halo"],
)
def test_other_neighbourhoods_are_rejected(text: str, old: str, new: str, caught: set[str]) -> None:
    assert old in text
    report = verify_text(text.replace(old, new), "halo_model.py", until=until(caught))
    assert caught <= {check.name for check in report.checks if not check.ok}
