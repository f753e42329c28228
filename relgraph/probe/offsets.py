"""What is added to the sum over W: a bias, or what is none.

In: arrays of one link. Out: how a bias is shared, and whether what is added is one.
"""

from __future__ import annotations

import torch

from relgraph.algebra.operator import BiasShare
from relgraph.probe.arrays import Arrays
from relgraph.probe.items import VISIBLE
from relgraph.probe.lab import DRAWS


def bias(arrays: Arrays) -> BiasShare:
    """What is added to the sum: by channel, by place, or by both."""
    link = arrays.link
    zero = link.into.write(torch.zeros(1, link.into.count, link.into.channels, dtype=torch.float64))
    rest = link.out.read(link.way.carry(arrays.context, zero)[0])[0]
    if float(rest.abs().max()) <= VISIBLE:
        return "none"
    if float((rest - rest[:1]).abs().max()) <= VISIBLE:
        return "channels"
    return "positions" if float((rest - rest[:, :1]).abs().max()) <= VISIBLE else "both"


def loose(arrays: Arrays) -> float:
    """How far what is added to the sum is from what a bias of the values, the same at all places,
    and one of the outputs add: W(x) b + c with one b and c for all images, by least squares."""
    into, out, way = arrays.link.into, arrays.link.out, arrays.link.way
    planes = torch.eye(into.channels, dtype=torch.float64)[:, None].expand(-1, into.count, -1)
    zero = into.write(torch.zeros(1, into.count, into.channels, dtype=torch.float64))
    sums, rests = [], []
    for seed in range(DRAWS):
        context = arrays.at(0, seed)
        sums.append(way.response(context, into, out, planes).flatten(1).T)
        rests.append(out.read(way.carry(context, zero)[0])[0].flatten())
    of_bias = torch.cat([one - sums[0] for one in sums[1:]])
    added = torch.cat([one - rests[0] for one in rests[1:]])
    scale = max(float(one.abs().max()) for one in rests) or 1.0
    if float(added.abs().max()) <= VISIBLE * scale:
        return 0.0
    found = torch.linalg.lstsq(of_bias, added[:, None], driver="gelsd").solution
    return float((of_bias @ found - added[:, None]).abs().max()) / scale
