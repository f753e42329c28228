"""Places of a value in the middle of a module, from what its entries depend on.

In: a way, the places of its start. Out: the places of its end, where every entry belongs to one
place or to one channel of the start; whether a map is the identity, or takes some of the channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from relgraph.probe.carry import Way
from relgraph.probe.draws import noise
from relgraph.probe.items import VISIBLE, Link
from relgraph.probe.places import Places
from relgraph.probe.tape import Values


def is_real(value: object) -> bool:
    """Whether a value can be given places: a tensor of real numbers."""
    return isinstance(value, Tensor) and value.is_floating_point()


def flat(value: Tensor) -> Places:
    """Every entry a place of one channel: what can be said of a value without a layout."""
    count = value.numel()
    return Places(tuple(value.shape), torch.arange(count)[:, None], None)


def dependence(way: Way, context: Values, into: Places) -> Tensor:
    """(P, entries of the end): whether an entry depends on a place."""
    return moved(way.carry(context, place_probes(into)))


def by_channel(way: Way, context: Values, into: Places) -> Places | None:
    """The places of a value each of whose entries reads exactly one channel, in the order of
    memory; None where it is not so. They make a map where they are as many as before."""
    probes = torch.zeros(into.channels + 1, into.count, into.channels, dtype=torch.float64)
    channel = torch.arange(into.channels)
    probes[channel + 1, :, channel] = noise((into.channels, into.count), 903)
    seen = moved(way.carry(context, into.write(probes)))
    shape = tuple(context[way.end].shape)
    found = by_dependence(seen, shape, Places((), torch.zeros(into.channels, 1), None))
    if found is None:
        return None
    entries = found.entries.T.contiguous()
    same = len(entries) == into.count
    return Places(shape, entries, into.grid if same else None, into.tokens if same else 0)


def place_probes(into: Places) -> Tensor:
    """Nothing, and then a random feature at one place after another."""
    features = noise((into.count, into.channels), 900)
    probes = torch.zeros(into.count + 1, into.count, into.channels, dtype=torch.float64)
    place = torch.arange(into.count)
    probes[place + 1, place] = features
    return into.write(probes)


def moved(carried: list[Tensor]) -> Tensor:
    """(P, entries): which entries differ from those where nothing came in."""
    gap = (carried[-1][1:] - carried[-1][:1]).flatten(1).abs()
    return gap > VISIBLE * gap.max()


def by_dependence(seen: Tensor, shape: tuple[int, ...], other: Places) -> Places | None:
    """The places of a value each of whose entries belongs to exactly one place of `other`, in the
    order of memory; None where it is not so."""
    if not bool((seen.sum(0) == 1).all()):
        return None
    owner = seen.long().argmax(0)
    counts = torch.bincount(owner, minlength=other.count)
    if not bool((counts == counts[0]).all()):
        return None
    entries = owner.argsort(stable=True).view(other.count, -1)
    return Places(shape, entries, other.grid, other.tokens)


def takes(link: Link, context: Values) -> bool:
    """Whether every channel that comes out is one that came in, as it is."""
    into, out = link.into, link.out
    if out.channels >= into.channels or out.count != into.count:
        return False
    features = noise((1, into.count, into.channels), 904)
    made = link.way.response(context, into, out, features)[0]
    apart = (made[:, :, None] - features[0][:, None]).abs().amax(0).amin(1)
    return bool((apart <= VISIBLE).all())


def is_identity(way: Way, context: Values, into: Places, out: Places) -> bool:
    """Whether the map hands every feature on as it is, or in another order of channels."""
    if into.count != out.count or into.channels != out.channels:
        return False
    features = noise((1, into.count, into.channels), 902)
    made = way.response(context, into, out, features)
    if bool((made - features).abs().max() <= VISIBLE):
        return True
    one, other = features[0].sort(1).values, made[0].sort(1).values
    return bool((one - other).abs().max() <= VISIBLE)
