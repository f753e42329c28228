"""Keys read back: the node that a derived name means.

In: a word. Out: the node whose `words.key` it is, or None. Nothing is guessed: a word that reads
like a key but is the key of no consistent node is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from relgraph.algebra.operator import (
    Border,
    Channel,
    ChannelConnect,
    ChannelShare,
    Frame,
    Given,
    Normalize,
    Operator,
    Position,
    Rank,
    RankWord,
    Score,
    Size,
    Source,
    Space,
    SpaceConnect,
    SpaceShare,
    Talking,
    Weight,
)
from relgraph.algebra.rules import check
from relgraph.relations.composite import composed
from relgraph.relations.node import Kind, Node, core
from relgraph.relations.numbers import ASIDE, BAND, GENERIC, OVERLAP
from relgraph.relations.space import band
from relgraph.relations.weight import default_border
from relgraph.relations.words import TALKS, WAYS, key

_TERM = re.compile(r"(chain|sum|product|split|splitsum|splitproduct)(\d{1,3})")
_NUMBERED = re.compile(r"([a-z]+)(\d{1,7}(?:x\d{1,7})*)?")
_GIVEN = get_args(Given)
_HEARD = {word: talking for talking, word in TALKS.items()}

_WAY = re.compile(f"({'|'.join(word for pair in WAYS for word in pair)})" + r"\d{1,7}")


class _NoKeyError(Exception):
    """A word that stands nowhere in a key."""


def node_of_key(word: str) -> Node | None:
    """The node of this key; None where no consistent node has it.

    >>> node_of_key("local5x5.positions-separate-static").space.size
    (5, 5)
    """
    parts = iter(word.split("_"))
    try:
        node = _node(parts)
    except (_NoKeyError, StopIteration):
        return None
    return node if next(parts, None) is None and key(node) == word else None


def _node(parts: Iterator[str]) -> Node:
    word = next(parts)
    term = _TERM.fullmatch(word)
    if term is None:
        return _operator(word)
    found = [_node(parts) for _ in range(int(term[2]))]
    if not found:
        raise _NoKeyError(word)
    return composed(cast(Kind, term[1]), found)


def _operator(word: str) -> Operator:
    axes = word.split("-")
    sides = axes[3:]
    if len(axes) < 3 or sides not in ([], ["value"], ["output"], ["value", "output"]):
        raise _NoKeyError(word)
    weight = _weight(axes[2].split("."))
    space = _space(axes[0].split("."), default_border(weight.normalize))
    if weight.source == "channels":
        space = replace(space, share="positions")
    frame = Frame("value" in sides, "output" in sides)
    made = Operator(space, _channel(axes[1].split(".")), weight, "none", frame)
    if check(made):
        raise _NoKeyError(word)
    return core(made)


@dataclass
class _Words:
    """The words of an axis that were not yet read."""

    left: list[str]

    def one_of(self, values: object) -> str | None:
        """The next word if it is one of a property's values."""
        return self.left.pop(0) if self.left and self.left[0] in get_args(values) else None

    def numbered(self, fits: Callable[[str], bool]) -> tuple[str, tuple[int, ...]] | None:
        """The next word and its numbers, if it is one that fits."""
        found = _NUMBERED.fullmatch(self.left[0]) if self.left else None
        if found is None or not fits(found[1]):
            return None
        self.left.pop(0)
        numbers = tuple(map(int, found[2].split("x"))) if found[2] else ()
        if 0 in numbers and found[1] not in ("m", "p", "halo"):
            raise _NoKeyError(found[0])
        return found[1], numbers

    def end(self) -> None:
        """Raises where words are left that mean nothing here."""
        if self.left:
            raise _NoKeyError(self.left[0])


