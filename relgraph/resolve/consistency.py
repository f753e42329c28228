"""The algebra's rules, told as problems of a file: both lines, and the rule with its reason."""

from __future__ import annotations

from functools import lru_cache, reduce

from relgraph.algebra.canonical import canonical
from relgraph.algebra.operator import Channel, Operator, Rank, Space
from relgraph.algebra.rules import check
from relgraph.errors import Place
from relgraph.resolve.findings import Findings
from relgraph.resolve.properties import Properties

# A spec uses few operators many times, and variants of a spec the same ones.
_violations = lru_cache(maxsize=1024)(check)
_canonical = lru_cache(maxsize=1024)(canonical)


def check_consistency(properties: Properties, use: Place, findings: Findings) -> None:
    """Report every contradiction among the properties of an operator, as a person wrote them."""
    for violation in _violations(properties.operator):
        first, second = violation.properties
        place = properties.places.get(first) or _section(properties, first) or use
        if findings.refused_at(place):
            continue  # in the words of the key that stands there
        one, other = _said(properties, first), _said(properties, second)
        findings.refuse(
            "contradiction" if violation.kind == "E" else "not-supported",
            place,
            f"{one} with {other}",
            violation.reason,
            f"rule {violation.rule}: change {_key(one)} or {_key(other)}",
            related=(properties.places.get(second),),
        )


def note_canonical(
    operator: Operator, in_channels: int, out_channels: int, use: Place, findings: Findings
) -> None:
    """Tell where the use is the same operator as one with another connectivity or sharing."""
    shorter = _canonical(operator, in_channels, out_channels)
    if _pattern(shorter.operator) != _pattern(operator):
        says = f"the same as space {_words(shorter.operator.space)}"
        says += f" and channel {_words(shorter.operator.channel)}"
        findings.note("canonical", use, says, "; ".join(shorter.notes))


def _pattern(operator: Operator) -> tuple[str, ...]:
    space, channel = operator.space, operator.channel
    return space.connect, space.share, channel.connect


def _words(axis: Space | Channel) -> str:
    return f"{{connect: {axis.connect}, share: {axis.share}}}"


def _section(properties: Properties, path: str) -> Place | None:
    return properties.places.get(path.partition(".")[0])


def _said(properties: Properties, path: str) -> str:
    """The property as it is written, or its default."""
    if path in properties.spelled:
        return properties.spelled[path]
    section, _, key = path.partition(".")
    value = reduce(getattr, (section, key), properties.operator)
    if path == "weight.source":  # no key of its own says it
        return f"weight: {value} (the default)"
    return f"{path}: {_in_words(value)} (the default)"


def _in_words(value: object) -> str:
    if isinstance(value, Rank):
        return " ".join([value.word, ", ".join(map(str, value.numbers))]).rstrip()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return str(value[0]) if len(set(value)) == 1 else str(list(value))
    return str(value)


def _key(said: str) -> str:
    return said.partition(":")[0]
