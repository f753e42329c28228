"""Static connections as classes of matrices: how many, which are equal, which contain which.

In: axis tables. Out: counts and answers, by computation. An axis is a *partition* of its entries
into orbits (each a learned number); where an entry is reached twice (wrap beyond the map, reflect,
clamp) it is a linear span W = Bθ, B counting how often orbit t reaches an entry, and the same
questions are its column space's. The axes multiply: the orbits of W are pairs of orbits, and A ≤ B
iff it is so on each axis, so nothing ever lists P²C² entries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from relgraph.algebra.operator import Connection
from relgraph.algebra.tables import AxisTable, channel_table, space_table

Entry: TypeAlias = tuple[int, int]  # output, input
Partition: TypeAlias = frozenset[frozenset[Entry]]
Vector: TypeAlias = dict[Entry, Fraction]


@dataclass(frozen=True)
class Orbits:
    """One axis of a static connection: for each live orbit, how often it reaches each entry."""

    reached: tuple[tuple[tuple[Entry, int], ...], ...]

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
        return self.count if self.is_partition else len(_reduced(self._columns()))

    def support(self) -> frozenset[Entry]:
        """The entries that exist."""
        return frozenset(entry for orbit in self.reached for entry, _ in orbit)

    def contains(self, other: Orbits) -> bool:
        """Whether every matrix of `other` is one of this axis: other ≤ self."""
        if self.is_partition and other.is_partition:
            return _is_union(other.partition(), self.partition())
        basis = _reduced(self._columns())
        return all(not _remainder(column, basis) for column in other._columns())

    def _columns(self) -> list[Vector]:
        return [{entry: Fraction(n) for entry, n in orbit} for orbit in self.reached]


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


def _is_union(coarse: Partition, fine: Partition) -> bool:
    """Whether each orbit of `coarse` is a union of orbits of `fine`."""
    at = {entry: orbit for orbit in fine for entry in orbit}
    return all(entry in at and at[entry] <= orbit for orbit in coarse for entry in orbit)


def _reduced(columns: Iterable[Vector]) -> dict[Entry, Vector]:
    """A basis of the span, each vector under the entry where it alone leads (value 1 there)."""
    basis: dict[Entry, Vector] = {}
    for column in columns:
        rest = _remainder(column, basis)
        if not rest:
            continue
        lead = min(rest)
        scaled = {entry: value / rest[lead] for entry, value in rest.items()}
        for entry, vector in basis.items():
            if lead in vector:
                basis[entry] = _minus(vector, scaled, vector[lead])
        basis[lead] = scaled
    return basis


def _remainder(column: Vector, basis: dict[Entry, Vector]) -> Vector:
    """What is left of a vector once the basis is taken out; empty if it lies in the span."""
    for entry in [entry for entry in column if entry in basis]:
        if entry in column:
            column = _minus(column, basis[entry], column[entry])
    return column


def _minus(vector: Vector, other: Vector, times: Fraction) -> Vector:
    changed = dict(vector)
    for entry, value in other.items():
        left = changed.get(entry, Fraction(0)) - times * value
        if left:
            changed[entry] = left
        else:
            changed.pop(entry, None)
    return changed
