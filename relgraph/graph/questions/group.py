"""Blocks of two backbones that change alike, as a value: what changes, where, and what it costs.

In: places with their edits. Out: lines, plain data, and the change of cost after each edit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relgraph.assemble.cost import Cost
from relgraph.graph.questions.places import Place


@dataclass(frozen=True)
class GroupEdit:
    """An edit as all places of a group make it; numbers that differ stand side by
    side. `ordered` is the reason of its direction, `why` that of what becomes of weights, `shown`
    what a table says of them."""

    words: str
    direction: str
    ordered: str
    weights: str
    why: str
    shown: str


@dataclass(frozen=True)
class Group:
    """Places that change alike. `first` and `second` name the operators, empty where there is none;
    equal cores have no edits; `joined` tells whether edits lead from one to the other. `elements`
    are changes of what stands around, which are no relations. It happens in `count` of `blocks`
    blocks, `times` in all."""

    first: str
    second: str
    edits: tuple[GroupEdit, ...]
    joined: bool
    elements: tuple[str, ...]
    places: tuple[Place, ...]
    count: int
    blocks: int
    times: int

    @property
    def says_something(self) -> bool:
        """Whether anything changes."""
        return bool(self.first != self.second or self.edits or self.elements or not self.joined)

    def change(self, steps: int) -> Cost | None:
        """What so many edits in all places change of the model's cost."""
        known = [change for change in (p.change(steps) for p in self.places) if change is not None]
        if len(known) < len(self.places):
            return None
        return Cost(
            sum(change.parameters for change in known),
            sum(change.macs for change in known),
            sum(change.activation_elements for change in known),
        )

    def lines(self) -> Iterator[str]:
        """What changes, where, and what is no relation there."""
        times = f", {self.times} times" if self.times != self.count else ""
        yield f"in {self.count} of {self.blocks} blocks{times}: {self._what()}"
        if self.elements:
            yield "  not relations, around it: " + "; ".join(self.elements)

    def _what(self) -> str:
        if not self.first and not self.second:
            return "elements only"
        if not self.first or not self.second:
            return f"{self.second} is put in" if self.second else f"{self.first} is taken out"
        if not self.joined:
            return f"{self.second} for {self.first}: no edits lead from one to the other"
        if not self.edits:
            return " is ".join(dict.fromkeys((self.first, self.second))) + ", the same core"
        number = f"{len(self.edits)} edit" + "s" * (len(self.edits) > 1)
        return f"{self.first} → {self.second}, {number}"

    def to_json(self) -> dict[str, object]:
        """The group as plain data."""
        return {
            "from": self.first,
            "to": self.second,
            "blocks": self.count,
            "of": self.blocks,
            "times": self.times,
            "edits": [edit.words for edit in self.edits],
            "joined": self.joined,
            "not_relations": list(self.elements),
        }
