"""One edge, walked with numbers: what was said of it against what happened.

In: two nodes. Out: a `Verdict`, with a problem in words wherever the two differ. Random weights are
the source; the target gets what `transfer` makes of them; the oracle runs both.

    embedding   the outputs are the same to 1e-10, relative
    projection  the outputs differ, and no weights are nearer in W, or where W depends on the image
                in outputs on images (see `optimum`)
    none        nothing is claimed, and a reason is given
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from torch import Tensor

from relgraph.algebra.operator import Operator
from relgraph.relations.node import Node
from relgraph.relations.weights import CarriageKind, carries, keeps_functions
from relgraph.transfer.carried import EXACT, Carried
from relgraph.transfer.carry import carry
from relgraph.transfer.every_edge.optimum import dense, is_static, slope, slope_of_outputs
from relgraph.transfer.every_edge.small import Small, images, small, width

SAME = 1e-10
"""Relative difference of outputs below which two operators are the same function, float64."""
FLAT = 1e-9
"""Relative slope below which weights are at an optimum in W."""
NEARLY_FLAT = 1e-2
"""The same for three factors, found by alternating steps that end before the optimum."""
_EVALUATED, _CALIBRATION = 2, 16


@dataclass(frozen=True)
class Verdict:
    """`said` of the family on all sizes, `here` at these numbers, `found` by numbers. `difference`
    of outputs and `slope` in W are relative; None where not measured. `problem` is empty where
    all agree."""

    said: CarriageKind
    here: CarriageKind
    found: CarriageKind
    reason: str
    difference: float
    slope: float | None
    problem: str


def judge(a: Node, b: Node) -> Verdict:
    """Carry random weights of `a` into `b`, and compare."""
    channels = width(a, b)
    source, target = small(a, channels), small(b, channels)
    said, here = carries(a, b), carries(a, b, instances=True)
    made = carry(source.item, target.item, source.tensors, target.fresh, _calibration(channels))
    found = _kind(made)
    tensors = {**target.fresh, **made.tensors}
    apart = _difference(outputs(a, channels), target.run(tensors, _evaluated(channels)))
    steep = None
    if found == "projection" and isinstance(a, Operator) and isinstance(b, Operator):
        steep = _slope(source, target, tensors)
    problem = (
        _false(found, apart)
        or _disagreement(said.kind, here.kind, found)
        or _silent(found, made.reason)
        or _not_nearest(b, steep)
    )
    return Verdict(said.kind, here.kind, found, made.reason, apart, steep, problem)


def _kind(made: Carried) -> CarriageKind:
    """What the method amounts to: weights that were kept without keeping the function are none."""
    if made.method in EXACT:
        return "embedding"
    return "projection" if made.method == "projection" else "none"


def _false(found: CarriageKind, apart: float) -> str:
    if found == "embedding" and not apart <= SAME:
        return f"claimed to be exact, and outputs differ by {apart:.1e}"
    if found != "embedding" and apart <= SAME:
        return f"claimed not to be exact ({found}), and outputs are the same"
    return ""


def _disagreement(said: CarriageKind, here: CarriageKind, found: CarriageKind) -> str:
    if said == "embedding" != here:
        return "said to be exact on all sizes, and not on these"
    return "" if here == found else f"said: {here}, happened: {found}"


def _silent(found: CarriageKind, reason: str) -> str:
    return "" if found == "embedding" or reason else "no reason is given"


def _not_nearest(b: Node, steep: float | None) -> str:
    assert steep is None or isinstance(b, Operator), "terms are not measured"
    if steep is None or not isinstance(b, Operator):
        return ""
    three = b.channel.rank is not None and b.space.connect != "point"
    limit = NEARLY_FLAT if three else FLAT
    return "" if steep <= limit else f"not the nearest: a slope of {steep:.1e}"


def _slope(source: Small, target: Small, tensors: Mapping[str, Tensor]) -> float | None:
    """Along the numbers that a projection sets: all of static weights, the biases that stand for
    them in predicted ones, the last rows of a predictor."""
    names = [name for name in tensors if _is_set(name, source, target)]
    if not names:
        return None
    x = _contexts(source, target)
    in_weights = slope(dense(source, source.tensors, x), target, dict(tensors), names, x)
    if in_weights <= FLAT or is_static(source):
        return in_weights
    x = _calibration(source.channels)
    wanted = source.run(source.tensors, x)
    return min(in_weights, slope_of_outputs(wanted, target, dict(tensors), names, x))


def _contexts(source: Small, target: Small) -> Tensor:
    """Images to measure W on. Functions of a place that several places share are optimal where all
    of them see the same: then every image is the same everywhere."""
    x = _calibration(source.channels)
    b = target.node
    center = isinstance(b, Operator) and b.weight.source == "center"
    alike = center and _goes_as_functions(source, target)
    return x[:, :1].expand_as(x).contiguous() if alike else x


def _goes_as_functions(source: Small, target: Small) -> bool:
    a, b = source.node, target.node
    return isinstance(a, Operator) and isinstance(b, Operator) and keeps_functions(a, b)


def _is_set(name: str, source: Small, target: Small) -> bool:
    if is_static(target):
        return name.endswith("weight")
    ends: tuple[str, ...] = ("expand.bias", "position_bias", "relative_position_bias_table")
    if _goes_as_functions(source, target):
        ends = (*ends, "expand.weight")
    return name.endswith(ends)


@lru_cache(maxsize=1 << 11)
def outputs(node: Node, channels: int) -> Tensor:
    """Of the node with its own weights, on the images of every verdict of this width."""
    own = small(node, channels)
    return own.run(own.tensors, _evaluated(channels))


def _difference(one: Tensor, other: Tensor) -> float:
    """Relative; infinite between outputs on other maps."""
    if one.shape != other.shape:
        return float("inf")
    return float((one - other).abs().max() / one.abs().max())


@lru_cache
def _evaluated(channels: int) -> Tensor:
    return images(_EVALUATED, channels, seed=0)


@lru_cache
def _calibration(channels: int) -> Tensor:
    return images(_CALIBRATION, channels, seed=1)
