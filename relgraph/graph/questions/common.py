"""`common A B`: what two operators have in common, by the computed order.

In: two nodes and a graph. Out: the least common generalisations (nodes of which both are special
cases, and below which there is no other such node) and the greatest common specialisations, within
the graph. Order is `relations.order`'s, not a walk along edges: two nodes may be ordered that no
path of edits in one direction joins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from relgraph.graph.model import RelationGraph
from relgraph.graph.questions.answer import Table
from relgraph.graph.questions.asked import Asked, one_operator
from relgraph.relations.families import family
from relgraph.relations.order import compare
from relgraph.relations.relation import Compared, Direction
from relgraph.relations.words import describe_node, key


@dataclass(frozen=True)
class Common:
    """A node that lies above (or below) both, as the graph calls it."""

    key: str
    names: tuple[str, ...]
    words: str

    def to_json(self) -> dict[str, object]:
        """The node as plain data."""
        return {"key": self.key, "names": list(self.names), "words": self.words}


@dataclass(frozen=True)
class CommonAnswer:
    """`above`: all least common generalisations; `below`: all greatest common specialisations;
    `direction`: how the second lies to the first."""

    first: Asked
    second: Asked
    direction: Direction
    why: str
    above: tuple[Common, ...]
    below: tuple[Common, ...]
    nodes: int

    def lines(self) -> Iterable[str]:
        """How the two lie to each other."""
        yield f"{self.first.word}: {self.first.words}"
        yield f"{self.second.word}: {self.second.words}"
        said = {
            "down": f"{self.second.word} is a special case of {self.first.word}",
            "up": f"{self.first.word} is a special case of {self.second.word}",
            "equal": "the two are the same",
            "sideways": "neither is a special case of the other",
        }
        yield f"{said[self.direction]}: {self.why}"
        if not self.above:
            yield f"no node of {self.nodes:,} has both as special cases"
        if not self.below:
            yield f"no node of {self.nodes:,} is a special case of both"

    def tables(self) -> Iterable[Table]:
        """The nodes between which the two lie."""
        for title, found in (
            ("least common generalisations", self.above),
            ("greatest common specialisations", self.below),
        ):
            rows = tuple((one.key, ", ".join(one.names), one.words) for one in found)
            if rows:
                yield Table(("node", "specs", "in words"), rows, title)

    def to_json(self) -> Mapping[str, object]:
        """The same facts as plain data."""
        return {
            "question": "common",
            "first": self.first.to_json(),
            "second": self.second.to_json(),
            "direction": self.direction,
            "why": self.why,
            "nodes": self.nodes,
            "generalisations": [one.to_json() for one in self.above],
            "specialisations": [one.to_json() for one in self.below],
        }


def common(first: Asked, second: Asked, graph: RelationGraph) -> CommonAnswer:
    """What lies above and below both, in a graph of families or one that has both as they are.

    Raises RelgraphError where one is no node of the graph.
    """
    a, b = (_place(graph, asked) for asked in (first, second))
    compared = _compared(graph, a, b)
    above = _on_the_way(graph, a, b, "up")
    below = _on_the_way(graph, a, b, "down")
    return CommonAnswer(
        first,
        second,
        compared.direction,
        compared.reason,
        tuple(_called(graph, at) for at in _extreme(graph, above, "down")),
        tuple(_called(graph, at) for at in _extreme(graph, below, "up")),
        len(graph),
    )


def _place(graph: RelationGraph, asked: Asked) -> int:
    core = one_operator(asked)
    return graph.place(key(family(core) if graph.numbers.families else core))


def _on_the_way(graph: RelationGraph, a: int, b: int, way: Direction) -> list[int]:
    """Every node that lies `way` from both (or is one of them)."""
    return [at for at in range(len(graph)) if all(_lies(graph, start, at, way) for start in (a, b))]


def _lies(graph: RelationGraph, start: int, at: int, way: Direction) -> bool:
    if start == at:
        return True
    return _compared(graph, start, at).direction in (way, "equal")


def _compared(graph: RelationGraph, a: int, b: int) -> Compared:
    """The order of two nodes, with the sizes they have in a graph of instances."""
    return compare(graph.nodes[a], graph.nodes[b], instances=not graph.numbers.families)


def _extreme(graph: RelationGraph, found: list[int], way: Direction) -> list[int]:
    """Those from which none of the others lies `way`."""
    return [
        at
        for at in found
        if not any(_compared(graph, at, other).direction == way for other in found if other != at)
    ]


def _called(graph: RelationGraph, at: int) -> Common:
    words = describe_node(graph.nodes[at], sized=not graph.numbers.families)
    return Common(graph.keys[at], graph.names(at), words)
