"""One family as connections: at its own size, at awkward ones, inside a frame.

In: a family without rank words and its number. Out: connections that fit, each with a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

from benchmarks.families.variants import square
from relgraph.algebra.families import GRID, connection, framed
from relgraph.algebra.fit import misfits
from relgraph.algebra.operator import BiasShare, Connection, Operator, Size
from relgraph.algebra.rules import check

ODD: Size = (5, 7)  # neither side even, no square, divided by no window
SMALL: tuple[Size, ...] = ((1, 2), (2, 1))  # smaller than every kernel and most windows
BEYOND: Size = (5, 7)  # dilations of which each step leaves the map


@dataclass(frozen=True)
class Instance:
    """A family at sizes of its own: what they are called, and the connection."""

    what: str
    connection: Connection


def instances(operator: Operator, number: int) -> tuple[Instance, ...]:
    """All that fit; the first is the family as it is enumerated. `number` says which frame and
    which bias it gets, and which of the small maps."""
    return tuple(
        one
        for one in _all(operator, number)
        if not misfits(one.connection) and not check(one.connection.operator)
    )


def square_instances(operator: Operator) -> tuple[Instance, ...]:
    """As many channels at both ends, on all maps that fit."""
    made = (Instance(f"{h}×{w}", square(operator, (h, w))) for h, w in (GRID, ODD, *SMALL))
    return tuple(one for one in made if not misfits(one.connection))


def _all(operator: Operator, number: int) -> Iterator[Instance]:
    yield Instance("4×6", connection(operator, GRID))
    yield Instance("5×7", connection(operator, ODD))
    small = SMALL[number % 2]
    yield Instance(f"{small[0]}×{small[1]}", connection(operator, small))
    if operator.space.connect == "local":
        far = replace(operator, space=replace(operator.space, dilation=BEYOND))
        yield Instance("dilation beyond the map", connection(far, GRID))
    frames = tuple(framed(operator))
    biases = get_args(BiasShare)
    inside = replace(frames[number % len(frames)], bias=biases[number // 4 % len(biases)])
    yield Instance("in a frame", connection(inside, GRID))
