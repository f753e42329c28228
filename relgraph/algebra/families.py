"""Every consistent family at small numbers: what everything that holds for all of the algebra must
be able to do.

In: nothing. Out: operators, one for each consistent combination of connectivity, geometry, border,
sharing, channels, source, normalisation and position, in a fixed order, first the atoms and then,
each with one rank word, those that are terms; and a small connection for each atom, on a map that
is not square and that windows, stripes and grids divide.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from relgraph.algebra import geometry
from relgraph.algebra.canonical import canonical
from relgraph.algebra.fit import cautions, misfits
from relgraph.algebra.operator import (
    BiasShare,
    Border,
    Channel,
    Connection,
    Frame,
    Operator,
    Predictor,
    Rank,
    Size,
    Space,
    SpaceShare,
    Weight,
    keeps_width,
)
from relgraph.algebra.rules import consistent

GRID: Size = (4, 6)
CHANNELS = 4
MIXED = 6  # output width where the core or a projection mixes channels

SHARES: tuple[SpaceShare, ...] = ("none", "windows", "positions", "all")
BLANK: tuple[Border, ...] = ("zero", "mask")
RING: tuple[Border, ...] = ("zero", "mask", "wrap")
EVERY: tuple[Border, ...] = ("zero", "mask", "wrap", "reflect", "clamp")
GEOMETRIES: tuple[tuple[Space, tuple[Border, ...]], ...] = (
    (Space("point"), BLANK),
    (Space("point", stride=(2, 2)), BLANK),
    (Space("window", size=(2, 3)), BLANK),
    (Space("window", size=(2, 3), shift=(1, 1)), RING),
    (Space("window", size=(3, 4), shift=(1, 2), pad=True), RING),
    (Space("window", size=(2, 3), halo=(1, 1)), RING),
    (Space("window", size=(3, 4), halo=(1, 2), pad=True), BLANK),
    (Space("stripe", size=(2, 1), shift=(1, 0)), RING),
    (Space("stripe", size=(1, 3), along="columns"), BLANK),
    (Space("grid", size=(2, 3)), RING),
    (Space("full"), RING),
    (Space("local", size=(3, 3)), EVERY),
    (Space("local", size=(2, 3)), RING),
    (Space("local", size=(3, 3), stride=(2, 2)), BLANK),
    (Space("local", size=(3, 3), dilation=(1, 2)), ("zero", "reflect")),
    (Space("local", size=(2, 2), stride=(2, 2), padding=(0, 0)), ("zero",)),
    (Space("local", size=(3, 2), stride=(2, 1), padding="same_tf"), ("zero", "clamp")),
    (Space("axial"), RING),
    (Space("outlook", size=(3, 3)), BLANK),
    (Space("outlook", size=(3, 2), step=(2, 1)), BLANK),
)
CHANNEL_KINDS: tuple[Channel, ...] = (
    Channel("full"),
    Channel("groups", groups=2),
    Channel("groups", groups=2, share="all"),
    Channel("separate"),
    Channel("separate", share="heads", heads=2),
    Channel("separate", share="all"),
    Channel("local", size=3),
    Channel("local", size=2, share="all"),
)
_HIDDEN = Predictor(reduction=2, bias=True, norm="batch_norm")
_EXPERTS = Predictor(bias=True, act="sigmoid", experts=3)
_SOURCES: tuple[Weight, ...] = (
    Weight("static"),
    Weight("fixed", fixed="average"),
    Weight("fixed", fixed="identity"),
    Weight("fixed", fixed="shift", offset=(1, -1)),
    Weight("pooled", predictor=_HIDDEN),
    Weight("pooled", predictor=_EXPERTS),
    Weight("center", extent=3),
    Weight("pair"),
    Weight("pair", position="relative"),
    Weight("pair", position="absolute", qkv_bias=False),
    Weight("pair", score="cosine"),
    Weight("pair", position="relative", score="cosine"),
    Weight("pair", position="continuous", hidden=8),
    Weight("pair", position="continuous", hidden=8, score="cosine", key_bias=False),
    Weight("pair", position="rotary", key_bias=False),
    Weight("pair", position="rotary", score="cosine"),
    Weight("channels", score="cosine"),
    Weight("pair", score="relu"),
    Weight("pair", score="elu"),
    Weight("pair", kv_heads=1),
    Weight("pair", position="relative", score="cosine", kv_heads=2),
    Weight("pair", position="rotary", key_bias=False, kv_heads=1),
    Weight("pair", talking_heads="both"),
    Weight("pair", talking_heads="weights"),
    Weight("pair", position="relative", talking_heads="logits"),
    Weight("pair", position="continuous", hidden=8, score="cosine", talking_heads="both"),
)

SPACE_RANKS = (Rank("reduce", (2,)), Rank("tokens", (3,)), Rank("separable"), Rank("scales", (2,)))
CHANNEL_RANKS = (Rank("inner", (2,)),)


@cache
def families() -> tuple[Operator, ...]:
    """The consistent families of atoms that are their own canonical form, without frame; weights
    have a bias of their own kind: by offset per channel, others per position."""
    own = (one for one in _consistent() if canonical(one).operator == one)
    return tuple(one for one in dict.fromkeys(own) if _fits(connection(one)))


@cache
def ranked() -> tuple[Operator, ...]:
    """The consistent families with a rank word that are their own canonical form, without frame.
    They are terms of several connections: none of them is a `connection`."""
    return tuple(
        term
        for one in _consistent()
        for term in _terms(one)
        if consistent(term) and canonical(term).operator == term
    )


@cache
def _consistent() -> tuple[Operator, ...]:
    """Every combination that is an operator. Only these can have a rank word: it lifts no rule."""
    every = (
        Operator(space, channel, weight, _bias(space, channel, weight))
        for space, channel, weight in itertools.product(_spaces(), CHANNEL_KINDS, _weights())
    )
    return tuple(operator for operator in every if consistent(operator))


def _fits(at: Connection) -> bool:
    return not misfits(at) and not cautions(at)


def _terms(atom: Operator) -> Iterator[Operator]:
    for rank in SPACE_RANKS:
        yield replace(atom, space=replace(atom.space, rank=rank))
    for rank in CHANNEL_RANKS:
        yield replace(atom, channel=replace(atom.channel, rank=rank))


def _spaces() -> Iterator[Space]:
    for (space, borders), share in itertools.product(GEOMETRIES, SHARES):
        for border in borders:
            yield replace(space, share=share, border=border)


def _weights() -> Iterator[Weight]:
    for weight in _SOURCES:
        yield weight
        yield replace(weight, normalize="softmax")
        yield replace(weight, normalize="sigmoid")
        yield replace(weight, normalize="l1")


def _bias(space: Space, channel: Channel, weight: Weight) -> BiasShare:
    if weight.source in ("fixed", "pair"):
        return "none"
    if space.connect != "full":
        return "channels"
    return "positions" if channel.connect == "separate" else "both"


def framed(operator: Operator) -> Iterator[Operator]:
    """The same core inside each frame: value only, output only, both, and both without biases."""
    for frame in (
        Frame(value=True),
        Frame(output=True),
        Frame(value=True, output=True),
        Frame(value=True, output=True, value_bias=False, output_bias=False),
    ):
        yield replace(operator, frame=frame)


def connection(operator: Operator, grid: Size = GRID, tokens: int = 0) -> Connection:
    """A small connection of the operator: 4 channels in, 6 out where channels are mixed; twice as
    many where two heads need 4 each."""
    turned = operator.weight.position == "rotary" and operator.channel.share == "heads"
    wide = 2 * CHANNELS if turned else CHANNELS
    keeps = keeps_width(operator)
    out = wide if keeps and not operator.frame.output else MIXED
    return Connection(operator, wide, out, grid, geometry.out_grid(operator.space, grid), tokens)
