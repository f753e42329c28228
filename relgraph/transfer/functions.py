"""Learned things, one per orbit, from one pair of axes to another: the heart of every transfer.

In: values (units, orbits, …) of a source connection and a target connection. Out: those of the
target, whether the class is among the target's, and the error in W. What the values are (numbers of
a static weight, rows of a predictor, entries of a position table) is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from relgraph.algebra.operator import TOGETHER, Connection, SpaceShare
from relgraph.transfer.axes import (
    Axis,
    Transition,
    center_axis,
    channel_axis,
    gram,
    slot_axis,
    slots,
    space_axis,
    transition,
)
from relgraph.transfer.carried import Refused
from relgraph.transfer.maps import maps
from relgraph.verify.oracle_tables import completed_connection

OUTSIDE = -1000.0
"""The logit of entries that are not the source's: e^−1000 is 0 in every dtype, and attention scores
of trained models are far smaller."""

Rule: TypeAlias = Literal["none", "softmax", "sigmoid", "l1"]
Shares: TypeAlias = tuple[SpaceShare | None, SpaceShare | None]
_SAME = 1e-12  # relative, float64: θ comes back as it was but for rounding


@dataclass(frozen=True, eq=False)
class Axes:
    """The two axes of a weight. `slots`: entries of the space axis are slots, of which one without
    an orbit has the logit 0; else they are positions, and what is not there is absent. `elsewhere`:
    functions of other places meet at an entry, so that nothing is exact, whatever the numbers."""

    channel: Axis
    space: Axis
    slots: bool = False
    elsewhere: bool = False


_Spaces: TypeAlias = tuple[Axis, Axis, bool]
Places: TypeAlias = tuple[tuple[Axes, Axes], ...]
"""The axes of source and target over common entries: on a generic map where there is one, then on
the layer's own."""


@dataclass(frozen=True, eq=False)
class Moved:
    """The target's values (units, orbits, …); whether nothing was lost; ‖ΔW‖ / ‖W‖ where values
    are entries of W (None under a normalisation that lost something). `outside` (units, orbits)
    tells which of the target's meet no entry of the source; `note`, on which maps this holds."""

    values: Tensor
    exact: bool
    error: float | None
    outside: Tensor
    note: str = ""


def axes_of(
    source: Connection,
    target: Connection,
    rule: Rule,
    shares: Shares = (None, None),
    by_slot: bool = False,
) -> Places | Refused:
    """The axes of both over common entries. `shares` replaces their own sharing over space;
    `by_slot`: what stands at two slots is not added up, as it is where W is linear in it."""
    found: list[tuple[Axes, Axes]] = []
    refused = Refused("")
    for placed in maps(source, target):
        spaces = _spaces(placed, rule, shares, by_slot)
        if isinstance(spaces, Refused):
            refused = spaces
            continue
        ends = channel_axis(source), channel_axis(target)
        one, other, slotted = spaces
        found.append((Axes(ends[0], one, slotted), Axes(ends[1], other, slotted)))
        if _of_centers(source, target):
            assert not isinstance(placed, Refused)
            lines = (space_axis(one, share) for one, share in zip(placed, shares, strict=True))
            both = zip(ends, lines, strict=True)
            first, second = (Axes(end, line, elsewhere=True) for end, line in both)
            found.append((first, second))
    return tuple(found) or refused


def _spaces(
    placed: tuple[Connection, Connection] | Refused, rule: Rule, shares: Shares, by_slot: bool
) -> _Spaces | Refused:
    if isinstance(placed, Refused):
        return placed
    overlapping = _overlapping(*placed, rule)
    if overlapping is not None:
        return overlapping
    by_place = (space_axis(placed[0], shares[0]), space_axis(placed[1], shares[1]), False)
    if rule == "none" and not by_slot:
        return by_place
    one, other = (slots(connection) for connection in placed)
    if one[0].shape == other[0].shape and all(map(torch.equal, one, other)):
        empty = rule in TOGETHER  # they count, whatever stands there
        made = (slot_axis(one, share, empty) for one, share in zip(placed, shares, strict=True))
        return next(made), next(made), True
    for connection, (reads, counted) in zip(placed, (one, other), strict=True):
        if rule in TOGETHER and _counts_outside(connection, counted & (reads < 0)):
            return Refused(f"places outside the map count in {_THE[rule]}, and not the same ones")
        if _repeats(reads):
            return Refused("the border shows one position twice, and each has a weight of its own")
    return by_place


