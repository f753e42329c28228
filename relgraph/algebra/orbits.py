"""Static connections as classes of matrices: how many, which are equal, which contain which.

In: axis tables. Out: counts and answers, by computation. An axis is a *partition* of its entries
into orbits (each a learned number); where an entry is reached twice (wrap beyond the map, reflect,
clamp) it is a linear span W = Bθ, B counting how often orbit t reaches an entry, and the same
questions are its column space's. The axes multiply: the orbits of W are pairs of orbits, and A ≤ B
iff it is so on each axis, so nothing ever lists P²C² entries.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from relgraph.algebra.operator import Connection
from relgraph.algebra.tables import AxisTable, channel_table, space_table

Entry: TypeAlias = tuple[int, int]  # output, input
Partition: TypeAlias = frozenset[frozenset[Entry]]
Reached: TypeAlias = tuple[tuple[Entry, int], ...]
Vector: TypeAlias = dict[Entry, int]


@dataclass(frozen=True)
class Orbits:
    """One axis of a static connection: for each live orbit, how often it reaches each entry."""

    reached: tuple[Reached, ...]

    @property
    def count(self) -> int:
        """Live orbits: learned numbers that the map reaches."""
        return len(self.reached)

    @property
    def is_partition(self) -> bool:
        """Whether no entry is reached twice."""
        entries = [entry for orbit in self.reached for entry, _ in orbit]
        once = all(times == 1 for orbit in self.reached for _, times in orbit)
        return once and len(entries) == len(set(entries))

    def partition(self) -> Partition:
        """The orbits as sets of entries: equal for equal classes, whatever their numbering."""
        assert self.is_partition, "an entry is reached twice: compare spans"
        return frozenset(frozenset(entry for entry, _ in orbit) for orbit in self.reached)

    def dimension(self) -> int:
        """Independent directions of W; the number of orbits where they partition."""
        return len(_echelon(self._directions))

    def support(self) -> frozenset[Entry]:
        """The entries that exist."""
        return frozenset(entry for orbit in self.reached for entry, _ in orbit)

    def contains(self, other: Orbits) -> bool:
        """Whether every matrix of `other` is one of this axis: other ≤ self."""
        wanted, own = other._directions, self._directions
        at = {entry: direction for direction in own for entry in direction}
        if any(entry not in at for direction in wanted for entry in direction):
            return False
        if len(at) == sum(map(len, own)):  # what is written once is read off
            return all(_is_sum(direction, at) for direction in wanted)
        basis = _echelon(own)
        return all(not _remainder(direction, basis) for direction in wanted)

    @cached_property
    def _directions(self) -> tuple[Vector, ...]:
        """The different directions of W: two orbits that reach the same entries are one, as are
        those that reach them twice as often."""
        found = dict.fromkeys(map(_primitive, self.reached))
        return tuple(map(dict, found))


@dataclass(frozen=True)
class StaticClass:
    """A static connection's class of matrices W: the product of its two axes."""

    space: Orbits
    channel: Orbits

    @property
    def count(self) -> int:
        """Live orbits of W."""
        return self.space.count * self.channel.count

    def dimension(self) -> int:
        """Dimension of the class as a linear space."""
        return self.space.dimension() * self.channel.dimension()

    def __le__(self, other: StaticClass) -> bool:
        """Special case of: every W of this class is one of the other."""
        return other.space.contains(self.space) and other.channel.contains(self.channel)

    def equals(self, other: StaticClass) -> bool:
        """The same class of matrices, however it is spelled."""
        return self <= other and other <= self


def static_class(connection: Connection) -> StaticClass:
    """The class of W that the connection's supports and sharings allow, its values aside. For
    predicted weights these are the classes of *functions*; for normalised ones, of logits."""
    return StaticClass(
        orbits(space_table(connection)),
        orbits(channel_table(connection)),
    )


def orbits(table: AxisTable) -> Orbits:
    """The live orbits of one axis, in the order of their numbers."""
    reached: dict[int, Counter[Entry]] = {}
    for output, row in enumerate(table.rows):
        for read, orbit in row:
            reached.setdefault(orbit, Counter())[output, read] += 1
    return Orbits(tuple(tuple(sorted(reached[orbit].items())) for orbit in sorted(reached)))


def _primitive(orbit: Reached) -> Reached:
    """The orbit's direction in the smallest whole numbers."""
    common = math.gcd(*(times for _, times in orbit))
    return orbit if common == 1 else tuple((entry, times // common) for entry, times in orbit)


def _is_sum(vector: Vector, at: Mapping[Entry, Vector]) -> bool:
    """Whether a vector is a sum of multiples of directions that share no entry, each found at its
    entries."""
    one_of_each = {id(at[entry]): entry for entry in vector}.values()
    return all(
        vector.get(other, 0) * at[entry][entry] == vector[entry] * times
        for entry in one_of_each
        for other, times in at[entry].items()
    )


def _echelon(vectors: Iterable[Vector]) -> dict[Entry, Vector]:
    """A basis of the span, each vector under its first entry."""
    basis: dict[Entry, Vector] = {}
    for vector in vectors:
        rest = _remainder(vector, basis)
        if rest:
            basis[min(rest)] = rest
    return basis


def _remainder(vector: Vector, basis: Mapping[Entry, Vector]) -> Vector:
    """A multiple of a vector less multiples of the basis, until no vector of that has the first
    entry that is left; empty if the vector lies in the span."""
    while vector and (lead := min(vector)) in basis:
        vector = _without(vector, basis[lead], lead)
    return vector


def _without(vector: Vector, other: Vector, lead: Entry) -> Vector:
    """The smallest whole multiples of both that leave nothing at `lead`, one less the other."""
    common = math.gcd(vector[lead], other[lead])
    mine, theirs = other[lead] // common, vector[lead] // common
    left = {entry: mine * value for entry, value in vector.items()}
    for entry, value in other.items():
        left[entry] = left.get(entry, 0) - theirs * value
    return {entry: value for entry, value in left.items() if value}
