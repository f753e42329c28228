"""Where no exact way exists: the least-squares optimum over the entries of W, checked by lstsq on
the dense W, and random neighbours of the algebra checked against the oracle."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from relgraph.algebra.families import connection, families
from relgraph.algebra.operator import Channel, Connection, Operator, Space, Weight
from relgraph.algebra.rules import check
from relgraph.program import node_of
from relgraph.transfer.carry import carry
from relgraph.verify import oracle
from relgraph.verify.draws import draw, entries

IMAGE = torch.zeros(1, 24, 4, dtype=torch.float64)


def tensors(one: Connection, seed: int) -> dict[str, Tensor]:
    """Random weights of a connection."""
    return draw(tuple(entries(node_of(one, ""))), seed)


def columns(one: Connection, weights: dict[str, Tensor]) -> Tensor:
    """W as a linear map of the weight's numbers: one column for each."""
    count, shape = weights["weight"].numel(), weights["weight"].shape
    basis = torch.eye(count, dtype=torch.float64).reshape(count, *shape)
    return torch.stack(
        [oracle.dense(one, {**weights, "weight": unit}, IMAGE).flatten() for unit in basis], 1
    )


def static(space: Space, channel: Channel) -> Connection:
    return connection(Operator(space, channel, Weight("static"), bias="none"))


INCOMPARABLE = {
    "local into windows": (
        static(Space("local", size=(3, 3), share="positions"), Channel("full")),
        static(Space("window", size=(2, 3), share="positions"), Channel("full")),
    ),
    "grid into local": (
        static(Space("grid", size=(2, 3), share="positions"), Channel("separate")),
        static(Space("local", size=(3, 3), share="none"), Channel("separate")),
    ),
    "dense into depth-wise": (
        static(Space("local", size=(3, 3), share="positions"), Channel("groups", groups=2)),
        static(Space("local", size=(3, 3), share="positions"), Channel("groups", 2, "all")),
    ),
    "zero border into wrap": (
        static(Space("local", size=(3, 3), share="positions"), Channel("separate")),
        static(Space("local", size=(3, 3), share="positions", border="wrap"), Channel("separate")),
    ),
    "own weights into reflected": (
        static(Space("local", size=(3, 3), share="none"), Channel("separate")),
        static(
            Space("local", size=(3, 3), share="positions", border="reflect"), Channel("separate")
        ),
    ),
    "the whole map into one number": (
        static(Space("full"), Channel("separate")),
        static(Space("local", size=(3, 3), share="all"), Channel("separate", share="all")),
    ),
}


@pytest.mark.parametrize("name", INCOMPARABLE)
def test_the_optimum_over_w(name: str) -> None:
    source, target = INCOMPARABLE[name]
    weights, fresh = tensors(source, 1), tensors(target, 2)
    made = carry(source, target, weights, fresh)
    wanted = oracle.dense(source, weights, IMAGE).flatten()
    basis = columns(target, fresh)
    best = torch.linalg.lstsq(basis, wanted[:, None], driver="gelsd").solution
    found = basis @ made.tensors["weight"].flatten()
    torch.testing.assert_close(found, (basis @ best)[:, 0], rtol=0, atol=1e-10)
    error = float((found - wanted).norm() / wanted.norm())
    assert made.method == "projection"
    assert made.error == pytest.approx(error, abs=1e-9)


def test_random_neighbours_of_the_algebra() -> None:
    """What is called exact is, and nothing else: pairs that differ in a property or two."""
    chosen, exact = random.Random(5), 0
    every = [o for o in families() if not o.space.pad]
    for seed in range(220):
        source, target = _neighbours(chosen, every)
        ends = connection(source), connection(target)
        wide = [(end.in_channels, end.out_channels) for end in ends]
        if wide[0] != wide[1]:
            continue
        weights, fresh = tensors(ends[0], seed), tensors(ends[1], seed + 1)
        made = carry(*ends, weights, fresh)
        drawn = torch.Generator().manual_seed(1)
        x = torch.randn(2, 24, wide[0][0], dtype=torch.float64, generator=drawn)
        one = oracle.connect(ends[0], weights, x)
        other = oracle.connect(ends[1], {**fresh, **made.tensors}, x)
        same = one.shape == other.shape and bool((one - other).abs().max() < 1e-10)
        assert same == made.is_exact, f"{source} into {target}: {made.method}, {made.reason}"
        exact += same
    assert exact > 20


def _neighbours(chosen: random.Random, every: list[Operator]) -> tuple[Operator, Operator]:
    """An operator, and one with less shared or one that is alike in most properties."""
    source = chosen.choice(every)
    freer = [
        replace(source, space=replace(source.space, share="none")),
        replace(source, channel=Channel("full")),
        replace(source, weight=Weight("center", source.weight.normalize, extent=3)),
    ]
    target = chosen.choice(freer)
    if chosen.random() < 0.6 and not check(target):
        return source, target
    alike = [one for one in every if _likeness(source, one) >= 4]
    return source, chosen.choice(alike)


def _likeness(one: Operator, other: Operator) -> int:
    return sum(
        (
            one.space.connect == other.space.connect,
            one.space.share == other.space.share,
            one.space.border == other.space.border,
            one.channel == other.channel,
            one.weight == other.weight,
        )
    )


def test_relative_position_bias_into_smaller_windows_keeps_queries_and_keys() -> None:
    space = Space("window", size=(4, 6), border="mask")
    weight = Weight("pair", "softmax", "relative")
    ends = [
        connection(Operator(replace(space, size=size), Channel("separate"), weight, "none"))
        for size in ((4, 6), (2, 3))
    ]
    weights, fresh = tensors(ends[0], 1), tensors(ends[1], 2)
    made = carry(*ends, weights, fresh)
    assert made.method == "partial"
    assert torch.equal(made.tensors["qkv.weight"], weights["qkv.weight"])
    wide = weights["relative_position_bias_table"].view(7, 11, -1)[2:5, 3:8]
    narrow = made.tensors["relative_position_bias_table"].view(3, 5, -1)
    torch.testing.assert_close(narrow, wide)
