"""Families with sizes again, so that what they cost can be compared.

In: a node and the numbers to write. Out: the same node with the first number of each kind wherever
it has one. Both ends of an arrow get the same sizes, so that a difference is the arrow's own.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.algebra.operator import Channel, Operator, Rank, Size, Space
from relgraph.relations.node import Composite, Node
from relgraph.relations.numbers import Numbers

SIZES = Numbers(
    kernel=((7, 7),),
    window=((7, 7),),
    stripe=(7,),
    grid=((7, 7),),
    groups=(4,),
    heads=(4,),
    inner=(16,),
    reduce=(2,),
    tokens=(49,),
    scales=((2, 4),),
)
"""Sizes as Swin and DWNet have them in their first stage, where there are such."""
WORDS = "7×7 kernels and windows, 4 heads, 16 inner channels, maps reduced by 2, scales 1/2 and 1/4"
"""What the published figure's operators have of them."""


def sized(node: Node, numbers: Numbers = SIZES) -> Node:
    """The node with these numbers instead of its own."""
    if isinstance(node, Composite):
        return Composite(node.kind, tuple(sized(part, numbers) for part in node.parts))
    return _sized(node, numbers)


def _sized(operator: Operator, numbers: Numbers) -> Operator:
    return replace(
        operator,
        space=_space(operator.space, numbers),
        channel=_channel(operator.channel, numbers),
    )


def _space(space: Space, numbers: Numbers) -> Space:
    band = numbers.stripe[0]
    sizes: dict[str, Size] = {
        "local": numbers.kernel[0],
        "window": numbers.window[0],
        "grid": numbers.grid[0],
        "stripe": (band, 1) if space.along == "rows" else (1, band),
    }
    return replace(
        space, size=sizes.get(space.connect, space.size), rank=_rank(space.rank, numbers)
    )


def _channel(channel: Channel, numbers: Numbers) -> Channel:
    groups = numbers.groups[0] if channel.connect == "groups" else channel.groups
    heads = numbers.heads[0] if channel.share == "heads" else channel.heads
    size = channel.size
    if channel.connect == "local" and numbers.band:
        size = numbers.band[0]
    rank = _rank(channel.rank, numbers)
    return replace(channel, groups=groups, heads=heads, rank=rank, size=size)


def _rank(rank: Rank | None, numbers: Numbers) -> Rank | None:
    if rank is None:
        return None
    written = {
        "reduce": numbers.reduce[:1],
        "tokens": numbers.tokens[:1],
        "separable": (),
        "scales": numbers.scales[0],
        "inner": numbers.inner[:1],
    }
    return Rank(rank.word, written[rank.word])
