"""Rules of attention's own options: how heads compare queries and keys, which they share, and what
they tell others.

In and out as in `rules`, whose table these rows are part of.
"""

from __future__ import annotations

from relgraph.algebra.operator import FEATURES, Operator
from relgraph.algebra.rule import Rule


def _features(o: Operator) -> bool:
    return o.weight.source == "pair" and o.weight.score in FEATURES


def _is_one(o: Operator) -> bool:
    return o.channel.share == "heads" and o.channel.heads == 1


def _talks(o: Operator) -> bool:
    return o.weight.talking_heads != "none"


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
    Rule(
        52,
        ("weight.kv_heads", "weight.source"),
        lambda o: o.weight.kv_heads is not None and o.weight.source != "pair",
        "only pairs have keys that heads may share",
    ),
    Rule(
        53,
        ("weight.kv_heads", "channel.share"),
        lambda o: (
            o.weight.source == "pair"
            and o.weight.kv_heads is not None
            and o.channel.connect == "separate"
            and o.channel.share == "all"
        ),
        "one head for all channels has no other head to share keys with",
    ),
    Rule(
        53,
        ("weight.kv_heads", "channel.heads"),
        lambda o: o.weight.source == "pair" and not _runs_are_equal(o),
        "keys are shared by equal runs of heads, so their number divides that of the heads",
    ),
    Rule(
        70,
        ("weight.talking_heads", "weight.source"),
        lambda o: _talks(o) and o.weight.source != "pair",
        "only heads that compare queries with keys can talk: mixed numbers or functions of a place "
        "are others of their kind, and what a normalisation makes of them is not mixed yet",
        "U",
    ),
    Rule(
        71,
        ("weight.talking_heads", "channel.share"),
        lambda o: _talks(o) and (o.channel.share == "all" or _is_one(o)),
        "one head has no other to talk to",
    ),
    Rule(
        72,
        ("weight.talking_heads", "weight.normalize"),
        lambda o: o.weight.mixes_logits and o.weight.normalize == "none",
        "without a normalisation between them, logits are weights: say `talking_heads: weights`",
    ),
    Rule(
        73,
        ("weight.talking_heads", "weight.score"),
        lambda o: _talks(o) and _features(o),
        "heads that are mixed beside products of features are not supported yet: sums over keys "
        "could no longer be taken head by head",
        "U",
    ),
)


def _runs_are_equal(o: Operator) -> bool:
    """Where heads are counted; `fit` knows those of one channel each, and of all."""
    runs = o.weight.kv_heads or 1
    return o.channel.share != "heads" or o.channel.heads % runs == 0
