"""Talking heads from others: the layers that mix heads, as they are or as the identity.

In: two connections of pairs, the source's tensors and the target's as a new model starts. Out: the
target's mixtures, and whether they can say what the source's do. Queries, keys and tables are not
known here.
"""

from __future__ import annotations

import torch

from relgraph.algebra.operator import Connection
from relgraph.transfer.carried import Tensors

LAYERS = ("proj_l", "proj_w")
NOT_HEARD = "no head by itself says what several mixed do"
MIXED_OUTSIDE = (
    "queries, keys and mixtures are kept, but a position bias, which is mixed too, does not "
    "silence heads outside the smaller neighbourhood"
)


def hears(source: Connection, target: Connection) -> bool:
    """Whether the target mixes heads wherever the source does."""
    mine, theirs = source.operator.weight, target.operator.weight
    logits = mine.mixes_logits <= theirs.mixes_logits
    return logits and mine.mixes_weights <= theirs.mixes_weights


def mixtures(tensors: Tensors, fresh: Tensors) -> Tensors:
    """The target's layers: the source's, or where it has none each head by itself."""
    made = {}
    for layer in LAYERS:
        if f"{layer}.weight" in fresh:
            heads = len(fresh[f"{layer}.weight"])
            alone = torch.eye(heads, dtype=torch.float64)
            made[f"{layer}.weight"] = tensors.get(f"{layer}.weight", alone)
            made[f"{layer}.bias"] = tensors.get(f"{layer}.bias", torch.zeros_like(alone[0]))
    return made
