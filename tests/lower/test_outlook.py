"""Outlook attention as unfold and fold, and what the general form is for: the oracle's function."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from relgraph.algebra.operator import Border, Channel, Frame, Operator, Size, Space, Weight
from relgraph.algebra.parameters import parameters
from relgraph.lower import candidates, outlook
from relgraph.lower.module import Module
from relgraph.program import Connect
from tests.lower.against_oracle import (
    assert_compiles,
    assert_composes,
    assert_equals_oracle,
    assert_exports,
    node,
)
from tests.support import build

HEADS = Channel("separate", share="heads", heads=2)


def attention(
    size: Size = (3, 3),
    step: Size = (1, 1),
    border: Border = "zero",
    channel: Channel = HEADS,
    extent: int = 1,
    biased: bool = True,
) -> Operator:
    space = Space("outlook", size, share="windows", border=border, step=step)
    frame = Frame(True, True, value_bias=biased, output_bias=biased)
    return Operator(space, channel, Weight("center", "softmax", extent=extent), "none", frame)


FAST: dict[str, Connect] = {
    "every position": node(attention(), 6, (4, 5)),
    "a step": node(attention(step=(2, 2)), 6, (4, 6)),
    "a step that leaves a rest": node(attention(step=(2, 2)), 6, (5, 7)),
    "larger": node(attention((5, 5), (3, 3)), 6, (7, 8)),
    "without biases": node(attention(step=(2, 2), biased=False), 6, (3, 4)),
    "a head for each channel": node(attention(channel=Channel("separate")), 4, (3, 4)),
    "one head": node(attention(channel=Channel("separate", share="all")), 4, (3, 4)),
    "larger than the map": node(attention((5, 5), (2, 2)), 4, (1, 2)),
}


@pytest.mark.parametrize("name", FAST)
def test_the_function_is_the_oracle_s(name: str) -> None:
    at = FAST[name]
    assert outlook.accepts_outlook(at)
    lowered = outlook.lower_outlook(at)
    made = assert_equals_oracle(at, lowered)
    assert_composes(made, at)
    found = {n: tuple(p.shape) for n, p in made.named_parameters()}
    assert found == {p.name: p.shape for p in parameters(at.connection)}


GENERAL: dict[str, Operator] = {
    "even": attention((2, 2)),
    "oblong": attention((3, 1)),
    "steps that differ": attention((3, 3), (2, 1)),
    "cut at the border": attention(border="mask"),
    "a region of cells": attention(step=(2, 2), extent=3),
    "sigmoids": replace(attention(), weight=Weight("center", "sigmoid")),
    "no projections": replace(attention(), frame=Frame()),
    "a bias of its own": replace(attention(), bias="channels"),
}


@pytest.mark.parametrize("name", GENERAL)
def test_the_rest_is_the_general_form_s(name: str) -> None:
    at = node(GENERAL[name], 4, (3, 5))
    assert not outlook.accepts_outlook(at)
    ((form, lowered),) = candidates(at)
    assert form == "general"
    assert isinstance(lowered, Module)
    assert_composes(assert_equals_oracle(at, lowered), at)


def test_both_forms_have_one_checkpoint_and_one_function() -> None:
    fast, general = (build(one).double() for _, one in candidates(FAST["a step"]))
    general.load_state_dict(fast.state_dict())
    x = torch.randn(2, 6, 5, 7, dtype=torch.float64)
    torch.testing.assert_close(fast(x), general(x), rtol=1e-12, atol=1e-12)


def test_it_compiles_and_exports() -> None:
    for _, lowered in candidates(FAST["a step that leaves a rest"]):
        made = build(lowered).double()
        assert_compiles(made, FAST["a step that leaves a rest"])
        assert_exports(made, FAST["a step that leaves a rest"])
