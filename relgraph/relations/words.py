"""Names of nodes: a key that is the same every time, and a description a person would give.

In: a node. Out: text. A node that is its own family is named without numbers, any other with all of
them, so a key names one node. Keys use lower-case letters, digits, `.`, `-` and `_`: they are file
names, and identifiers of DOT between quotes.

    local.positions-separate-static          local7x7.positions-separate.heads4-pair.softmax
    chain2_PART_PART, and so for sums, products and splits
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from relgraph.algebra.describe import (
    BORDERS,
    CHANNELS,
    NORMALIZED,
    POSITIONS,
    SCORES,
    SOURCES,
    TALKING,
    describe,
)
from relgraph.algebra.operator import Channel, Operator, Rank, Size, Space, Talking, Weight
from relgraph.relations.families import family
from relgraph.relations.node import Composite, Kind, Node
from relgraph.relations.numbers import ASIDE
from relgraph.relations.weight import any_channel, any_space, default_border

_SIZED = ("local", "window", "grid", "stripe", "outlook")
TALKS: Mapping[Talking, str] = {
    "logits": "talkinglogits",
    "weights": "talkingweights",
    "both": "talking",
}
WAYS = ("up", "down"), ("left", "right")
"""Smaller and larger rows, smaller and larger columns."""
JOINED: Mapping[Kind, str] = {
    "chain": "then",
    "sum": "plus",
    "product": "times",
    "split": "beside",
    "splitsum": "beside and plus",
    "splitproduct": "beside and times",
}
"""What stands between the parts of a term in words."""


def key(node: Node) -> str:
    """The derived name: connectivity, sharing and rank over space, over channels, and dynamism."""
    if isinstance(node, Composite):
        return "_".join((f"{node.kind}{len(node.parts)}", *(key(part) for part in node.parts)))
    weight, frame = node.weight, node.frame
    own_space, space, space_name = _space_keys(node.space, weight)
    own_channel, channel, channel_name = _channel_keys(node.channel, weight)
    family_ = own_space and own_channel
    parts = [space_name if family_ else space, channel_name if family_ else channel]
    parts.append(_weight_key(weight))
    parts += [name for name in ("value", "output") if getattr(frame, name)]
    return "-".join(parts)


# Whether a node is its own family follows from pairs of its axes, and so does its key: 100,000
# nodes have few of them.
@cache
def _space_keys(space: Space, weight: Weight) -> tuple[bool, str, str]:
    """Whether it is the family's, its words with numbers, and without."""
    operator = Operator(space, any_channel(weight), weight, "none")
    own = family(operator) == operator
    return own, ".".join(_space_key(operator, True)), ".".join(_space_key(operator, False))


@cache
def _channel_keys(channel: Channel, weight: Weight) -> tuple[bool, str, str]:
    """The same for channels."""
    operator = Operator(any_space(weight), channel, weight, "none")
    form = family(operator)
    own = isinstance(form, Operator) and form.channel == channel
    return own, ".".join(_channel_key(channel, True)), ".".join(_channel_key(channel, False))


def _space_key(operator: Operator, numbers: bool) -> Iterator[str]:
    space = operator.space
    sized = numbers and space.connect in _SIZED
    yield space.connect + (_sides(space.size) if sized else "")
    if operator.weight.source not in ("pair", "fixed", "channels"):
        yield space.share
    if space.border != default_border(operator.weight.normalize):
        yield space.border
    if space.along == "columns":
        yield "columns"
    for word, value in (("s", space.stride), ("d", space.dilation)):
        if value != (1, 1):
            yield word + _sides(value)
    if space.shift != (0, 0):
        yield "m" + _sides(space.shift)
    if space.halo != (0, 0):
        yield "halo" + (_sides(space.halo) if sized else "")
    if space.step != (1, 1):
        yield "e" + _sides(space.step)
    if space.padding != "half":
        yield "sametf" if isinstance(space.padding, str) else "p" + _sides(space.padding)
    if space.pad:
        yield "pad"
    yield from _rank_key(space.rank, numbers)


def _channel_key(channel: Channel, numbers: bool) -> Iterator[str]:
    counts = {"groups": channel.groups, "local": channel.size}
    yield channel.connect + (str(counts.get(channel.connect, "")) if numbers else "")
    if channel.share != "none":
        heads = numbers and channel.share == "heads"
        yield channel.share + (str(channel.heads) if heads else "")
    yield from _rank_key(channel.rank, numbers)