def _space(words: list[str], border: Border) -> Space:
    left = _Words(words)
    connect, numbers = left.numbered(get_args(SpaceConnect).__contains__) or ("", ())
    share, written = left.one_of(SpaceShare), left.one_of(Border)
    found: dict[str, Any] = {"along": "columns" if _taken(left, "columns") else "rows"}
    for letter, name in (("s", "stride"), ("d", "dilation"), ("m", "shift"), ("e", "step")):
        read = left.numbered(letter.__eq__)
        found |= {name: _size(read[1])} if read else {}
    read = left.numbered("halo".__eq__)
    found["halo"] = (_size(read[1]) if read[1] else ASIDE) if read else (0, 0)
    read = left.numbered("p".__eq__)
    found["padding"] = "same_tf" if _taken(left, "sametf") else _size(read[1]) if read else "half"
    found["pad"] = _taken(left, "pad")
    rank = _rank(left)
    left.end()
    made = Space(
        cast(SpaceConnect, connect),
        share=cast(SpaceShare, share or "none"),
        border=cast(Border, written or border),
        rank=rank,
        **found,
    )
    return replace(made, size=_size(numbers) if numbers else _generic(made))


def _taken(left: _Words, word: str) -> bool:
    if left.left[:1] != [word]:
        return False
    left.left.pop(0)
    return True


def _size(numbers: tuple[int, ...]) -> Size:
    if len(numbers) != 2:
        raise _NoKeyError("x".join(map(str, numbers)))
    return numbers[0], numbers[1]


def _generic(space: Space) -> Size:
    sizes = {
        "local": GENERIC.kernel[0],
        "window": GENERIC.window[0],
        "grid": GENERIC.grid[0],
        "stripe": band(GENERIC.stripe[0], space.along),
        "outlook": OVERLAP[:2],
    }
    return sizes.get(space.connect, (1, 1))


def _channel(words: list[str]) -> Channel:
    left = _Words(words)
    connect, counts = left.numbered(get_args(ChannelConnect).__contains__) or ("", ())
    share, heads = left.numbered(get_args(ChannelShare).__contains__) or ("none", ())
    rank = _rank(left)
    left.end()
    if not connect or len(counts) > 1 or len(heads) > 1:
        raise _NoKeyError(".".join(words))
    return Channel(
        cast(ChannelConnect, connect),
        groups=(counts or GENERIC.groups)[0] if connect == "groups" else 1,
        share=cast(ChannelShare, share),
        heads=(heads or GENERIC.heads)[0] if share == "heads" else 1,
        rank=rank,
        size=(counts or (BAND,))[0] if connect == "local" else 1,
    )


def _rank(left: _Words) -> Rank | None:
    read = left.numbered(get_args(RankWord).__contains__)
    if read is None:
        return None
    generic = {
        "reduce": GENERIC.reduce[:1],
        "tokens": GENERIC.tokens[:1],
        "separable": (),
        "scales": GENERIC.scales[0],
        "inner": GENERIC.inner[:1],
    }
    return Rank(cast(RankWord, read[0]), read[1] or generic[read[0]])


def _weight(words: list[str]) -> Weight:
    left = _Words(words)
    source, extent = left.numbered(get_args(Source).__contains__) or ("", ())
    if not source or len(extent) > 1:
        raise _NoKeyError(".".join(words))
    normalize, position, given, score, shared = "none", "none", None, "dot", None
    score = "cosine" if source == "channels" else score
    talking: Talking = "none"
    ways: list[str] = []
    while left.left:
        word = left.left.pop(0)
        if word in get_args(Normalize)[1:]:
            normalize = word
        elif word in get_args(Position)[1:]:
            position = word
        elif word in _GIVEN:
            given = word
        elif word in get_args(Score)[1:]:
            score = word
        elif word.startswith("keys") and word[4:].isdecimal():
            shared = int(word[4:])
        elif word in _HEARD:
            talking = _HEARD[word]
        elif given == "shift" and _WAY.fullmatch(word):
            ways.append(word)
        else:
            raise _NoKeyError(word)
    return Weight(
        cast(Source, source),
        cast(Any, normalize),
        cast(Any, position),
        extent=extent[0] if extent else 1,
        fixed=cast(Any, given),
        score=cast(Any, score),
        kv_heads=shared,
        talking_heads=talking,
        offset=(_offset(ways) if ways else ASIDE) if given == "shift" else (0, 0),
    )


def _offset(ways: list[str]) -> Size:
    """Rows and columns of `up1`, `right2`; that they stand in order is seen by their key."""
    steps = [0, 0]
    for word in ways:
        name = word.rstrip("0123456789")
        axis = next(at for at, pair in enumerate(WAYS) if name in pair)
        steps[axis] = int(word[len(name) :]) * (-1 if name == WAYS[axis][0] else 1)
    return steps[0], steps[1]
