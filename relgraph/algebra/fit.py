"""Sizes that cannot work: what a consistent operator does not fit on this map or these channels.

In: a `Connection`. Out: values that say what was found, what was expected and how to mend it; the
caller knows the place and makes an error of them. That only `full` and `point` connections see
extra tokens, and only `point` ones a pooled vector, is told by whoever walks the values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relgraph.algebra import cost, geometry
from relgraph.algebra.operator import BY_OFFSET, TOGETHER, Connection, Normalize, Space, keeps_width
from relgraph.errors import counted


@dataclass(frozen=True)
class Misfit:
    """One size that does not fit: a stable code and the words of an error."""

    code: str
    found: str
    expected: str
    hint: str = ""


def misfits(connection: Connection) -> tuple[Misfit, ...]:
    """Everything about the connection's sizes that makes it impossible; empty where it is fine."""
    return (*_channel_misfits(connection), *_space_misfits(connection))


def cautions(connection: Connection) -> tuple[Misfit, ...]:
    """What is possible at this size but surely not meant."""
    return (
        *_single_slot(connection),
        *_single_channel(connection),
        *_beyond_map(connection),
        *_halo_beyond_map(connection),
        *_beyond_channels(connection),
        *_cut_patches(connection),
    )


def _single_slot(connection: Connection) -> Iterator[Misfit]:
    operator = connection.operator
    single = cost.width(connection) == 1 and operator.space.connect != "point"
    rule = operator.weight.normalize
    if rule in TOGETHER and single:
        what, makes = _OF_ONE[rule]
        found = f"{what} over a single slot on a map of {_sides(connection.in_grid)}"
        yield Misfit(f"{rule}-of-one", found, f"at least two slots: {makes}")


_OF_ONE: dict[Normalize, tuple[str, str]] = {
    "softmax": ("a softmax", "softmax of one is 1"),
    "l1": ("an l1 normalisation", "a number over its own magnitude is 1 or -1"),
}


def _single_channel(connection: Connection) -> Iterator[Misfit]:
    channel, width = connection.operator.channel, connection.in_channels
    if connection.operator.weight.source == "channels":
        if channel.groups == width and connection.operator.weight.normalize == "softmax":
            found = f"{width} heads of one channel each, under a softmax"
            yield Misfit("softmax-of-one", found, "wider heads: softmax of one is 1")
        if connection.tokens + geometry.area(connection.in_grid) == 1:
            found = "channels compared over a single place"
            yield Misfit("cosine-of-one", found, "a larger map: of one place a cosine is a sign")
        return
    if connection.operator.weight.score == "cosine" and heads(connection) == width:
        found = f"{width} heads of one channel each, compared by cosines"
        yield Misfit("cosine-of-one", found, "wider heads: of one channel a cosine is a sign")


def _beyond_map(connection: Connection) -> Iterator[Misfit]:
    """A kernel of which some taps read outside the map for every output. From one end of a map of n
    places to the other it is n − 1 steps, both ways: no more than 2n − 1 places are ever read."""
    space, grid = connection.operator.space, connection.in_grid
    if grid is None or space.connect not in ("local", "outlook"):
        return
    spans = geometry.span(space, 0), geometry.span(space, 1)
    if space.connect == "outlook":
        spans = space.size
    seen = 2 * grid[0] - 1, 2 * grid[1] - 1
    if spans[0] > seen[0] or spans[1] > seen[1]:
        yield Misfit(
            "kernel-beyond-map",
            f"a kernel that spans {_sides(spans)} on a map of {_sides(grid)}",
            f"at most {_sides(seen)}: what lies further out meets no place of its own",
            "use a smaller size or dilation, or a larger map",
        )


def _halo_beyond_map(connection: Connection) -> Iterator[Misfit]:
    """A halo that no window's fellows fill: the furthest are the map less one window away."""
    space, grid = (
        connection.operator.space,
        geometry.completed(connection.operator.space, connection.in_grid),
    )
    if grid is None or space.connect != "window":
        return
    places, around = geometry.extent(space, grid), geometry.halo(space, grid)
    most = grid[0] - places[0], grid[1] - places[1]
    if around[0] > most[0] or around[1] > most[1]:
        yield Misfit(
            "halo-beyond-map",
            f"a halo of {_sides(around)} around windows of {_sides(places)} on a map of "
            f"{_sides(grid)}",
            f"at most {_sides(most)}: what lies further out meets no place of its own",
            "use a smaller halo, or `connect: full`",
        )


