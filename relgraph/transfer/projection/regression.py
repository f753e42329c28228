"""The static weights whose outputs are nearest on given values: normal equations, summed over
images.

In: a static connection without normalisation, values that enter its core and the outputs that are
wanted of the core, weights to start from. Out: its weight and, where it is one per channel, its
bias. Outputs that share a number are one system, others are solved by themselves: all at once for
kernels, place by place where nothing is shared. Directions that the values do not excite keep the
start. Source: ALGEBRA 4.1 ("least squares in W is not best on data"), 4.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from relgraph.algebra.operator import Connection
from relgraph.transfer.axes import Axis, channel_axis, space_axis
from relgraph.transfer.carried import Refused
from relgraph.transfer.projection.chain import places
from relgraph.verify.oracle_channels import channel_orbits

LARGEST = 1 << 25
"""Numbers of all normal equations together; above it a layer is told to be too large."""
AT_ONCE = 1 << 23  # numbers of features held together
_SMALLEST = 1e-10  # singular values below this part of the largest are not excited


@dataclass(frozen=True, eq=False)
class Fitted:
    """(units, orbits) of the weight, and a bias (D,) where the fit has one."""

    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True, eq=False)
class _Part:
    """Outputs (n,) that share numbers: `orbits` (S,), and where each entry goes: `entry` reads
    input `read` into feature `slot` (output · S + orbit)."""

    outputs: Tensor
    orbits: Tensor
    read: Tensor
    slot: Tensor


@dataclass(frozen=True, eq=False)
class _System:
    """One unknown vector per column of `answer`: what reads channels `reads` (n, G) of each of n
    copies, and gives outputs `gives` (n, E) of it; `units` (E, G) numbers the weight's units."""

    reads: Tensor
    gives: Tensor
    units: Tensor


def fitted(
    target: Connection, start: Tensor, values: Tensor, wanted: Tensor, with_bias: bool
) -> Fitted | Refused:
    """The optimum from `start` (units, orbits); values (B, T + P, C), wanted (B, T + P, D).

    `with_bias` fits one bias per channel too, which needs every output to share its numbers."""
    space = space_axis(target)
    parts = list(_parts(space, places(target), places(target, True)))
    systems = _systems(target)
    values = F.pad(values, (0, 1)) if target.operator.channel.connect == "local" else values
    size = sum(
        len(part.orbits) ** 2 * sum(s.reads.shape[1] ** 2 for s in systems) for part in parts
    )
    if size > LARGEST:
        return Refused(f"normal equations of {size:,} numbers: more than {LARGEST:,}")
    centred = with_bias and len(parts) == 1
    weight, bias = start.clone(), None
    for part in parts:
        mean_of = _Means(part, values, wanted) if centred else None
        for system in systems:
            _solve(weight, part, system, (values, wanted), mean_of)
        if mean_of is not None:
            bias = mean_of.bias(target, weight)
    return Fitted(weight, bias)


def _parts(space: Axis, inputs: int, outputs: int) -> Iterator[_Part]:
    """Outputs in groups that share no number with one another."""
    output, read = space.entry // inputs, space.entry % inputs
    label = torch.arange(outputs)
    while True:
        lowest = torch.full((space.orbits,), outputs)
        lowest = lowest.scatter_reduce(0, space.orbit, label[output], "amin")
        lower = label.scatter_reduce(0, output, lowest[space.orbit], "amin")
        if torch.equal(lower, label):
            break
        label = lower
    order = label[output].argsort(stable=True)
    sizes = label[output].unique(return_counts=True)[1].tolist()
    for entries in order.split(sizes):
        own, at = output[entries].unique(return_inverse=True)
        orbits, slot = space.orbit[entries].unique(return_inverse=True)
        yield _Part(own, orbits, read[entries], at * len(orbits) + slot)


