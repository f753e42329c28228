"""The sizes on which families are compared: numbers put into both at once.

In: two operators. Out: pairs of spaces, or of channels, with the numbers in words. Families hold no
numbers, so what is said of them has to hold for several; instances have their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from relgraph.algebra.operator import Channel, Rank, Size, Space

Put: TypeAlias = Mapping[str, int]
_SPACE: Mapping[str, tuple[int, ...]] = {
    "local": (3, 5),
    "window": (2, 3),
    "grid": (2, 3),
    "stripe": (1, 2),
    "outlook": (3, 5),
    "reduce": (2, 3),
    "tokens": (2, 4),
    "scales": (2, 4),
}
_CHANNEL: Mapping[str, tuple[int, ...]] = {
    "groups": (2, 4),
    "heads": (2, 4),
    "inner": (2, 4),
    "local": (3, 4),
}


def spaces(one: Space, other: Space) -> Iterator[tuple[Space, Space, str]]:
    """Both spaces with every choice of the numbers that they have, the same in both."""
    words = [w for w in _SPACE if any(w in (s.connect, _word(s.rank)) for s in (one, other))]
    for put, said in _choices(_SPACE, words):
        yield _space(one, put), _space(other, put), said


def channels(one: Channel, other: Channel) -> Iterator[tuple[Channel, Channel, str]]:
    """The same over channels."""
    used = [w for c in (one, other) for w in (c.connect, c.share, _word(c.rank))]
    for put, said in _choices(_CHANNEL, [w for w in _CHANNEL if w in used]):
        yield _channel(one, put), _channel(other, put), said


def _choices(values: Mapping[str, tuple[int, ...]], words: list[str]) -> Iterator[tuple[Put, str]]:
    for chosen in itertools.product(*(values[word] for word in words)):
        put = dict(zip(words, chosen, strict=True))
        yield put, ", ".join(f"{word} {n}" for word, n in put.items())


def _word(rank: Rank | None) -> str:
    return "" if rank is None else rank.word


def _space(space: Space, put: Put) -> Space:
    size: Size = space.size
    if space.connect in put:
        n = put[space.connect]
        size = (n, 1) if space.connect == "stripe" else (n, n)
    return replace(space, size=size, rank=_rank(space.rank, put))


def _channel(channel: Channel, put: Put) -> Channel:
    groups = put["groups"] if channel.connect == "groups" else 1
    heads = put["heads"] if channel.share == "heads" else 1
    size = put["local"] if channel.connect == "local" else 1
    rank = _rank(channel.rank, put)
    return replace(channel, groups=groups, heads=heads, rank=rank, size=size)


def _rank(rank: Rank | None, put: Put) -> Rank | None:
    if rank is None or not rank.numbers:
        return rank
    return replace(rank, numbers=(put[rank.word],))