def _beyond_channels(connection: Connection) -> Iterator[Misfit]:
    """A band of which some taps read beyond the channels for every output: of n channels no more
    than 2n − 1 are ever read."""
    channel, width = connection.operator.channel, connection.in_channels
    if channel.connect == "local" and channel.size > 2 * width - 1:
        yield Misfit(
            "band-beyond-channels",
            f"a band of {channel.size} channels among {width}",
            f"at most {2 * width - 1}: what lies further out meets no channel",
            "use a smaller size, or connect: full",
        )


def _cut_patches(connection: Connection) -> Iterator[Misfit]:
    """Patches that leave the last rows or columns of the map unread."""
    space, grid = connection.operator.space, connection.in_grid
    patches = space.connect == "local" and space.padding == (0, 0) and space.size == space.stride
    if grid is None or not patches or geometry.tiles(space, grid):
        return
    left = grid[0] % space.stride[0], grid[1] % space.stride[1]
    yield Misfit(
        "map-cut",
        f"patches of {_sides(space.size)} on a map of {_sides(grid)}",
        f"a map that they divide: the last {left[0]} rows and {left[1]} columns are never read",
        "use another size of image or patch",
    )


def divisors(number: int, limit: int = 12) -> str:
    """The numbers above 1 that divide `number`, for a hint; the largest ones where many do."""
    found = [n for n in range(2, number + 1) if number % n == 0]
    return ", ".join(str(n) for n in found[-limit:]) or "1"


def _channel_misfits(connection: Connection) -> Iterator[Misfit]:
    channel, predictor = connection.operator.channel, connection.operator.weight.predictor
    c, d = connection.in_channels, connection.out_channels
    if keeps_width(connection.operator):
        yield from _kept_misfits(connection)
    if channel.connect == "groups":
        for width in sorted({c, d}):
            if width % channel.groups:
                yield _indivisible("groups", channel.groups, width)
    if predictor is not None and predictor.reduction is not None and c % predictor.reduction:
        yield _indivisible("reduction", predictor.reduction, c)


def _kept_misfits(connection: Connection) -> Iterator[Misfit]:
    channel, c, d = connection.operator.channel, connection.in_channels, connection.out_channels
    if channel.share == "heads" and c % channel.heads:
        yield _indivisible("heads", channel.heads, c)
    shared = connection.operator.weight.kv_heads
    heads = {"none": c, "heads": channel.heads, "all": 1}[channel.share]
    if shared is not None and heads % shared:
        yield Misfit(
            "kv-heads-divide",
            f"keys for {shared} runs of {counted(heads, 'head')}",
            f"a number that divides {heads}",
            f"use {divisors(heads)}",
        )
    if c != d and not connection.operator.frame.output:
        reads = {"separate": "only itself", "local": "those around it"}.get(
            channel.connect, "those of its head"
        )
        yield Misfit(
            "widths-differ",
            f"{c} channels in and {d} out",
            f"the same width at both ends, since each channel reads {reads}",
            "put a pointwise connection before or after it, or `frame: {output: true}`",
        )


def _indivisible(word: str, number: int, channels: int) -> Misfit:
    return Misfit(
        f"{word}-divide" if word != "reduction" else "reduction-divides",
        f"{word} {number} over {channels} channels",
        f"a number that divides {channels}",
        f"use {divisors(channels)}",
    )


def _space_misfits(connection: Connection) -> Iterator[Misfit]:
    space, grid = connection.operator.space, connection.in_grid
    if grid is None:
        return
    if space.connect in ("window", "stripe", "grid") and not space.pad:
        yield from _block_misfits(space, grid)
    if space.connect in ("point", "local"):
        yield from _tap_misfits(space, grid)
    yield from _place_misfits(connection)


def _block_misfits(space: Space, grid: tuple[int, int]) -> Iterator[Misfit]:
    places = geometry.extent(space, grid)
    if all(length % n == 0 for length, n in zip(grid, places, strict=True)):
        return
    noun = {"window": "windows", "stripe": "stripes", "grid": "grids"}[space.connect]
    shared = geometry.as_map(grid)
    fits = [n for n in range(2, min(shared) + 1) if all(length % n == 0 for length in shared)]
    use = f"use {', '.join(map(str, fits[-8:]))}, or " if fits else "use "
    yield Misfit(
        "window-divides" if space.connect == "window" else f"{space.connect}-divides",
        f"{noun} of {_sides(places)} on a map of {_sides(grid)}",
        f"{noun} that divide the map",
        f"{use}`pad: true`, which completes the map with zero positions",
    )


