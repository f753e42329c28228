"""Everything that edits make of some roots: the graph of families, or of instances.

In: roots, the numbers that edits may write, names. Out: a `RelationGraph`, the same one for the
same arguments. How large it can become is counted before it is made.
"""

from __future__ import annotations

import gc
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from relgraph.algebra.operator import Operator
from relgraph.errors import Problem, RelgraphError
from relgraph.graph.model import Label, RelationGraph, Title
from relgraph.graph.named import Named, without_frame
from relgraph.graph.numbering import own_numbers
from relgraph.graph.universe import count
from relgraph.relations.derivation import MLP
from relgraph.relations.families import family
from relgraph.relations.node import Node
from relgraph.relations.numbers import GENERIC, Numbers
from relgraph.relations.relation import Edit, RelationAxis
from relgraph.relations.table import edits
from relgraph.relations.words import key

LIMIT = 200_000
"""How many nodes a closure may have where nobody says it."""
TOLD = 500
"""After so many nodes each `progress` hears of it."""
Progress: TypeAlias = Callable[[int, int], None]


def closure(
    roots: Iterable[Node],
    numbers: Numbers = GENERIC,
    limit: int = LIMIT,
    frames: bool = False,
    names: Iterable[Named] = (),
    progress: Progress = lambda done, most: None,
) -> RelationGraph:
    """The graph of all nodes that edits reach from `roots`.

    With generic numbers the roots are taken as families; else their own numbers are added to
    `numbers`. Without `frames`, roots are taken without projections. Nodes that one of `names` has
    get its name. `progress` is told how many nodes have their edits, of how many there can be.
    Raises RelgraphError where there may be more than `limit` nodes.
    """
    starts = tuple(dict.fromkeys(_taken(root, numbers, frames) for root in roots))
    wider = own_numbers(numbers, starts)
    most = count(starts, wider, frames)
    _refuse_too_many(most, limit)
    with _without_collector():
        found = _Found()
        for start in starts:
            found.place(start)
        for done, node in enumerate(found.nodes):
            found.add(edits(node, wider, frames))
            if done % TOLD == 0:
                progress(done, most)
    keys = tuple(map(key, found.nodes))
    return RelationGraph(
        nodes=tuple(found.nodes),
        keys=keys,
        labels=tuple(found.labels),
        offsets=found.offsets,
        targets=found.targets,
        marks=found.marks,
        titles=titles(keys, names, wider.families, frames),
        numbers=wider,
        roots=tuple(keys[found.place(start)] for start in starts),
        frames=frames,
    )


def families(names: Iterable[Named] = ()) -> RelationGraph:
    """The graph of all families that `mlp` becomes by edits, cores without frames."""
    return closure((MLP,), names=names)


def widened(
    graph: RelationGraph, nodes: Iterable[Node], names: Iterable[Named] = ()
) -> RelationGraph:
    """The graph of families, with all that edits make of those of `nodes` that it lacks.

    `mlp` becomes neither a border of its own (no edit changes one) nor a variant that edits only
    write where a root has it (`relations.numbers`). Terms are no roots: their parts have places.
    """
    cores = (_taken(node, GENERIC, False) for node in nodes if isinstance(node, Operator))
    missing = tuple(core for core in cores if key(core) not in graph.places)
    if not missing:
        return graph
    known = (graph.nodes[graph.place(root)] for root in graph.roots)
    return closure((*known, *missing), names=names)


def _taken(root: Node, numbers: Numbers, frames: bool) -> Node:
    core = root if frames else without_frame(root)
    return family(core) if numbers.families else core


def _refuse_too_many(possible: int, limit: int) -> None:
    if possible > limit:
        raise RelgraphError(
            Problem(
                "too-many-nodes",
                f"the closure can have {possible:,} nodes",
                f"at most {limit:,}",
                f"name fewer numbers, take what is near (graph --steps 2), or --limit {possible}",
            )
        )


class _Found:
    """Nodes in the order in which they were met, and edges as rows of numbers."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.labels: list[Label] = []
        self.offsets, self.targets, self.marks = array("I", [0]), array("I"), array("I")
        self._places: dict[Node, int] = {}
        # Equal targets of edits are mostly one object, and an identity costs no hash of a node.
        # Only objects that `nodes` keeps alive are here: the identity of others is used again.
        self._objects: dict[int, int] = {}
        self._marks: dict[tuple[str, RelationAxis, str, str], int] = {}

    def place(self, node: Node) -> int:
        """Where the node stands; the next place if it is new."""
        at = self._objects.get(id(node))
        if at is None:
            at = self._places.setdefault(node, len(self.nodes))
            if at == len(self.nodes):
                self.nodes.append(node)
                self._objects[id(node)] = at
        return at

    def add(self, made: Iterable[Edit]) -> None:
        """The edits of the next node. Millions of times called, so nothing is looked up twice."""
        objects, marks, targets, said = self._objects, self._marks, self.targets, self.marks
        for edit in made:
            target, words = edit.target, edit[:4]
            at = objects.get(id(target))
            mark = marks.get(words)
            targets.append(self.place(target) if at is None else at)
            said.append(self._mark(words) if mark is None else mark)
        self.offsets.append(len(targets))

    def _mark(self, words: tuple[str, RelationAxis, str, str]) -> int:
        """The number of what an edge says; the next one if it is new."""
        mark = self._marks[words] = len(self.labels)
        self.labels.append(Label(*words))
        return mark


@contextmanager
def _without_collector() -> Iterator[None]:
    """Millions of small values that all stay: looking for circles among them only costs time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def titles(
    keys: Iterable[str], names: Iterable[Named], families: bool, frames: bool
) -> dict[int, tuple[Title, ...]]:
    """The names of nodes, by place: every spec whose operator (or family) is the node."""
    own: dict[str, list[Title]] = {}
    for name in names:
        node = name.node if frames else name.core
        own.setdefault(key(family(node) if families else node), []).append(
            Title(name.name, name.cite)
        )
    return {at: tuple(own[word]) for at, word in enumerate(keys) if word in own}
