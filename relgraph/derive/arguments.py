"""An operator as a use of an operator spec: which arguments make the spec mean it.

In: an operator, its widths, and an operator file. Out: the arguments by parameter, or None where no
arguments make the file mean it. That they do is asked of the resolver, never assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from relgraph.algebra.canonical import canonical
from relgraph.algebra.operator import Operator
from relgraph.derive.flow import Value
from relgraph.derive.spelling import Path as Property
from relgraph.derive.spelling import usual, written
from relgraph.errors import RelgraphError
from relgraph.resolve import resolve_operator
from relgraph.resolve.findings import Findings
from relgraph.resolve.library import Library
from relgraph.resolve.operator_file import OperatorFile, read_operator
from relgraph.resolve.scope import reference
from relgraph.resolved import OperatorUse
from relgraph.shipped import shipped
from relgraph.spec.nodes import MapNode, Node, Plain, plain

Arguments = dict[str, Value]


@dataclass(frozen=True)
class Use:
    """A spec's name and the arguments that make it mean an operator."""

    word: str
    arguments: tuple[tuple[str, Value], ...]


@lru_cache(maxsize=4096)
def shipped_use(use: OperatorUse) -> Use | None:
    """A shipped operator that means the operator of `use`: the first by name, with the fewest
    arguments."""
    found: list[Use] = []
    for word, path in shipped("operators").items():
        arguments = arguments_of(path, use.operator, use.in_channels)
        if arguments is not None and _means(path, arguments, use):
            found.append(Use(word, tuple(arguments.items())))
    return min(found, key=lambda one: (len(one.arguments), one.word), default=None)


def changed(path: Path, before: OperatorUse, after: OperatorUse) -> Arguments | None:
    """The arguments of the operator at `path` that change where one use becomes another; None
    where something changes that no parameter says."""
    old, new = (_filled(path, use.operator, use.in_channels) for use in (before, after))
    if old is None or new is None:
        return None
    said = {place for place, _ in _references(_file(path))}
    first, second = written(before.operator), written(after.operator)
    for place in first.keys() | second.keys():
        if first.get(place) != second.get(place) and place not in said | {("channel", "share")}:
            return None
    return {name: value for name, value in new.items() if old.get(name) != value} or None


def arguments_of(path: Path, operator: Operator, width: int) -> Arguments | None:
    """The arguments that differ from the file's defaults; None where the file says another
    connectivity or source."""
    file = _file(path)
    filled = _filled(path, operator, width) if _could_be(file, operator) else None
    if filled is None:
        return None
    defaults = {name: plain(node) for name, node in file.params}
    return {
        name: value
        for name, value in filled.items()
        if defaults[name] != value and not (value is True and defaults[name] == operator.bias)
    }


def _could_be(file: OperatorFile, operator: Operator) -> bool:
    """Whether what the file fixes of connectivity and source is the operator's: a quick look that
    spares the resolver most questions."""
    values = written(operator)
    fixed = {
        place: value for section, node in file.properties for place, value in _fixed(section, node)
    }
    places = (("space", "connect"), ("weight", "dynamic"), ("weight", "fixed"))
    return all(fixed.get(place, usual(place)) == values[place] for place in places)


def _fixed(section: str, node: Node) -> Iterator[tuple[Property, Plain]]:
    if isinstance(node, MapNode):
        for key, value in node.entries:
            yield (section, str(key.value)), plain(value)


def _filled(path: Path, operator: Operator, width: int) -> Arguments | None:
    """Every parameter that a property is, with the value that the operator has there."""
    file = _file(path)
    if file.body is not None:
        return None
    found: Arguments = {}
    for place, name in _references(file):
        if place[-1] in ("head_channels", "between"):
            continue
        value = _value(place, operator, width, _has_heads(file))
        if found.setdefault(name, value) != value:
            return None
    return found


def _has_heads(file: OperatorFile) -> bool:
    """Whether the file says that channels share by heads, however many."""
    channel = dict(file.properties).get("channel")
    share = channel.get("share") if isinstance(channel, MapNode) else None
    return share is not None and plain(share) == "heads"


def _value(place: Property, operator: Operator, width: int, has_heads: bool) -> Value:
    """The property at a place, as an argument would say it."""
    values, channel = written(operator), operator.channel
    if place == ("bias",) and values[place] == "usual":
        return True
    if place == ("space", "border"):
        return operator.space.border
    if place == ("channel", "groups"):
        return channel.groups
    if place in (("channel", "heads"), ("channel", "group_channels")):
        if not has_heads and channel.share == "none":
            return "none"  # where heads are written, channels share by them
        heads = _heads(operator, width) if has_heads else channel.heads
        return heads if place[-1] == "heads" else width // heads
    if place == ("channel", "share") and channel.share == "heads":
        return "heads"
    value = values.get(place, "none")
    absent = place in values and not value and value is not False and usual(place) == value
    zero = place[-1] == "shift"
    return "none" if absent and not zero else value


def _heads(operator: Operator, width: int) -> int:
    """All channels are one head, no sharing is a head for each."""
    counts = {"all": 1, "none": width}
    return counts.get(operator.channel.share, operator.channel.heads)


def _references(file: OperatorFile) -> Iterator[tuple[Property, str]]:
    """Every property that is a parameter's value."""
    for section, node in file.properties:
        yield from _inside((section,), node)


def _inside(place: Property, node: Node) -> Iterator[tuple[Property, str]]:
    name = reference(node)
    if name is not None:
        yield place, name
    elif isinstance(node, MapNode):
        for key, value in node.entries:
            yield from _inside((*place, str(key.value)), value)


@lru_cache(maxsize=256)
def _file(path: Path) -> OperatorFile:
    return read_operator(path, Library(), Findings())


def _means(path: Path, arguments: Mapping[str, Value], use: OperatorUse) -> bool:
    """Whether the spec with these arguments is the operator of the use."""
    try:
        made = resolve_operator(path, use.in_channels, use.out_channels, _plain(arguments))
    except RelgraphError:
        return False
    if not isinstance(made, OperatorUse) or (made.reduce, made.between) != (
        use.reduce,
        use.between,
    ):
        return False
    widths = use.in_channels, use.out_channels
    return made.out_channels == widths[1] and (
        canonical(made.operator, *widths) == canonical(use.operator, *widths)
    )


def _plain(arguments: Mapping[str, Value]) -> dict[str, Plain]:
    return {name: _as_plain(value) for name, value in arguments.items()}


def _as_plain(value: Value) -> Plain:
    if isinstance(value, tuple):
        return [_as_plain(item) for item in value]
    assert isinstance(value, int | float | bool | str)
    return value
