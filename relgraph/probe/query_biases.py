"""Whether queries and keys have biases of their own.

In: arrays of a link whose weights come from pairs, and their score. Out: two answers, each of which
may be that it does not show: under a softmax a key's bias adds the same to all logits of a row,
except where places turn it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.algebra import operator as algebra
from relgraph.probe.arrays import Arrays
from relgraph.probe.lab import image
from relgraph.probe.normalising import Normalisation

SAME = 1e-7

Change = Callable[[Tensor], object]


@dataclass(frozen=True)
class Biases:
    """None where a bias does not show."""

    query: bool | None = None
    key: bool | None = None


def biases(
    arrays: Arrays,
    seen: Tensor,
    over: Normalisation,
    score: algebra.Score | None,
    turned: bool = False,
) -> Biases:
    """Biases of queries and keys whose channels are joined as `seen` (D, C); `turned` by their
    places. Of a cosine without a bias a length says nothing; of a product without one a feature of
    0 makes all logits equal."""
    w = arrays.slices(arrays.context, seen)[0]
    if arrays.link.into.count != len(w) or len(w) != arrays.link.start_places.count:
        return Biases()
    row = len(w) // 2
    reads = [int(i) for i in w[row].abs().argsort(descending=True) if int(i) != row and w[row, i]]
    if len(reads) < 2 or score not in ("dot", "cosine"):
        return Biases()
    spot = _Spot(arrays, seen, over, row, reads[0], reads[1])
    if score == "cosine":
        query = spot.moves(lambda x: x[row].mul_(2.0))
        return Biases(query, spot.moves(lambda x: x[reads[0]].mul_(2.0)))
    query = spot.moves(lambda x: x[reads[0]].mul_(-1.0), lambda x: x[row].zero_())
    if over.sums and not turned:
        return Biases(query)
    compared = torch.tensor(reads[:2] if over.sums else reads[:1])
    without = spot.moves(lambda x: x[row].mul_(-1.0), lambda x: x.index_fill_(0, compared, 0.0))
    return Biases(query, without)


@dataclass(frozen=True, eq=False)
class _Spot:
    """One logit, beside another of its row."""

    arrays: Arrays
    seen: Tensor
    over: Normalisation
    row: int
    place: int
    third: int

    def moves(self, change: Change, first: Change = torch.clone) -> bool:
        """Whether the logit changes with the features, `first` done to them before."""
        features = image(self.arrays.link.start_places, 0)
        first(features)
        before = self._logit(features)
        change(features)
        return bool((self._logit(features) - before).abs() > SAME)

    def _logit(self, features: Tensor) -> Tensor:
        context = self.arrays.given(0, features.clone())
        w = self.arrays.rows(context, self.seen, (self.row,))[0][0]
        if self.over.word == "softmax":
            return (w[self.place] / w[self.third]).log()
        if self.over.sums:
            return w[self.place] / w[self.third]
        return torch.logit(w[self.place]) if self.over.word == "sigmoid" else w[self.place]
