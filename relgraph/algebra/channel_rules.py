"""Which combinations are no operator where channels see a band of others: rows of the table in
`rules`, which says what they are.
"""

from __future__ import annotations

from relgraph.algebra.operator import Operator
from relgraph.algebra.rule import Rule


def _band(o: Operator) -> bool:
    return o.channel.connect == "local"


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
)
