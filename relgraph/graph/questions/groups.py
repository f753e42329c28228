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
from relgraph.graph.cost import Setting
from relgraph.graph.edges import facts
from relgraph.graph.questions.alignment import UnitPair, element_changes, unit_pairs
from relgraph.graph.questions.group import Group, GroupEdit
from relgraph.graph.questions.matching import matched
from relgraph.graph.questions.parts import Part, factored, parts, shown, through
from relgraph.graph.questions.places import Place
from relgraph.graph.uses import uses_in
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
    first, second = (_parts(body) for body in bodies)
    if not first or not second:
        whole = [", ".join(dict.fromkeys(_names(body))) for body in bodies]
        yield _Change((whole[0], whole[1]), (), False, elements), None
        return
    setting = replace(setting, predictor=_predictor(bodies))
    for ends in _matched(first, second):
        yield _change(ends, elements, setting)
        elements = ()


def _matched(
    first: tuple[Part, ...], second: tuple[Part, ...]
) -> Iterator[tuple[Part | None, Part | None]]:
    """Which parts correspond: points around an inner width as one, or where that changes less (as
    something else stands between them on the other side) each by itself."""
    ways = dict.fromkeys(((first, second), (factored(first), second), (first, factored(second))))
    known = [(matched([p.node for p in a], [p.node for p in b]), a, b) for a, b in ways]
    (_, pairs), one, other = min(known, key=lambda way: way[0][0])
    for a, b in pairs:
        yield (None if a is None else one[a]), (None if b is None else other[b])


def _change(
    ends: tuple[Part | None, Part | None], elements: tuple[str, ...], setting: Setting
) -> tuple[_Change, Place | None]:
    """One operator of each unit, or one that has no counterpart."""
    called = (ends[0].name if ends[0] else "", ends[1].name if ends[1] else "")
    first, second = (part.node if part else None for part in ends)
    if not isinstance(first, Operator) or not isinstance(second, Operator):
        return _Change(called, (), first == second, elements), None
    assert ends[0] is not None and ends[1] is not None, "both are operators"
    place = Place(first, second, setting, (ends[0].between, ends[1].between))
    steps = tuple(without_numbers(edit.words) for edit in place.edits)
    return _Change(called, steps, place.found.count > 0, (*elements, *place.beside)), place


def _predictor(bodies: Sequence[Body]) -> Predictor | None:
    """The hidden layer of the second's predicted weights, or else of the first's."""
    found = (used.predictor for body in bodies[::-1] for used in uses_in(body))
    return next((predictor for predictor in found if predictor is not None), None)


def _parts(body: Body) -> tuple[Part, ...]:
    """The operators of a unit, in order; none of one that is no term of the algebra (a concat of
    branches), so that the one is exchanged for the other as a whole."""
    try:
        return parts(body)
    except RelgraphError:
        return ()


def _names(body: Body) -> list[str]:
    return [used.use.name for used in uses_in(body)]


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
            *(" or ".join(dict.fromkeys(column)) for column in zip(*said, strict=True)),
        )


def _said(place: Place, at: int) -> tuple[str, str, str, str, str]:
    """Direction and weights of one edit of a place, each with its reason, and what a table says."""
    here = place.edits[at - 1].target if at else place.start
    edit = place.edits[at]
    plain = facts(here, edit.target, instances=True)
    known = through(plain, edit, place.between)
    return known.direction, known.why, known.weights, known.carried, shown(known, plain)
