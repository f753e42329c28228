"""How many nodes a closure can have, counted before one of them is made.

In: roots and numbers. Out: an integer. Every rule of consistency and every rewrite reads at most
two of space, channel and weight, so three small tables of which values go together give the number
of triples; how many sizes a value stands for multiplies. It is exact where no two numbers make the
same operator, and a bound from above else.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import prod
from typing import TypeAlias, TypeVar

from relgraph.algebra.operator import (
    TOGETHER,
    Border,
    Channel,
    Operator,
    Padding,
    Rank,
    Size,
    Space,
    SpaceShare,
    Weight,
)
from relgraph.algebra.rules import consistent
from relgraph.graph.numbering import atoms, own_numbers
from relgraph.relations.frame import BRANCH, GATE, POOLED_GATE
from relgraph.relations.node import Composite, Node, core
from relgraph.relations.numbers import GENERIC, Numbers
from relgraph.relations.weight import any_channel, any_space

_Value = TypeVar("_Value", Space, Channel, Weight)
_Many: TypeAlias = dict[_Value, int]
"""Values of one axis, each with how many of its kind it stands for."""


def count(roots: Iterable[Node], numbers: Numbers = GENERIC, frames: bool = False) -> int:
    """How many nodes can be reached from `roots` at most, when edits write `numbers`."""
    nodes = tuple(dict.fromkeys(roots))
    composites = [node for node in nodes if isinstance(node, Composite)]
    total = sum(prod(count((part,), numbers) for part in node.parts) for node in composites)
    # With frames, a term of one part left is an operator that can be framed again.
    operators = [*atoms(nodes)] if frames else [n for n in nodes if isinstance(n, Operator)]
    return total + (_operators(operators, numbers, frames) if operators else 0)


def _operators(roots: list[Operator], numbers: Numbers, frames: bool) -> int:
    if not frames:
        cores = _cores(roots, own_numbers(numbers, roots))
        return cores * len({operator.frame for operator in roots})
    # A gate of two kinds or a branch is edited like any operator, and is one when what it stands
    # beside has become the identity; but nothing is put around a term, so that this ends.
    around = [*roots, GATE, POOLED_GATE, BRANCH]
    cores = _cores(around, own_numbers(numbers, around))
    framed = 4 * cores
    return framed + 3 * framed * cores


def _cores(roots: list[Operator], numbers: Numbers) -> int:
    """How many operators there are without their frames."""
    spaces, channels = _spaces(roots, numbers), _channels(numbers)
    borders = {o.space.border for o in roots if o.space.border not in _usual(o.weight)}
    total = _shifts(roots, numbers)
    for weight, sources in _weights(numbers).items():
        plain = replace(any_space(weight), border=_usual(weight)[0])
        plain = Space("point", border=plain.border) if weight.fixed == "identity" else plain
        mixing = [c for c in channels if _fits(Operator(plain, c, weight))]
        legal = {*_usual(weight), *borders}
        for space, places in spaces.items():
            if space.border in legal and _fits(Operator(space, any_channel(weight), weight)):
                width = sum(channels[c] for c in mixing if _agree(space, c))
                total += sources * places * width
    return total


def _fits(operator: Operator) -> bool:
    """Whether the operator is consistent and written in its canonical form."""
    bare = replace(operator, bias="none")
    return consistent(bare) and core(bare) == bare


def _agree(space: Space, channel: Channel) -> bool:
    return consistent(Operator(replace(space, border="zero"), channel))


def _usual(weight: Weight) -> tuple[Border, ...]:
    """What stands outside the map where no root says it; given weights keep what they had."""
    if weight.source == "fixed":
        return ("zero", "mask")
    return ("mask",) if weight.normalize in TOGETHER else ("zero",)


def _spaces(roots: list[Operator], numbers: Numbers) -> _Many[Space]:
    """Every space that edits of the roots may write. Stride and padding stay a root's own."""
    kept = dict.fromkeys(_kept(roots))
    borders: set[Border] = {"zero", "mask", *(o.space.border for o in roots)}
    found: _Many[Space] = {}
    for plain, many in _geometries(numbers).items():
        for (stride, padding, pad), border in itertools.product(kept, sorted(borders)):
            space = replace(plain, stride=stride, padding=padding, pad=pad, border=border)
            for share, (rank, ways) in itertools.product(_SHARES, _space_ranks(numbers).items()):
                found[replace(space, share=share, rank=rank)] = many * ways
    return {space: many for space, many in found.items() if many}


def _kept(roots: list[Operator]) -> Iterator[tuple[Size, Padding, bool]]:
    """Stride, padding and completed maps; the latter two may fall away."""
    for operator in roots:
        space = operator.space
        for padding, pad in itertools.product((space.padding, "half"), (space.pad, False)):
            yield space.stride, padding, pad


