"""Parts of the channels that go ways of their own: a `split`.

In: arrays of a link that is nothing of the algebra as a whole. Out: links of runs of channels, each
of which reads channels of its own and the same places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from relgraph.probe.arrays import Arrays, visible
from relgraph.probe.channels import components
from relgraph.probe.items import Link


def apart(arrays: Arrays) -> tuple[Link, ...]:
    """The links of the parts in order; fewer than two where channels go together."""
    into, out = arrays.link.into, arrays.link.out
    there = visible(arrays.by_channel)
    own = components(there.any(0).any(1))
    reads, makes = own[out.channels :], own[: out.channels]
    parts = list(_runs(there, reads, makes))
    if len(parts) < 2 or not _in_order(parts, into.channels, out.channels):
        return ()
    return tuple(
        replace(
            arrays.link,
            into=replace(into, entries=into.entries[:, inputs]),
            out=replace(out, entries=out.entries[:, outputs]),
        )
        for inputs, outputs in parts
    )


def _runs(there: Tensor, reads: Tensor, makes: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Input and output channels of components that follow each other and read the same places."""
    inputs, outputs = torch.empty(0, dtype=torch.long), torch.empty(0, dtype=torch.long)
    before: object = None
    for name in dict.fromkeys(makes.tolist()):
        mine = (reads == name).nonzero().flatten(), (makes == name).nonzero().flatten()
        places = there[:, mine[1]].any(1)[..., mine[0]].any(2)
        kind = (len(mine[0]), len(mine[1]), places.numpy().tobytes())
        if before is not None and kind != before:
            yield inputs, outputs
            inputs, outputs = inputs[:0], outputs[:0]
        inputs, outputs = torch.cat([inputs, mine[0]]), torch.cat([outputs, mine[1]])
        before = kind
    yield inputs, outputs


def _in_order(parts: list[tuple[Tensor, Tensor]], inputs: int, outputs: int) -> bool:
    """Whether the parts follow each other, as the parts of a split do."""
    read, made = (torch.cat(one) for one in zip(*parts, strict=True))
    return torch.equal(read, torch.arange(inputs)) and torch.equal(made, torch.arange(outputs))