def _systems(target: Connection) -> list[_System]:
    """Channels that are solved together, copies that share their units side by side."""
    units = channel_orbits(target)
    channel = target.operator.channel
    if channel.connect == "separate":
        own = units.diagonal()
        return [
            _System(at[:, None], at[:, None], torch.tensor([[unit]]))
            for unit in range(int(own.max()) + 1)
            for at in (torch.nonzero(own == unit).flatten(),)
        ]
    if channel.connect == "local":
        return _bands(units, channel.size if channel.share == "all" else 0)
    groups = channel.groups if channel.connect == "groups" else 1
    gives = torch.arange(units.shape[0]).reshape(groups, -1)
    reads = torch.arange(units.shape[1]).reshape(groups, -1)
    if channel.share == "all":
        return [_System(reads, gives, units[gives[0]][:, reads[0]])]
    return [
        _System(reads[g : g + 1], gives[g : g + 1], units[gives[g]][:, reads[g]])
        for g in range(groups)
    ]


def _bands(units: Tensor, shared: int) -> list[_System]:
    """Channels that read those around them, by numbers of their own or by the same `shared` taps;
    taps beyond the first and the last channel read the zeros that stand behind the last."""
    count = len(units)
    if not shared:
        rows = [torch.nonzero(row >= 0).flatten() for row in units]
        return [
            _System(read[None], torch.tensor([[d]]), units[d, read][None])
            for d, read in enumerate(rows)
        ]
    taps = torch.arange(shared)
    reads = torch.arange(count)[:, None] + taps - (shared - 1) // 2
    reads = torch.where((reads >= 0) & (reads < count), reads, count)
    return [_System(reads, torch.arange(count)[:, None], taps[None])]


def _solve(
    weight: Tensor,
    part: _Part,
    system: _System,
    data: tuple[Tensor, Tensor],
    mean_of: _Means | None,
) -> None:
    """Write the answer of one system into `weight` (units, orbits)."""
    wide, many = system.reads.shape[1], len(part.orbits)
    square = weight.new_zeros(many * wide, many * wide)
    right = weight.new_zeros(many * wide, system.gives.shape[1])
    for reads, gives in zip(system.reads, system.gives, strict=True):
        for features, given in _features(part, reads, gives, *data):
            if mean_of is not None:
                features = features - mean_of.features[:, reads].flatten()
                given = given - mean_of.wanted[gives]
            square += features.T @ features
            right += features.T @ given
    at = (system.units.T[None], part.orbits[:, None, None])
    now = weight[at].reshape(many * wide, -1)
    step = torch.linalg.pinv(square, hermitian=True, rtol=_SMALLEST) @ (right - square @ now)
    weight[at] = (now + step).reshape(many, wide, -1)


def _features(
    part: _Part, reads: Tensor, gives: Tensor, values: Tensor, wanted: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """What each number is multiplied with, (images · outputs, S · G), and what is wanted of it."""
    many, outputs = len(part.orbits), len(part.outputs)
    count = max(1, AT_ONCE // max(1, outputs * many * len(reads)))
    for batch, given in zip(values.split(count), wanted.split(count), strict=True):
        near = batch[:, part.read][..., reads].double()
        made = near.new_zeros(len(batch), outputs * many, len(reads))
        made.index_add_(1, part.slot, near)
        right = given[:, part.outputs][..., gives].double()
        yield made.reshape(len(batch) * outputs, -1), right.flatten(0, 1)


class _Means:
    """Means over images and outputs: `features` (S, C) and `wanted` (D,); with them taken out, a
    bias per channel needs no equation of its own."""

    def __init__(self, part: _Part, values: Tensor, wanted: Tensor) -> None:
        near = values.double().mean(0)[part.read]
        summed = near.new_zeros(len(part.outputs) * len(part.orbits), near.shape[1])
        summed.index_add_(0, part.slot, near)
        self.features = summed.reshape(len(part.outputs), len(part.orbits), -1).mean(0)
        self.wanted = wanted[:, part.outputs].double().mean((0, 1))
        self._orbits = part.orbits

    def bias(self, target: Connection, weight: Tensor) -> Tensor:
        """What is left of the means once the weight has given its part, (D,)."""
        axis = channel_axis(target)
        d, c = axis.entry // target.in_channels, axis.entry % target.in_channels
        given = (weight[axis.orbit][:, self._orbits] * self.features[:, c].T).sum(1)
        return self.wanted - torch.zeros_like(self.wanted).index_add(0, d, given)
