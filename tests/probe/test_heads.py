"""Heads that share keys and values and heads that talk, measured: where they stand is written
here, not computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from timm.layers.attention2d import MultiQueryAttention2d, MultiQueryAttentionV2
from timm.models.cait import TalkingHeadAttn
from torch import nn

from relgraph.cli.process import run
from relgraph.graph.bodies import node_of
from relgraph.probe.probed import Placed
from relgraph.relations.words import key
from relgraph.resolve import resolve_operator
from tests.probe import heads
from tests.probe.measured import measured

TOKENS = (1, 16, 8)
WIDE = (1, 16, 16)
MAP = (1, 8, 4, 4)
FULL = "full-separate.heads-pair.softmax"


def only(module: nn.Module, shape: tuple[int, ...]) -> Placed:
    (one,) = measured(module, shape).operators
    return one


def told(one: Placed, name: str) -> tuple[str | None, str]:
    """What was found of a property, None where it is undecided, and the evidence."""
    found = next(p for p in one.part.measured.properties if p.name == name)
    return (found.found if found.decided else None), found.evidence


SHARED: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {
    "grouped, repeated": (heads.Grouped, TOKENS, 2),
    "grouped, in runs": (lambda: heads.Grouped(how="runs"), TOKENS, 2),
    "grouped, fused": (lambda: heads.Grouped(how="fused"), TOKENS, 2),
    "grouped, in turn": (lambda: heads.Grouped(how="in turn"), TOKENS, 2),
    "grouped, of a wide layer": (lambda: heads.Grouped(48, 6, 3), (1, 36, 48), 3),
    "multi-query": (lambda: heads.Grouped(values=1), TOKENS, 1),
    "multi-query, in runs": (lambda: heads.Grouped(values=1, how="runs"), TOKENS, 1),
    "timm's": (lambda: MultiQueryAttentionV2(8, num_heads=4, key_dim=2, value_dim=2), MAP, 1),
    "timm's of maps": (
        lambda: MultiQueryAttention2d(8, num_heads=4, key_dim=2, value_dim=2),
        MAP,
        1,
    ),
}


@pytest.mark.parametrize("name", SHARED)
def test_keys_and_values_that_heads_share(name: str) -> None:
    made, shape, count = SHARED[name]
    one = only(made(), shape)
    assert (one.family, one.exact) == (f"{FULL}.keys1", True)
    assert one.names[0].startswith("multi_query_attention")
    assert one.part.measured.operator.weight.kv_heads == count
    assert told(one, "keys of heads")[0] == f"kv_heads {count}"


def test_heads_with_keys_and_values_of_their_own_share_none() -> None:
    one = only(heads.Grouped(values=4), TOKENS)
    assert (one.family, one.exact) == (FULL, True)
    assert one.part.measured.operator.weight.kv_heads is None


DIFFERENT: dict[str, tuple[dict[str, Any], str]] = {
    "values only": ({"values": 1, "keys": 4}, "1 value for 4 heads, 4 keys for as many heads"),
    "fewer values": ({"values": 1, "keys": 2}, "1 value for 4 heads, 2 keys for as many heads"),
    "keys only": ({"values": 4, "keys": 1}, "heads share keys, and have values of their own"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_keys_and_values_that_are_not_shared_alike_are_told(name: str) -> None:
    arguments, said = DIFFERENT[name]
    one = only(heads.Grouped(**arguments), TOKENS)
    assert (one.family, one.exact) == (FULL, False)
    assert any(text.endswith(said) for text in one.part.measured.differs)


def test_shared_keys_of_the_image_itself() -> None:
    one = only(heads.Unprojected(whole=False), TOKENS)
    assert (one.family, one.exact) == (f"{FULL}.keys1", True)
    assert one.part.measured.operator.weight.kv_heads == 1
    whole = only(heads.Unprojected(), TOKENS)
    assert (whole.family, whole.exact) == (FULL, False)
    said = "heads share values that are no projection of the image"
    assert said in whole.part.measured.differs


def test_what_does_not_show_of_keys_is_undecided() -> None:
    wide = only(MultiQueryAttentionV2(8, num_heads=4, key_dim=16, value_dim=2), MAP)
    assert (wide.family, wide.exact) == (f"{FULL}.keys1", False)
    assert told(wide, "keys of heads")[0] is None
    assert "a key sees all of 8 numbers" in told(wide, "keys of heads")[1]
    assert not wide.part.measured.differs


TALKING: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "cait": (lambda: TalkingHeadAttn(16, 4, qkv_bias=True), "both", "talking"),
    "both": (heads.Talking, "both", "talking"),
    "logits": (lambda: heads.Talking(weights=False), "logits", "talkinglogits"),
    "weights": (lambda: heads.Talking(logits=False), "weights", "talkingweights"),
    "of shared keys": (lambda: heads.Talking(values=2), "both", "keys1.talking"),
}


@pytest.mark.parametrize("name", TALKING)
def test_heads_that_talk(name: str) -> None:
    made, word, family = TALKING[name]
    one = only(made(), WIDE)
    assert (one.family, one.exact) == (f"{FULL}.{family}", True)
    found, evidence = told(one, "talking heads")
    assert found == word
    assert ("logits" in evidence, "weights" in evidence) == (word != "weights", word != "logits")
    assert told(one, "bias of queries")[0] == "yes"


def test_heads_that_do_not_hear_all_others_are_told() -> None:
    module = heads.Talking(logits=False)
    module.behind = heads.Neighbours()
    one = only(module, WIDE)
    assert (one.family, one.exact) == (f"{FULL}.talkingweights", False)
    assert "some heads do not hear some others' weights" in one.part.measured.differs


def test_mixtures_without_a_number_of_each_head_are_told() -> None:
    one = only(heads.Talking(bias=False), WIDE)
    assert (one.family, one.exact) == (f"{FULL}.talking", False)
    assert one.part.measured.differs == ("mixed weights have no number of each head's own",)
    # Under a softmax what is added to all logits of a head does not show.
    assert only(heads.Talking(weights=False, bias=False), WIDE).exact


def test_mixtures_around_no_normalisation_of_places_are_undecided() -> None:
    one = only(heads.Talking(over=1), WIDE)  # a softmax over the heads
    assert not one.exact
    found, evidence = told(one, "talking heads")
    assert found is None
    assert "a learned matrix behind queries and keys" in evidence


DRAFTS = {
    "timm.layers.attention2d:MultiQueryAttentionV2": (
        "{dim: 8, num_heads: 4, key_dim: 2, value_dim: 2}",
        "1x8x4x4",
        "full-separate.heads4-pair.softmax.keys1",
    ),
    "timm.models.cait:TalkingHeadAttn": (
        "{dim: 8, num_heads: 4}",
        "1x16x8",
        "full-separate.heads4-pair.softmax.talking",
    ),
}


@pytest.mark.parametrize("module", DRAFTS)
def test_drafts_mean_what_was_measured(module: str, tmp_path: Path) -> None:
    arguments, shape, wanted = DRAFTS[module]
    out = tmp_path / "own.yaml"
    told = ["--args", arguments, "--shape", shape, "-o", str(out)]
    assert run(["probe", module, *told]) == 0
    assert run(["check", str(out)]) == 0
    assert key(node_of(resolve_operator(out, 8))).startswith(wanted)