def _weight_key(weight: Weight) -> str:
    words = [weight.source + (str(weight.extent) if weight.extent > 1 else "")]
    words += [word for word in (weight.normalize, weight.position) if word != "none"]
    scored = weight.score != "dot" and weight.source != "channels"
    words += [weight.score] if scored else []
    words += [f"keys{weight.kv_heads}"] if weight.kv_heads is not None else []
    words += [TALKS[weight.talking_heads]] if weight.talking_heads != "none" else []
    return ".".join([*words, weight.fixed, *_ways(weight)] if weight.fixed is not None else words)


def _ways(weight: Weight) -> Iterator[str]:
    """Which way a shift reads: `up1`, `right2`; that of the family needs no word."""
    if weight.fixed != "shift" or weight.offset == ASIDE:
        return
    for step, (back, on) in zip(weight.offset, WAYS, strict=True):
        if step:
            yield f"{back if step < 0 else on}{abs(step)}"


def _rank_key(rank: Rank | None, numbers: bool) -> Iterator[str]:
    if rank is not None:
        yield rank.word + ("x".join(map(str, rank.numbers)) if numbers else "")


def _sides(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def describe_node(node: Node, sized: bool = False) -> str:
    """The node in words; a family's without numbers, unless it is `sized`: an operator that happens
    to have the numbers that stand in families for any.

    >>> from relgraph.algebra.operator import Operator, Space
    >>> describe_node(Operator(Space("full"), bias="none"))
    'all positions over space, a weight for every entry; all channels; static'
    """
    if isinstance(node, Composite):
        joined = f" {JOINED[node.kind]} "
        return joined.join(f"({describe_node(part, sized)})" for part in node.parts)
    return describe(node) if sized or family(node) != node else _describe_family(node)


_CONNECT = {
    "point": "own position only",
    "full": "all positions",
    "axial": "own row and column",
    "local": "a neighbourhood",
    "window": "windows",
    "stripe": "stripes",
    "grid": "grids of spread places",
    "outlook": "overlapping windows",
}
_SHARE = {
    "none": "a weight for every entry",
    "windows": "shared by all blocks",
    "positions": "shared over positions",
    "all": "one weight for all entries",
}
_CHANNEL = {
    ("full", "none"): "all channels",
    ("groups", "none"): "channels in groups",
    ("groups", "all"): "channels in groups, one matrix for all groups",
    ("local", "none"): "bands of channels",
    ("local", "all"): "bands of channels, shared by all channels",
    ("separate", "none"): "own channel only",
    ("separate", "heads"): "own channel only, shared inside heads",
    ("separate", "all"): "own channel only, shared by all channels",
}
_RANK = {
    "reduce": "from a reduced map",
    "tokens": "through tokens",
    "separable": "rows times columns",
    "scales": "also at coarser scales",
    "inner": "through inner channels",
}
_SOURCE = {**SOURCES, "center": "dynamic, predicted from the feature at the centre"}


def _describe_family(operator: Operator) -> str:
    channel = [_CHANNEL[operator.channel.connect, operator.channel.share]]
    channel += [_RANK[rank.word] for rank in (operator.channel.rank,) if rank]
    parts = (_space_words(operator), channel, _weight_words(operator), _frame_words(operator))
    return "; ".join(", ".join(part) for part in parts if part)


def _space_words(operator: Operator) -> list[str]:
    space = operator.space
    words = [_CONNECT[space.connect] + (" with a halo" if space.halo != (0, 0) else "")]
    words[0] += " over space" if space.connect != "point" else ""
    if space.border != default_border(operator.weight.normalize):
        words.append(BORDERS[space.border])
    if operator.weight.source not in ("pair", "fixed", "channels"):
        words.append(_SHARE[space.share])
    return words + [_RANK[rank.word] for rank in (space.rank,) if rank]


def _weight_words(operator: Operator) -> list[str]:
    weight = operator.weight
    words = [_SOURCE.get(weight.source, f"given weights: {weight.fixed}")]
    words = [SCORES[weight.score]] if weight.source == "pair" else words
    words += ["keys and values shared by heads"] if weight.kv_heads is not None else []
    words = [CHANNELS] if weight.source == "channels" else words
    words += [NORMALIZED[weight.normalize]] if weight.normalize != "none" else []
    words += [POSITIONS[weight.position]] if weight.position != "none" else []
    return words + ([TALKING[weight.talking_heads]] if weight.talking_heads != "none" else [])


def _frame_words(operator: Operator) -> list[str]:
    frame = operator.frame
    sides = [name for name, there in (("value", frame.value), ("output", frame.output)) if there]
    return [f"{' and '.join(sides)} projection{'s' if len(sides) > 1 else ''}"] if sides else []
