"""One linear map placed in the algebra by measurement.

In: the arrays of a link. Out: `Measured`: each property with its evidence, the operator that they
make, and whether the oracle's support and sharing of that operator are the measured ones. Where a
property is none of the algebra's, the nearest stands in, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from relgraph.algebra.operator import (
    TOGETHER,
    Border,
    Channel,
    Operator,
    Score,
    Source,
    Space,
    SpaceShare,
    Weight,
)
from relgraph.algebra.rules import check
from relgraph.probe import borders, freedom, given, offsets, ranks, scores, sharing, supports
from relgraph.probe.arrays import Arrays
from relgraph.probe.findings import Measured
from relgraph.probe.held import held
from relgraph.probe.items import VISIBLE
from relgraph.probe.measuring import Measuring, rank_found
from relgraph.probe.places import Places
from relgraph.probe.proof import proof
from relgraph.probe.properties import channel_properties, space_properties, weight_properties
from relgraph.probe.supports import Ends
from relgraph.probe.tape import apart
from relgraph.verify.declared import ABSENT

LOOSE = 1e-8


def measure(arrays: Arrays) -> Measured:
    """The point of one link."""
    made = Measuring(arrays)
    operator, differs = _operator(made)
    bias = offsets.bias(arrays)
    operator = replace(operator, bias=bias)
    properties = (
        *space_properties(made, operator, differs),
        *channel_properties(made, operator),
        *weight_properties(made, operator),
    )
    if not differs and arrays.whole and arrays.frozen and offsets.loose(arrays) > LOOSE:
        differs = ("what is added to the sum depends on the image, and by no bias of the values",)
    said = "" if differs else proof(operator, arrays, made.ends, made.order, made.seen)
    if not said and not differs and not arrays.whole:
        whole = held(operator, arrays, made.ends, made.seen)
        differs = (whole.evidence,) * whole.wrong
    if not said and not differs:
        differs = ("sharing and reach: the oracle's table is not the measured one",)
    exact = bool(said) and all(one.decided for one in properties)
    return Measured(operator, properties, exact, said, differs, tuple(_remarks(made)))


def _operator(made: Measuring) -> tuple[Operator, tuple[str, ...]]:
    """The operator, and in which of its properties it only stands for what was measured."""
    differs: list[str] = []
    space = made.spaces[0] if made.spaces else None
    if space is None:
        space, common = supports.nearest(made.seen, made.ends)
        differs.append(f"connectivity over space: {common:.0%} of the entries in common")
    channel = made.channel
    if channel is None:
        channel = Channel("full" if bool(made.joined.float().mean() > 0.5) else "separate")
        differs.append("channels: joined or shared in a way that is no word of the algebra")
    weight = _weight(made, space, differs)
    space = _with_sharing(made, space, weight, differs)
    space, weight = _given(made, space, channel, weight, differs)
    operator = Operator(space, channel, weight, "none")
    operator = _ranked(made, operator)
    return _consistent(operator, differs), tuple(differs)


def _weight(made: Measuring, space: Space, differs: list[str]) -> Weight:
    found, normalize = made.dynamism, made.normalisation.word
    if found.source is None:
        source = _stand_in(made, space)
        differs.append(f"dynamism: W depends on the image in another way than {source}")
        return Weight(source, normalize)
    if found.source == "fixed":
        return Weight("static")
    if found.source == "pair":
        at = made.position
        assert at is not None, "pairs know something of places, or nothing"
        if at.word is None:
            differs.append(f"position: {at.evidence}")
        keys = made.keys
        differs += [keys.differs] if keys is not None and keys.differs else []
        if made.added is not None and made.added.there:
            differs.append("a number is added to all logits")
        if all(map(scores.symmetric, made.arrays.slices(made.arrays.context, made.joined))):
            differs.append("logits are symmetric: one projection makes queries and keys")
        return Weight(
            "pair",
            normalize,
            at.nearest,
            score=_scored(made, differs),
            kv_heads=None if keys is None else keys.count,
            hidden=at.hidden,
            temperature=at.temperature,
            qkv_bias=made.biases is None or made.biases.query is not False,
            key_bias=made.biases is None or made.biases.key is not False,
        )
    if found.source == "channels":
        return Weight("channels", normalize, score=_scored(made, differs))
    if found.source in ("pooled", "center") and not freedom.predicts(made.arrays):
        differs.append("weights are made of the image by no parameters")
    return Weight(found.source, normalize, extent=found.extent)


def _scored(made: Measuring, differs: list[str]) -> Score:
    found = made.score
    assert found is not None, "queries and keys are compared by a score"
    differs += [found.differs] if found.differs else []
    if found.word is not None:
        return found.word
    return "cosine" if made.dynamism.source == "channels" else "dot"


def _stand_in(made: Measuring, space: Space) -> Source:
    """The source that is nearest to a dependence without a word."""
    if (made.sums or "softmax" in made.normalisation.beside) and space.connect != "point":
        return "pair"
    w = made.draws()[0]
    return "pooled" if float((w.diagonal() - w[0, 0]).abs().max()) <= VISIBLE else "center"


def _with_sharing(made: Measuring, space: Space, weight: Weight, differs: list[str]) -> Space:
    if weight.source == "pair":
        at = made.position
        seen = None if at is None else at.border
        return replace(space, border=_border(made, weight, seen or space.border))
    if made.dynamism.source == "fixed" or made.overlapping is not None:
        return space
    candidates = made.spaces or (space,)
    extent = made.dynamism.extent
    found = sharing.shared(candidates, made.compared_places, made.ends, made.sums, extent)
    if found.space is not None:
        border = found.space.border
        if borders.is_hidden(made, found.space):
            asked = borders.predicted(made, found.space)
            differs += (
                [] if asked else ["border: what weights at the edge read there was not found"]
            )
            border = asked or border
        return replace(found.space, border=_border(made, weight, border))
    share: SpaceShare = "none"
    if _cells_share(made, space):
        return space
    differs.append(f"sharing over space: {found.evidence}")
    return replace(space, share=share)


def _cells_share(made: Measuring, space: Space) -> bool:
    """Whether entries are equal only because the map was averaged in cells before."""
    if space.connect != "full" or made.dynamism.source != "static":
        return False
    rank, _ = ranks.place_rank(made.draws(), made.ends.in_grid, "none")
    return rank is not None and rank.word == "reduce"


def _border(made: Measuring, weight: Weight, found: Border = "zero") -> Border:
    cut = weight.normalize in TOGETHER and not made.normalisation.counts
    return "mask" if cut and found == "zero" else found


def _given(
    made: Measuring, space: Space, channel: Channel, weight: Weight, differs: list[str]
) -> tuple[Space, Weight]:
    """Weights that are no parameters: the algebra's averages and identities, or a stand-in."""
    if made.dynamism.source != "fixed":
        return space, weight
    moved = given.shift(made.draws()[0], made.ends)
    if moved is not None and channel.connect == "separate":
        differs[:] = [one for one in differs if not one.startswith("connectivity over space")]
        return moved.space, moved.weight
    word, border = given.average(made.draws(), made.seen, space.size)
    if word is None or channel.connect != "separate":
        differs.append("weights are given, and neither an average nor the identity")
        return replace(space, share="positions"), Weight()
    fixed = Weight("fixed", fixed=word)  # type: ignore[arg-type]
    return (space if space.border == "wrap" else replace(space, border=border)), fixed


