"""Which numbers nodes have, and which ones edits between them may write.

In: nodes. Out: `Numbers`. A closure adds its roots' own numbers to those it was given; a path from
one node to another may write the numbers of the two and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from relgraph.algebra.operator import Operator
from relgraph.relations.node import Composite, Node
from relgraph.relations.numbers import GENERIC, KINDS, VARIANTS, Numbers

_NEUTRAL = frozenset(("dilation", "shift", "halo", "keys", "extent", "along", *VARIANTS))
"""Kinds of which one value says nothing, so that edits may always return to it."""


def own_numbers(numbers: Numbers, nodes: Iterable[Node]) -> Numbers:
    """The numbers, and those that the nodes have themselves, sorted."""
    return _joined(_listed(numbers), nodes, numbers.sized)


def only_numbers(nodes: Iterable[Node]) -> Numbers:
    """The nodes' own numbers, meant as they stand; the generic one where none of them has any of a
    kind."""
    own = tuple(nodes)
    written = {name for operator in atoms(own) for name, _ in _written(operator)}
    generic = _listed(GENERIC)
    kept = {
        name: () if name in written and name not in _NEUTRAL else values
        for name, values in generic.items()
    }
    return _joined(kept, own, sized=True)


def atoms(nodes: Iterable[Node]) -> Iterator[Operator]:
    """Every operator in the nodes."""
    for node in nodes:
        if isinstance(node, Composite):
            yield from atoms(node.parts)
        else:
            yield node


def _listed(numbers: Numbers) -> dict[str, tuple[Any, ...]]:
    return {name: getattr(numbers, name) for name in KINDS}


def _joined(listed: dict[str, tuple[Any, ...]], nodes: Iterable[Node], sized: bool) -> Numbers:
    found = {name: set(values) for name, values in listed.items()}
    for operator in atoms(nodes):
        for name, value in _written(operator):
            found[name].add(value)
    ordered = {name: _in_order(name, values) for name, values in found.items()}
    return Numbers(**ordered, sized=sized)


def _in_order(name: str, values: set[Any]) -> tuple[Any, ...]:
    if name in VARIANTS:
        return tuple(value for value in VARIANTS[name] if value in values)
    return tuple(sorted(values, key=lambda value: 0 if value is None else value))


def _written(operator: Operator) -> Iterator[tuple[str, Any]]:
    """Each number of an operator, with the name of its kind."""
    space, channel = operator.space, operator.channel
    sized = {"local": "kernel", "window": "window", "grid": "grid"}
    if space.connect in sized:
        yield sized[space.connect], space.size
    if space.connect == "local":
        yield "dilation", space.dilation
    if space.connect in ("window", "stripe"):
        yield "shift", space.shift
    if space.connect == "window":
        yield "halo", space.halo
    if space.connect == "stripe":
        yield "stripe", space.size[0 if space.along == "rows" else 1]
        yield "along", space.along
    if space.connect == "outlook":
        yield "outlook", (*space.size, *space.step)
    if channel.connect == "groups":
        yield "groups", channel.groups
    if channel.connect == "local":
        yield "band", channel.size
    if channel.share == "heads":
        yield "heads", channel.heads
    yield "normal", operator.weight.normalize
    if operator.weight.source in VARIANTS["sources"]:
        yield "sources", operator.weight.source
    if operator.weight.source == "pair":
        yield "scores", operator.weight.score
        yield "keys", operator.weight.kv_heads
        yield "positions", operator.weight.position
        yield "talking", operator.weight.talking_heads
    if operator.weight.source == "center":
        yield "extent", operator.weight.extent
    if operator.weight.fixed == "shift":
        yield "offset", operator.weight.offset
    for rank in (space.rank, channel.rank):
        if rank is not None and rank.numbers:
            yield rank.word, rank.numbers if rank.word == "scales" else rank.numbers[0]
