"""What lies near one operator, without the closure around it.

In: a node, how many edits away, numbers, names. Out: a `RelationGraph` of all that so many edits
make, with every edit between them; its first node is the one that was asked about.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

from relgraph.errors import Problem, RelgraphError
from relgraph.graph.closure import LIMIT, titles
from relgraph.graph.model import Label, RelationGraph
from relgraph.graph.named import Named, without_frame
from relgraph.graph.numbering import own_numbers
from relgraph.relations.families import family
from relgraph.relations.node import Node
from relgraph.relations.numbers import GENERIC, Numbers
from relgraph.relations.relation import Edit
from relgraph.relations.table import edits
from relgraph.relations.words import key


def near(
    start: Node,
    steps: int,
    numbers: Numbers = GENERIC,
    limit: int = LIMIT,
    frames: bool = False,
    names: Iterable[Named] = (),
) -> RelationGraph:
    """The nodes that at most `steps` edits make of `start`, taken as `closure` takes a root.

    Raises RelgraphError where there are more than `limit`.
    """
    bare = start if frames else without_frame(start)
    first = family(bare) if numbers.families else bare
    wider = own_numbers(numbers, (first,))
    places = {first: 0}
    leaving: list[tuple[Edit, ...]] = []
    for _ in range(steps):
        for node in list(places)[len(leaving) :]:
            leaving.append(edits(node, wider, frames))
            for edit in leaving[-1]:
                places.setdefault(edit.target, len(places))
        _refuse_too_many(len(places), limit)
    leaving += [edits(node, wider, frames) for node in list(places)[len(leaving) :]]
    return _graph(places, leaving, wider, frames, names)


def _refuse_too_many(found: int, limit: int) -> None:
    if found > limit:
        raise RelgraphError(
            Problem(
                "too-many-nodes",
                f"{found:,} nodes are so near",
                f"at most {limit:,}",
                f"fewer --steps, or --limit {found}",
            )
        )


def _graph(
    places: dict[Node, int],
    leaving: Iterable[tuple[Edit, ...]],
    numbers: Numbers,
    frames: bool,
    names: Iterable[Named],
) -> RelationGraph:
    labels: dict[Label, int] = {}
    offsets, targets, marks = array("I", [0]), array("I"), array("I")
    for own in leaving:
        for edit in own:
            if edit.target in places:
                label = Label(edit.relation, edit.axis, edit.before, edit.after)
                targets.append(places[edit.target])
                marks.append(labels.setdefault(label, len(labels)))
        offsets.append(len(targets))
    keys = tuple(map(key, places))
    return RelationGraph(
        nodes=tuple(places),
        keys=keys,
        labels=tuple(labels),
        offsets=offsets,
        targets=targets,
        marks=marks,
        titles=titles(keys, names, numbers.families, frames),
        numbers=numbers,
        roots=keys[:1],
        frames=frames,
    )
