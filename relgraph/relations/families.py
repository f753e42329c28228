"""Families: nodes without numbers.

In: a node. Out: the node in which every number is the generic one, so that equal families are equal
nodes. Forgotten with the sizes: stride, dilation, shift, padding, which way stripes run, how maps
are completed, the region of a center source, and a border that is the normalisation's default.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.algebra.operator import Channel, Rank, Size, Space
from relgraph.relations.composite import composed
from relgraph.relations.node import Composite, Node, core
from relgraph.relations.numbers import ASIDE, BAND, GENERIC, OVERLAP
from relgraph.relations.space import band


def family(node: Node) -> Node:
    """The family that the node belongs to. Idempotent."""
    if isinstance(node, Composite):
        return composed(node.kind, (family(part) for part in node.parts))
    space, channel = _space(node.space), _channel(node.channel)
    shared = None if node.weight.kv_heads is None else 1
    offset = ASIDE if node.weight.fixed == "shift" else (0, 0)
    weight = replace(node.weight, extent=1, kv_heads=shared, offset=offset)
    return core(replace(node, space=space, channel=channel, weight=weight))


def _space(space: Space) -> Space:
    sizes: dict[str, Size] = {
        "local": GENERIC.kernel[0],
        "window": GENERIC.window[0],
        "grid": GENERIC.grid[0],
        "stripe": band(GENERIC.stripe[0], "rows"),
        "outlook": OVERLAP[:2],
    }
    return Space(
        space.connect,
        size=sizes.get(space.connect, (1, 1)),
        halo=ASIDE if space.halo != (0, 0) else (0, 0),
        share=space.share,
        border=space.border,
        rank=_rank(space.rank),
    )


def _channel(channel: Channel) -> Channel:
    groups = GENERIC.groups[0] if channel.connect == "groups" else 1
    heads = GENERIC.heads[0] if channel.share == "heads" else 1
    size = BAND if channel.connect == "local" else 1
    return replace(channel, groups=groups, heads=heads, rank=_rank(channel.rank), size=size)


def _rank(rank: Rank | None) -> Rank | None:
    if rank is None:
        return None
    numbers = {
        "reduce": GENERIC.reduce[:1],
        "tokens": GENERIC.tokens[:1],
        "separable": (),
        "scales": GENERIC.scales[0],
        "inner": GENERIC.inner[:1],
    }
    return Rank(rank.word, numbers[rank.word])
