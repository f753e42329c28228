"""What a probe found, as a value: told in lines, as tables, and as JSON.

In: measurements and places in the relation graph. Out: `Probed`. It must not know torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from relgraph.algebra.operator import Size
from relgraph.graph.questions.answer import Table
from relgraph.graph.questions.spot import Spot
from relgraph.probe.findings import Property
from relgraph.probe.terms import Part
from relgraph.relations.words import describe_node, key


@dataclass(frozen=True)
class Frozen:
    """A product of two operands that both depend on x, and the one that was held fixed. `tie`: the
    other would have served as well."""

    product: str
    operand: str
    through: str
    tie: bool

    def __str__(self) -> str:
        by = f", which went through {self.through}" if self.through else ""
        tie = "; the other operand is as likely (--turn)" if self.tie else ""
        return f"{self.product}: {self.operand}{by}{tie}"

    def to_json(self) -> dict[str, object]:
        """The same as plain data."""
        return {
            "product": self.product,
            "frozen": self.operand,
            "through": self.through,
            "tie": self.tie,
        }


@dataclass(frozen=True)
class Placed:
    """One operator of the module, with its place in the relation graph."""

    part: Part
    spot: Spot

    @property
    def key(self) -> str:
        """The derived name of the measured core, with numbers."""
        return key(self.part.node)

    @property
    def family(self) -> str:
        """The derived name of its family, without frame and numbers."""
        return key(self.spot.family)

    @property
    def exact(self) -> bool:
        """Whether the measured point is this one, proved by the oracle's tables."""
        return self.part.measured.exact

    @property
    def names(self) -> tuple[str, ...]:
        """The named operators that it equals, those with the same numbers first."""
        return (*self.spot.same, *self.spot.relatives)

    def lines(self) -> Iterable[str]:
        """The place in words."""
        own = self.part.measured
        where = f"{self.part.place}: " if self.part.place else ""
        yield f"{where}{describe_node(self.part.node, sized=True)}"
        yield f"  {'is' if self.exact else 'is nearest to'} {self.family}" + self._named()
        for text in own.differs:
            yield f"  differs: {text}"
        told = [text.partition(":")[0] for text in own.differs]
        open_ = [p.name for p in own.properties if not p.decided and p.name not in told]
        if open_:
            yield f"  undecided: {', '.join(open_)}"
        for text in own.remarks:
            yield f"  beside: {text}"
        if own.proof:
            yield f"  proof: {own.proof}"
        for near in self.spot.nearest if not self.names or not self.exact else ():
            yield f"  from {near.name}: {near.words}"

    def _named(self) -> str:
        if self.spot.same:
            return f", as {', '.join(self.spot.same[:3])}"
        if self.spot.relatives:
            return f", as {', '.join(self.spot.relatives[:3])} with other numbers"
        return ", which no spec names"

    def table(self) -> Table:
        """Its properties with what was measured."""
        rows = tuple(
            (one.name, one.found if one.decided else "undecided", one.evidence)
            for one in self.part.measured.properties
        )
        return Table(("property", "found", "evidence"), rows)

    def to_json(self) -> dict[str, object]:
        """The same facts as plain data."""
        own = self.part.measured
        return {
            "place": self.part.place,
            "key": self.key,
            "family": self.family,
            "words": describe_node(self.part.node, sized=True),
            "exact": self.exact,
            "proof": own.proof,
            "channels": list(self.part.widths),
            "properties": [one.to_json() for one in own.properties],
            "differs": list(own.differs),
            "remarks": list(own.remarks),
            "where": self.spot.to_json(),
        }


@dataclass(frozen=True)
class Probed:
    """A module measured. `shape` and `output` have the batch's 1 in front; `grid` is the map that
    positions were read as, `tokens` stand before it. `macs` are those of one image. `notes` tell
    what the module does for the machine's sake, and what was measured without."""

    module: str
    shape: tuple[int, ...]
    output: tuple[int, ...]
    layout: str
    grid: Size | None
    tokens: int
    parameters: int
    macs: int
    facts: tuple[Property, ...]
    frozen: tuple[Frozen, ...]
    notes: tuple[str, ...]
    elements: tuple[str, ...]
    operators: tuple[Placed, ...]

    @property
    def families(self) -> tuple[str, ...]:
        """The families of its operators, in order."""
        return tuple(one.family for one in self.operators)

    def lines(self) -> Iterable[str]:
        """What was probed, the reading, and what it is made of."""
        grid = (
            "no map (--grid and --tokens tell one)"
            if self.grid is None
            else f"a map of {self.grid[0]}×{self.grid[1]}"
        )
        tokens = f" behind {self.tokens} tokens" if self.tokens else ""
        yield f"{self.module}: {_said(self.shape)} → {_said(self.output)}"
        other = "; the sizes would be a map of the other layout, too (--layout)"
        either = len(self.shape) == 4 and len(set(self.shape[1:])) == 1
        yield f"read as {self.layout}: {grid}{tokens}{other * either}"
        yield f"{self.parameters:,} parameters, {self.macs:,} multiply-adds for one image"
        for fact in self.facts:
            yield f"{fact.name}: {fact.found if fact.decided else 'undecided'} ({fact.evidence})"
        for one in self.frozen:
            yield f"held fixed in {one}"
        for note in self.notes:
            yield f"measured so that {note}"
        if self.elements:
            yield f"elements, no part of W: {', '.join(self.elements)}"
        if not self.operators:
            yield "no operator: nothing but elements and shortcuts"

    def to_json(self) -> Mapping[str, object]:
        """The same facts as plain data."""
        return {
            "module": self.module,
            "shape": list(self.shape),
            "output": list(self.output),
            "layout": self.layout,
            "grid": None if self.grid is None else list(self.grid),
            "tokens": self.tokens,
            "parameters": self.parameters,
            "macs": self.macs,
            "facts": [one.to_json() for one in self.facts],
            "frozen": [one.to_json() for one in self.frozen],
            "notes": list(self.notes),
            "elements": list(self.elements),
            "operators": [one.to_json() for one in self.operators],
        }


def _said(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
