"""The channel properties: connectivity, groups, and how many channels share one weight.

A head may be counted (`heads`) or measured (`head_channels`, and `group_channels`, the name that
convolutions use); what the use writes wins over a default, and two that are written must agree.
"""

from __future__ import annotations

from typing import Any

from relgraph.algebra.operator import Channel
from relgraph.resolve.scope import Width, force
from relgraph.resolve.sections import Section

COUNTS = ("heads", "head_channels", "group_channels")


def read_channel(section: Section, width: Width) -> Channel:
    """The channel axis of an operator on `width` channels. Raises RefusedError."""
    values: dict[str, Any] = section.values
    connect, share, groups = values["connect"], values["share"], values["groups"]
    _check_groups(section, connect, groups)
    _check_size(section, connect, values["size"])
    count = _heads(section, width) if share in (None, "heads") else None
    if share is None:
        share = "none" if count is None else "heads"
    if share == "heads" and count is None:
        raise section.findings.refuse(
            "missing-key",
            section.where("share"),
            "share: heads without a number",
            "expected heads: n",
        )
    if share != "heads":
        _refuse_idle_heads(section, share)
    grouped = connect == "groups" and groups != 1  # one group of all channels is `full`
    return Channel(
        connect="full" if connect == "groups" and not grouped else connect,
        groups=groups if grouped else 1,
        share=share,
        heads=count if share == "heads" and count is not None else 1,
        size=values["size"] if connect == "local" else 1,
    )


def _check_groups(section: Section, connect: str, groups: int | None) -> None:
    if connect == "groups" and groups is None:
        raise section.findings.refuse(
            "missing-key",
            section.where("connect"),
            "connect: groups without a number",
            "expected groups: n",
        )
    if connect != "groups" and groups not in (None, 1):
        section.findings.refuse(
            "contradiction",
            section.where("groups"),
            f"{groups} groups with connect: {connect}",
            "expected connect: groups",
            related=(section.where("connect"),),
        )


def _check_size(section: Section, connect: str, size: int | None) -> None:
    if connect == "local" and size is None:
        raise section.findings.refuse(
            "missing-key",
            section.where("connect"),
            "connect: local without a width",
            "expected size: n, the channels that each one reads",
        )
    if connect != "local" and size is not None:
        section.findings.refuse(
            "contradiction",
            section.where("size"),
            f"a band of {size} channels with connect: {connect}",
            "expected connect: local",
            related=(section.where("connect"),),
        )


def _heads(section: Section, width: Width) -> int | None:
    """The number of heads, None where none is written. Raises RefusedError."""
    given = [name for name in COUNTS if section.values[name] is not None]
    if len(given) > 1:
        by_hand = [name for name in given if not _is_default(section, name)]
        given = by_hand or given[-1:]
    if not given:
        return None
    counts = [_count(section, name, width) for name in given]
    if len(set(counts)) > 1:
        first, second = given[0], given[1]
        section.findings.refuse(
            "contradiction",
            section.where(second),
            f"{second} {section.values[second]} beside {first} {section.values[first]}",
            f"expected one of them: there are {width} channels",
            related=(section.where(first),),
        )
    return counts[0]


def _is_default(section: Section, name: str) -> bool:
    return force(section.written[name], section.findings).default


def _count(section: Section, name: str, width: Width) -> int:
    """The number of heads; where they do not divide, the nearest that do, to read on with."""
    value = section.values[name]
    assert isinstance(value, int)
    if width is None:
        raise section.findings.silent()
    if width % value == 0:
        return value if name == "heads" else width // value
    near = _near_divisors(width, value)
    what = "the number of heads" if name == "heads" else name
    section.findings.refuse(
        "heads-divide",
        section.where(name),
        f"found {value} heads" if name == "heads" else f"found {name} {value}",
        f"{what} must divide the {width} channels",
        "use " + _alternatives(sorted(near)),
    )
    return near[0] if name == "heads" else width // near[0]


def _alternatives(numbers: list[int]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} or {last}" if others else last


def _refuse_idle_heads(section: Section, share: str) -> None:
    for name in COUNTS:
        if section.values[name] is not None and not _is_default(section, name):
            section.findings.refuse(
                "contradiction",
                section.where(name),
                f"{name} with share: {share}",
                "expected share: heads",
                related=(section.where("share"),),
            )


def _near_divisors(number: int, wanted: int) -> list[int]:
    """The three divisors of `number` nearest to `wanted`, the nearest first."""
    divisors = [d for d in range(1, number + 1) if number % d == 0]
    return sorted(divisors, key=lambda d: abs(d - wanted))[:3]
