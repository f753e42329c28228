"""Which input sizes a built model accepts: the resolution contract of a program.

Goes in: the assembled program, the divisibilities that were found on the walk, and a way to
assemble the same spec at another size. Comes out: a `Contract`. Multiples are known from the walk;
what rounds down (a pool, a kernel without padding) or reflects has a least size, and may meet its
counterpart at some sizes only. Such programs, and those built for one size, are tried at a few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import lcm

from relgraph.algebra import geometry
from relgraph.algebra.operator import Connection, Size
from relgraph.algebra.parameters import parameters
from relgraph.assemble.walking import nodes
from relgraph.errors import RelgraphError
from relgraph.program import Connect, Contract, Element, Node, Program, Residual, Shape

Assembled = Callable[[Size], Program]
Structure = list[tuple[str, object]]


def settled(program: Program, assembled: Assembled) -> Program:
    """`program` with a contract that holds: `assembled` makes it at another size, or raises
    RelgraphError."""
    contract = program.contract
    if not contract.fixed and any(_is_delicate(node) for _, node in nodes(program)):
        structure = _structure(program)
        contract = _by_trial(program, lambda size: _is_like(structure, size, assembled))
    if contract.fixed:
        contract = replace(contract, unique=not _can_be_rebuilt(program, contract, assembled))
    return replace(program, contract=contract)


def _can_be_rebuilt(program: Program, contract: Contract, assembled: Assembled) -> bool:
    """Whether a model for another size has the same modules on maps that are the image's sides
    over whole numbers, rounded up: all that a builder knows of the size it is asked for."""
    own = program.input.grid
    assert own is not None
    if any(_is_clipped(one) or _is_cut(one) for _, one in nodes(program)):
        return False
    for times in ((1, 1), (2, 3)):
        size = tuple(s + n * m for s, n, m in zip(own, times, contract.multiple, strict=True))
        if not _follows(program, (size[0], size[1]), assembled):
            return False
    return True


def _is_clipped(node: Node) -> bool:
    """Whether a block is larger than its map: it is the map's own, and another map has another; or
    a stripe just spans it, whose shift, with weights for each place, is void here alone."""
    if not isinstance(node, Connect) or node.connection.in_grid is None:
        return False
    space, grid = node.connection.operator.space, node.connection.in_grid
    axes = {"window": (0, 1), "grid": (0, 1), "stripe": (geometry.band_axis(space),)}
    void = space.connect == "stripe" and space.share == "none" and any(space.shift)
    return any(
        space.size[axis] > grid[axis] or (void and space.size[axis] == grid[axis])
        for axis in axes.get(space.connect, ())
    )


def _is_cut(node: Node) -> bool:
    """Whether blocks with numbers for every pair of places are cut at the border. Their weights are
    a list of those that exist, and a table on a map that one block spans. Windows with a halo have
    fewer numbers there, however they are shared: nothing is around what spans its map."""
    if not isinstance(node, Connect) or node.connection.in_grid is None:
        return False
    space, weight = node.connection.operator.space, node.connection.operator.weight
    listed = {"static": space.share == "none", "pair": weight.position == "absolute"}
    cut = space.connect in ("window", "stripe") and any(space.shift) and space.border != "wrap"
    placeless = weight.position == "none" if weight.source == "pair" else space.share == "all"
    around = any(space.halo) and not placeless
    return around or (cut and listed.get(weight.source, False))


def _follows(program: Program, size: Size, assembled: Assembled) -> bool:
    own = program.input.grid
    assert own is not None
    try:
        here, there = _maps(program), _maps(assembled(size))
    except RelgraphError:
        return False
    if [which for which, _ in here] != [which for which, _ in there]:
        return False
    known = {stage.reduction for stage in program.stages}
    return all(
        one == other or any(_over(size, by) == other for by in _divisors(own, one, known))
        for (_, one), (_, other) in zip(here, there, strict=True)
    )


def _divisors(sides: Size, grid: Size, known: set[Size]) -> set[Size]:
    """The pairs of whole numbers that make the map `grid` of an image: `known` ones, or the one
    that the sides themselves tell."""
    return {by for by in {*known, _over(sides, grid)} if _over(sides, by) == grid}


def _maps(program: Program) -> list[tuple[tuple[str, bool], Size]]:
    """The maps that connections and positions stand on, in order, each with whose it is. Where a
    map has as many places as the learned tokens behind it, nothing tells the two apart, and on
    another map something does: a full connection that keeps its places is another one."""
    found: list[tuple[tuple[str, bool], Size]] = []
    for path, node in nodes(program):
        grids: tuple[Size | None, ...] = ()
        keeps = False
        if isinstance(node, Connect):
            one = node.connection
            grids = (one.in_grid, one.out_grid, one.key_grid)
            keeps = one.operator.space.connect == "full" and one.in_grid == one.out_grid
        elif isinstance(node, Element) and node.word == "position":
            grids = (node.input.grid,)
        found += [((path, keeps), grid) for grid in grids if grid is not None]
    return found


def _over(sides: Size, by: Size) -> Size:
    return -(-sides[0] // by[0]), -(-sides[1] // by[1])


def _is_delicate(node: Node) -> bool:
    """Whether the map behind `node`, or that there is one, follows from more than a stride."""
    if isinstance(node, Connect):
        return _rounds(node.connection)
    if isinstance(node, Residual):
        # Where a sum is dropped or a shortcut taken because of the map, a map of one has neither.
        return node.input.channels == node.output.channels and node.input != node.output
    if not isinstance(node, Element):
        return False
    return node.word == "upsample" or (node.word in ("avg_pool", "max_pool") and _cuts(node))


def _cuts(pool: Element) -> bool:
    """Whether a pool makes something else than its map over its stride, rounded up."""
    size, padding = _pair(pool["size"]), _pair(pool["padding"])
    return bool(pool["ceil"]) or any(2 * p + 1 != k for p, k in zip(padding, size, strict=True))


def _pair(value: object) -> Size:
    if isinstance(value, tuple):
        return value[0], value[1]
    assert isinstance(value, int)
    return value, value


def _rounds(connection: Connection) -> bool:
    space, grid = connection.operator.space, connection.in_grid
    if grid is None:
        return False
    if space.connect in ("window", "stripe", "grid"):
        # What divides the map is known from the walk, where nothing is padded. A wrapped block
        # that spans its map has fewer offsets than the same block on a larger one.
        around = space.halo != (0, 0)  # nothing is around a block that spans its map
        return space.pad or around or (space.border == "wrap" and space.connect != "grid")
    if space.connect != "local":
        return False
    if space.border == "reflect":
        return True
    if isinstance(space.padding, str):
        return False
    if space.padding == (0, 0) and space.size == space.stride:
        return not geometry.tiles(space, grid)  # else the multiple is known from the walk
    return any(2 * space.padding[axis] + 1 != geometry.span(space, axis) for axis in (0, 1))


def _by_trial(program: Program, accepts: Callable[[Size], bool]) -> Contract:
    own, known = program.input.grid, program.contract.multiple
    assert own is not None
    for rows, columns in _steps(program):
        step = (lcm(known[0], rows), lcm(known[1], columns))
        divides = own[0] % step[0] == 0 and own[1] % step[1] == 0
        if divides and accepts((own[0] + step[0], own[1] + 3 * step[1])):
            return Contract(fixed=False, multiple=step, minimum=_least(own, step, accepts))
    return Contract(fixed=True, multiple=known, minimum=own)


def _steps(program: Program) -> Iterator[Size]:
    """Steps between sizes that may all do, small ones first."""
    yield 1, 1
    last = (1, 1)
    for stage in program.stages:
        last = stage.reduction
        yield last
    yield 2 * last[0], 2 * last[1]


def _least(own: Size, step: Size, accepts: Callable[[Size], bool]) -> Size:
    """The smallest size that does, found by halving: on both axes at once, `own` at most."""

    def size(count: int) -> Size:
        return min(own[0], count * step[0]), min(own[1], count * step[1])

    low, high = 1, max(own[0] // step[0], own[1] // step[1])
    while low < high:
        middle = (low + high) // 2
        if accepts(size(middle)):
            high = middle
        else:
            low = middle + 1
    return size(high)


def _is_like(structure: Structure, size: Size, assembled: Assembled) -> bool:
    """Whether the spec works at `size`, with the same modules."""
    try:
        return _structure(assembled(size)) == structure
    except RelgraphError:
        return False


def _structure(program: Program) -> Structure:
    return [(path, _kind(node)) for path, node in nodes(program)]


def _kind(node: Node) -> object:
    """What must be the same at every size."""
    if isinstance(node, Connect):
        shapes = tuple((one.name, one.shape) for one in parameters(node.connection))
        return shapes, _goes_round(node.connection)
    if isinstance(node, Residual):
        return None if node.shortcut is None else len(node.shortcut)
    return (type(node).__name__, _width(node.input), _width(node.output))


def _goes_round(connection: Connection) -> tuple[bool, ...]:
    """On which axes a window's offsets count round the map, where a network makes a bias of them:
    its parameters are the same on every map, and do not tell."""
    operator, grid = connection.operator, connection.in_grid
    network = operator.weight.position == "continuous" and operator.space.connect == "window"
    if grid is None or not network:
        return ()
    return tuple(geometry.ring(operator.space, grid, axis) for axis in geometry.AXES)


def _width(shape: Shape) -> tuple[int, tuple[str, ...], bool]:
    return shape.channels, shape.tokens, shape.grid is None
