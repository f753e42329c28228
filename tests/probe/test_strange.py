"""Modules that lie beside the words of the language, or just inside: what is said of them is so,
and what cannot be told is undecided."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from relgraph.algebra.operator import Operator
from relgraph.errors import RelgraphError
from relgraph.lower import candidates
from relgraph.lower.module import Module
from relgraph.probe import Placed, probe
from relgraph.probe.draft import draft
from relgraph.resolve import resolve_operator
from relgraph.resolved import OperatorUse
from tests.lower.against_oracle import node
from tests.probe import handwritten, strange
from tests.probe.measured import Found, found, measured
from tests.support import build

TOKENS = (1, 16, 8)
MAP = (1, 8, 7, 7)
SMALL = (1, 4, 6, 6)

FULL = "full-separate.heads-pair"
DEPTHWISE = "local.positions-separate-static"

INSIDE: dict[str, tuple[nn.Module, tuple[int, ...], list[Found]]] = {
    "a temperature for each head": (strange.Attention(), TOKENS, [(f"{FULL}.softmax", True)]),
    "a softmax written out": (strange.WrittenOut(), TOKENS, [(f"{FULL}.softmax", True)]),
    "products over their magnitudes": (strange.Signed(), TOKENS, [(f"{FULL}.l1", True)]),
    "squashed cosines": (strange.Cosines(), TOKENS, [(f"{FULL}.sigmoid.cosine", True)]),
    "neighbours two apart": (
        strange.DilatedNeighbours(),
        MAP,
        [("local.zero-separate.heads-pair.softmax", True)],
    ),
    "a kernel through a softmax": (
        strange.SoftKernel(),
        SMALL,
        [("local.positions.zero-separate-static.softmax", True)],
    ),
    "kernels that are mixed": (
        strange.MixedKernels(),
        MAP,
        [("local.positions-separate-pooled", True)],
    ),
    "a dilated kernel with a gate": (
        strange.GatedDilation(),
        MAP,
        [("local.positions-separate-center", True)],
    ),
    "a bias behind a gate": (
        strange.GatedDilation(bias=True),
        MAP,
        [("local.positions-separate-center", False)],
    ),
    "strides of 3 and 2": (
        nn.Conv2d(4, 6, 3, stride=(3, 2), padding=1),
        (1, 4, 9, 8),
        [("local.positions-full-static", True)],
    ),
    "a kernel for each half": (
        strange.TwoKernels(),
        MAP,
        [(f"split2_{DEPTHWISE}_{DEPTHWISE}", True)],
    ),
    "channels that move": (
        strange.Moved(),
        (1, 16, 5, 5),
        [
            (
                f"split5{4 * '_local-separate-fixed.shift'}_point-separate-fixed.identity",
                True,
            )
        ],
    ),
    "a map that moves": (strange.Rolled(), SMALL, [("local.wrap-separate-fixed.shift", True)]),
    "a tuple, with dropout": (strange.Several(), SMALL, [("local.positions-full-static", True)]),
    "one of two matrices": (strange.Routed(), TOKENS, [("point.positions-full-center", True)]),
}


@pytest.mark.parametrize("name", INSIDE)
def test_what_lies_inside_is_placed(name: str) -> None:
    module, shape, wanted = INSIDE[name]
    assert list(found(module, shape)) == wanted


OUTSIDE: dict[str, tuple[nn.Module, tuple[int, ...], str, str]] = {
    # What is undecided, and a word of the evidence.
    "a given scale": (strange.GivenScale(), TOKENS, "", "multiplied by a given number"),
    "a sign": (strange.Negated(), TOKENS, "normalisation", "sum to -1"),
    "one more": (strange.OneMore(), TOKENS, "dynamism", "neither its output nor its input"),
    "cut logits": (strange.CutLogits(), TOKENS, "score", "behind the product of query and key"),
    "powers": (strange.Powers(), TOKENS, "score", "exp on their way"),
    "the best four": (strange.Best(), TOKENS, "dynamism", "neither its output nor its input"),
    "heads that talk twice": (
        strange.TalkingTwice(),
        TOKENS,
        "talking heads",
        "weights are no mixture of heads'",
    ),
    "distances": (strange.Distances(), TOKENS, "position", "not learned"),
    "those before": (strange.Ordered(), TOKENS, "connectivity over space", "1 to 16 of 16"),
    "places inside": (strange.PlacesInside(), TOKENS, "position", "change by"),
    "a mirror": (strange.Mirrored(), SMALL, "sharing over space", "no sharing of the algebra"),
    "sampled places": (strange.Sampled(), (1, 4, 5, 5), "additivity of W", "not a sum"),
    "a decay": (strange.Decaying(), (1, 9, 8), "weights", "a special case"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_lies_outside_is_not_claimed(name: str) -> None:
    module, shape, undecided, evidence = OUTSIDE[name]
    placed = measured(module, shape).operators
    assert not all(one.exact for one in placed)
    properties = [p for one in placed for p in one.part.measured.properties if not p.decided]
    said = [p.evidence for p in properties if p.name == undecided]
    differs = [text for one in placed for text in one.part.measured.differs]
    assert any(evidence in text for text in said or differs), (said, differs)
    assert bool(said) == bool(undecided)
    for one in placed:  # a draft can be made of what is near, too
        assert draft(one.part, "near", "a module")


REFUSED: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "not-deterministic": (strange.AlwaysDropped(), SMALL),
    "not-differentiable": (strange.Largest(), TOKENS),
    "wrong-layout": (nn.Conv3d(4, 4, 3, padding=1), (1, 4, 3, 5, 5)),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_cannot_be_measured_is_refused(code: str) -> None:
    with pytest.raises(RelgraphError) as refused:
        probe(*REFUSED[code])
    assert refused.value.problems[0].code == code


# Channels, the map, and what is probed: maps, so that what relgraph emits takes the same input.
ROUND: dict[str, tuple[nn.Module, tuple[int, ...], dict[str, Any]]] = {
    "involution": (handwritten.Involution(), (1, 8, 5, 5), {}),
    "a softmax of kernels": (strange.SoftKernel(), SMALL, {}),
    "neighbours": (strange.DilatedNeighbours(), (1, 8, 5, 5), {}),
    "moved": (strange.Rolled(), SMALL, {}),
    "cosines": (strange.Cosines(), TOKENS, {}),
    "magnitudes": (strange.Signed(), TOKENS, {}),
}


def emitted(placed: Placed, text: str, tmp_path: Any) -> nn.Module:
    """The operator of a draft as relgraph emits it, on a map."""
    path = tmp_path / "own.yaml"
    path.write_text(text)
    use = resolve_operator(path, placed.part.widths[0])
    assert isinstance(use, OperatorUse)
    operator: Operator = use.operator
    grid = (4, 4) if operator.space.connect == "full" else (6, 6)
    _, lowered = next(iter(candidates(node(operator, placed.part.widths[0], grid))))
    assert isinstance(lowered, Module)
    return build(lowered)


@pytest.mark.parametrize("name", ROUND)
def test_a_draft_that_claims_equality_is_measured_as_the_module(name: str, tmp_path: Any) -> None:
    module, shape, told = ROUND[name]
    (one,) = measured(module, shape, **told).operators
    assert one.exact
    texts = draft(one.part, "own", "a module")
    made = emitted(one, texts["own.yaml"], tmp_path)
    side = 4 if one.part.measured.operator.space.connect == "full" else 6
    (again,) = measured(made, (1, one.part.widths[0], side, side)).operators
    assert again.exact
    assert again.key == one.key
    assert again.part.measured.operator.weight == one.part.measured.operator.weight


def test_several_operators_are_drafted_together() -> None:
    (gate,) = measured(handwritten.LargeKernelAttention(), MAP).operators
    texts = draft(gate.part, "own", "a module")
    assert list(texts) == ["own.yaml", "own_1.yaml", "own_2.yaml", "own_3.yaml"]
    assert "  - {product: [[], [own_1, own_2, own_3]]}\n" in texts["own.yaml"]
    (split,) = measured(strange.TwoKernels(), MAP).operators
    texts = draft(split.part, "own", "a module")
    assert "  - {split: {sizes: [4, 4], bodies: [[own_1], [own_2]]}}\n" in texts["own.yaml"]


def test_wide_links_are_measured_in_samples() -> None:
    """Rows by gradients, changes by random features: the same as of narrow ones."""
    torch.manual_seed(0)
    (wide,) = measured(strange.Attention(32, 2), (1, 64, 32)).operators
    assert (wide.family, wide.exact) == (f"{FULL}.softmax", True)
    assert "table over places" in wide.part.measured.proof
