"""W of a wide link by fewer runs: several unknowns in one, where what they reach is apart.

In: a way between places, values of a context. Out: W of one place, or of a few channels. That
channels stay apart, that weights move with the place or are equal in several channels are guesses,
made once from a few runs. What they give is held against random features each time: where that is
off the guess is wrong, and None comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from relgraph.algebra.operator import Size
from relgraph.probe.carry import Way
from relgraph.probe.draws import noise
from relgraph.probe.items import VISIBLE
from relgraph.probe.places import Places
from relgraph.probe.single import sources
from relgraph.probe.tape import Values

EXACT = 1e-12
"""What random features may be off, of the largest: rounding."""
TIE = 1e-9
MOST_COLOURS = 256


@dataclass(frozen=True, eq=False)
class _Shifts:
    """What one place reaches, moved over the map: `reads` are outputs that read the place in the
    middle; with each of `places` in its stead they are moved by as many of `steps`, and apart."""

    reads: Tensor
    places: Tensor
    steps: Tensor


@dataclass(frozen=True, eq=False)
class Packing:
    """Guesses about a link from its first context; `middle` is the input place that is asked."""

    way: Way
    context: Values
    into: Places
    out: Places
    middle: int

    def at_middle(self, context: Values, rows: Sequence[int]) -> Tensor | None:
        """W (rows, D, C) of the place in the middle."""
        for shifts in (self._shifts, self._alone):
            made = self._columns(context, shifts, torch.tensor(list(rows)))
            if made is not None:
                return made
        return None

    @cached_property
    def owner(self) -> Tensor | None:
        """(D,): the one input channel that each output channel reads; None where it reads more."""
        found = sources(self.way, self.context, self.into, "channel")[-1].owner
        if found is None:
            return None
        by_place = self.out.read(found[None])[0]
        return by_place[0] if bool((by_place == by_place[0]).all()) else None

    @cached_property
    def _sets(self) -> tuple[Tensor, Tensor]:
        """(D, S) and (S, C): of sets of input channels that no output channel reads two of, the one
        that each output channel reads; and which channels are in each set."""
        c, d = self.into.channels, self.out.channels
        if self.owner is not None:
            return self.owner[:, None], torch.ones(1, c, dtype=torch.bool)
        width = c // self._groups
        first = torch.arange(d) // (d // self._groups) * width
        member = torch.arange(c) % width == torch.arange(width)[:, None]
        return first[:, None] + torch.arange(width), member

    @cached_property
    def _groups(self) -> int:
        """The most groups of channels that follow each other and stay apart."""
        c, d = self.into.channels, self.out.channels
        options = [n for n in range(min(c, d), 1, -1) if c % n == 0 and d % n == 0]
        features = noise((self.into.count, c), 940)
        level = [1.0 + torch.arange(c) // (c // n) for n in options]
        probes = torch.stack([features, *(features * one for one in level)])
        made = self.way.response(self.context, self.into, self.out, probes)
        for n, one in zip(options, made[1:], strict=True):
            wanted = made[0] * (1.0 + torch.arange(d) // (d // n))
            if float((one - wanted).abs().max()) <= EXACT * float(wanted.abs().max()):
                return n
        return 1

    @cached_property
    def _reads(self) -> Tensor:
        features = torch.zeros(1, self.into.count, self.into.channels, dtype=torch.float64)
        features[:, self.middle] = noise((self.into.channels,), 941)
        w = self.way.response(self.context, self.into, self.out, features)[0].abs().amax(1)
        return (w > VISIBLE * w.max()).nonzero().flatten()

    @cached_property
    def _alone(self) -> _Shifts:
        return _Shifts(self._reads, torch.tensor([self.middle]), torch.zeros(1, dtype=torch.long))

    @cached_property
    def box(self) -> Size | None:
        """The sides of the square of outputs that the place in the middle reaches; None where there
        are no maps of one size."""
        grid = self.into.grid
        if grid is None or grid != self.out.grid or self.into.tokens or self.out.tokens:
            return None
        rows, columns = self._reads // grid[1], self._reads % grid[1]
        return int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1

    @property
    def _stays(self) -> bool:
        """Whether the place in the middle reaches itself only."""
        return self._reads.tolist() == [self.middle] and self.into.count == self.out.count

    @cached_property
    def _shifts(self) -> _Shifts:
        """As many places as have what they reach on the map and apart."""
        mid = self.middle
        if self._stays:
            places = torch.arange(self.into.count)
            return _Shifts(self._reads, places, places - mid)
        grid, box = self.into.grid, self.box
        if grid is None or box is None:
            return self._alone
        y, x = self._reads // grid[1], self._reads % grid[1]
        down = _moves(int(y.min()), int(y.max()), mid // grid[1], box[0], grid[0])
        across = _moves(int(x.min()), int(x.max()), mid % grid[1], box[1], grid[1])
        steps = (down[:, None] * grid[1] + across).flatten()
        return _Shifts(self._reads, mid + steps, steps)

    def _columns(self, context: Values, shifts: _Shifts, rows: Tensor) -> Tensor | None:
        index, member = self._sets
        count, places = len(member), len(shifts.places)
        runs, spot = torch.arange(count) // places, torch.arange(count) % places
        probes = torch.zeros(int(runs.max()) + 1, self.into.count, self.into.channels).double()
        probes[runs, shifts.places[spot]] = member.double()
        made = self.way.response(context, self.into, self.out, probes)
        w = torch.zeros(len(rows), self.out.channels, self.into.channels, dtype=torch.float64)
        own = made[runs[:, None], rows + shifts.steps[spot][:, None]].permute(1, 2, 0)
        w.scatter_(2, index.expand(len(rows), -1, -1), own)
        features = torch.zeros(1, self.into.count, self.into.channels, dtype=torch.float64)
        features[:, self.middle] = noise((self.into.channels,), 942)
        wanted = self.way.response(context, self.into, self.out, features)[0][rows]
        return w if _agree(w @ features[0, self.middle], wanted) else None

    def of_channels(
        self, context: Values, channels: Sequence[int], outputs: Sequence[int]
    ) -> Tensor | None:
        """W (O, D', I, C') of all places, of a few input and output channels."""
        if self.owner is None:
            made = self._by_colour(context, channels, outputs)
        else:
            made = self._by_class(context, channels, outputs, self.owner)
            made = self._by_colour(context, channels, outputs) if made is None else made
        if made is None:
            return None
        features = torch.zeros(1, self.into.count, self.into.channels, dtype=torch.float64)
        features[:, :, list(channels)] = noise((self.into.count, len(channels)), 943)
        wanted = self.way.response(context, self.into, self.out, features)[0][:, list(outputs)]
        given = torch.einsum("odic,ic->od", made, features[0][:, list(channels)])
        return made if _agree(given, wanted) else None

    def _by_colour(
        self, context: Values, channels: Sequence[int], outputs: Sequence[int]
    ) -> Tensor | None:
        """Places that are as far apart as what they reach, in one run each."""
        if self._stays:
            return self._in_place(context, channels, outputs)
        grid, box, mid = self.into.grid, self.box, self.middle
        if grid is None or box is None or box[0] * box[1] * 2 > self.into.count:
            return None
        y, x = torch.arange(self.into.count) // grid[1], torch.arange(self.into.count) % grid[1]
        colour = y % box[0] * box[1] + x % box[1]
        probes = torch.zeros(len(channels), box[0] * box[1], *self.into.entries.shape).double()
        for at, channel in enumerate(channels):
            probes[at, colour, torch.arange(len(colour)), channel] = 1.0
        kept = self.out.entries[:, list(outputs)]
        out = Places(self.out.shape, kept, self.out.grid, self.out.tokens)
        made = self.way.response(context, self.into, out, probes.flatten(0, 1))
        made = made.view(len(channels), -1, *kept.shape)
        last = int(self._reads.max()) // grid[1] - mid // grid[1]
        right = int((self._reads % grid[1]).max()) - mid % grid[1]
        w = torch.zeros(out.count, len(outputs), self.into.count, len(channels)).double()
        for place in range(self.into.count):
            down, across = y - y[place], x - x[place]
            near = (down <= last) & (down > last - box[0])
            near &= (across <= right) & (across > right - box[1])
            w[near, :, place] = made[:, int(colour[place])][:, near].permute(1, 2, 0)
        return w

    def _in_place(self, context: Values, channels: Sequence[int], outputs: Sequence[int]) -> Tensor:
        """All places in one run, each of which reaches itself."""
        probes = torch.zeros(len(channels), *self.into.entries.shape, dtype=torch.float64)
        probes[torch.arange(len(channels)), :, list(channels)] = 1.0
        made = self.way.response(context, self.into, self.out, probes)[..., list(outputs)]
        return torch.diag_embed(made.permute(2, 0, 1)).permute(2, 0, 3, 1)

    def _by_class(
        self, context: Values, channels: Sequence[int], outputs: Sequence[int], owner: Tensor
    ) -> Tensor | None:
        """Places on channels that have the same weights, as many in one run as there are such."""
        w = torch.zeros(self.out.count, len(outputs), self.into.count, len(channels)).double()
        made: dict[int, Tensor] = {}
        for at, output in enumerate(outputs):
            own = int(owner[output])
            if own not in channels:
                continue
            alike = self._alike(output, owner)
            if len(alike) * 2 > self.into.count or len(alike) > 4:
                first = int(alike[0])
                if first not in made:
                    made[first] = self._on(context, alike, owner)
                w[:, at, :, list(channels).index(own)] = made[first]
            else:
                return None
        return w

    def by_class(self, most: int) -> list[tuple[Tensor, Tensor]] | None:
        """Output channels with equal weights, and these (O, I), at the first context; None where
        there are more than `most` sets of such."""
        assert self.owner is not None, "output channels read one input channel"
        left, found = torch.ones(self.out.channels, dtype=torch.bool), []
        while bool(left.any()):
            first = int(left.long().argmax())
            gap = (self._first - self._first[:, first, None]).abs().amax(0)
            own = left & (gap <= TIE * self._first.abs().max())
            found.append(own.nonzero().flatten())
            left &= ~own
            if len(found) > most:
                return None
        alike = [self._alike(int(own[0]), self.owner) for own in found]
        return [
            (own, self._on(self.context, some, self.owner))
            for own, some in zip(found, alike, strict=True)
        ]

    def by_colour(self) -> list[tuple[Tensor, Tensor]] | None:
        """For runs in which places stand as far apart as what they reach: the place (O,) that each
        output reads in it, -1 where it is not on the map, and W (O, D) there."""
        if self._stays:
            ones = torch.ones(1, *self.into.entries.shape, dtype=torch.float64)
            made = self.way.response(self.context, self.into, self.out, ones)[0]
            return [(torch.arange(self.out.count), made)]
        grid, box, mid = self.into.grid, self.box, self.middle
        if grid is None or box is None or box[0] * box[1] > MOST_COLOURS:
            return None
        y, x = torch.arange(self.into.count) // grid[1], torch.arange(self.into.count) % grid[1]
        colour = y % box[0] * box[1] + x % box[1]
        probes = torch.zeros(box[0] * box[1], *self.into.entries.shape, dtype=torch.float64)
        probes[colour, torch.arange(len(colour))] = 1.0
        made = self.way.response(self.context, self.into, self.out, probes)
        low, left = int(self._reads.min()) // grid[1], int((self._reads % grid[1]).min())
        first = y - (low + box[0] - 1 - mid // grid[1]), x - (left + box[1] - 1 - mid % grid[1])
        found = []
        for at, w in enumerate(made):
            down = first[0] + (at // box[1] - first[0]) % box[0]
            across = first[1] + (at % box[1] - first[1]) % box[1]
            on_map = (down >= 0) & (down < grid[0]) & (across >= 0) & (across < grid[1])
            found.append((torch.where(on_map, down * grid[1] + across, -1), w))
        return found

    def _alike(self, output: int, owner: Tensor) -> Tensor:
        """Output channels with the weights of this one, of input channels of their own."""
        column = self._first[:, output]
        gap = (self._first - column[:, None]).abs().amax(0)
        alike = (gap <= TIE * self._first.abs().max()).nonzero().flatten().tolist()
        return torch.tensor(sorted({int(owner[d]): d for d in reversed(alike)}.values()))

    @cached_property
    def _first(self) -> Tensor:
        """(rows, D): the weights of the place in the middle."""
        features = torch.zeros(1, self.into.count, self.into.channels, dtype=torch.float64)
        features[:, self.middle] = 1.0
        return self.way.response(self.context, self.into, self.out, features)[0]

    def _on(self, context: Values, alike: Tensor, owner: Tensor) -> Tensor:
        """(O, I) of the weights that these channels share."""
        place, count = torch.arange(self.into.count), len(alike)
        run, channel = place // count, alike[place % count]
        probes = torch.zeros(int(run.max()) + 1, *self.into.entries.shape).double()
        probes[run, place, owner[channel]] = 1.0
        made = self.way.response(context, self.into, self.out, probes)
        return made[run, :, channel].T


def _moves(low: int, high: int, middle: int, size: int, length: int) -> Tensor:
    """Steps, `size` apart, by which `low` to `high` and `middle` can be moved on the map."""
    return torch.arange(-min(low, middle), length - max(high, middle), size)


def _agree(given: Tensor, wanted: Tensor) -> bool:
    return float((given - wanted).abs().max()) <= EXACT * float(wanted.abs().max())
