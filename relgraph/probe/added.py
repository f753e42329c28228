"""Whether a number stands beside the products of queries and keys in all logits.

In: arrays of a link whose weights come from pairs, and what normalises them. Out: yes, no, or that
too few pairs were there to tell. Products of queries and keys of width d make logits of rank d, and
so do their differences from one key to another; a number that all have shows in the first only.
A softmax takes it off again, so nothing is asked of one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.probe.arrays import Arrays
from relgraph.probe.lab import image
from relgraph.probe.normalising import Normalisation

NOTHING = 1e-8
"""A singular value below this part of the largest is none."""
MOST = 66
"""Queries that are tried."""


@dataclass(frozen=True)
class Added:
    """`there` is None where it could not be told."""

    there: bool | None
    evidence: str


def added(arrays: Arrays, seen: Tensor, over: Normalisation) -> Added | None:
    """Of pairs of places whose channels are joined as `seen` (D, C); None where there is nothing to
    ask: under a softmax, and where keys are no places of the image."""
    w = arrays.slices(arrays.context, seen)[0]
    places = arrays.link.start_places
    if over.word == "softmax" or not len(w) == places.count == arrays.link.into.count:
        return None
    row = int((w != 0).sum(1).argmax())
    reads = [int(i) for i in w[row].nonzero().flatten() if int(i) != row]
    if len(reads) < 2:
        return None
    count = min(places.channels + 2, MOST)
    # Rows that are divided by their own sums cannot be put side by side.
    images = 1 if over.word == "l1" else -(-count // len(reads))
    columns = [_logits(arrays, seen, over, row, reads, count, number) for number in range(images)]
    logits = torch.cat(columns, 1)
    if not bool(logits.isfinite().all()):
        return Added(None, "some sigmoids are 0 or 1 to the last digit")
    one, other = _rank(logits), _rank(logits - logits[:, :1])
    said = f"logits of {count} queries and {logits.shape[1]} keys have rank {one}"
    said += f", their differences from key to key {other}"
    if other >= places.channels or one == other:
        return Added(False, said)
    return Added(True if one < min(logits.shape) else None, said)


def _logits(
    arrays: Arrays,
    seen: Tensor,
    over: Normalisation,
    row: int,
    reads: list[int],
    count: int,
    number: int,
) -> Tensor:
    """(queries, keys), the keys of one image."""
    places, made = arrays.link.start_places, []
    features = image(places, 40 + number)
    for query in range(count):
        features[row] = image(places, 60 + query)[row]
        w = arrays.rows(arrays.given(0, features.clone()), seen, (row,))[0][0][reads]
        made.append(torch.logit(w) if over.word == "sigmoid" else w)
    return torch.stack(made)


def _rank(logits: Tensor) -> int:
    """How many singular values are more than nothing, of rows of one size; those of zeros aside."""
    lengths = logits.norm(dim=1, keepdim=True)
    sizes = torch.linalg.svdvals(logits / torch.where(lengths > 0, lengths, 1.0))
    return int((sizes > NOTHING * sizes[0]).sum())
