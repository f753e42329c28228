"""What each entry of a wide value reads, where it reads one thing only: by ratios, in a few runs.

In: a way, values of a context, the places of its start. Out: for every entry at the end of the way
the place, or the channel, that it reads; or that some entry reads several. Features are multiplied
by another whole number at each place: an entry that reads one place is multiplied by its number,
one that reads several by no whole number. Two draws of features and numbers must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, fx

from relgraph.probe.carry import Way
from relgraph.probe.draws import noise
from relgraph.probe.places import Places
from relgraph.probe.tape import Values

WIDE = 1 << 20
"""Probes of more numbers than this are not run one after the other where ratios tell as much."""
# An entry below this part of the largest is lost in rounding, below the other it is nothing.
LIVE = 1e-5
NOTHING = 1e-13
WHOLE = 1e-6

Axis = Literal["place", "channel"]


@dataclass(frozen=True, eq=False)
class Sources:
    """`owner` (entries,) is the thing that each entry reads; None where one reads several or
    nothing. `known` is False where rounding leaves it open."""

    owner: Tensor | None
    known: bool = True


_OPEN = Sources(None, False)


def is_wide(into: Places) -> bool:
    """Whether one probe for every place, or channel, takes too many numbers."""
    return max(into.count, into.channels) * into.entries.numel() > WIDE


def sources(
    way: Way, context: Values, into: Places, axis: Axis, nodes: Sequence[fx.Node] = ()
) -> list[Sources]:
    """What entries of `nodes` and then of the end read of the start: which place, or channel."""
    count = into.count if axis == "place" else into.channels
    numbers = [_numbers(count, seed) for seed in range(2)]
    probes = [torch.zeros(into.count, into.channels, dtype=torch.float64)]
    for seed, own in enumerate(numbers):
        features = noise((into.count, into.channels), 910 + seed)
        probes += [features, features * (own[:, None] if axis == "place" else own)]
    carried = way.carry(context, into.write(torch.stack(probes)), nodes)
    return [_told([one - made[0] for one in made[1:]], numbers) for made in carried]


def readers(pull: Callable[[Tensor], Tensor], count: int, channels: int) -> Sources:
    """Which of `count` outputs reads each entry: `pull` makes of (count, channels) the gradient by
    entries."""
    numbers, made = [_numbers(count, seed) for seed in range(2)], []
    for seed, own in enumerate(numbers):
        level = noise((count, channels), 920 + seed)
        made += [pull(level), pull(level * own[:, None])]
    return _told(made, numbers)


def _numbers(count: int, seed: int) -> Tensor:
    order = torch.randperm(count, generator=torch.Generator().manual_seed(930 + seed))
    return order.double() + 1.0


def _told(made: Sequence[Tensor], numbers: Sequence[Tensor]) -> Sources:
    """From two pairs of values, before and after they were multiplied."""
    found: list[Tensor] = []
    scale = max(float(one.abs().max()) for one in (made[0], made[2]))
    if scale == 0.0 or not all(bool(one.isfinite().all()) for one in made):
        return _OPEN
    nothing = torch.ones(made[0].numel(), dtype=torch.bool)
    for before, after, own in ((made[0], made[1], numbers[0]), (made[2], made[3], numbers[1])):
        before, after = before.flatten(), after.flatten()
        nothing &= torch.maximum(before.abs(), after.abs()) <= NOTHING * scale
        live = before.abs() > LIVE * scale
        ratio = torch.where(live, after / before, 1.0)
        whole = ratio.round().clamp(1, len(own))
        if bool(((ratio - whole).abs() > WHOLE).any()):
            return Sources(None)
        found.append(torch.where(live, own.argsort()[whole.long() - 1], -1))
    if bool(nothing.any()):
        return Sources(None)
    first, second = found
    both = (first >= 0) & (second >= 0)
    if bool((first != second)[both].any()):
        return Sources(None)
    owner = torch.maximum(first, second)
    return Sources(owner) if bool((owner >= 0).all()) else _OPEN
