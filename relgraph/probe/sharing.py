"""Sharing over space, and borders: which entries of W are one learned thing.

In: W (O, I) of a few channels in several draws, spaces with that support. Out: the space with the
sharing whose classes, by the oracle's tables, are the classes of equal entries. Under a
normalisation logits are compared, each row's up to a constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from relgraph.algebra.operator import Border, Space, SpaceShare
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
    candidates: Iterable[Space], draws: Sequence[Tensor], ends: Ends, sums: bool, extent: int = 1
) -> Shared:
    """The first space and sharing whose classes are those of `draws` (O, I)."""
    tried = []
    for space in _variants(candidates):
        labels = orbits(space, ends)
        if labels is None:
            continue
        found = classes(draws, _inside(labels, ends, extent), sums)
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
    rings = share == "positions" and space.connect in ("full", "stripe", "grid", "axial")
    return ("zero", "wrap") if rings else ("zero",)


def classes(draws: Sequence[Tensor], labels: Tensor, sums: bool) -> _Classes:
    """Whether entries with one label are equal in every draw, others different in some."""
    if not sums:
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
        kept = labels.scatter(1, first[:, None], ABSENT)  # what all others are less of
    else:
        chosen = names[int(by_row.argmax())]
        first = (labels == chosen).long().argmax(1)
        kept = torch.where((labels == chosen).any(1)[:, None], labels, ABSENT)
    rows = torch.arange(len(labels))
    made = []
    for w in draws:
        logits = w.abs().clamp_min(1e-300).log()
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
