"""Blocks of two backbones that change alike, with the edits between their operators' cores.

In: two backbones as understood. Out: groups of places; a place is a pair of operators that stand in
the same position of two blocks. Every place has its own numbers (heads, windows, widths), and its
own shortest path; places whose paths say the same but for numbers are one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from relgraph.algebra.operator import Operator, Predictor
from relgraph.errors import RelgraphError
from relgraph.graph.bodies import term
from relgraph.graph.cost import Setting
from relgraph.graph.edges import facts
from relgraph.graph.questions.alignment import UnitPair, element_changes, unit_pairs
from relgraph.graph.questions.group import Group, GroupEdit
from relgraph.graph.questions.matching import matched
from relgraph.graph.questions.places import Place
from relgraph.graph.uses import uses_in
from relgraph.relations.node import Composite, Node
from relgraph.resolved import Body
from relgraph.understanding import Understood


@dataclass(frozen=True)
class _Change:
    """One place, or a part of a block that has no counterpart; those that say the same are a group.

    `steps` are the edits without their numbers."""

    names: tuple[str, str]
    steps: tuple[str, ...]
    joined: bool
    elements: tuple[str, ...]


@dataclass(frozen=True)
class _Found:
    """Where a change stands, and the pair of operators if there are two."""

    block: tuple[int, int]
    place: Place | None


def groups(first: Understood, second: Understood) -> tuple[Group, ...]:
    """What changes in blocks that stand in the same place, in the order of the data."""
    one, other = first.resolution.backbone, second.resolution.backbone
    found: dict[_Change, list[_Found]] = {}
    for pair in unit_pairs(one, other):
        for change, place in _changes(pair, _setting(first, pair.stage)):
            found.setdefault(change, []).append(_Found((pair.stage, pair.block), place))
    stages = zip(one.stages, other.stages, strict=False)
    blocks = sum(min(len(a.blocks), len(b.blocks)) for a, b in stages)
    made = (_group(change, places, blocks) for change, places in found.items())
    return tuple(group for group in made if group.says_something)


def _setting(model: Understood, stage: int) -> Setting:
    """Width and map of a stage."""
    shape = model.program.stages[stage].output
    return Setting(shape.channels, shape.grid or (1, 1))


def _changes(pair: UnitPair, setting: Setting) -> Iterator[tuple[_Change, Place | None]]:
    """Operator by operator; what no term is, is exchanged as a whole."""
    if pair.first and pair.second and pair.first.body == pair.second.body:
        return
    bodies = [unit.body if unit else () for unit in (pair.first, pair.second)]
    elements = element_changes(*bodies)
    parts = [_parts(body) for body in bodies]
    names = [_names(body) for body in bodies]
    first, second = parts
    if not first or not second:
        whole = [", ".join(dict.fromkeys(own)) for own in names]
        yield _Change((whole[0], whole[1]), (), False, elements), None
        return
    setting = replace(setting, predictor=_predictor(bodies))
    for a, b in matched(first, second):
        called = (_called(names[0], a, len(first)), _called(names[1], b, len(second)))
        ends = (None if a is None else first[a], None if b is None else second[b])
        yield _change(called, ends, elements, setting)
        elements = ()


def _change(
    called: tuple[str, str],
    ends: tuple[Node | None, Node | None],
    elements: tuple[str, ...],
    setting: Setting,
) -> tuple[_Change, Place | None]:
    """One operator of each unit, or one that has no counterpart."""
    first, second = ends
    if not isinstance(first, Operator) or not isinstance(second, Operator):
        return _Change(called, (), first == second, elements), None
    place = Place(first, second, setting)
    steps = tuple(without_numbers(edit.words) for edit in place.edits)
    return _Change(called, steps, place.found.count > 0, (*elements, *place.beside)), place


def _predictor(bodies: Sequence[Body]) -> Predictor | None:
    """The hidden layer of the second's predicted weights, or else of the first's."""
    found = (used.predictor for body in bodies[::-1] for used in uses_in(body))
    return next((predictor for predictor in found if predictor is not None), None)


def _parts(body: Body) -> tuple[Node, ...]:
    """The operators of a unit, in order; none of one that is no term of the algebra (a concat of
    branches), so that the one is exchanged for the other as a whole."""
    try:
        node = term(body)
    except RelgraphError:
        return ()
    if node is None:
        return ()
    return node.parts if isinstance(node, Composite) and node.kind == "chain" else (node,)


def _names(body: Body) -> list[str]:
    return [used.use.name for used in uses_in(body)]


def _called(names: list[str], at: int | None, parts: int) -> str:
    """The name of a part; where several uses are one part (projections around a core, an inner
    width), those that are more than a projection."""
    if at is None:
        return ""
    if len(names) == parts:
        return names[at]
    telling = [name for name in dict.fromkeys(names) if name != "pointwise"]
    return ", ".join(telling or dict.fromkeys(names))


_NUMBER = re.compile(r"\d+(?:×\d+)?(?:, \d+)*")


def without_numbers(words: str) -> str:
    """An edit without its sizes and counts."""
    return _NUMBER.sub("", words)


def _joined(words: list[str]) -> str:
    """The same words with other numbers, as one: `heads 3/6/12 → heads 4/8/16`."""
    numbers = zip(*(_NUMBER.findall(one) for one in words), strict=True)
    listed = iter(["/".join(dict.fromkeys(own)) for own in numbers])
    return _NUMBER.sub(lambda _: next(listed), words[0])


def _group(change: _Change, found: list[_Found], blocks: int) -> Group:
    known = tuple(one.place for one in found if one.place is not None)
    edits = tuple(_edits(known)) if change.steps else ()
    return Group(
        *change.names,
        edits,
        change.joined,
        change.elements,
        known,
        len({one.block for one in found}),
        blocks,
        len(found),
    )


def _edits(places: tuple[Place, ...]) -> Iterator[GroupEdit]:
    """Each edit, and all that is said of it at the places."""
    for at in range(len(places[0].edits)):
        said = [_said(place, at) for place in dict.fromkeys(places)]
        yield GroupEdit(
            _joined([place.edits[at].words for place in places]),
            " or ".join(dict.fromkeys(direction for direction, _ in said)),
            " or ".join(dict.fromkeys(weights for _, weights in said)),
        )


def _said(place: Place, at: int) -> tuple[str, str]:
    """Direction and weights of one edit of a place."""
    here = place.edits[at - 1].target if at else place.start
    known = facts(here, place.edits[at].target, instances=True)
    return known.direction, known.weights
