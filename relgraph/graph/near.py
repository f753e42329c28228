"""What lies near some operators, without the closure around them.

In: nodes, how many edits away, numbers, names. Out: a `RelationGraph` of all that so many edits
make, with every edit between them; the nodes that were asked about are the first.
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
    starts: Iterable[Node],
    steps: int,
    numbers: Numbers = GENERIC,
    limit: int = LIMIT,
    frames: bool = False,
    names: Iterable[Named] = (),
) -> RelationGraph:
    """The nodes that at most `steps` edits make of `starts`, taken as `closure` takes its roots.

    Raises RelgraphError where there are more than `limit`.
    """
    bare = starts if frames else map(without_frame, starts)
    first = dict.fromkeys(map(family, bare) if numbers.families else bare)
    wider = own_numbers(numbers, tuple(first))
    places: dict[Node, int] = {node: at for at, node in enumerate(first)}
    leaving: list[tuple[Edit, ...]] = []
    for _ in range(steps):
        for node in list(places)[len(leaving) :]:
            leaving.append(edits(node, wider, frames))
            for edit in leaving[-1]:
                places.setdefault(edit.target, len(places))
        _refuse_too_many(len(places), limit)
    leaving += [edits(node, wider, frames) for node in list(places)[len(leaving) :]]
    return _graph(places, len(first), leaving, wider, frames, names)


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
    roots: int,
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
        roots=keys[:roots],
        frames=frames,
    )