def _tap_misfits(space: Space, grid: tuple[int, int]) -> Iterator[Misfit]:
    out = geometry.as_map(geometry.out_grid(space, grid))
    if min(out) < 1:
        spans = geometry.span(space, 0), geometry.span(space, 1)
        yield Misfit(
            "kernel-outside",
            f"a kernel that spans {_sides(spans)} on a map of {_sides(grid)}",
            "a map on which at least one whole kernel fits",
            "use a smaller size or dilation, or `padding: half`",
        )
    elif space.border == "reflect" and _reach(space, grid) >= min(grid):
        yield Misfit(
            "reflects-too-far",
            f"taps {_reach(space, grid)} places outside a map of {_sides(grid)}",
            "a map larger than what is reflected",
            "use `border: clamp` or `zero`, or a smaller size",
        )


def _reach(space: Space, grid: tuple[int, int]) -> int:
    return max(
        reach(space, length, axis)
        for axis, length in enumerate(grid)
        for reach in (geometry.before, geometry.after)
    )


def _place_misfits(connection: Connection) -> Iterator[Misfit]:
    operator = connection.operator
    biased = operator.weight.position in ("relative", "continuous")
    offsets = biased or (operator.space.share == "positions" and operator.space.connect == "full")
    if connection.tokens and operator.space.connect == "full" and offsets:
        yield Misfit(
            "tokens-have-no-offset",
            f"weights by offset on a map with {counted(connection.tokens, 'extra token')}",
            "positions only: an extra token stands nowhere on the map",
            "use `position: absolute`, `rotary` or none" if biased else "use `share: none`",
        )
    if operator.weight.position in BY_OFFSET and connection.key_grid is not None:
        yield Misfit(
            "keys-have-no-offset",
            f"a {operator.weight.position} position between a map of "
            f"{_sides(connection.in_grid)} and keys on a map of {_sides(connection.key_grid)}",
            "keys on the map of the queries",
            "use `position: absolute` or none",
        )
    yield from _turning_misfits(connection)
    if connection.tokens and operator.weight.source == "center" and operator.weight.extent > 1:
        yield Misfit(
            "tokens-have-no-region",
            f"weights read from a region on a map with {counted(connection.tokens, 'extra token')}",
            "`extent: 1`: an extra token has no neighbours",
        )
    if connection.tokens and connection.in_grid != connection.out_grid:
        yield Misfit(
            "tokens-cannot-move",
            f"a map that changes from {_sides(connection.in_grid)} to "
            f"{_sides(connection.out_grid)} with {counted(connection.tokens, 'extra token')}",
            "one map at both ends",
            "put `select: map` before it",
        )


def _turning_misfits(connection: Connection) -> Iterator[Misfit]:
    """Heads that queries and keys cannot be turned in, and a window on which a turn must close."""
    operator, width = connection.operator, connection.in_channels
    if operator.weight.position != "rotary" or operator.channel.share == "none":
        return  # heads of one channel are refused at any width: rule 49
    count = heads(connection)
    if width % count == 0 and width // count % 4:
        yield Misfit(
            "rotary-divides",
            f"rotary positions in heads of {counted(width // count, 'channel')}",
            "heads of a multiple of 4: a plane for sine and cosine, for rows and for columns",
            "use fewer or wider heads (`head_channels: 32`)",
        )
    space, grid = operator.space, geometry.as_map(connection.in_grid)
    if space.connect == "window" and any(geometry.ring(space, grid, a) for a in geometry.AXES):
        yield Misfit(
            "rotary-on-a-ring",
            f"rotary positions in windows of {_sides(space.size)} that go round a map of "
            f"{_sides(grid)}",
            "windows smaller than the map: a turn does not close where the map goes round",
            "use a smaller window, or `border: mask`",
        )


def heads(connection: Connection) -> int:
    """Runs of separate channels with weights of their own."""
    channel, width = connection.operator.channel, connection.in_channels
    return {"none": width, "heads": channel.heads, "all": 1}[channel.share]


def _sides(grid: tuple[int, int] | None) -> str:
    rows, columns = geometry.as_map(grid)
    return f"{rows}×{columns}"
