"""Parts of a graph: some of its nodes, with the edges between them.

In: a `RelationGraph`. Out: another one, in the same order, with the same keys and names.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from relgraph.graph.model import RelationGraph
from relgraph.graph.search import distances


def part(graph: RelationGraph, places: Iterable[int]) -> RelationGraph:
    """The graph of the nodes at `places`, which may come in any order."""
    kept = sorted(set(places))
    number = {at: new for new, at in enumerate(kept)}
    offsets, targets, marks = array("I", [0]), array("I"), array("I")
    for at in kept:
        for edge in range(graph.offsets[at], graph.offsets[at + 1]):
            if graph.targets[edge] in number:
                targets.append(number[graph.targets[edge]])
                marks.append(graph.marks[edge])
        offsets.append(len(targets))
    keys = tuple(graph.keys[at] for at in kept)
    return RelationGraph(
        nodes=tuple(graph.nodes[at] for at in kept),
        keys=keys,
        labels=graph.labels,
        offsets=offsets,
        targets=targets,
        marks=marks,
        titles={number[at]: graph.titles[at] for at in kept if at in graph.titles},
        numbers=graph.numbers,
        roots=tuple(root for root in graph.roots if root in set(keys)),
        frames=graph.frames,
    )


def around(graph: RelationGraph, at: int, steps: int) -> dict[int, int]:
    """The nodes that are at most `steps` edits from a node, in either direction, with how many."""

    def beside(one: int) -> Iterable[int]:
        return (*graph.successors(one), *graph.predecessors[one])

    far = distances([at], beside)
    return {one: distance for one, distance in far.items() if distance <= steps}
