"""Relations of W's values: where they come from, what normalises them, which place they know.

In: an operator in canonical form. Out: the rows of dynamism. A change of source carries the sharing
of functions: static, pooled and center weights say it as `space.share`; weights from pairs by their
position bias (`relative` is one per offset, `absolute` one per pair of places), or not at all: the
query · key of a head is one function.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from relgraph.algebra.operator import (
    TOGETHER,
    Border,
    Channel,
    Normalize,
    Operator,
    Position,
    Source,
    Space,
    SpaceShare,
    Weight,
    position_share,
)
from relgraph.relations.numbers import Numbers
from relgraph.relations.relation import Relation, Step
from relgraph.relations.space import SHARES
from relgraph.relations.values import source

DYNAMIC: tuple[Source, ...] = ("pooled", "center", "pair", "channels")
_BY_POSITION: dict[Position, SpaceShare] = {"absolute": "none", "relative": "positions"}
_BIASES: tuple[Position, ...] = ("relative", "absolute")
_UNTIED: tuple[Position, ...] = ("continuous", "rotary")
"""Positions without a number of their own for each offset or pair."""


def make_dynamic(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """static → pooled: every learned number becomes a function of the input."""
    if operator.weight.source == "static":
        for name in numbers.sources:
            yield from _from(operator, name, numbers)


def freeze(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """center → static: every function becomes a number; static → given average: no number is
    learned."""
    if operator.weight.source in DYNAMIC:
        yield from _from(operator, "static", numbers)
    if operator.weight.source == "static":
        given = Weight(
            "fixed", fixed="identity" if operator.space.connect == "point" else "average"
        )
        yield Step("static", source(given), replace(operator, weight=given))
        for offset in numbers.offset:
            given = Weight("fixed", fixed="shift", offset=offset)
            said = source(given, numbers.families)
            yield Step("static", said, replace(operator, weight=given))


def learn(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """given average → static: the average times a learned number, which is the smallest class that
    contains it. Where places outside the map are not counted, rows have other sums, and a softmax
    of numbers by offset is the smallest: of one number it is the average again. A shift is one
    number of a kernel's."""
    if operator.weight.source != "fixed":
        return
    masked = operator.space.border == "mask"
    tapped = masked or operator.weight.fixed == "shift"
    shared: SpaceShare = "positions" if tapped else "all"
    weight = Weight("static", "softmax" if masked else "none")
    channel = Channel("separate", share="all")
    step = Operator(replace(operator.space, share=shared), channel, weight, "none", operator.frame)
    after = f"static{', softmax' if masked else ''}, shared by {shared}"
    yield Step(source(operator.weight, numbers.families), after, step)


