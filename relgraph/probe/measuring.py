"""The steps of measuring one link, each made when it is first asked for.

In: arrays. Out: supports, orders of channels, dynamism, normalisation, ranks, position biases:
facts about W, of which `measure` makes an operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from relgraph.algebra.operator import Channel, Operator, Rank, Space, Weight
from relgraph.probe import (
    channel_pairs,
    channels,
    dynamism,
    normalising,
    overlaps,
    positions,
    ranks,
    scores,
    shared_keys,
    supports,
)
from relgraph.probe.added import Added, added
from relgraph.probe.arrays import Arrays, visible
from relgraph.probe.dynamism import Dynamism
from relgraph.probe.normalising import Normalisation
from relgraph.probe.overlaps import Overlapping
from relgraph.probe.positions import Position
from relgraph.probe.query_biases import Biases, biases
from relgraph.probe.scores import Score
from relgraph.probe.shared_keys import Keys
from relgraph.probe.supports import Ends
from relgraph.probe.tape import Values

# Entries (output, input place) at which channels are compared with each other.
COMPARED = 48


@dataclass(frozen=True, eq=False)
class Measuring:
    """The steps of one measurement, each made when it is first asked for."""

    arrays: Arrays

    @cached_property
    def ends(self) -> Ends:
        """The maps of both ends."""
        into, out = self.arrays.link.into, self.arrays.link.out
        # Places in a row: a map would leave the tokens out, or is not there.
        if into.tokens != out.tokens or into.tokens == into.count:
            return Ends(None, None, into.count, out.count)
        return Ends(into.grid, out.grid, into.count, out.count, into.tokens)

    @cached_property
    def there(self) -> Tensor:
        """(O, D, I', C): the entries that exist."""
        return visible(self.arrays.by_channel)

    @cached_property
    def joined(self) -> Tensor:
        """(D, C): channels that are connected, in the module's order."""
        return self.there.any(0).any(1)

    @cached_property
    def seen(self) -> Tensor:
        """(O, I): places that are connected."""
        return visible(self.arrays.by_place).any(3).any(1)

    @cached_property
    def order(self) -> channels.Order:
        """The order in which channels are looked at."""
        found = channels.sorted_channels(self.joined, self.compared)
        return found if self.arrays.link.copies is None else self._by_values(found)

    def _by_values(self, found: channels.Order) -> channels.Order:
        """Heads that read the same values stand together."""
        served = self.arrays.link.copies
        assert served is not None, "values serve several heads"
        by_head = channels.shared(Channel("separate"), self._compared_in(found))
        if by_head is None or by_head.share != "heads":
            kept = served[found.outputs].argsort(stable=True)
        else:
            firsts = served[found.outputs].view(by_head.heads, -1).amin(1)
            width = len(found.outputs) // by_head.heads
            kept = firsts.repeat_interleave(width).argsort(stable=True)
        return channels.Order(found.inputs[kept], found.outputs[kept])

    def _compared_in(self, order: channels.Order) -> Tensor:
        return self.compared[order.outputs][:, order.inputs]

    @cached_property
    def compared(self) -> Tensor:
        """(D, C, N): weights at some entries and in all draws, by which channels are compared."""
        spots = self.there.any(1).any(2).nonzero()
        step = max(1, len(spots) // COMPARED)
        o, i = spots[::step].unbind(1)
        return torch.cat([w[o, :, i].permute(1, 2, 0) for w in self.arrays.by_channel], 2)

    @cached_property
    def channel(self) -> Channel | None:
        """Connectivity and sharing over channels, as far as the algebra has words."""
        outputs, inputs = self.order.outputs, self.order.inputs
        found = channels.connected(self.joined[outputs][:, inputs])
        if found is None:
            return None
        return channels.shared(found, self._compared_in(self.order))

    @cached_property
    def over_slots(self) -> Normalisation:
        """What normalises the weights over the slots."""
        return normalising.normalisation(self.arrays, self.joined)

    @cached_property
    def normalisation(self) -> Normalisation:
        """What normalises the weights: over the slots, each window's own, or over the channels that
        are compared."""
        if self.overlapping is not None:
            return self.overlapping.normalisation
        return self.over_slots if self.compared_channels is None else self.compared_channels[1]

    @property
    def sums(self) -> bool:
        """Whether weights are known up to the sum of their row, so that logits are compared."""
        return self.over_slots.sums

    @cached_property
    def dynamism(self) -> Dynamism:
        """Where the values come from."""
        if self.overlapping is not None:
            return self.overlapping.dynamism
        if self.compared_channels is not None:
            return self.compared_channels[0]
        return self._over_places

    @cached_property
    def _over_places(self) -> Dynamism:
        return dynamism.dynamism(self.arrays, self.joined, self.sums)

    @cached_property
    def overlapping(self) -> Overlapping | None:
        """The windows that overlap, where W is a sum over such."""
        return overlaps.overlapping(self)

    @cached_property
    def compared_channels(self) -> tuple[Dynamism, Normalisation, Score] | None:
        """The same three where channels of each place are compared over the whole map."""
        points = self._over_places.source is None and self.seen.shape[0] == self.seen.shape[1]
        if not points or self.channel is None or not torch.equal(self.seen, _own(self.seen)):
            return None
        groups = self.channel.groups
        found = channel_pairs.compared(self.arrays, self.joined, groups)
        if found is None:
            return None
        said = f"{self._over_places.evidence.partition(',')[0]}; {found.evidence}"
        return Dynamism("channels", said), found.normalisation, found.score

    @cached_property
    def score(self) -> Score | None:
        """How queries and keys are compared; nothing where there are none."""
        if self.compared_channels is not None:
            return self.compared_channels[2]
        if self.dynamism.source != "pair":
            return None
        channel, channels = self.channel, self.arrays.link.out.channels
        counts = {"heads": channel.heads if channel else 1, "none": channels}
        heads = counts.get(channel.share, 1) if channel else 1
        return scores.score(self.arrays, self.joined, self.over_slots, heads)

    @cached_property
    def spaces(self) -> tuple[Space, ...]:
        """The spaces that have the measured support."""
        if self.overlapping is not None:
            return (self.overlapping.space,)
        return tuple(supports.spaces(self.seen, self.ends))

    def draws(self, at: Sequence[Values] | None = None) -> list[Tensor]:
        """W (O, I) of a few channels, in every draw of parameters."""
        contexts = self.arrays.contexts if at is None else at
        return [w for one in contexts for w in self.arrays.slices(one, self.joined)]

    @cached_property
    def biases(self) -> Biases | None:
        """Whether queries and keys have biases; nothing where there are no pairs of places."""
        if self.dynamism.source != "pair" or self.score is None:
            return None
        turned = self.position is not None and self.position.word == "rotary"
        return biases(self.arrays, self.joined, self.over_slots, self.score.word, turned)

    @cached_property
    def added(self) -> Added | None:
        """Whether all logits have a number in common; nothing where there is nothing to ask."""
        at = self.position
        if at is None or at.word != "none" or self.score is None or self.score.word is None:
            return None
        return added(self.arrays, self.joined, self.over_slots)

    @cached_property
    def keys(self) -> Keys | None:
        """The keys that several heads share; nothing where there are none."""
        return shared_keys.shared_keys(self) if self.dynamism.source == "pair" else None

    @cached_property
    def position(self) -> Position | None:
        """What pairs know of places; nothing where there are no pairs of places."""
        if self.dynamism.source != "pair":
            return None
        space = self.spaces[0] if self.spaces else supports.nearest(self.seen, self.ends)[0]
        return positions.position(self, space)

    @cached_property
    def channel_rank(self) -> tuple[Rank | None, str]:
        """The rank word of a W that mixes all channels, and the ranks that were seen."""
        return ranks.channel_rank(self.arrays.by_channel)

    @cached_property
    def compared_places(self) -> list[Tensor]:
        """What is compared over places: values, or functions where all contexts are equal."""
        functions = self.dynamism.source in ("center", "pair", None)
        return self.draws(self.arrays.constants if functions else None)


def _own(seen: Tensor) -> Tensor:
    return torch.eye(len(seen), dtype=torch.bool)


def rank_found(made: Measuring, operator: Operator) -> tuple[Rank | None, str, str]:
    """The rank word, its axis, and the ranks that were seen; nothing for weights that change with
    the image."""
    space, channel = operator.space, operator.channel
    if operator.weight != Weight():
        return None, "", ""
    if channel.connect == "full":
        rank, said = made.channel_rank
        return rank, "channel", said
    if channel.connect == "separate" and space.connect == "full":
        rank, said = ranks.place_rank(made.draws(), made.ends.in_grid, space.share)
        return rank, "space", said
    sided = space.connect == "local" and min(space.size) > 1 and space.share == "positions"
    if channel.connect == "separate" and sided and space.border == "zero":
        kernels = _kernels(made, space)
        if kernels:
            rank, said = ranks.kernel_rank(kernels, space.size)
            return rank, "space", said
    return None, "", ""


def _kernels(made: Measuring, space: Space) -> list[Tensor]:
    """The kernels of an output that reads all of its taps."""
    taps = space.size[0] * space.size[1]
    whole = (made.seen.sum(1) == taps).nonzero().flatten()
    if not len(whole):
        return []
    row = int(whole[0])
    return [w[row][made.seen[row]].view(space.size) for w in made.draws()]
