"""The rank words of an operator: which axis, which number, which bodies.

`none` as a value means that the word is not there, so that a parameter can switch it off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

from relgraph.algebra.operator import Channel, Rank, RankWord, Space
from relgraph.resolve.findings import Findings
from relgraph.resolve.scope import Closure, force
from relgraph.resolve.sections import section_at
from relgraph.resolve.values import is_none, refuse, whole
from relgraph.spec.field import Field, named
from relgraph.spec.nodes import ListNode, ScalarNode
from relgraph.spec.rank_properties import CHANNEL_RANK, SPACE_RANK


@dataclass(frozen=True)
class Ranked:
    """A rank word and its axis (None: full rank), with the bodies it carries as closures."""

    axis: str | None = None
    rank: Rank | None = None
    reduce: Closure | None = None
    between: Closure | None = None

    def on_space(self, space: Space) -> Space:
        """`space` with this rank, if it is one over positions."""
        return replace(space, rank=self.rank) if self.axis == "space" else space

    def on_channel(self, channel: Channel) -> Channel:
        """`channel` with this rank, if it is one over channels."""
        return replace(channel, rank=self.rank) if self.axis == "channel" else channel


def read_rank(on_space: Closure | None, on_channel: Closure | None, findings: Findings) -> Ranked:
    """The rank of both axes together; at most one of them may have one. Raises RefusedError."""
    space = _axis("space", on_space, SPACE_RANK, findings)
    channel = _axis("channel", on_channel, CHANNEL_RANK, findings)
    if space.rank is not None and channel.rank is not None:
        assert on_space is not None and on_channel is not None
        findings.refuse(
            "contradiction",
            on_channel.place,
            "a rank over channels beside one over space",
            "expected one rank; compose two operators for both",
            related=(on_space.place,),
        )
    return space if space.rank is not None else channel


def _axis(
    axis: str,
    written: Closure | None,
    fields: tuple[Field, ...],
    findings: Findings,
) -> Ranked:
    if written is None:
        return Ranked()
    closure = force(written, findings)
    if is_none(closure.node):
        return Ranked()
    section = section_at("rank", closure, fields, findings)
    section.read_all(fields)
    words = [name for name, value in section.values.items() if _is_there(name, value)]
    if len(words) > 1:
        findings.refuse(
            "contradiction",
            section.where(words[1]),
            f"{words[1]} beside {words[0]}",
            "expected one rank word",
            related=(section.where(words[0]),),
        )
    if not words:
        return Ranked()
    word = cast("RankWord", words[0])
    return _ranked(axis, word, section.values, fields, findings)


def _is_there(name: str, value: Any) -> bool:
    return name != "between" and value not in (None, False)


def _ranked(
    axis: str, word: RankWord, values: dict[str, Any], fields: tuple[Field, ...], findings: Findings
) -> Ranked:
    between = values["between"]
    value = values[word]
    field = named(fields)[word]
    if word == "reduce":
        return _reduced(axis, field, value, between, findings)
    numbers: tuple[int, ...] = ()
    if word == "scales":
        numbers = _scales(field, value, findings)
    elif word != "separable":
        numbers = (value,)
    return Ranked(axis, Rank(word, numbers), None, between)


def _reduced(
    axis: str, field: Field, value: Closure, between: Closure | None, findings: Findings
) -> Ranked:
    node = value.node
    if isinstance(node, ListNode) and not node.items:
        return Ranked()
    if isinstance(node, ScalarNode) and not isinstance(node.value, str):
        bounded = replace(field, minimum=1, maximum=4096)
        ratio = whole(bounded, value, findings)
        return Ranked() if ratio == 1 else Ranked(axis, Rank("reduce", (ratio,)), None, between)
    return Ranked(axis, Rank("reduce"), value, between)


def _scales(field: Field, value: Closure, findings: Findings) -> tuple[int, ...]:
    bounded = replace(field, minimum=2, maximum=4096)
    items = value.node.items if isinstance(value.node, ListNode) else (value.node,)
    if not items:
        raise refuse(field, value, "a factor or a list of them", findings)
    closures = [force(Closure(item, value.env), findings) for item in items]
    return tuple(whole(bounded, closure, findings) for closure in closures)
