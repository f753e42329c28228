"""Which combinations are no operator where channels see a band of others, or are compared with each
other: rows of the table in `rules`, which says what they are.
"""

from __future__ import annotations

from relgraph.algebra.operator import Operator
from relgraph.algebra.rule import Rule


def _band(o: Operator) -> bool:
    return o.channel.connect == "local"


def _compared(o: Operator) -> bool:
    return o.weight.source == "channels"


def _moved(o: Operator) -> bool:
    return o.space.stride != (1, 1) or o.space.padding != "half"


CHANNEL_RULES: tuple[Rule, ...] = (
    Rule(
        60,
        ("channel.share", "channel.connect"),
        lambda o: _band(o) and o.channel.share == "heads",
        "channels of a band share a number for each tap (`all`) or none; a head has one number",
    ),
    Rule(
        60,
        ("channel.rank", "channel.connect"),
        lambda o: _band(o) and o.channel.rank is not None,
        "a band among inner channels is not supported yet; say a body of three operators",
        "U",
    ),
    Rule(
        60,
        ("space.rank", "channel.connect"),
        lambda o: _band(o) and o.space.rank is not None,
        "a band of channels in one factor of several is not supported yet; say a body of operators",
        "U",
    ),
    Rule(
        61,
        ("weight.source", "space.connect"),
        lambda o: _compared(o) and o.space.connect != "point",
        "channels compared over the whole map give one matrix for all positions: `point`",
    ),
    Rule(
        61,
        ("space.share", "weight.source"),
        lambda o: _compared(o) and o.space.connect == "point" and o.space.share == "none",
        "channels compared over the whole map give one matrix for all positions: "
        "`share: positions`",
    ),
    Rule(
        61,
        ("space.stride", "weight.source"),
        lambda o: _compared(o) and o.space.connect == "point" and _moved(o),
        "channels compared on one map and mixed on another are not supported yet",
        "U",
    ),
    Rule(
        62,
        ("channel.connect", "weight.source"),
        lambda o: _compared(o) and o.channel.connect == "separate",
        "a channel that reads only itself has no other to be compared with",
    ),
    Rule(
        62,
        ("channel.connect", "weight.source"),
        lambda o: _compared(o) and _band(o),
        "channels compared with those around them are not supported yet; heads are `groups`",
        "U",
    ),
    Rule(
        62,
        ("channel.share", "weight.source"),
        lambda o: _compared(o) and o.channel.connect == "groups" and o.channel.share == "all",
        "every head compares its own channels",
    ),
    Rule(
        63,
        ("weight.score", "weight.source"),
        lambda o: _compared(o) and o.weight.score != "cosine",
        "products over a whole map, which grow with it, are not supported yet; use `cosine`",
        "U",
    ),
    Rule(
        64,
        ("weight.normalize", "weight.source"),
        lambda o: _compared(o) and o.weight.normalize in ("sigmoid", "l1"),
        "pairs of channels under another rule than a softmax are not supported yet",
        "U",
    ),
)
