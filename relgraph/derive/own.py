"""Operators that no shipped spec means, as files of their own.

In: the uses that shall stand at a site. Out: operator files, and how each use calls them. Numbers
in which uses differ (heads by stage, a shift in every second block) become parameters, and so do
the bodies of rank words, which stay where the backbone writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from relgraph.algebra.canonical import canonical
from relgraph.algebra.operator import Border, Operator
from relgraph.derive.flow import Value
from relgraph.derive.source import Source
from relgraph.derive.spelling import Path, Spelled, spell, written
from relgraph.resolve.findings import Findings
from relgraph.resolve.library import Library
from relgraph.resolve.operator_file import read_operator
from relgraph.resolve.scope import reference
from relgraph.resolved import OperatorUse
from relgraph.spec.nodes import MapNode, Node

Table = dict[str, Value]


@dataclass(frozen=True)
class Own:
    """Where the operators come from, and how they shall be called."""

    source: Source
    word: str
    name: str
    cite: str


@dataclass(frozen=True)
class OwnOperators:
    """Files by name, and for each use the file's name and the arguments."""

    files: Mapping[str, str]
    uses: tuple[tuple[str, Table], ...]


def own_operators(uses: Sequence[OperatorUse], own: Own) -> OwnOperators | None:
    """Files that mean the uses; None where the body of a rank word cannot be carried over."""
    bodies = _bodies(uses, own)
    if bodies is None:
        return None
    uses = _with_one_border(uses)
    widths = _widths(uses)
    shapes: dict[object, list[int]] = {}
    for at, use in enumerate(uses):
        shapes.setdefault(_shape(use, bodies), []).append(at)
    files: dict[str, str] = {}
    calls: dict[int, tuple[str, Table]] = {}
    for number, members in enumerate(shapes.values()):
        name = f"{own.name}_mixer" + (str(number + 1) if number else "")
        properties = [_properties(uses[at], bodies) for at in members]
        params = _params(properties)
        calls |= {
            at: (name, {**_arguments(mine, params, bodies), **widths[at]})
            for at, mine in zip(members, properties, strict=True)
        }
        said = {place: (body.name, body.default) for place, body in bodies.items()}
        operator = _plain(uses[members[0]], bodies)
        files[name] = spell(operator, name, own.cite, {**params, **said})
    return OwnOperators(files, tuple(calls[at] for at in range(len(uses))))


def _widths(uses: Sequence[OperatorUse]) -> list[Table]:
    """The width that each use asks for, if one is other than what comes in: no operator's own."""
    if all(use.out_channels == use.in_channels for use in uses):
        return [{} for _ in uses]
    return [{"channels": use.out_channels} for use in uses]


def _with_one_border(uses: Sequence[OperatorUse]) -> Sequence[OperatorUse]:
    """The uses with one border, where those that never meet theirs can have the others'."""
    for border in dict.fromkeys(use.operator.space.border for use in uses):
        made = [_bordered(use, border) for use in uses]
        pairs = zip(made, uses, strict=True)
        if all(
            canonical(one.operator).operator == canonical(use.operator).operator
            for one, use in pairs
        ):
            return made
    return uses


def _bordered(use: OperatorUse, border: Border) -> OperatorUse:
    space = replace(use.operator.space, border=border)
    return replace(use, operator=replace(use.operator, space=space))


@dataclass(frozen=True)
class _Body:
    """A body of a rank word: the parameter that holds it, its default, what the backbone writes."""

    name: str
    default: Value
    argument: Value | None


def _bodies(uses: Sequence[OperatorUse], own: Own) -> dict[Path, _Body] | None:
    wanted: set[str] = set()
    for use in uses:
        wanted |= {
            word for word, body in (("reduce", use.reduce), ("between", use.between)) if body
        }
    if not wanted:
        return {}
    file = read_operator(own.source.operator(own.word), Library(), Findings())
    places = {place[-1]: (place, name) for place, name in _ranked(dict(file.properties))}
    written = own.source.arguments(own.word)
    found: dict[Path, _Body] = {}
    for word in sorted(wanted):
        if word not in places:
            return None
        place, name = places[word]
        default, argument = dict(file.params)[name], written.get(name)
        if argument is not None and not own.source.visible(argument):
            return None
        found[place] = _Body(name, default, argument)
    return found


def _ranked(properties: Mapping[str, Node]) -> list[tuple[Path, str]]:
    """The parameters behind the words of a rank."""
    found: list[tuple[Path, str]] = []
    for axis in ("space", "channel"):
        section = properties.get(axis)
        rank = section.get("rank") if isinstance(section, MapNode) else None
        for key, value in rank.entries if isinstance(rank, MapNode) else ():
            name = reference(value)
            if name is not None:
                found.append(((axis, "rank", str(key.value)), name))
    return found


def _plain(use: OperatorUse, bodies: Mapping[Path, _Body]) -> Operator:
    """The operator without a rank that a body makes."""
    space = use.operator.space
    if ("space", "rank", "reduce") in bodies and space.rank is not None:
        return replace(use.operator, space=replace(space, rank=None))
    return use.operator


def _properties(use: OperatorUse, bodies: Mapping[Path, _Body]) -> Spelled:
    return written(_plain(use, bodies))


def _is_free(place: Path, value: Value) -> bool:
    """Whether it is a number that says no more than a number: 0 heads are none."""
    number = isinstance(value, int | tuple) and not isinstance(value, bool)
    return number and (value != 0 or place[-1] == "shift")


def _shape(use: OperatorUse, bodies: Mapping[Path, _Body]) -> object:
    """What must be equal for two uses to be one file: everything but numbers."""
    properties = _properties(use, bodies)
    return frozenset(
        (place, "number" if _is_free(place, value) else str(value))
        for place, value in properties.items()
    )


def _params(properties: Sequence[Spelled]) -> dict[Path, tuple[str, Value]]:
    """The properties in which the uses differ, each a parameter named by its last word."""
    found: dict[Path, tuple[str, Value]] = {}
    for place, value in properties[0].items():
        if any(other[place] != value for other in properties):
            found[place] = (place[-1], value)
    return found


def _arguments(
    properties: Spelled, params: Mapping[Path, tuple[str, Value]], bodies: Mapping[Path, _Body]
) -> Table:
    numbers = {name: properties[place] for place, (name, _) in params.items()}
    carried = {body.name: body.argument for body in bodies.values() if body.argument is not None}
    return {**numbers, **carried}
