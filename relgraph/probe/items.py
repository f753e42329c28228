"""What a module is cut into: linear maps, elements, sums and gates, in lines.

In: nodes of a tape with their places. Out: values only; `split` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor, fx

from relgraph.probe.carry import Way
from relgraph.probe.places import Places

VISIBLE = 1e-10
"""An entry exists above this part of the largest: what float64 leaves of a sum that cancels."""


@dataclass(frozen=True)
class Element:
    """A norm or an activation, which is no part of W; `mixes` where it makes each entry of those of
    other places."""

    kind: str
    mixes: bool = False

    @property
    def name(self) -> str:
        """As it is told."""
        return f"{self.kind} over places" if self.mixes else self.kind


@dataclass(frozen=True, eq=False)
class Link:
    """A linear map between places. `start` is the last cut, with its places, of which all that is
    held fixed on the way is made: where images are changed to see whether W changes. One that
    `takes` hands a part of the channels on as they are. `copies` (D,): the input channel that each
    output channel reads, where values serve several heads; then a W of D × D channels is measured,
    each output channel with an input channel of its own."""

    way: Way
    into: Places
    out: Places
    start: fx.Node
    start_places: Places
    takes: bool = False
    copies: Tensor | None = None

    @property
    def width(self) -> int:
        """Input channels, those that serve several heads counted once for each."""
        return self.into.channels if self.copies is None else len(self.copies)


@dataclass(frozen=True, eq=False)
class Sum:
    """Lines that read the same value and are added; an empty one passes it on. `minus`: the
    shortcut is subtracted. `whole` are the links of all of it as one map, where no element and no
    shortcut stands on a branch: attention may add up its offsets one after the other."""

    branches: tuple[Line, ...]
    minus: bool = False
    whole: tuple[Link, ...] = ()


@dataclass(frozen=True, eq=False)
class Gate:
    """Lines that read the same value and are multiplied, entry by entry."""

    branches: tuple[Line, ...]


Item: TypeAlias = Element | Link | Sum | Gate


@dataclass(frozen=True, eq=False)
class Line:
    """Items in order."""

    items: tuple[Item, ...]
