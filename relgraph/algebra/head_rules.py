"""Rules of attention's own options: how heads compare queries and keys.

In and out as in `rules`, whose table these rows are part of.
"""

from __future__ import annotations

from relgraph.algebra.operator import FEATURES, Operator
from relgraph.algebra.rule import Rule


def _features(o: Operator) -> bool:
    return o.weight.source == "pair" and o.weight.score in FEATURES


HEAD_RULES: tuple[Rule, ...] = (
    Rule(
        50,
        ("weight.normalize", "weight.score"),
        lambda o: _features(o) and o.weight.normalize in ("softmax", "sigmoid"),
        "products of features stand for what a softmax makes of logits: they are weights already, "
        "which `l1` divides by their sum",
        "U",
    ),
    Rule(
        51,
        ("weight.position", "weight.score"),
        lambda o: _features(o) and o.weight.position != "none",
        "a position bias beside products of features is not supported yet: sums over keys could no "
        "longer be taken before the queries",
        "U",
    ),
)
