"""W of one link in several draws, cut down to what fits: the arrays that everything is read from.

In: a lab, a link. Out: W[o, d, i, c] at several parameters and images; of a wide link two slices:
all places of a few channels, all channels of one place. The product law of the axes allows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, fx

from relgraph.probe.draws import noise
from relgraph.probe.items import VISIBLE, Link
from relgraph.probe.lab import DRAWS, Lab, constant, image, sampled
from relgraph.probe.packing import Packing
from relgraph.probe.tape import Values

# Entries of W that are measured whole: 8 channels on an 8×8 map.
WHOLE = 1 << 18
FEW = 3
# Outputs at which channels of a wide link are compared.
OUTPUTS = 12
# Images at which entries are looked for that are there at some images only.
MOST = 15


@dataclass(frozen=True, eq=False)
class Arrays:
    """`start` is the node at whose image W is taken; its places are where images are changed."""

    lab: Lab
    link: Link
    _made: dict[int, tuple[Values, Tensor]] = field(default_factory=dict)
    _columns: dict[int, tuple[Values, Tensor]] = field(default_factory=dict)

    @property
    def start(self) -> fx.Node:
        """Where images stand."""
        return self.link.start

    @cached_property
    def whole(self) -> bool:
        """Whether all entries are measured."""
        into, out = self.link.into, self.link.out
        return into.entries.numel() * out.entries.numel() <= WHOLE

    @cached_property
    def frozen(self) -> list[fx.Node]:
        """The operands that are held fixed on the link's way: W is made of them."""
        way = self.link.way
        steps = [way.reading.step(node) for node in way.nodes if node is not way.start]
        return [step.frozen for step in steps if step.frozen is not None]

    @cached_property
    def context(self) -> Values:
        """Values of the first draw at the first image."""
        return self.at(0, 0)

    def at(self, draw: int, seed: int) -> Values:
        """Values at a random image."""
        return self.given(draw, image(self.link.start_places, seed))

    def given(self, draw: int, features: Tensor) -> Values:
        """Values at an image of the caller's."""
        return self.lab.at(draw, self.start, self.link.start_places, features)

    @cached_property
    def contexts(self) -> tuple[Values, ...]:
        """One image for each draw of parameters; more where some entries are there at some images
        only (features of queries and keys that are cut at zero), until no further entry shows."""
        made = [self.at(draw, draw) for draw in range(DRAWS)]
        there = [visible((self.channels_at(one),)) for one in made]
        seen = torch.stack(there).any(0)
        if bool((torch.stack(there) == seen).all()):
            return tuple(made)
        quiet = 0
        for number in range(DRAWS, MOST):
            made.append(self.at(number % DRAWS, number))
            more = seen | visible((self.channels_at(made[-1]),))
            quiet = quiet + 1 if torch.equal(more, seen) else 0
            seen = more
            if quiet == DRAWS:
                break
        return tuple(made)

    @cached_property
    def constants(self) -> tuple[Values, ...]:
        """For each draw an image whose places are all equal."""
        places = self.link.start_places
        return tuple(self.given(draw, constant(places, draw)) for draw in range(DRAWS))

    @cached_property
    def by_channel(self) -> tuple[Tensor, ...]:
        """(O, D, I', C) of each draw: every channel, of all places or of one in the middle."""
        return tuple(self.channels_at(context) for context in self.contexts)

    def channels_at(self, context: Values) -> Tensor:
        """(O', D, I', C) at one context, O' the outputs of `outs`."""
        if self.whole:
            return self.places_at(context)
        if id(context) not in self._columns:
            self._columns[id(context)] = (context, self._at_middle(context))
        return self._columns[id(context)][1]

    def _at_middle(self, context: Values) -> Tensor:
        every, link = range(self.link.width), self.link
        sources = [self._source(channel) for channel in every]
        packed = self.packing.at_middle(context, self.outs)
        if packed is not None:
            w = packed[:, :, None]
            w = w if link.copies is None else w[..., sources]
        else:
            w = link.way.weights(context, link.into, link.out, sources, self.middle)
            w = w[list(self.outs)]
        return self._spread(w, range(link.out.channels), every)

    @cached_property
    def packing(self) -> Packing:
        """How a wide link is measured in few runs."""
        return Packing(self.link.way, self.context, self.link.into, self.link.out, self.middle)

    @cached_property
    def outs(self) -> tuple[int, ...]:
        """The outputs that `by_channel` has: all, or of a wide link a few of those that read the
        place in the middle, that place itself among them where it is an output."""
        if self.whole:
            return tuple(range(self.link.out.count))
        into, out = self.link.into, self.link.out
        features = noise((1, into.count, into.channels), 801)
        others = torch.arange(into.count) != self.middle
        features[:, others] = 0.0
        w = self.link.way.response(self.context, into, out, features)[0].abs().amax(1)
        reads = (w > VISIBLE * w.max()).nonzero().flatten().tolist()
        chosen = {reads[at] for at in sampled(len(reads), OUTPUTS)} if reads else {0}
        return tuple(sorted(chosen | ({self.middle} & set(range(self.link.out.count)))))

    @cached_property
    def outputs(self) -> tuple[int, ...]:
        """The output channels that `by_place` has: all, or of a wide link for each channel of `few`
        the first and the last that read it."""
        if self.whole:
            return tuple(range(self.link.out.channels))
        w = self.by_channel[0].abs()
        reads = (w > VISIBLE * w.max()).any(0).any(1)
        found: set[int] = set()
        for channel in self.few:
            own = reads[:, channel].nonzero().flatten().tolist()
            found.update(own[:1] + own[-1:])
        return tuple(sorted(found)) or (0,)

    @property
    def middle(self) -> int:
        """An input place away from the border."""
        into = self.link.into
        if into.grid is None:
            return into.count // 2
        return into.tokens + into.grid[0] // 2 * into.grid[1] + into.grid[1] // 2

    @cached_property
    def by_place(self) -> tuple[Tensor, ...]:
        """(O, D, I, C') of each draw: every place, of all channels or of a few."""
        return self.by_channel if self.whole else tuple(map(self.places_at, self.contexts))

    @cached_property
    def few(self) -> tuple[int, ...]:
        """The input channels that `by_place` has."""
        channels = self.link.width
        return tuple(range(channels)) if self.whole else tuple(sorted({0, channels - 1}))

    def _source(self, channel: int) -> int:
        """The input channel of the link that stands at a channel of W."""
        return channel if self.link.copies is None else int(self.link.copies[channel])

    def _spread(self, w: Tensor, outputs: Sequence[int], channels: Sequence[int]) -> Tensor:
        """(O, D', I, C'): of entries of copied channels those of the output that has the copy."""
        if self.link.copies is None:
            return w
        own = torch.tensor(outputs)[:, None] == torch.tensor(channels)
        return w * own[None, :, None, :]

    def places_at(self, context: Values) -> Tensor:
        """(O, D', I, C') at one context, D' the output channels of `outputs`."""
        if id(context) not in self._made:
            sources = [self._source(channel) for channel in self.few]
            every = list(dict.fromkeys(sources))
            w = None if self.whole else self.packing.of_channels(context, every, self.outputs)
            if w is None:
                w = self.link.way.weights(
                    context, self.link.into, self.link.out, every, outputs=self._kept
                )
            w = w[..., [every.index(one) for one in sources]]
            self._made[id(context)] = (context, self._spread(w, self.outputs, self.few))
        return self._made[id(context)][1]

    @property
    def _kept(self) -> tuple[int, ...] | None:
        return None if self.whole else self.outputs

    def rows(self, context: Values, seen: Tensor, rows: Sequence[int]) -> tuple[Tensor, ...]:
        """The `rows` of `slices`: (rows, I) each; of a wide link by gradients, one for each row."""
        if self.whole:
            return tuple(w[list(rows)] for w in self.slices(context, seen))
        link, pairs = self.link, self.pairs(seen)
        shape = len(pairs), len(rows), link.out.count, link.out.channels
        cotangents = torch.zeros(shape, dtype=torch.float64)
        for pair, (d, _) in enumerate(pairs):
            cotangents[pair, torch.arange(len(rows)), list(rows), d] = 1.0

        def made(probe: Tensor) -> Tensor:
            return link.out.read(link.way.local(context, probe)[link.way.end][None])[0]

        pull = torch.func.vjp(made, torch.zeros_like(context[link.way.start]))[1]
        (gradients,) = torch.vmap(pull)(cotangents.flatten(0, 1))
        w = link.into.read(gradients).view(len(pairs), len(rows), link.into.count, -1)
        return tuple(
            w[pair, :, :, self._source(self.few[at])] for pair, (_, at) in enumerate(pairs)
        )

    def sketch(self, context: Values) -> tuple[Tensor, ...]:
        """(O, D) of two random features: equal where W is equal, row by row, and cheap."""
        into = self.link.into
        features = noise((2, into.count, into.channels), 800)
        made = self.link.way.response(context, into, self.link.out, features)
        return made[0], made[1]

    def pairs(self, seen: Tensor) -> tuple[tuple[int, int], ...]:
        """A few (d, at): an output channel and the number in `few` of an input channel that it
        reads; `seen` is (D, C)."""
        found = []
        for at, channel in enumerate(self.few):
            reads = [d for d in self.outputs if bool(seen[d, channel])]
            if reads:
                found.append((reads[0], at))
        step = max(1, len(found) // FEW)
        return tuple(found[::step][: FEW + 1])

    def slices(self, context: Values, seen: Tensor) -> tuple[Tensor, ...]:
        """(O, I) for a few pairs of channels, at one context."""
        w = self.places_at(context)
        return tuple(w[:, self.outputs.index(d), :, at] for d, at in self.pairs(seen))


def visible(draws: tuple[Tensor, ...]) -> Tensor:
    """Whether an entry is there in any draw."""
    found = torch.zeros_like(draws[0], dtype=torch.bool)
    for w in draws:
        size = w.abs()
        found |= size > VISIBLE * size.max()
    return found
