"""Which layers take a factor and a shift per channel: behind them, or before them.

In: a node of a program. Out: the node that has taken it (a bias where there was none) with the
names of the tensors that change, or None where the result would be no layer of that kind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from relgraph.algebra.operator import Connection, Operator, Space
from relgraph.lower.attention import accepts_attention, accepts_window_attention
from relgraph.program import Connect, Element

PASSING = frozenset(("global_pool", "select", "upsample"))
"""Elements that a factor and a shift per channel may be moved across: each output is one input or
a mean of them. (Of `global_pool` the average only: a maximum turns with the sign.)"""

ENDLESS = ("wrap", "reflect", "clamp")
"""Borders with inputs behind them, where others have zeros."""


@dataclass(frozen=True)
class Taken:
    """A layer that takes what stands beside it; `weight` and `bias` are its own names."""

    node: Connect | Element
    weight: str
    bias: str
    groups: int = 1


def behind(node: Connect, shifts: bool) -> Taken | None:
    """The layer as it is where its outputs are multiplied and, with `shifts`, shifted."""
    operator = node.connection.operator
    if operator.frame.output:
        frame = replace(operator.frame, output_bias=operator.frame.output_bias or shifts)
        return Taken(_with(node, replace(operator, frame=frame)), "proj.weight", "proj.bias")
    if not _is_plain(operator):
        return None
    return Taken(_with(node, _biased(operator, shifts)), "weight", "bias")


def before(node: Connect | Element, shifts: bool) -> Taken | None:
    """The layer as it is where its inputs are multiplied and, with `shifts`, shifted."""
    if isinstance(node, Element):
        return _before_classifier(node, shifts) if node.word == "classifier" else None
    operator = node.connection.operator
    weight = operator.weight
    # What completes a map stays 0, and keys without a bias stay without.
    attends = accepts_attention(node) or accepts_window_attention(node)
    if attends and not (shifts and (operator.space.pad or weight.keyless)):
        if shifts:
            weight = replace(weight, qkv_bias=True, key_bias=True)
        return Taken(_with(node, replace(operator, weight=weight)), "qkv.weight", "qkv.bias")
    framed = operator.frame.value or operator.frame.output
    if framed or not _is_plain(operator) or not _reads_alike(operator.space, shifts):
        return None
    taken = _with(node, _biased(operator, shifts))
    return Taken(taken, "weight", "bias", _groups(node.connection))


def is_passed(node: Element) -> bool:
    """Whether what stands before the element may as well stand behind it."""
    if node.word == "global_pool":
        return node["kind"] == "average"
    return node.word in PASSING


def _biased(operator: Operator, shifts: bool) -> Operator:
    return replace(operator, bias="channels") if shifts else operator


def _before_classifier(node: Element, shifts: bool) -> Taken:
    arguments = {**dict(node.arguments), "bias": bool(node["bias"]) or shifts}
    return Taken(replace(node, arguments=tuple(sorted(arguments.items()))), "weight", "bias")


def _with(node: Connect, operator: Operator) -> Connect:
    return replace(node, connection=replace(node.connection, operator=operator))


def _is_plain(operator: Operator) -> bool:
    """Whether each output channel has rows of W and a bias of its own, none of them predicted."""
    own = operator.channel.connect in ("full", "groups", "separate")
    own = own and operator.channel.share == "none"
    static = operator.weight.source == "static" and operator.weight.normalize == "none"
    return own and static and operator.bias in ("none", "channels")


def _reads_alike(space: Space, shifts: bool) -> bool:
    """Whether every output reads through the same weights and, where inputs are shifted, as many of
    them as every other, on maps of any size: the shift is then a bias per channel."""
    if space.share != "positions" or space.connect not in ("point", "local"):
        return False
    return not shifts or space.border in ENDLESS or _stays_inside(space)


def _stays_inside(space: Space) -> bool:
    """Whether no tap stands outside the map."""
    return space.padding == (0, 0) or (space.size == (1, 1) and isinstance(space.padding, str))


def _groups(connection: Connection) -> int:
    channel = connection.operator.channel
    if channel.connect == "separate":
        return connection.in_channels
    return channel.groups if channel.connect == "groups" else 1
