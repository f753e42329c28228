"""The algebra's rules, told as problems of a file: both lines, and the rule with its reason."""

from __future__ import annotations

from functools import reduce

from relgraph.algebra.canonical import canonical
from relgraph.algebra.operator import Channel, Operator, Rank, Space
from relgraph.algebra.rules import check
from relgraph.errors import Place
from relgraph.resolve.findings import Findings
from relgraph.resolve.properties import Properties


def check_consistency(properties: Properties, use: Place, findings: Findings) -> None:
    """Report every contradiction among the properties of an operator."""
    for violation in check(properties.operator):
        first, second = violation.properties
        findings.refuse(
            "contradiction" if violation.kind == "E" else "not-supported",
            _place(properties, first) or use,
            f"{_said(properties.operator, first)} with {_said(properties.operator, second)}",
            violation.reason,
            f"rule {violation.rule}: {first} and {second} exclude each other here",
            related=(_place(properties, second), *_elsewhere(properties, use)),
        )


def note_canonical(
    operator: Operator, in_channels: int, out_channels: int, use: Place, findings: Findings
) -> None:
    """Tell where the use is the same operator as one with another connectivity or sharing."""
    shorter = canonical(operator, in_channels, out_channels)
    if _pattern(shorter.operator) != _pattern(operator):
        says = f"the same as space {_words(shorter.operator.space)}"
        says += f" and channel {_words(shorter.operator.channel)}"
        findings.note("canonical", use, says, "; ".join(shorter.notes))


def _pattern(operator: Operator) -> tuple[str, ...]:
    space, channel = operator.space, operator.channel
    return space.connect, space.share, channel.connect


def _words(axis: Space | Channel) -> str:
    return f"{{connect: {axis.connect}, share: {axis.share}}}"


def _elsewhere(properties: Properties, use: Place) -> tuple[Place, ...]:
    """The use, where it stands in another file than the properties."""
    files = {place.file for place in properties.places.values()}
    return () if use.file in files else (use,)


def _place(properties: Properties, path: str) -> Place | None:
    """Where a property is written, else its section."""
    return properties.places.get(path) or properties.places.get(path.partition(".")[0])


def _said(operator: Operator, path: str) -> str:
    value = reduce(getattr, path.split("."), operator)
    if isinstance(value, Rank):
        numbers = ", ".join(map(str, value.numbers))
        return f"{path}: {value.word} {numbers}".rstrip()
    return f"{path}: {value}"
