"""Sharing over space, borders, and position biases: which entries of W are one learned thing.

In: W (O, I) of a few channels in several draws, spaces with that support. Out: the space with the
sharing whose classes, by the oracle's tables, are the classes of equal entries. Under a softmax
logits are compared, each row's up to a constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from relgraph.algebra.operator import Border, Size, Space, SpaceShare
from relgraph.probe.findings import size
from relgraph.probe.supports import Ends, orbits
from relgraph.verify.declared import ABSENT
from relgraph.verify.sharing import shared_values

SHARES: tuple[SpaceShare, ...] = ("positions", "windows", "all", "none")
FLAT = 1e-9


@dataclass(frozen=True)
class Shared:
    """The space with its sharing, None where no sharing of the algebra fits; and what was seen."""

    space: Space | None
    evidence: str


def shared(
    candidates: Iterable[Space], draws: Sequence[Tensor], ends: Ends, softmax: bool, extent: int = 1
) -> Shared:
    """The first space and sharing whose classes are those of `draws` (O, I)."""
    tried = []
    for space in _variants(candidates):
        labels = orbits(space, ends)
        if labels is None:
            continue
        found = classes(draws, _inside(labels, ends, extent), softmax)
        if found.ok:
            things = len(labels[labels != ABSENT].unique())
            return Shared(
                space,
                f"{found.things} different values or functions; {things} are one "
                "each in the oracle's table",
            )
        tried.append(f"{space.share} is {'too little' if found.merged else 'too much'}")
    seen = ", ".join(dict.fromkeys(tried[:4]))
    return Shared(None, f"no sharing of the algebra has these classes ({seen})")


def _variants(candidates: Iterable[Space]) -> Iterator[Space]:
    for space in candidates:
        for share in _shares(space):
            for border in _borders(space, share):
                yield replace(space, share=share, border=border)


def _shares(space: Space) -> tuple[SpaceShare, ...]:
    """Sharings that say something of their own: one window has none to share with."""
    silent = {"point": ("windows", "all"), "full": ("windows",)}.get(space.connect, ())
    return tuple(share for share in SHARES if share not in silent)


def _borders(space: Space, share: SpaceShare) -> tuple[Border, ...]:
    """Borders that this support leaves open: what lies outside may be read from inside."""
    if space.border == "wrap":
        return ("wrap",)
    if space.connect == "local":
        return ("zero", "reflect", "clamp")
    return ("zero", "wrap") if share == "positions" and space.connect == "full" else ("zero",)


def classes(draws: Sequence[Tensor], labels: Tensor, softmax: bool) -> _Classes:
    """Whether entries with one label are equal in every draw, others different in some."""
    if not softmax:
        return _Classes.of(draws, labels)
    gauged, kept = _gauged(draws, labels)
    return _Classes.of(gauged, kept)


@dataclass(frozen=True)
class _Classes:
    things: int
    broken: bool
    merged: bool

    @property
    def ok(self) -> bool:
        """Whether the classes are the labels'."""
        return not self.broken and not self.merged

    @classmethod
    def of(cls, draws: Sequence[Tensor], labels: Tensor) -> _Classes:
        """Compare equal entries with the labels."""
        if not bool((labels != ABSENT).any()):
            return cls(0, True, False)
        # Logits that are all equal leave rounding only, which is no difference.
        scaled = [w if float(w.abs().max()) > FLAT else torch.ones_like(w) for w in draws]
        found = shared_values(scaled, labels)
        return cls(found.things, found.broken is not None, found.merged is not None)


def _gauged(draws: Sequence[Tensor], labels: Tensor) -> tuple[list[Tensor], Tensor]:
    """Logits less that of a label which stands in most rows; rows without it are left out."""
    there = labels != ABSENT
    names = labels[there].unique()
    by_row = torch.stack([(labels == name).any(1).sum() for name in names[:4096]])
    if int(by_row.max()) == 1 and len(names) == int(there.sum()):  # every entry its own
        first = there.long().argmax(1)
        kept = labels
    else:
        chosen = names[int(by_row.argmax())]
        first = (labels == chosen).long().argmax(1)
        kept = torch.where((labels == chosen).any(1)[:, None], labels, ABSENT)
    rows = torch.arange(len(labels))
    made = []
    for w in draws:
        logits = w.clamp_min(1e-300).log()
        made.append(torch.where(there, logits - logits[rows, first][:, None], 0.0))
    return made, kept


def _inside(labels: Tensor, ends: Ends, extent: int) -> Tensor:
    """Labels of outputs whose region of `extent` lies on the map; beyond it contexts differ."""
    reach = (extent - 1) // 2
    if reach == 0 or ends.out_grid is None:
        return labels
    rows, columns = ends.out_grid
    there = torch.zeros(rows, columns, dtype=torch.bool)
    there[reach : rows - reach, reach : columns - reach] = True
    return torch.where(there.flatten()[:, None], labels, ABSENT)


@dataclass(frozen=True)
class Position:
    """The position bias of pair weights; `word` is None where it is none of the algebra's."""

    word: Literal["none", "relative", "absolute"] | None
    evidence: str


def position(
    space: Space, draws: Sequence[Tensor], again: Sequence[Tensor], ends: Ends, softmax: bool
) -> Position:
    """What tells pairs apart whose features are all equal. `draws` are W (O, I) at images whose
    places are equal, `again` the same parameters at other such images."""
    everything = orbits(replace(space, share="all"), ends)
    if everything is None:
        return Position(None, "the support has no table")
    if classes(draws, everything, softmax).ok:
        return Position("none", "with equal features everywhere all pairs weigh the same")
    if not softmax:
        return Position(None, "pairs of equal features weigh differently")
    there = everything != ABSENT
    moved = max(_difference(a, b, there) for a, b in zip(draws, again, strict=True))
    if moved > 1e-7:
        return Position(
            None,
            f"logits of equal features depend on the place, and change by "
            f"{size(moved)} with the feature: the query has a say",
        )
    by_offset = orbits(replace(space, share="positions"), ends)
    if by_offset is not None and (found := classes(draws, by_offset, True)).ok:
        return Position("relative", f"{found.things} different logits, one for each offset")
    if by_offset is not None and not classes(draws, by_offset, True).broken:
        return Position(None, "a bias by offset in which several offsets share a number")
    return Position("absolute", "logits of equal features differ from pair to pair of places")


def _difference(one: Tensor, other: Tensor, there: Tensor) -> float:
    """How much logits differ between two W, each row's up to a constant."""
    gap = torch.where(there, (one.clamp_min(1e-300) / other.clamp_min(1e-300)).log(), torch.nan)
    gap = gap - gap.nanmedian(1, keepdim=True).values
    return float(gap.nan_to_num(0.0).abs().max())


def given(draws: Sequence[Tensor], seen: Tensor, size: Size) -> tuple[str | None, Border]:
    """Which given weights these are: `identity`, or an `average` that counts all slots of `size`
    (border zero) or those on the map (mask); None for others."""
    w = draws[0]
    if bool((seen.sum(1) == 1).all()):
        return ("identity" if float((w[seen] - 1.0).abs().max()) <= FLAT else None), "zero"
    present = seen.sum(1, keepdim=True).double()
    for border, count in (("mask", present), ("zero", torch.full_like(present, size[0] * size[1]))):
        if float((w - seen / count).abs().max()) <= FLAT:
            return "average", border  # type: ignore[return-value]
    return None, "zero"
