"""Which row everything stands in, and in which order: the first half of a layered layout.

In: how large boxes and words are, and which boxes arrows join. Out: rows of slots from above. Boxes
stand in even rows, words of arrows in the odd rows between, a long arrow has a slot in every row
that it passes: so words never meet boxes, lines or each other. The method is that of Sugiyama,
Tagawa and Toda (Methods for Visual Understanding of Hierarchical System Structures, 1981): layers
by longest paths, orders by the means of neighbours. Ties go by the given order, so that the result
is one.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 24


@dataclass(frozen=True)
class Extent:
    """Room to both sides of the line (or the middle) that runs through a slot, and its height."""

    left: float
    right: float
    height: float

    @property
    def width(self) -> float:
        """The whole width."""
        return self.left + self.right


PASSING = Extent(7.0, 7.0, 0.0)
"""A line on its way."""


@dataclass(frozen=True)
class Join:
    """An arrow between the boxes of two numbers, and the room that its words need."""

    source: int
    target: int
    words: Extent


@dataclass(frozen=True)
class Rows:
    """Slots by number: `order` has the slots of every row from the left, `chains` the slots that
    each arrow passes from above, `flipped` the arrows that point up."""

    extents: tuple[Extent, ...]
    order: tuple[tuple[int, ...], ...]
    chains: tuple[tuple[int, ...], ...]
    words: tuple[int, ...]
    flipped: frozenset[int]


def rows(boxes: Sequence[Extent], joins: Sequence[Join], room: float) -> Rows:
    """The layout's rows; boxes that need more than `room` beside each other go into several."""
    flipped = _flipped(len(boxes), joins)
    downward = [_down(join, at in flipped) for at, join in enumerate(joins)]
    ranks = _wrapped(_ranks(len(boxes), downward), boxes, room)
    extents, chains, words = list(boxes), [], []
    levels = [2 * rank for rank in ranks]
    degrees = _degrees(len(boxes), joins)
    for (upper, lower), join in zip(downward, joins, strict=True):
        inner = range(2 * ranks[upper] + 1, 2 * ranks[lower])
        spoken = inner[-1] if degrees[lower] <= degrees[upper] else inner[0]
        chain = [upper]
        for level in inner:
            if level == spoken:
                words.append(len(extents))
            chain.append(len(extents))
            extents.append(join.words if level == spoken else PASSING)
            levels.append(level)
        chains.append((*chain, lower))
    order = _ordered(levels, chains)
    return Rows(tuple(extents), order, tuple(chains), tuple(words), flipped)


def _down(join: Join, is_flipped: bool) -> tuple[int, int]:
    return (join.target, join.source) if is_flipped else (join.source, join.target)


def _degrees(count: int, joins: Sequence[Join]) -> list[int]:
    degrees = [0] * count
    for join in joins:
        degrees[join.source] += 1
        degrees[join.target] += 1
    return degrees


def _flipped(count: int, joins: Sequence[Join]) -> frozenset[int]:
    """Arrows that close a circle, in the order of a search from the first box on."""
    leaving: dict[int, list[int]] = {at: [] for at in range(count)}
    for at, join in enumerate(joins):
        leaving[join.source].append(at)
    done: set[int] = set()
    closing: set[int] = set()
    for root in range(count):
        _visit(root, joins, leaving, done, closing)
    return frozenset(closing)


def _visit(
    root: int,
    joins: Sequence[Join],
    leaving: Mapping[int, Sequence[int]],
    done: set[int],
    closing: set[int],
) -> None:
    """A depth-first search without recursion: `path` is what is open, with arrows left."""
    if root in done:
        return
    path = {root: list(leaving[root])}
    while path:
        at, left = next(reversed(path.items()))
        if not left:
            done.add(at)
            del path[at]
            continue
        arrow = left.pop(0)
        target = joins[arrow].target
        if target in path:
            closing.add(arrow)
        elif target not in done:
            path[target] = list(leaving[target])


def _ranks(count: int, downward: Sequence[tuple[int, int]]) -> list[int]:
    """Longest paths from the top; a box that nothing points at goes down to what it points at, and
    boxes without arrows to the end."""
    ranks = [0] * count
    changed = True
    while changed:
        changed = False
        for upper, lower in downward:
            if ranks[lower] <= ranks[upper]:
                ranks[lower] = ranks[upper] + 1
                changed = True
    entered = {lower for _, lower in downward}
    for at in range(count):
        below = [ranks[lower] for upper, lower in downward if upper == at]
        if at not in entered and below:
            ranks[at] = min(below) - 1
    joined = {end for ends in downward for end in ends}
    last = max((ranks[at] for at in joined), default=-1) + 1
    return [rank if at in joined else last for at, rank in enumerate(ranks)]


def _wrapped(ranks: list[int], boxes: Sequence[Extent], room: float) -> list[int]:
    """The ranks with wide ones cut into several, one under the other."""
    cut = [(0, 0)] * len(ranks)
    for rank in sorted(set(ranks)):
        members = [at for at, own in enumerate(ranks) if own == rank]
        for part, chunk in enumerate(_chunks(members, boxes, room)):
            for at in chunk:
                cut[at] = (rank, part)
    place = {pair: number for number, pair in enumerate(sorted(set(cut)))}
    return [place[pair] for pair in cut]


