"""Places of a value in the middle of a module, from what its entries depend on.

In: a way, the places of its start. Out: the places of its end, where every entry belongs to one
place or to one channel of the start; whether a map is the identity, or takes some of the channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, fx

from relgraph.probe.carry import Way
from relgraph.probe.draws import noise
from relgraph.probe.items import VISIBLE, Link
from relgraph.probe.places import Places
from relgraph.probe.single import Sources, is_wide, sources
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
    found = sources(way, context, into, "place")[-1] if is_wide(into) else Sources(None)
    if found.owner is not None:
        return torch.arange(into.count)[:, None] == found.owner
    return moved(way.carry(context, place_probes(into)))


def owned(
    way: Way, context: Values, into: Places, nodes: Sequence[fx.Node] = ()
) -> list[Places | None]:
    """The places of the values at `nodes` and at the end of the way, each None where an entry
    belongs to no one place of the start."""
    shapes = [tuple(context[node].shape) for node in (*nodes, way.end)]
    told = sources(way, context, into, "place", nodes) if is_wide(into) else []
    if told and all(one.known for one in told):
        return [by_owner(one, shape, into) for one, shape in zip(told, shapes, strict=True)]
    carried = way.carry(context, place_probes(into), nodes)
    return [
        by_dependence(moved([values]), shape, into)
        for values, shape in zip(carried, shapes, strict=True)
    ]


def by_channel(way: Way, context: Values, into: Places) -> Places | None:
    """The places of a value each of whose entries reads exactly one channel, in the order of
    memory; None where it is not so. They make a map where they are as many as before."""
    shape, channels = tuple(context[way.end].shape), Places((), torch.zeros(into.channels, 1), None)
    told = sources(way, context, into, "channel")[-1] if is_wide(into) else Sources(None, False)
    if told.known:
        found = by_owner(told, shape, channels)
    else:
        probes = torch.zeros(into.channels + 1, into.count, into.channels, dtype=torch.float64)
        channel = torch.arange(into.channels)
        probes[channel + 1, :, channel] = noise((into.channels, into.count), 903)
        found = by_dependence(moved(way.carry(context, into.write(probes))), shape, channels)
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
    return by_owner(Sources(seen.long().argmax(0)), shape, other)


def by_owner(found: Sources, shape: tuple[int, ...], other: Places) -> Places | None:
    """The same of the place that each entry belongs to."""
    if found.owner is None:
        return None
    owner = found.owner
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
    nearest = (made[0][:, None] - features[0, :1]).abs().argmin(1)
    apart = (made - features[0][:, nearest]).abs().amax(0)
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