def change_source(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """pair → center: functions of something else."""
    for name in numbers.sources:
        if operator.weight.source in DYNAMIC and name != operator.weight.source:
            yield from _from(operator, name, numbers)


def _from(operator: Operator, name: Source, numbers: Numbers) -> Iterator[Step]:
    """The operator with weights from another source, once for each way to carry its sharing."""
    plain = replace(
        operator.weight,
        source=name,
        position="none",
        extent=1,
        score="dot",
        kv_heads=None,
        talking_heads="none",
    )
    before = source(operator.weight)
    if name == "pair":
        positions = (
            *_positions(operator.space.share),
            *(one for one in numbers.positions if one in _UNTIED),
        )
        kinds = itertools.product(numbers.scores, positions)
        for score, position in kinds:
            weight = replace(plain, position=position, score=score)
            space = replace(operator.space, share="none")
            yield Step(before, source(weight), replace(operator, space=space, weight=weight))
        return
    if name == "channels":  # one W for all positions, and so are the orbits
        if operator.space.share == "positions":
            weight = replace(plain, score="cosine")
            yield Step(before, source(weight), replace(operator, weight=weight))
        return
    for extent in numbers.extent if name == "center" else (1,):
        weight = replace(plain, extent=extent)
        for share, words in _shares(operator):
            space = replace(operator.space, share=share)
            after = source(weight) + words
            yield Step(before, after, replace(operator, space=space, weight=weight))


def _positions(share: SpaceShare) -> Iterator[Position]:
    """The position biases that carry a sharing; none always drops it."""
    yield from (position for position, as_share in _BY_POSITION.items() if as_share == share)
    yield "none"


def _shares(operator: Operator) -> Iterator[tuple[SpaceShare, str]]:
    """The sharings that carry a position bias: its own; without one, any, and then it is said."""
    weight, space = operator.weight, operator.space
    if weight.source != "pair":
        yield space.share, ""
    elif weight.position in _BY_POSITION:
        yield _BY_POSITION[weight.position], ""
    elif space.connect == "full":  # one window
        yield from ((s, f", share {s}") for s in SHARES if s != "windows")
    else:
        yield from ((share, f", share {share}") for share in SHARES)


def sharing_of(operator: Operator) -> SpaceShare | None:
    """How functions (the position biases of pairs) are shared over space; None: by nothing that
    another source would carry. A network's bias is one number for each offset."""
    if operator.weight.source == "pair":
        position = operator.weight.position
        return None if position == "rotary" else position_share(position)
    return operator.space.share


def normalise(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """none → softmax: the weights of an output become positive and sum to 1."""
    if operator.weight.normalize == "none":
        yield from (_normalised(operator, value) for value in numbers.normal if value != "none")


def unnormalise(operator: Operator, _: Numbers) -> Iterator[Step]:
    """softmax → none: weights are what is learned or predicted."""
    if operator.weight.normalize != "none":
        yield _normalised(operator, "none")


def renormalise(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """softmax → sigmoid: weights are bounded one by one instead of together."""
    here = operator.weight.normalize
    if here != "none":
        others = (value for value in numbers.normal if value not in ("none", here))
        yield from (_normalised(operator, value) for value in others)


def any_space(weight: Weight) -> Space:
    """A space that contradicts no channels under this weight, to stand for one that is not read."""
    if weight.source == "channels":
        return Space("point", share="positions", border=default_border(weight.normalize))
    if weight.fixed == "shift":
        rows, columns = (2 * abs(step) + 1 for step in weight.offset)
        return Space("local", size=(rows, columns))
    return Space("full")


def any_channel(weight: Weight) -> Channel:
    """The same of channels, for spaces."""
    if weight.position == "rotary":
        # One channel cannot be turned, a head can; one head has nobody to talk to, nor to share
        # keys with.
        return Channel("separate", share="heads", heads=2 * (weight.kv_heads or 1))
    return Channel("full") if weight.source == "channels" else Channel("separate")


def default_border(normalize: Normalize) -> Border:
    """What stands outside the map where nobody says it."""
    return "mask" if normalize in TOGETHER else "zero"


def _normalised(operator: Operator, value: Normalize) -> Step:
    """A default border becomes the other default."""
    space, weight = operator.space, operator.weight
    if space.border == default_border(weight.normalize):
        space = replace(space, border=default_border(value))
    after = replace(operator, space=space, weight=replace(weight, normalize=value))
    return Step(weight.normalize, value, after)


def change_score(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """dot → cosine: queries and keys are compared in another way, by their directions alone."""
    weight = operator.weight
    if weight.source == "pair":
        for score in numbers.scores:
            if score != weight.score:
                other = replace(operator, weight=replace(weight, score=score))
                yield Step(weight.score, score, other)


def tie_keys(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """8 heads with keys of their own → one key for all: fewer runs of heads share keys and
    values."""
    mine = operator.weight.kv_heads
    for count in numbers.keys:
        if count is not None and (mine is None or (count < mine and mine % count == 0)):
            yield from _keys(operator, count)


def untie_keys(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """One key for all heads → keys of their own: more runs of heads have keys and values."""
    mine = operator.weight.kv_heads
    for count in numbers.keys:
        if mine is not None and (count is None or (count > mine and count % mine == 0)):
            yield from _keys(operator, count)


def _keys(operator: Operator, count: int | None) -> Iterator[Step]:
    weight = operator.weight
    if weight.source == "pair" and operator.channel.share != "all":
        names = ["one for each head" if n is None else str(n) for n in (weight.kv_heads, count)]
        yield Step(names[0], names[1], replace(operator, weight=replace(weight, kv_heads=count)))


def mix_heads(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """none → both: each head hears what all heads say of a pair."""
    yield from (
        step for step in _talking(operator, numbers) if _tells_more(step.after, step.before)
    )


def part_heads(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """both → none: each head hears itself alone."""
    yield from (
        step for step in _talking(operator, numbers) if _tells_more(step.before, step.after)
    )


def _talking(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    weight = operator.weight
    if weight.source == "pair":
        for value in numbers.talking:
            other = replace(operator, weight=replace(weight, talking_heads=value))
            yield Step(weight.talking_heads, value, other)


def _tells_more(one: str, other: str) -> bool:
    return one != other and (one == "both" or other == "none")


def add_position(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """none → relative: pairs learn a number by offset (or by place) beside query · key."""
    if operator.weight.position == "none":
        yield from (_placed(operator, value) for value in numbers.positions if value != "none")


def drop_position(operator: Operator, _: Numbers) -> Iterator[Step]:
    """relative → none: pairs know features only, not places."""
    if operator.weight.position != "none":
        yield _placed(operator, "none")


def share_position(operator: Operator, _: Numbers) -> Iterator[Step]:
    """absolute → relative: pairs of places with one offset get one number."""
    if operator.weight.position == "absolute":
        yield _placed(operator, "relative")


def untie_position(operator: Operator, _: Numbers) -> Iterator[Step]:
    """relative → absolute: every pair of places gets its own number."""
    if operator.weight.position == "relative":
        yield _placed(operator, "absolute")


def change_position(operator: Operator, numbers: Numbers) -> Iterator[Step]:
    """relative → continuous: pairs know places in another way."""
    before = operator.weight.position
    if before == "none":
        return
    for value in numbers.positions:
        if value not in ("none", before) and {value, before} != set(_BIASES):
            yield _placed(operator, value)


def _placed(operator: Operator, value: Position) -> Step:
    weight = replace(operator.weight, position=value)
    return Step(operator.weight.position, value, replace(operator, weight=weight))


_HAN = "Han et al., On the Connection between Local Attention and Dynamic DW Conv., ICLR 2022"
_POOL = "Yu et al., MetaFormer Is Actually What You Need for Vision, CVPR 2022"
_ATTENTION = "Vaswani et al., Attention Is All You Need, NeurIPS 2017"
_RELATIVE = "Shaw et al., Self-Attention with Relative Position Representations, NAACL 2018"

_GQA = "Shazeer, Fast Transformer Decoding, 2019; Ainslie et al., GQA, EMNLP 2023"
_TALKING = "Shazeer et al., Talking-Heads Attention, 2020"
_SWIN_V2 = "Liu et al., Swin Transformer V2: Scaling Up Capacity and Resolution, CVPR 2022"

WEIGHT: tuple[Relation, ...] = (
    Relation(
        "make dynamic",
        "weight",
        "dynamism",
        make_dynamic,
        "up where the predictor ends in a bias for each orbit of the static weights",
        _HAN,
    ),
    Relation(
        "freeze",
        "weight",
        "dynamism",
        freeze,
        "down where make dynamic is up; given weights are one point of their class",
        _POOL,
    ),
    Relation("learn", "weight", "dynamism", learn, "up: the class contains what was given", _POOL),
    Relation(
        "change source",
        "weight",
        "dynamism",
        change_source,
        "sideways, but center lies in pairs that compare queries with places",
        _HAN,
    ),
    Relation(
        "un-normalise", "weight", "dynamism", unnormalise, "no order: another class", _ATTENTION
    ),
    Relation("normalise", "weight", "dynamism", normalise, "no order: another class", _ATTENTION),
    Relation("renormalise", "weight", "dynamism", renormalise, "no order", _ATTENTION),
    Relation(
        "change score",
        "weight",
        "dynamism",
        change_score,
        "no order: a cosine knows no lengths, products of features are not negative",
        _SWIN_V2,
    ),
    Relation("tie keys", "weight", "sharing", tie_keys, "down: heads share what they had", _GQA),
    Relation("untie keys", "weight", "sharing", untie_keys, "up", _GQA),
    Relation(
        "mix heads",
        "weight",
        "dynamism",
        mix_heads,
        "up: a mixture may be each head by itself",
        _TALKING,
    ),
    Relation(
        "part heads",
        "weight",
        "dynamism",
        part_heads,
        "down where mix heads is up",
        _TALKING,
    ),
    Relation(
        "add position",
        "weight",
        "sharing",
        add_position,
        "up where the bias may be 0, or one number under a softmax; turned pairs are other ones",
        _RELATIVE,
    ),
    Relation(
        "drop position",
        "weight",
        "sharing",
        drop_position,
        "down where add position is up",
        _RELATIVE,
    ),
    Relation(
        "change position",
        "weight",
        "sharing",
        change_position,
        "a continuous bias is a special case of one per offset; turned pairs are of none",
        _SWIN_V2,
    ),
    Relation("share position", "weight", "sharing", share_position, "down", _RELATIVE),
    Relation("untie position", "weight", "sharing", untie_position, "up", _RELATIVE),
)