def _overlapping(one: Connection, other: Connection, rule: Rule) -> _Spaces | Refused | None:
    """The axes where windows overlap, and other windows or none stand on the other side; None where
    there is nothing to say of them."""
    spaces = one.operator.space, other.operator.space
    if not _other_windows(one, other):
        return None
    if rule != "none":
        return Refused("a sum over windows, each normalised by itself, is no such weight")
    if not _of_centers(one, other):
        return None
    if spaces[0].step != spaces[1].step:
        return Refused("weights are read at other places: windows stand a step apart")
    return center_axis(one), center_axis(other), False


def _other_windows(one: Connection, other: Connection) -> bool:
    """Whether windows overlap, and are not the same on both sides."""
    spaces = one.operator.space, other.operator.space
    windows = [(space.connect, space.size, space.step) for space in spaces]
    return "outlook" in (windows[0][0], windows[1][0]) and windows[0] != windows[1]


def _of_centers(one: Connection, other: Connection) -> bool:
    """Whether, besides, weights are read at the centre of each: what is read at one place is
    compared with what is read there, and only then with what is read elsewhere."""
    sources = {one.operator.weight.source, other.operator.weight.source}
    return _other_windows(one, other) and sources == {"center"}


_THE: Mapping[Rule, str] = {"softmax": "a softmax", "l1": "a sum of magnitudes"}


def _counts_outside(connection: Connection, empty: Tensor) -> bool:
    return completed_connection(connection) is not connection or bool(empty.any())


def _repeats(reads: Tensor) -> bool:
    ordered = reads.sort(1).values
    return bool(((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any())


def move(values: Tensor, places: Places, rule: Rule) -> Moved:
    """Values (units, orbits, …) of the source as the target's; absent ones count as zero, or under
    a softmax or sigmoid not at all. What lies outside the source is 0 here and told by `outside`.

    What is exact on a generic map is exact on all; what is not is the optimum on the layer's own.
    """
    generic = _moved(values.double(), *places[0], rule)
    if generic.exact or len(places) == 1:
        return generic
    own = _moved(values.double(), *places[-1], rule)
    if places[-1][0].elsewhere:
        return replace(own, exact=False)
    return replace(own, note="on maps of this size") if own.exact else own


def _moved(values: Tensor, source: Axes, target: Axes, rule: Rule) -> Moved:
    logits = rule in ("softmax", "sigmoid")  # to others, what is absent is 0
    absent = logits and not source.slots
    channel = transition(source.channel, target.channel, logits)
    space = transition(source.space, target.space, absent)
    moved = _apply(values, channel, space)
    outside = ~(channel.covered[:, None] & (space.covered | source.slots)[None])
    if channel.exact and space.exact:
        return Moved(moved, True, 0.0, outside)
    if logits:
        whole = channel.whole and (space.whole or source.slots)
        exact = whole and _comes_back(values, moved, source, target)
        return Moved(moved, exact, 0.0 if exact else None, outside)
    exact, error = _lost(values, moved, source, target)
    return Moved(moved, exact, error if exact or rule == "none" else None, outside)


def _apply(values: Tensor, channel: Transition, space: Transition) -> Tensor:
    return channel.apply(space.apply(values.transpose(0, 1)).transpose(0, 1))


def _comes_back(values: Tensor, moved: Tensor, source: Axes, target: Axes) -> bool:
    """Whether these logits, if not their whole class, are the target's."""
    channel = transition(target.channel, source.channel, logits=True)
    space = transition(target.space, source.space, not source.slots)
    rest = (values - _apply(moved, channel, space)).abs().max()
    return bool(rest <= _SAME * values.abs().max())


def _lost(values: Tensor, moved: Tensor, source: Axes, target: Axes) -> tuple[bool, float]:
    """‖W − PW‖² = ⟨W, W − PW⟩ for an orthogonal projection P, without the squares cancelling."""
    back_channel = transition(target.channel, source.channel)
    back_space = transition(target.space, source.space)
    rest = values - _apply(moved, back_channel, back_space)
    weighed = torch.sparse.mm(gram(source.channel), values.flatten(1))
    weighed = weighed.reshape(values.shape).transpose(0, 1)
    full = torch.sparse.mm(gram(source.space), weighed.flatten(1)).reshape(weighed.shape)
    full = full.transpose(0, 1)
    total, missing = float((values * full).sum()), float((rest * full).sum())
    if float(rest.abs().max()) <= _SAME * float(values.abs().max()):
        return True, 0.0
    return False, (max(missing, 0.0) / total) ** 0.5 if total else 0.0
