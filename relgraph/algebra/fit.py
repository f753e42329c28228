"""Which sizes cannot be: what a connection asks of its map and of its channels.

Goes in: a connection with its two ends. Comes out: every misfit in words, each with the numbers
that would do. Nothing is raised; whoever knows where the spec stands turns these into problems.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relgraph.algebra import geometry
from relgraph.algebra.operator import Connection, Size

WORDS = ("rows", "columns")


@dataclass(frozen=True)
class Misfit:
    """One thing that cannot be: a stable code, what was found, what was expected, a way out."""

    code: str
    found: str
    expected: str
    hint: str = ""


def misfits(connection: Connection) -> tuple[Misfit, ...]:
    """All misfits of a connection, channels first."""
    return (*_channels(connection), *_predictor(connection), *_map(connection))


def divisors_near(number: int, wanted: int) -> str:
    """The divisors of `number` next to `wanted`, as a hint."""
    divisors = [d for d in range(1, min(number, 1 << 16) + 1) if number % d == 0]
    near = sorted(sorted(divisors, key=lambda d: abs(d - wanted))[:3])
    return f"use {', '.join(map(str, near[:-1]))} or {near[-1]}" if len(near) > 1 else "use 1"


def _channels(connection: Connection) -> Iterator[Misfit]:
    channel, c, d = connection.operator.channel, connection.in_channels, connection.out_channels
    if channel.connect == "groups":
        for width, which in ((c, "input"), (d, "output")):
            if width % channel.groups:
                yield Misfit(
                    "groups-divide",
                    f"{channel.groups} groups",
                    f"the number of groups must divide the {width} {which} channels",
                    divisors_near(width, channel.groups),
                )
    if channel.share == "heads" and c % channel.heads:
        yield Misfit(
            "heads-divide",
            f"{channel.heads} heads",
            f"the number of heads must divide the {c} channels",
            divisors_near(c, channel.heads),
        )
    if channel.connect == "separate" and c != d and not connection.operator.frame.output:
        yield Misfit(
            "separate-keeps-channels",
            f"{c} channels in, {d} out",
            "as many out as in: every channel sees only itself",
            "put a pointwise layer after it",
        )


def _predictor(connection: Connection) -> Iterator[Misfit]:
    predictor, c = connection.operator.weight.predictor, connection.in_channels
    if predictor is None or predictor.reduction is None:
        return
    if predictor.reduction < 1 or c % predictor.reduction:
        yield Misfit(
            "reduction-divides",
            f"a reduction of {predictor.reduction}",
            f"a divisor of the {c} channels",
            divisors_near(c, predictor.reduction),
        )


def _map(connection: Connection) -> Iterator[Misfit]:
    grid, space = connection.in_grid, connection.operator.space
    if grid is None:
        return
    if space.connect in ("window", "stripe", "grid") and not space.pad:
        yield from _blocks(connection, grid)
    if space.connect == "local":
        yield from _kernel(connection, grid)


def _blocks(connection: Connection, grid: Size) -> Iterator[Misfit]:
    space = connection.operator.space
    places = geometry.extent(space, grid)
    if any(length % side for length, side in zip(grid, places, strict=True)):
        noun = {"window": "window", "stripe": "band", "grid": "grid"}[space.connect]
        yield Misfit(
            "window-does-not-divide",
            f"a {noun} of {places[0]}×{places[1]} on a map of {grid[0]}×{grid[1]}",
            f"a map that the {noun} divides",
            "change the size of the input or of the window, or write `pad: true`",
        )


def _kernel(connection: Connection, grid: Size) -> Iterator[Misfit]:
    space = connection.operator.space
    out = geometry.out_grid(space, grid)
    if out is not None and min(out) < 1:
        yield Misfit(
            "map-too-small",
            f"a kernel of {space.size[0]}×{space.size[1]} on a map of {grid[0]}×{grid[1]}",
            "a map at least as large as the kernel",
            "enlarge the input or drop a stride before it",
        )
        return
    whole = space.padding == (0, 0) and space.size == space.stride and space.dilation == (1, 1)
    if whole and any(length % side for length, side in zip(grid, space.size, strict=True)):
        yield Misfit(
            "patches-do-not-divide",
            f"patches of {space.size[0]}×{space.size[1]} on a map of {grid[0]}×{grid[1]}",
            "a map that the patches divide",
            "change the size of the input or of the patches",
        )
    if space.border == "reflect":
        yield from _reflection(connection, grid)


def _reflection(connection: Connection, grid: Size) -> Iterator[Misfit]:
    space = connection.operator.space
    for axis, length in enumerate(grid):
        reach = max(geometry.before(space, length, axis), geometry.after(space, length, axis))
        if reach >= length:
            yield Misfit(
                "reflection-too-far",
                f"a kernel that reaches {reach} {WORDS[axis]} over the border of {length}",
                "less than the map: a reflection beyond it is not defined",
                "use `border: clamp` or `wrap`",
            )