def _ranked(made: Measuring, operator: Operator) -> Operator:
    rank, axis, _ = rank_found(made, operator)
    if rank is None:
        return operator
    if axis == "channel":
        return replace(operator, channel=replace(operator.channel, rank=rank))
    return replace(operator, space=replace(operator.space, rank=rank))


def _consistent(operator: Operator, differs: list[str]) -> Operator:
    """The operator, or where a rule refuses it the nearest that is consistent."""
    broken = check(operator)
    if not broken:
        return operator
    if operator.weight.source == "pair":
        position = replace(operator.weight, position="none")
        if not check(replace(operator, weight=position)):
            return replace(operator, weight=position)
    differs.append(f"the algebra refuses it: {broken[0].reason}")
    plain = replace(
        operator,
        space=replace(operator.space, rank=None),
        channel=replace(operator.channel, rank=None),
    )
    for weight in (
        operator.weight,
        replace(operator.weight, normalize="none"),
        Weight("center"),
        Weight(),
    ):
        if not check(replace(plain, weight=weight)):
            return replace(plain, weight=weight)
    return Operator(Space("full"), Channel("full"), Weight(), "none")


def weights_of(operator: Operator, into: Places, out: Places) -> int:
    """How many different weights a static operator has between these places."""
    tokens = into.tokens if into.tokens == out.tokens else 0
    grids = (into.grid, out.grid) if tokens < into.count else (None, None)
    found = supports.orbits(operator.space, Ends(*grids, into.count, out.count, tokens))
    if found is None:
        return 0
    channel, pairs = operator.channel, into.channels * out.channels
    if channel.connect == "separate":
        units = {"none": out.channels, "heads": channel.heads, "all": 1}[channel.share]
    elif channel.connect == "local":
        first = (channel.size - 1) // 2
        taps = [abs(tap - first) for tap in range(channel.size)]
        reached = sum(max(out.channels - tap, 0) for tap in taps)
        units = channel.size if channel.share == "all" else reached
    else:
        units = pairs // channel.groups // (channel.groups if channel.share == "all" else 1)
    return len(found[found != ABSENT].unique()) * units


def additivity(arrays: Arrays) -> float:
    """How far the link is from a sum over its inputs, with what is frozen held fixed."""
    into = arrays.link.into
    one, other = (
        torch.randn(
            1,
            into.count,
            into.channels,
            dtype=torch.float64,
            generator=torch.Generator().manual_seed(seed),
        )
        for seed in (21, 22)
    )
    probes = torch.cat([one, other, one + 2.0 * other])
    made = arrays.link.way.response(arrays.context, into, arrays.link.out, probes)
    return apart(made[0] + 2.0 * made[1], made[2])


def _remarks(made: Measuring) -> Sequence[str]:
    found = []
    if not made.order.is_own:
        found.append("channels that belong together do not stand together; they were sorted")
    if made.normalisation.beside:
        found.append(made.normalisation.beside)
    return found
