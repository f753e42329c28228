"""The channel properties: connectivity, groups, and how many channels share one weight.

A head may be counted (`heads`) or measured (`head_channels`, and `group_channels`, the name that
convolutions use); what the use writes wins over a default, and two that are written must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from relgraph.algebra.operator import Channel
from relgraph.errors import Place
from relgraph.resolve.findings import Findings, RefusedError
from relgraph.resolve.scope import Closure, Width, force
from relgraph.resolve.values import Value

MEASURED = ("head_channels", "group_channels")


def read_channel(
    values: Mapping[str, Value],
    written: Mapping[str, Closure],
    where: Callable[[str], Place],
    width: Width,
    findings: Findings,
) -> Channel:
    """The channel axis of an operator on `width` channels. Raises RefusedError."""
    connect, share = str(values["connect"]), values["share"]
    groups = values["groups"]
    _check_groups(connect, groups, where, findings)
    count = _heads(values, written, where, width, findings)
    if share is None:
        share = "none" if count is None else "heads"
    if share == "heads" and count is None:
        raise findings.refuse(
            "missing-key", where("share"), "share: heads without a number", "expected heads: n"
        )
    if share != "heads":
        _refuse_idle_heads(share, values, written, where, findings)
        count = 1
    if groups == 1:
        connect = "full"  # one group of all channels
    assert isinstance(count, int)
    return Channel(
        connect=connect,  # type: ignore[arg-type]
        groups=groups if connect == "groups" and isinstance(groups, int) else 1,
        share=share,  # type: ignore[arg-type]
        heads=count,
    )


def _check_groups(
    connect: str, groups: Value, where: Callable[[str], Place], findings: Findings
) -> None:
    if connect == "groups" and groups is None:
        raise findings.refuse(
            "missing-key",
            where("connect"),
            "connect: groups without a number",
            "expected groups: n",
        )
    if connect != "groups" and groups not in (None, 1):
        findings.refuse(
            "contradiction",
            where("groups"),
            f"{groups} groups with connect: {connect}",
            "expected connect: groups",
            related=(where("connect"),),
        )


def _heads(
    values: Mapping[str, Value],
    written: Mapping[str, Closure],
    where: Callable[[str], Place],
    width: Width,
    findings: Findings,
) -> int | None:
    """The number of heads, None where none is written. Raises RefusedError."""
    given = [name for name in ("heads", *MEASURED) if values[name] is not None]
    if len(given) > 1:
        by_hand = [name for name in given if not _is_default(written[name], findings)]
        given = by_hand or given[-1:]
    if not given:
        return None
    counts = [_count(name, values[name], where(name), width, findings) for name in given]
    if len(set(counts)) > 1:
        findings.refuse(
            "contradiction",
            where(given[1]),
            f"{given[1]} {values[given[1]]} beside {given[0]} {values[given[0]]}",
            "expected one of them",
            related=(where(given[0]),),
        )
    return counts[0]


def _is_default(closure: Closure, findings: Findings) -> bool:
    return force(closure, findings).default


def _count(name: str, value: Value, place: Place, width: Width, findings: Findings) -> int:
    assert isinstance(value, int)
    if width is None:
        raise RefusedError("the width is unknown: already reported")
    if width % value:
        what = "heads" if name == "heads" else f"{name}"
        found = f"{value} {what}" if name == "heads" else f"{name} {value}"
        subject = "the number of heads" if name == "heads" else name
        raise findings.refuse(
            "heads-divide",
            place,
            f"found {found}",
            f"{subject} must divide the {width} channels",
            _near_divisors(width, value),
        )
    return value if name == "heads" else width // value


def _near_divisors(number: int, wanted: int) -> str:
    """The three divisors of `number` nearest to `wanted`, as a hint."""
    divisors = [d for d in range(1, number + 1) if number % d == 0]
    near = sorted(sorted(divisors, key=lambda d: abs(d - wanted))[:3])
    return "use " + " or ".join((", ".join(map(str, near[:-1])), str(near[-1])))


def _refuse_idle_heads(
    share: Value,
    values: Mapping[str, Value],
    written: Mapping[str, Closure],
    where: Callable[[str], Place],
    findings: Findings,
) -> None:
    for name in ("heads", *MEASURED):
        if values[name] is not None and not _is_default(written[name], findings):
            findings.refuse(
                "contradiction",
                where(name),
                f"{name} with share: {share}",
                "expected share: heads",
                related=(where("share"),),
            )
