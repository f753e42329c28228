"""The rules of what pairs know of places: rows of the table in `rules`.

In: an `Operator` as written. Out: rows, each of which refuses something that no other does.
"""

from __future__ import annotations

from relgraph.algebra.operator import Operator
from relgraph.algebra.rule import Rule


def _goes_round(o: Operator) -> bool:
    """Whether offsets count modulo the map on some axis, whatever the map."""
    return o.space.border == "wrap" and o.space.connect in ("stripe", "grid", "full", "axial")


POSITIONS: tuple[Rule, ...] = (
    Rule(
        46,
        ("weight.position", "space.border"),
        lambda o: o.weight.position == "rotary" and _goes_round(o),
        "queries and keys are turned by where they stand, and a turn does not close where the map "
        "goes round; `relative` and `continuous` count offsets on the ring",
    ),
    Rule(
        47,
        ("weight.key_bias", "weight.source"),
        lambda o: not o.weight.key_bias and o.weight.source != "pair",
        "only pairs have keys that could lack a bias",
    ),
    Rule(
        48,
        ("weight.position", "space.halo"),
        lambda o: o.weight.position in ("continuous", "rotary") and o.space.halo != (0, 0),
        "a network's bias and turned pairs are not supported yet where windows read around them; "
        "use `relative`",
        "U",
    ),
    Rule(
        49,
        ("weight.position", "channel.share"),
        lambda o: o.weight.position == "rotary" and o.channel.share == "none",
        "a channel that is a head of its own has no plane in which it could be turned; "
        "`share: heads` makes wider ones",
    ),
)
