"""Connectivity and sharing over channels from measured weights.

In: which output channel reads which input channel, and their weights in several draws. Out: a
`Channel`, or None with the evidence. Channels inside a frame have no order of their own: they are
sorted so that groups and heads are contiguous, as the language has them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from relgraph.algebra.operator import Channel

TIE = 1e-9


@dataclass(frozen=True, eq=False)
class Order:
    """Input and output channels in the order in which they are measured; input channels that
    nothing reads, as those of keys among values, are left out."""

    inputs: Tensor
    outputs: Tensor

    @property
    def is_own(self) -> bool:
        """Whether it is the module's own order."""
        return bool((self.inputs.diff() == 1).all() and (self.outputs.diff() == 1).all())


def connected(seen: Tensor) -> Channel | None:
    """The connectivity of a support (D, C) whose channels are in order."""
    d, c = seen.shape
    if d == c and torch.equal(seen, torch.eye(d, dtype=torch.bool)):
        return Channel("separate")
    if bool(seen.all()):
        return Channel("full")
    for groups in range(2, min(d, c) + 1):
        if d % groups or c % groups:
            continue
        block = torch.arange(d)[:, None] // (d // groups) == torch.arange(c) // (c // groups)
        if torch.equal(seen, block):
            return Channel("groups", groups=groups)
    return _band(seen) if d == c else None


def _band(seen: Tensor) -> Channel | None:
    """A band around the diagonal, with the extra channel of even widths behind it."""
    beside = (torch.arange(len(seen)) - torch.arange(len(seen))[:, None])[seen]
    if not len(beside):
        return None
    first, last = int(beside.min()), int(beside.max())
    size = last - first + 1
    offset = torch.arange(len(seen)) - torch.arange(len(seen))[:, None]
    whole = torch.equal(seen, (offset >= first) & (offset <= last))
    return Channel("local", size=size) if whole and first == -((size - 1) // 2) else None


def sorted_channels(seen: Tensor, weights: Tensor) -> Order:
    """An order in which connected channels stand together, and of those that see only themselves
    the ones with equal weights. `weights` (D, C, N) tells them apart."""
    read = seen.any(0).nonzero().flatten()
    found = _sorted(seen[:, read], weights[:, read])
    return Order(read[found.inputs], found.outputs)


def _sorted(seen: Tensor, weights: Tensor) -> Order:
    d, c = seen.shape
    if connected(seen) is not None and d != c:
        return Order(torch.arange(c), torch.arange(d))
    one_to_one = d == c and bool((seen.sum(0) == 1).all() and (seen.sum(1) == 1).all())
    if one_to_one:
        inputs = torch.arange(c)
        outputs = seen.long().argmax(0)
        leader = _leaders(weights[outputs, inputs])
        by_head = leader.argsort(stable=True)
        return Order(inputs[by_head], outputs[by_head])
    joined = components(seen)
    return Order(joined[d:].argsort(stable=True), joined[:d].argsort(stable=True))


def _leaders(values: Tensor) -> Tensor:
    """For every row the first row that equals it."""
    scale = values.abs().max().clamp_min(1e-300)
    apart = torch.cdist(values / scale, values / scale, p=float("inf"))
    return (apart <= TIE).long().argmax(1)


def components(seen: Tensor) -> Tensor:
    """A number for each output and then each input channel: equal where they are joined."""
    d, c = seen.shape
    names = torch.arange(d + c)
    edges = seen.nonzero()
    for _ in range(d + c):
        before = names.clone()
        for one, other in ((edges[:, 0], edges[:, 1] + d), (edges[:, 1] + d, edges[:, 0])):
            names = names.scatter_reduce(0, one, names[other], "amin")
        if torch.equal(before, names):
            break
    return names


def shared(channel: Channel, weights: Tensor) -> Channel | None:
    """The channel with its sharing: `weights` (D, C, N) are compared over N entries and draws.
    None where the ties are none that the language has."""
    if channel.connect == "full":
        return channel
    if channel.connect == "groups":
        return _shared_groups(channel, weights)
    if channel.connect == "local":
        return _shared_band(channel, weights)
    own = weights.diagonal(0, 0, 1).T
    leader = _leaders(own)
    count = len(own)
    if bool((leader == 0).all()) and count > 1:
        return replace(channel, share="all")
    if torch.equal(leader, torch.arange(count)):
        return channel
    heads = len(leader.unique())
    runs = torch.arange(count) // (count // heads) * (count // heads)
    if count % heads == 0 and torch.equal(leader, runs):
        return replace(channel, share="heads", heads=heads)
    return None


def _shared_band(channel: Channel, weights: Tensor) -> Channel | None:
    """One number for each tap, or one for each entry."""
    first = -((channel.size - 1) // 2)
    lines = [weights.diagonal(first + m, 0, 1).T for m in range(channel.size)]
    tied = [bool((_leaders(line) == 0).all()) for line in lines if len(line) > 1]
    if all(tied):
        return replace(channel, share="all")
    entries = torch.cat(lines)
    return channel if torch.equal(_leaders(entries), torch.arange(len(entries))) else None


def _shared_groups(channel: Channel, weights: Tensor) -> Channel | None:
    d, c = weights.shape[:2]
    rows, columns = d // channel.groups, c // channel.groups
    blocks = torch.stack(
        [
            weights[g * rows : (g + 1) * rows, g * columns : (g + 1) * columns]
            for g in range(channel.groups)
        ]
    )
    leader = _leaders(blocks.flatten(1))
    if bool((leader == 0).all()):
        return replace(channel, share="all")
    return channel if torch.equal(leader, torch.arange(channel.groups)) else None
