"""Circular kernels through transforms: the emitted modules mean what the oracle says."""

from __future__ import annotations

import itertools

import pytest
import torch

from relgraph.algebra.operator import Channel, Operator, Space
from relgraph.algebra.parameters import parameters
from relgraph.lower import candidates, circular, lower
from relgraph.lower.general import lower_general
from relgraph.lower.module import Module
from relgraph.program import Connect
from tests.lower.against_oracle import (
    assert_close,
    assert_compiles,
    assert_equals_oracle,
    assert_exports,
    assert_runs_in_bfloat16,
    assert_survives_meta,
    draw,
    laid_out,
    node,
)
from tests.support import build

TORUS = Space("full", share="positions", border="wrap")
TIES = (
    Channel("separate"),
    Channel("separate", share="heads", heads=2),
    Channel("separate", share="all"),
)
NODES: dict[str, Connect] = {
    f"{channel.share} {bias}": node(Operator(TORUS, channel, bias=bias), 6, grid)  # type: ignore[arg-type]
    for (channel, bias), grid in zip(
        itertools.product(TIES, ("none", "channels", "positions", "both")),
        itertools.cycle(((4, 4), (5, 7), (6, 3), (1, 16))),
        strict=False,
    )
}


def _lower(at: Connect) -> Module:
    lowered = lower(at)
    assert isinstance(lowered, Module)
    return lowered


@pytest.mark.parametrize("name", NODES)
def test_equals_the_oracle_and_the_general_form(name: str) -> None:
    at = NODES[name]
    assert circular.accepts_circular(at)
    made = assert_equals_oracle(at, _lower(at))
    assert {n: p.shape for n, p in made.named_parameters()} == {
        p.name: p.shape for p in parameters(at.connection)
    }
    general = build(lower_general(at)).double()
    general.load_state_dict(made.state_dict())
    x = laid_out(draw(at.input, seed=3), at.input)
    assert_close(made(x), general(x), "the general form")


@pytest.mark.parametrize("name", ["none none", "heads channels", "all both"])
def test_compiles_exports_and_resets(name: str) -> None:
    at = NODES[name]
    made = assert_equals_oracle(at, _lower(at))
    assert_compiles(made, at)
    assert_exports(made, at)
    assert_survives_meta(_lower(at), at)
    assert_runs_in_bfloat16(_lower(at), at)


def test_what_is_exported_has_no_complex_numbers() -> None:
    at = NODES["none none"]
    made = build(_lower(at)).eval()
    exported = torch.export.export(made, (torch.zeros(2, 6, 4, 4),))
    called = [str(one.target) for one in exported.graph.nodes if one.op == "call_function"]
    assert any("conv2d" in name for name in called)
    assert not any("fft" in name or "complex" in name for name in called)


def test_a_map_with_borders_is_summed() -> None:
    open_map = Operator(Space("full", share="positions"), TIES[0])
    assert [name for name, _ in candidates(node(open_map, 6, (4, 4)))] == ["general"]


def test_refuses_another_size() -> None:
    said = r"a kernel for maps of \(4, 4\), found \(4, 5\)"
    with pytest.raises(ValueError, match=said):
        build(_lower(NODES["none none"]))(torch.zeros(1, 6, 4, 5))