def _chunks(members: list[int], boxes: Sequence[Extent], room: float) -> list[list[int]]:
    """As few chunks as fit into the room, dealt out like cards, so that lines to the lower rows
    pass between the boxes of the upper ones."""
    total = sum(boxes[at].width for at in members)
    count = min(len(members), max(1, -int(-total // room)))
    return [members[at::count] for at in range(count)]


def _ordered(levels: Sequence[int], chains: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """The order of each row with the fewest crossings that the sweeps met, the straightest of
    these."""
    above: dict[int, list[int]] = {at: [] for at in range(len(levels))}
    below: dict[int, list[int]] = {at: [] for at in range(len(levels))}
    for chain in chains:
        for upper, lower in pairwise(chain):
            above[lower].append(upper)
            below[upper].append(lower)
    beside = {at: [*above[at], *below[at]] for at in above}
    slots = range(len(levels))
    met = []
    for order in (
        _first_order(levels, sorted(slots, key=lambda at: (levels[at], at)), below),
        _first_order(levels, sorted(slots, key=lambda at: (-levels[at], at)), above),
        _first_order(levels, sorted(slots, key=lambda at: (-len(beside[at]), at)), beside),
    ):
        met.append(order)
        for sweep in range(SWEEPS):
            order = _swept(order, above if sweep % 2 == 0 else below, sweep % 2 == 0)
            order = _swapped(order, above, below)
            met.append(order)
    best = min(met, key=lambda order: (_crossings(order, below), _slant(order, below)))
    return tuple(tuple(row) for row in best)


def _first_order(
    levels: Sequence[int], roots: Sequence[int], following: Mapping[int, Sequence[int]]
) -> list[list[int]]:
    """Rows in the order of a search from the roots, so that what hangs together stands together."""
    order: list[list[int]] = [[] for _ in range(max(levels, default=-1) + 1)]
    met: set[int] = set()
    for root in roots:
        stack = [root]
        while stack:
            at = stack.pop()
            if at not in met:
                met.add(at)
                order[levels[at]].append(at)
                stack += reversed(following[at])
    return order


def _swept(
    order: list[list[int]], neighbours: Mapping[int, Sequence[int]], down: bool
) -> list[list[int]]:
    """Each row by the mean place of its neighbours in the row before (`down`) or after it."""
    swept = [list(row) for row in order]
    levels = range(1, len(order)) if down else range(len(order) - 2, -1, -1)
    for level in levels:
        fixed = {at: place for place, at in enumerate(swept[level - 1 if down else level + 1])}
        here = {at: place for place, at in enumerate(swept[level])}
        swept[level].sort(key=lambda at: _mean(neighbours[at], fixed, here[at]))
    return swept


def _mean(neighbours: Sequence[int], places: Mapping[int, int], own: int) -> float:
    return sum(places[n] for n in neighbours) / len(neighbours) if neighbours else float(own)


def _swapped(
    order: list[list[int]],
    above: Mapping[int, Sequence[int]],
    below: Mapping[int, Sequence[int]],
) -> list[list[int]]:
    """The order with neighbours in a row exchanged wherever that saves a crossing."""
    rows_ = [list(row) for row in order]
    for level, row in enumerate(rows_):
        sides = []
        for links, other in ((above, level - 1), (below, level + 1)):
            inside = 0 <= other < len(rows_)
            sides.append((links, {at: p for p, at in enumerate(rows_[other])} if inside else {}))
        for place in range(len(row) - 1):
            left, right = row[place], row[place + 1]
            if _inverted(left, right, sides) > _inverted(right, left, sides):
                row[place], row[place + 1] = right, left
    return rows_


def _inverted(
    left: int, right: int, sides: Sequence[tuple[Mapping[int, Sequence[int]], Mapping[int, int]]]
) -> int:
    """How many of their lines cross if `left` stands left of `right`."""
    return sum(
        places[a] > places[b]
        for links, places in sides
        for a in links[left]
        for b in links[right]
        if places
    )


def _slant(order: Sequence[Sequence[int]], below: Mapping[int, Sequence[int]]) -> float:
    """How far the lines go to the side, in places from the middles of rows."""
    place = {at: n - (len(row) - 1) / 2 for row in order for n, at in enumerate(row)}
    return sum(abs(place[at] - place[n]) for at, ends in below.items() for n in ends)


def _crossings(order: Sequence[Sequence[int]], below: Mapping[int, Sequence[int]]) -> int:
    total = 0
    for upper, lower in pairwise(order):
        places = {at: place for place, at in enumerate(lower)}
        met: list[int] = []
        for at in upper:
            ends = sorted(places[n] for n in below[at])
            total += sum(len(met) - bisect_right(met, end) for end in ends)
            for end in ends:
                insort(met, end)
    return total
