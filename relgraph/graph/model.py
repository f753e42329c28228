"""The graph as a value: nodes, edges, names, kept compactly; a `networkx.DiGraph` on request.

In: what `closure` found or `load` read. Out: nodes by key, edges as `Edit`s, neighbours in both
directions. A hundred thousand nodes with a million edges stay below a few hundred megabytes,
because edges are rows of integers and what an edge says is written once for all that say it.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from relgraph.errors import Problem, RelgraphError, nearest
from relgraph.relations.node import Node
from relgraph.relations.numbers import Numbers
from relgraph.relations.relation import Edit, RelationAxis
from relgraph.relations.words import describe_node

if TYPE_CHECKING:
    from networkx import DiGraph


@dataclass(frozen=True)
class Label:
    """What an edge says: the relation, its axis, the property before and after."""

    relation: str
    axis: RelationAxis
    before: str
    after: str


@dataclass(frozen=True)
class Title:
    """A name that a spec gives a node, and whom the spec cites."""

    name: str
    cite: str = ""


@dataclass(frozen=True)
class RelationGraph:
    """Nodes and the edits between them.

    The edges of node n are `targets[i]` with `labels[marks[i]]` for i from `offsets[n]` to
    `offsets[n + 1]`. `titles` holds the names of the nodes that have some, by the node's place.
    """

    nodes: tuple[Node, ...]
    keys: tuple[str, ...]
    labels: tuple[Label, ...]
    offsets: array[int]
    targets: array[int]
    marks: array[int]
    titles: Mapping[int, tuple[Title, ...]]
    numbers: Numbers
    roots: tuple[str, ...]
    frames: bool = False

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def edges(self) -> int:
        """The number of edges."""
        return len(self.targets)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where the node of each key stands."""
        return {key: at for at, key in enumerate(self.keys)}

    @cached_property
    def predecessors(self) -> tuple[list[int], ...]:
        """The nodes whose edits lead to each node."""
        found: tuple[list[int], ...] = tuple([] for _ in self.nodes)
        offsets, targets = self.offsets, self.targets
        for source in range(len(self.nodes)):
            for target in targets[offsets[source] : offsets[source + 1]]:
                found[target].append(source)
        return found

    def successors(self, at: int) -> array[int]:
        """The nodes that one edit makes of the node at `at`, in the table's order."""
        return self.targets[self.offsets[at] : self.offsets[at + 1]]

    def place(self, key: str) -> int:
        """Where the node called `key` (its key, or a spec's name) stands.

        Raises RelgraphError, naming the nearest, where there is none.
        """
        at = self.places.get(key)
        if at is None:
            at = self.named.get(key)
        if at is None:
            raise self._unknown(key)
        return at

    @cached_property
    def named(self) -> Mapping[str, int]:
        """Where the node of each spec's name stands."""
        return {title.name: at for at, titles in self.titles.items() for title in titles}

    def _unknown(self, key: str) -> RelgraphError:
        hint = nearest(key, [*self.named, *self.keys])
        return RelgraphError(
            Problem("unknown-node", f"no node of the graph is called {key}", "", hint)
        )

    def names(self, at: int) -> tuple[str, ...]:
        """The specs' names of a node; none where no spec names it."""
        return tuple(title.name for title in self.titles.get(at, ()))

    def title(self, at: int) -> str:
        """How a person would call the node: its specs' names, or else its key."""
        return ", ".join(self.names(at)) or self.keys[at]

    def edits(self, at: int) -> Iterator[tuple[int, Edit]]:
        """Each edit of a node, with the place of what it makes."""
        for edge in range(self.offsets[at], self.offsets[at + 1]):
            target = self.targets[edge]
            yield target, self._edit(edge, target)

    def edit(self, source: int, target: int) -> Edit:
        """The edit between two nodes that have an edge."""
        edge = self.targets.index(target, self.offsets[source], self.offsets[source + 1])
        return self._edit(edge, target)

    def _edit(self, edge: int, target: int) -> Edit:
        label = self.labels[self.marks[edge]]
        return Edit(label.relation, label.axis, label.before, label.after, self.nodes[target])

    @cached_property
    def graph(self) -> DiGraph[str]:
        """The same graph for networkx: nodes are keys, with `node`, `names`, `cites` and `words`;
        edges have `relation`, `axis`, `before` and `after`."""
        import networkx

        made: DiGraph[str] = networkx.DiGraph()
        for at, key in enumerate(self.keys):
            titles = self.titles.get(at, ())
            made.add_node(
                key,
                node=self.nodes[at],
                names=tuple(title.name for title in titles),
                cites=tuple(dict.fromkeys(title.cite for title in titles)),
                words=describe_node(self.nodes[at]),
            )
        for at, key in enumerate(self.keys):
            for edge in range(self.offsets[at], self.offsets[at + 1]):
                label = self.labels[self.marks[edge]]
                made.add_edge(key, self.keys[self.targets[edge]], **vars(label))
        return made