def _geometries(numbers: Numbers) -> _Many[Space]:
    """Each connectivity, with how many sizes it has. A size of one place is a value of its own,
    which most weights rewrite to a point."""
    many = {
        Space("point"): 1,
        Space("full"): 1,
        Space("axial"): 1,
        Space("grid", size=(2, 2)): _above(numbers.grid, (1, 1)),
        Space("window", size=(2, 2)): _above(numbers.window, (1, 1)),
        Space("local", size=(3, 3)): _kernels(numbers),
        Space("outlook", size=(3, 3)): len({*numbers.outlook}),
    }
    many[Space("window", size=(2, 2), shift=(1, 1))] = _shifted(numbers.window, numbers.shift)
    around = _above(numbers.halo, (0, 0))
    many[Space("window", size=(2, 2), halo=(1, 1))] = _above(numbers.window, (1, 1)) * around
    if (1, 1) in numbers.window:  # a neighbourhood that slides
        many[Space("local", size=(3, 3))] += around
    many[Space("grid")] = int((1, 1) in numbers.grid)
    many[Space("window")] = int((1, 1) in numbers.window)
    many[Space("local")] = int((1, 1) in numbers.kernel)
    across = {
        step
        for rows, columns in numbers.shift
        for along, step in (("rows", rows), ("columns", columns))
        if along in numbers.along
    }
    for along in numbers.along:
        size, shift = ((2, 1), (1, 0)) if along == "rows" else ((1, 2), (0, 1))
        bands = [(n, 1) if along == "rows" else (1, n) for n in numbers.stripe]
        many[Space("stripe", size=size, along=along)] = len(bands)
        steps = [(n, 0) if along == "rows" else (0, n) for n in across]
        many[Space("stripe", size=size, along=along, shift=shift)] = _shifted(bands, steps)
    return many


def _shifted(sizes: Iterable[Size], shifts: Iterable[Size]) -> int:
    """How many blocks of these sizes and shifts there are, those that do not move left out. What a
    shift leaves over by one size, an edit of the size carries to the others."""
    sizes, known = set(sizes), set(shifts)
    while True:
        left = {(a % rows, b % columns) for rows, columns in sizes for a, b in known}
        if left <= known:
            break
        known |= left
    moved = {(size, (a % size[0], b % size[1])) for size in sizes for a, b in known}
    return sum(shift != (0, 0) for _, shift in moved)


def _kernels(numbers: Numbers) -> int:
    """Kernels at every dilation that tells them apart: one tap wide, only the other side's does."""
    found = 0
    for rows, columns in numbers.kernel:
        apart = {(a if rows > 1 else 1, b if columns > 1 else 1) for a, b in numbers.dilation}
        found += len(apart) if (rows, columns) != (1, 1) else 0
    return found


def _above(values: tuple[object, ...], least: object) -> int:
    """How many of the values say something."""
    return len({*values} - {least})


_SHARES: tuple[SpaceShare, ...] = ("none", "windows", "positions", "all")


def _space_ranks(numbers: Numbers) -> dict[Rank | None, int]:
    return {
        None: 1,
        Rank("reduce", (2,)): len(numbers.reduce),
        Rank("tokens", (2,)): len(numbers.tokens),
        Rank("separable"): 1,
        Rank("scales", (2,)): len(numbers.scales),
    }


def _channels(numbers: Numbers) -> _Many[Channel]:
    groups, heads = _above(numbers.groups, 1), _above(numbers.heads, 1)
    bands = _above(numbers.band, 1)
    mixing = {
        Channel("full"): 1,
        Channel("groups", groups=2): groups,
        Channel("groups", groups=2, share="all"): groups,
    }
    many = {
        **mixing,
        Channel("local", size=3): bands,
        Channel("local", size=3, share="all"): bands,
        Channel("separate"): 1,
        Channel("separate", share="heads", heads=2): heads,
        Channel("separate", share="all"): 1,
    }
    for channel, ways in mixing.items():
        many[replace(channel, rank=Rank("inner", (2,)))] = ways * len(numbers.inner)
    return {channel: ways for channel, ways in many.items() if ways}


def _weights(numbers: Numbers) -> _Many[Weight]:
    pairs = (
        Weight("pair", position=position, score=score, kv_heads=shared, talking_heads=talking)
        for talking in numbers.talking
        for score in numbers.scores
        for shared in numbers.keys
        for position in numbers.positions
    )
    sources = {
        Weight("static"): 1,
        Weight("pooled"): 1,
        Weight("center"): len(numbers.extent),
        **dict.fromkeys(pairs, 1),
    }
    many = {replace(w, normalize=n): ways for w, ways in sources.items() for n in numbers.normal}
    if "channels" in numbers.sources:
        between = Weight("channels", score="cosine")
        many |= {between: 1, replace(between, normalize="softmax"): 1}
    return {**many, Weight("fixed", fixed="average"): 1, Weight("fixed", fixed="identity"): 1}


def _shifts(roots: list[Operator], numbers: Numbers) -> int:
    """Shifts of the map: one kernel each, for every stride, padding and border."""
    borders = {"zero", *(operator.space.border for operator in roots)}
    kept = {(stride, padding) for stride, padding, _ in _kept(roots)}
    sizes = 1 if len(kept) == 1 else len({*numbers.kernel})
    return len(numbers.offset) * len(borders) * len(kept) * sizes
