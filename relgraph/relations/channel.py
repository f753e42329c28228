"""Relations over channels: which an output channel reads, which share a weight, their inner width.

In: an operator in canonical form. Out: the rows of the channel axis, as in `space`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from relgraph.algebra.operator import Channel, ChannelConnect, ChannelShare, Operator, Rank
from relgraph.relations.numbers import Numbers
from relgraph.relations.relation import Relation, Step
from relgraph.relations.values import mixing, rank, ties

LEVELS: dict[ChannelConnect, int] = {"full": 2, "groups": 1, "local": 1, "separate": 0}
SHARES: tuple[ChannelShare, ...] = ("none", "heads", "all")


def sparsify(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """full → groups 4: fewer channels are read."""
    yield from _mixed(operator, numbers, -1)


def densify(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """separate → full: more channels are read."""
    yield from _mixed(operator, numbers, 1)


def _mixed(operator: Operator, numbers: Numbers, way: int) -> Iterator[Step]:
    here = operator.channel
    for connect, level in LEVELS.items():
        if (level - LEVELS[here.connect]) * way <= 0:
            continue
        counts = {"groups": numbers.groups, "local": numbers.band}.get(connect, (1,))
        for count in counts:
            groups, size = (count, 1) if connect == "groups" else (1, count)
            there = replace(here, connect=connect, groups=groups, size=size)
            before, after = (mixing(c, numbers.families) for c in (here, there))
            yield Step(before, after, replace(operator, channel=there))


def share(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """none → heads 4: channels, or groups of them, get one weight."""
    yield from _tied(operator, numbers, 1)


def untie(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """all → none: channels, or groups of them, get weights of their own."""
    yield from _tied(operator, numbers, -1)


def _tied(operator: Operator, numbers: Numbers, way: int) -> Iterator[Step]:
    here = operator.channel
    for value in SHARES:
        if (SHARES.index(value) - SHARES.index(here.share)) * way <= 0:
            continue
        for heads in numbers.heads if value == "heads" else (1,):
            there = replace(here, share=value, heads=heads)
            before, after = (ties(c, numbers.families) for c in (here, there))
            yield Step(before, after, replace(operator, channel=there))


def lower_rank(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """full → inner 16: channels pass a narrow (or wide) place between two points."""
    if operator.channel.rank is None:
        for width in numbers.inner:
            yield _ranked(operator, Rank("inner", (width,)), numbers)


def raise_rank(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """inner 16 → full: W is one connection."""
    if operator.channel.rank is not None:
        yield _ranked(operator, None, numbers)


def _ranked(operator: Operator, value: Rank | None, numbers: Numbers) -> Step:
    there: Channel = replace(operator.channel, rank=value)
    before, after = (rank(r, numbers.families) for r in (operator.channel.rank, value))
    return Step(before, after, replace(operator, channel=there))


_HAN = "Han et al., On the Connection between Local Attention and Dynamic DW Conv., ICLR 2022"
_GROUPS = "Krizhevsky et al., ImageNet Classification with Deep CNNs, NeurIPS 2012"
_HEADS = "Vaswani et al., Attention Is All You Need, NeurIPS 2017"

CHANNEL: tuple[Relation, ...] = (
    Relation(
        "sparsify",
        "channel",
        "connectivity",
        sparsify,
        "down where weights are not shared; shared groups lie beside more groups of their own",
        _GROUPS,
    ),
    Relation("densify", "channel", "connectivity", densify, "the opposite of sparsify", _GROUPS),
    Relation(
        "share", "channel", "sharing", share, "down: every orbit is a union of old ones", _HEADS
    ),
    Relation(
        "untie", "channel", "sharing", untie, "up: every old orbit is a union of orbits", _HEADS
    ),
    Relation("lower rank", "channel", "rank", lower_rank, "down: a product is a matrix", _HAN),
    Relation("raise rank", "channel", "rank", raise_rank, "up: a product is a matrix", _HAN),
)
