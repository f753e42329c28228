"""The numbers that edits may write: sizes, counts, widths. One of each makes families.

In: nothing. Out: frozen lists of numbers. A closure over `GENERIC` is the graph of families; one
over more numbers is a graph of instances, whose size is counted before it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal, TypeAlias, get_args

from relgraph.algebra.operator import Normalize, Position, Score, Size, Source, Talking

Along: TypeAlias = Literal["rows", "columns"]
Overlap: TypeAlias = tuple[int, int, int, int]
"""Windows of an outlook: their rows and columns, and how far apart they stand along both."""


@dataclass(frozen=True)
class Numbers:
    """Every number that an edit may write, smallest first; a root's own numbers are added.

    `kernel` sizes and `dilation` of local connectivity; sides of `window`; bands of `stripe`; cells
    of `grid`; counts of `groups` and `heads`; `inner` widths; `reduce` ratios; counts of `tokens`;
    coarse factors of `scales`; widths of a `band` of channels (none: no edit writes one, unless a
    root has it); sides of the region of a `center` source (`extent`). Which way
    stripes run (`along`) is no number, but is forgotten and chosen like one.

    `normal` are the normalisations that edits write, `scores` how they let queries be compared with
    keys, `keys` the counts of keys that runs of heads share (None: every head has its own),
    `positions` what they let pairs know of places, `talking` what heads hear of each other,
    `sources` what weights are predicted from: what the graph is about, and with a root that has
    another, that one too. So are the `offset`s of
    given shifts and the windows of an `outlook`, of which there are none without such a root, and
    what windows read around them (`halo`), which is nothing without one. Such variants are families
    like others, but a graph in which nobody asked for them would only be larger. Numbers that are
    `sized` are meant as they stand, also where they are the generic ones: a kernel of 3×3 is one of
    3×3 then.
    """

    kernel: tuple[Size, ...] = ((3, 3),)
    dilation: tuple[Size, ...] = ((1, 1),)
    window: tuple[Size, ...] = ((2, 2),)
    shift: tuple[Size, ...] = ((0, 0),)
    stripe: tuple[int, ...] = (2,)
    grid: tuple[Size, ...] = ((2, 2),)
    groups: tuple[int, ...] = (2,)
    heads: tuple[int, ...] = (2,)
    inner: tuple[int, ...] = (2,)
    reduce: tuple[int, ...] = (2,)
    tokens: tuple[int, ...] = (2,)
    scales: tuple[tuple[int, ...], ...] = ((2,),)
    band: tuple[int, ...] = ()
    extent: tuple[int, ...] = (1,)
    along: tuple[Along, ...] = ("rows",)
    normal: tuple[Normalize, ...] = ("none", "softmax", "sigmoid")
    scores: tuple[Score, ...] = ("dot",)
    keys: tuple[int | None, ...] = (None,)
    positions: tuple[Position, ...] = ("none", "relative", "absolute")
    talking: tuple[Talking, ...] = ("none",)
    sources: tuple[Source, ...] = ("pooled", "center", "pair")
    halo: tuple[Size, ...] = ((0, 0),)
    offset: tuple[Size, ...] = ()
    outlook: tuple[Overlap, ...] = ()
    sized: bool = False

    @property
    def families(self) -> bool:
        """Whether these numbers make families: then they are stand-ins, and not said in words."""
        usual = {name: getattr(GENERIC, name) for name in (*VARIANTS, "keys", "halo", "offset")}
        if self.band == (BAND,):
            usual["band"] = GENERIC.band
        if self.outlook == (OVERLAP,):
            usual["outlook"] = GENERIC.outlook
        aside = {*self.offset, *self.halo} <= {ASIDE, (0, 0)} and {*self.keys} <= {None, 1}
        return aside and replace(self, **usual) == GENERIC


BAND = 3
"""The width of a family's band of channels."""
GENERIC = Numbers()
ASIDE: Size = (1, 1)
"""The offset of the family of shifts, and the halo of windows that have one: both axes, by one."""
OVERLAP: Overlap = (3, 3, 1, 1)
"""The windows of the family of outlooks."""
KINDS = tuple(field.name for field in fields(Numbers) if field.name != "sized")
"""What there are numbers of."""
VARIANTS: Mapping[str, tuple[str, ...]] = {
    "normal": get_args(Normalize),
    "scores": get_args(Score),
    "positions": get_args(Position),
    "talking": get_args(Talking),
    "sources": tuple(name for name in get_args(Source) if name not in ("static", "fixed")),
}
"""Kinds whose values are words, in the order in which edits write them."""
