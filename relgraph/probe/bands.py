"""Which channels the predictor of a gate reads: all of them, or a band around its own.

In: arrays of a gate by the mean over all places. Out: what it reads; and where that is one static
kernel along the channels (Wang et al., ECA-Net, CVPR 2020), the operator that this is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from relgraph.algebra.operator import Channel, Operator, Space
from relgraph.probe import channels
from relgraph.probe.arrays import Arrays
from relgraph.probe.findings import Property
from relgraph.probe.items import VISIBLE
from relgraph.probe.lab import DRAWS, image
from relgraph.probe.scores import STRAIGHT

STEP = 0.5


@dataclass(frozen=True)
class Gated:
    """`operator` is None where the predictor is no band of one kernel."""

    property: Property
    operator: Operator | None


def gate(arrays: Arrays, operator: Operator) -> Gated | None:
    """What the predictor of a gate reads; None for other operators, and where channels are not the
    image's own."""
    weight, width = operator.weight, arrays.link.start_places.channels
    point = operator.space.connect == "point" and operator.channel.connect == "separate"
    strides = arrays.link.out.count != arrays.link.into.count
    if not point or strides or weight.source != "pooled":
        return None
    if arrays.link.out.channels != width or width < 3:
        return None
    slopes = [_slopes(arrays, draw, weight.normalize == "sigmoid") for draw in range(DRAWS)]
    seen = torch.stack([one.abs() > VISIBLE * one.abs().max() for one, _ in slopes]).any(0)
    found = channels.connected(seen)
    if found is None or found.connect != "local":
        kind = "some" if found is None else str(found.connect)
        said = f"a logit changes with {int(seen.sum(1).max())} of {width} channels"
        return Gated(Property("predictor", f"of {kind} channels", said), None)
    straight = max(gap for _, gap in slopes) <= STRAIGHT
    shared = channels.shared(found, torch.stack([one for one, _ in slopes], 2))
    said = f"a logit changes with {found.size} of {width} channels"
    one = straight and shared is not None and shared.share == "all"
    said += ", by one number for each tap" if one else ", otherwise than by one number for each tap"
    words = f"a band of {found.size} channels"
    own = Channel("local", size=found.size, share="all")
    space = Space("point", share="positions")
    return Gated(Property("predictor", words, said), Operator(space, own) if one else None)


def _slopes(arrays: Arrays, draw: int, squashed: bool) -> tuple[Tensor, float]:
    """(D, C): how logits change with the mean of each channel, and how far from straight lines."""
    features = image(arrays.link.start_places, draw)
    width = features.shape[1]
    slopes, worst = torch.zeros(width, width, dtype=torch.float64), 0.0
    middle = _logits(arrays, draw, features, squashed)
    for channel in range(width):
        line = []
        for side in (-STEP, STEP):
            moved = features.clone()
            moved[:, channel] += side
            line.append(_logits(arrays, draw, moved, squashed))
        slopes[:, channel] = (line[1] - line[0]) / (2 * STEP)
        second = float((line[1] - 2 * middle + line[0]).abs().max())
        worst = max(worst, second / max(float((line[1] - line[0]).abs().max()), VISIBLE))
    return slopes, worst


def _logits(arrays: Arrays, draw: int, features: Tensor, squashed: bool) -> Tensor:
    """(D,) at the place in the middle."""
    link, place = arrays.link, arrays.middle
    probe = torch.zeros(1, link.into.count, link.into.channels, dtype=torch.float64)
    probe[:, place] = 1.0
    w = link.way.response(arrays.given(draw, features), link.into, link.out, probe)[0, place]
    return torch.logit(w) if squashed else w
