"""Where one operator stands in the graph, as a value: its names, its relatives, its parts.

In: nodes, names and edits. Out: lines and plain data. Finding them is `where`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from relgraph.graph.questions.answer import listed
from relgraph.relations.node import IDENTITY, Node
from relgraph.relations.relation import Edit
from relgraph.relations.words import describe_node, key


@dataclass(frozen=True)
class Near:
    """A named operator, the first shortest way from its family, and what no edit changes on it."""

    name: str
    edits: tuple[Edit, ...]
    beside: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The way, in one line."""
        steps = [edit.words for edit in self.edits]
        return "; ".join([*steps, *(f"{change} (no relation)" for change in self.beside)])

    def to_json(self) -> dict[str, object]:
        """The same as plain data."""
        return {
            "name": self.name,
            "edits": [edit.words for edit in self.edits],
            "not_relations": list(self.beside),
        }


@dataclass(frozen=True)
class Spot:
    """One operator's place: its family, the specs that have the same core or the same family, the
    nearest others, and the way by which `mlp` becomes it. A term of several operators has the
    places of its parts instead of the last. Without `sized` its numbers stand for any."""

    name: str
    uses: int
    core: Node
    family: Node
    same: tuple[str, ...]
    relatives: tuple[str, ...]
    nearest: tuple[Near, ...]
    derivation: Near | None
    parts: tuple[Spot, ...] = ()
    sized: bool = True

    @property
    def words(self) -> str:
        """The core as a person would describe it."""
        return describe_node(self.core, self.sized)

    def unsized(self) -> Spot:
        """The same of a family that was asked for by its key: its numbers are no one's."""
        return replace(self, sized=False, parts=tuple(part.unsized() for part in self.parts))

    def lines(self) -> Iterator[str]:
        """The place in words."""
        times = f", {self.uses} uses" if self.uses > 1 else ""
        yield f"{self.name}{times}: {self.words}"
        yield f"  family: {key(self.family)}"
        yield from (f"  {line}" for line in self._called())
        for near in self.nearest:
            yield f"  from {near.name}: {near.words}"
        if self.derivation and "mlp" not in {near.name for near in self.nearest}:
            yield f"  from mlp: {self.derivation.words}"
        for part in self.parts:
            yield f"  {part.name}, {part.words}: {part._in_short()}"

    def _called(self) -> Iterator[str]:
        if self.same:
            yield f"the same core as {listed(self.same)}"
        if self.relatives:
            yield f"with other numbers: {listed(self.relatives)}"
        if not self.same and not self.relatives:
            yield "no other spec names it"

    def _in_short(self) -> str:
        """Who has the name, or else the nearest who has one."""
        if self.core == IDENTITY:
            return "the input, as it is"
        if self.same or self.relatives or not self.nearest:
            return next(self._called())
        return f"from {self.nearest[0].name}: {self.nearest[0].words}"

    def to_json(self) -> dict[str, object]:
        """The place as plain data."""
        mlp = self.derivation
        return {
            "name": self.name,
            "uses": self.uses,
            "key": key(self.core),
            "family": key(self.family),
            "words": self.words,
            "same": list(self.same),
            "other_numbers": list(self.relatives),
            "nearest": [near.to_json() for near in self.nearest],
            "from_mlp": None if mlp is None else [edit.words for edit in mlp.edits],
            "parts": [part.to_json() for part in self.parts],
        }
