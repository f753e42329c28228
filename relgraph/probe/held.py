"""All of a wide link's W beside what was measured of a part of it, by random features.

In: a link that was measured at a few channels and places, the operator that was made of that. Out:
whether W is, in all channels and at all places, what that says; with random numbers at every entry
a single one that is otherwise shows. Where it cannot be asked, what the sample was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.algebra.operator import Operator, Weight
from relgraph.probe.arrays import Arrays
from relgraph.probe.draws import noise
from relgraph.probe.findings import size
from relgraph.probe.items import VISIBLE
from relgraph.probe.supports import Ends, orbits
from relgraph.probe.tape import apart
from relgraph.verify.declared import ABSENT

EXACT = 1e-10
TIE = 1e-9
CLASSES = 64
"""Heads whose weights are measured in whole."""


@dataclass(frozen=True)
class Held:
    """What was compared; `wrong` where it is not what was measured."""

    evidence: str
    wrong: bool = False


def held(operator: Operator, arrays: Arrays, ends: Ends, seen: Tensor) -> Held:
    """`seen` (O, I) are the places that the measured channels read."""
    labels = _labels(operator, ends)
    if arrays.packing.owner is not None:
        static = operator.weight == Weight()
        one = _OneToOne(arrays, seen, labels, arrays.packing.owner, static)
        made = one.by_class() or one.by_colour()
    else:
        made = None if labels is None else _by_label(arrays, labels)
    link = arrays.link
    few = f"{len(arrays.few)} of {link.width} input channels"
    if made is None:
        said = f"asked of {few} at all places, and of all channels of one place"
        return Held(f"{said} at {len(arrays.outs)} of {link.out.count} places")
    off, where = made
    if off > EXACT or where:
        what = where or f"what it makes of random features is off by {size(off)}"
        return Held(f"what was measured of a part of W is not so in all of it: {what}", True)
    entries = f"{link.out.entries.numel() * link.into.entries.numel():,} entries"
    if labels is not None:
        return Held(f"connectivity and sharing hold in all {entries}, by random features")
    said = f"connectivity holds in all {entries}, by random features"
    return Held(f"{said}; the rest was asked of {few}")


def _labels(operator: Operator, ends: Ends) -> Tensor | None:
    """(O, I): equal where static weights are one learned thing; None for others."""
    plain = operator.space.rank is None and operator.space.border in ("zero", "wrap")
    if operator.weight != Weight() or not plain or operator.space.share == "none":
        return None
    return orbits(operator.space, ends)


def _features(arrays: Arrays) -> tuple[Tensor, Tensor]:
    """Random features (I, C), and what W makes of them (O, D)."""
    link = arrays.link
    features = noise((1, link.into.count, link.into.channels), 950)
    return features[0], link.way.response(arrays.context, link.into, link.out, features)[0]


@dataclass(frozen=True, eq=False)
class _OneToOne:
    """A link whose output channels read one input channel each, `owner` (D,)."""

    arrays: Arrays
    seen: Tensor
    labels: Tensor | None
    owner: Tensor
    static: bool

    def by_class(self) -> tuple[float, str] | None:
        """Each head's weights measured in whole; None where there are too many."""
        found = self.arrays.packing.by_class(CLASSES)
        if found is None:
            return None
        features, wanted = _features(self.arrays)
        made = torch.zeros_like(wanted)
        for channels, w in found:
            made[:, channels] = w @ features[:, self.owner[channels]]
            where = self._wrong(w, int(channels[0]))
            if where:
                return 0.0, where
        return apart(made, wanted), ""

    def _wrong(self, w: Tensor, channel: int) -> str:
        there = w.abs() > VISIBLE * w.abs().max()
        # Features that are cut at zero leave entries out at one image that are there at another.
        if bool((there & ~self.seen).any()) or (self.static and not torch.equal(there, self.seen)):
            return f"channel {channel} reads other places"
        if self.labels is None:
            return ""
        named = self.labels != ABSENT
        _, index = self.labels[named].unique(return_inverse=True)
        first = torch.zeros(int(index.max()) + 1, dtype=w.dtype).scatter_(0, index, w[named])
        off = (first[index] - w[named]).abs().max() > TIE * w.abs().max()
        return f"channel {channel} does not share its weights so" if bool(off) else ""

    def by_colour(self) -> tuple[float, str] | None:
        """Every channel's weights, where places far enough apart are asked together; None where
        what one place reaches does not move with it."""
        found = self.arrays.packing.by_colour()
        if found is None:
            return None
        features, wanted = _features(self.arrays)
        made = torch.zeros_like(wanted)
        for place, w in found:
            read = features[place.clamp_min(0)][:, self.owner]
            made += torch.where((place >= 0)[:, None], w * read, 0.0)
        if apart(made, wanted) > EXACT:
            return None
        return 0.0, self._places_wrong(found) or self._sharing_wrong(found)

    def _places_wrong(self, found: Sequence[tuple[Tensor, Tensor]]) -> str:
        scale, rows = max(float(w.abs().max()) for _, w in found), torch.arange(len(self.seen))
        count = torch.zeros_like(found[0][1], dtype=torch.long)
        wrong = torch.zeros(len(self.owner), dtype=torch.bool)
        for place, w in found:
            there = w.abs() > VISIBLE * scale
            may = (place >= 0) & self.seen[rows, place.clamp_min(0)]
            wrong |= (there & ~may[:, None]).any(0)
            count += there
        if self.static:
            wrong |= (count != self.seen.sum(1, keepdim=True)).any(0)
        channel = int(wrong.long().argmax())
        return f"channel {channel} reads other places" if bool(wrong.any()) else ""

    def _sharing_wrong(self, found: Sequence[tuple[Tensor, Tensor]]) -> str:
        if self.labels is None:
            return ""
        scale, rows = max(float(w.abs().max()) for _, w in found), torch.arange(len(self.seen))
        known: dict[int, Tensor] = {}
        for place, w in found:
            names = torch.where(place >= 0, self.labels[rows, place.clamp_min(0)], ABSENT)
            for name in names[names != ABSENT].unique().tolist():
                own = w[names == name]
                off = (own - known.setdefault(name, own[0])).abs().amax(0) > TIE * scale
                if bool(off.any()):
                    return f"channel {int(off.long().argmax())} does not share its weights so"
        return ""


def _by_label(arrays: Arrays, labels: Tensor) -> tuple[float, str] | None:
    """Static weights that places share, from those of one place; None where it has not all."""
    w, column = arrays.by_channel[0][:, :, 0], labels[:, arrays.middle]
    by_label = {int(column[row]): w[at] for at, row in enumerate(arrays.outs)}
    names = labels[labels != ABSENT].unique().tolist()
    if any(name not in by_label for name in names):
        return None
    features, wanted = _features(arrays)
    made = torch.zeros_like(wanted)
    for name in names:
        made += (labels == name).double() @ features @ by_label[name].T
    return apart(made, wanted), ""
