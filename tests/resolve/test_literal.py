"""A resolved backbone as plain data: lossless, small, and the same wherever it was written."""

from __future__ import annotations

import ast
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relgraph.errors import Place
from relgraph.resolve import resolve_backbone
from relgraph.resolve.literal import digest, dump, dump_node, parse, parse_node, repeating
from relgraph.resolved import Backbone, Node
from relgraph.shipped import shipped
from tests.resolve.strategies import backbones, nodes

thorough = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@thorough
@given(backbones)
def test_parse_undoes_dump(backbone: Backbone) -> None:
    data = dump(backbone)
    assert parse(json.loads(json.dumps(data))) == backbone
    assert parse(ast.literal_eval(repr(data))) == backbone


@thorough
@given(nodes)
def test_nodes_too(node: Node) -> None:
    assert parse_node(json.loads(json.dumps(dump_node(node)))) == node


@settings(thorough, max_examples=15)
@given(backbones, backbones)
def test_the_hash_is_of_the_value(one: Backbone, other: Backbone) -> None:
    assert (digest(one) == digest(other)) == (one == other)
    moved = replace(one, place=Place("elsewhere.yaml", 9, 9))
    assert digest(moved) == digest(one)


@given(st.lists(st.integers(0, 2), max_size=8))
def test_repetition_is_found(numbers: list[int]) -> None:
    blocks = tuple(() if number == 0 else ((),) * number for number in numbers)
    listed, period = repeating(blocks)
    rebuilt = list(blocks[:listed])
    while len(rebuilt) < len(blocks):
        rebuilt.append(rebuilt[-period])
    assert tuple(rebuilt) == blocks


def test_repetition_after_a_different_first_block() -> None:
    assert repeating(((1,), (2,), (2,), (2,))) == (2, 1)
    assert repeating(((1,), (2,), (1,), (2,))) == (2, 2)
    assert repeating(((1,),)) == (1, 1)


@pytest.mark.parametrize("name", shipped("backbones"))
def test_shipped_backbones(name: str) -> None:
    backbone = resolve_backbone(name).backbone
    assert parse(json.loads(json.dumps(dump(backbone)))) == backbone
    assert digest(resolve_backbone(name).backbone) == digest(backbone)


def test_swin_lists_two_blocks_of_eighteen() -> None:
    stage = dump(resolve_backbone("swin_base").backbone)["stages"][2]  # type: ignore[index,call-overload]
    assert (stage["depth"], stage["period"], len(stage["blocks"])) == (18, 2, 2)
