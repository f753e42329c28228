"""Operator uses with sizes: terms become instances, each connection with its two typed ends.

Goes in: a use of an operator and the value that it reads. Comes out: one `Connect`, or the scope of
several that a rank word stands for. What cannot be is refused by what `algebra.fit` says of it. A
shift stays as written: whether it is void depends on the map, so on the size a model is run at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from relgraph import resolved
from relgraph.algebra import geometry, terms
from relgraph.algebra.fit import Misfit, misfits
from relgraph.algebra.operator import Connection, Operator, Size
from relgraph.algebra.parameters import parameter_count, parameters
from relgraph.assemble.flow import MAX_PARAMETERS, Findings, Flow
from relgraph.assemble.naming import named
from relgraph.assemble.starts import connections, only_last_zero, start_misfit
from relgraph.program import Body, Branches, Connect, Element, Node, Scope

_expanded = lru_cache(maxsize=1024)(terms.expand)

WalkBody = Callable[[resolved.Body, Flow], tuple[Body, Flow]]


@dataclass(frozen=True)
class Site:
    """Where an operator is used: its use, the collected findings, the walk for inner bodies, and
    the value that the whole term began with."""

    use: resolved.OperatorUse
    findings: Findings
    walk: WalkBody
    origin: Flow


def connect(
    use: resolved.OperatorUse, flow: Flow, findings: Findings, walk: WalkBody
) -> tuple[Body, Flow]:
    """The instances that a use stands for, and the value after them."""
    if flow.shape.channels != use.in_channels:
        findings.refuse(
            "channels-differ",
            use.place,
            f"{flow.shape.channels} channels",
            f"the {use.in_channels} that {use.name} was resolved for",
        )
    term = _expanded(use.operator, use.in_channels, use.out_channels, bool(use.between))
    site = Site(use, findings, walk, flow)
    if isinstance(term, terms.Atom):
        node, after = _atom(term, flow, site)
        _check_starts((node,), site)
        return (replace(node, label=use.label),), after
    body, after = _term(term, flow, site)
    body = only_last_zero(body) if use.init == "zeros" else body
    _check_starts(body, site)
    scope = Scope(
        input=flow.shape,
        output=after.shape,
        label=use.label,
        place=use.place,
        name=use.name,
        role="operator",
        body=named(body),
        cite=use.cite,
        operator=use.operator,
    )
    return (scope,), after


def _term(term: terms.Term, flow: Flow, site: Site) -> tuple[Body, Flow]:
    if isinstance(term, terms.Atom):
        node, after = _atom(term, flow, site)
        return (node,), after
    if isinstance(term, terms.Between):
        return site.walk(site.use.between, flow)
    if isinstance(term, terms.ReduceBody):
        return site.walk(site.use.reduce, flow)
    if isinstance(term, terms.Pool):
        return _pool(term.factor, flow, site)
    if isinstance(term, terms.Up):
        return _up(term.factor, flow)
    if isinstance(term, terms.Sum):
        return _sum(term, flow, site)
    nodes: list[Node] = []
    for part in term.terms:
        made, flow = _term(part, flow, site)
        nodes += made
    return tuple(nodes), flow


def _sum(term: terms.Sum, flow: Flow, site: Site) -> tuple[Body, Flow]:
    walked = [_term(part, flow, site) for part in term.terms]
    after = walked[0][1]
    node = Branches(
        input=flow.shape,
        output=after.shape,
        place=site.use.place,
        combine="sum",
        branches=tuple(body for body, _ in walked),
    )
    return (node,), after


def _pool(factor: int, flow: Flow, site: Site) -> tuple[Body, Flow]:
    grid = geometry.as_map(flow.shape.grid)
    if grid[0] % factor or grid[1] % factor:
        site.findings.refuse(
            "map-does-not-divide",
            site.use.place,
            f"a map of {grid[0]}×{grid[1]}",
            f"both sides a multiple of {factor}, by which {site.use.name} reduces it",
        )
    site.findings.need_multiple(flow, (factor, factor))
    smaller = (max(1, grid[0] // factor), max(1, grid[1] // factor))
    after = flow.with_shape(replace(flow.shape, grid=smaller))
    step = Fraction(factor)
    arguments = {
        "ceil": False,
        "count_padding": True,
        "padding": 0,
        "size": factor,
        "stride": factor,
    }
    return (_element("avg_pool", flow, after, arguments),), after.with_stride((step, step))


def _up(factor: int, flow: Flow) -> tuple[Body, Flow]:
    rows, columns = geometry.as_map(flow.shape.grid)
    after = flow.with_shape(replace(flow.shape, grid=(rows * factor, columns * factor)))
    step = Fraction(1, factor)
    node = _element("upsample", flow, after, {"factor": factor, "mode": "nearest"})
    return (node,), after.with_stride((step, step))


def _element(
    word: str, flow: Flow, after: Flow, arguments: Mapping[str, resolved.Argument]
) -> Element:
    ordered = tuple(sorted(arguments.items()))
    return Element(input=flow.shape, output=after.shape, word=word, arguments=ordered)


def _plain(operator: Operator) -> Operator:
    """A place alone is a window of one: what windows share there, all positions share."""
    if operator.space.connect != "point" or operator.space.share != "windows":
        return operator
    return replace(operator, space=replace(operator.space, share="positions"))


def _atom(atom: terms.Atom, flow: Flow, site: Site) -> tuple[Connect, Flow]:
    use, shape = site.use, flow.shape
    atom = replace(atom, operator=_plain(atom.operator))
    _check_value(atom.operator, flow, site)
    reduce, key_grid = _reduce(atom.operator, flow, site)
    out_grid = _out_grid(atom, flow, site)
    connection = Connection(
        operator=atom.operator,
        in_channels=atom.in_channels,
        out_channels=atom.out_channels,
        in_grid=shape.grid,
        out_grid=out_grid,
        tokens=len(shape.tokens),
        key_grid=key_grid,
    )
    _check_geometry(connection, flow, site)
    after = _after(atom, connection, flow, site)
    node = Connect(
        input=shape,
        output=after.shape,
        label=atom.role or None,
        place=use.place,
        name=use.name,
        connection=connection,
        reduce=reduce,
        cite=use.cite,
        init=use.init,
    )
    return node, after


def _out_grid(atom: terms.Atom, flow: Flow, site: Site) -> Size | None:
    if atom.out_tokens is not None:
        return atom.out_tokens, 1
    if atom.to_origin:
        return site.origin.shape.grid
    grid = geometry.out_grid(atom.operator.space, flow.shape.grid)
    return None if grid is None else (max(1, grid[0]), max(1, grid[1]))


def _after(atom: terms.Atom, connection: Connection, flow: Flow, site: Site) -> Flow:
    shape = replace(flow.shape, channels=atom.out_channels, grid=connection.out_grid)
    if atom.to_origin:
        return site.origin.with_shape(replace(shape, tokens=site.origin.shape.tokens))
    after = flow.with_shape(shape)
    if atom.operator.space.stride == (1, 1) or shape.grid is None:
        return after
    rows, columns = atom.operator.space.stride
    return after.with_stride((Fraction(rows), Fraction(columns)))


def _reduce(operator: Operator, flow: Flow, site: Site) -> tuple[Scope | None, Size | None]:
    """The body that makes the keys' map, for weights that come from pairs."""
    rank = site.use.operator.space.rank
    if operator.weight.source != "pair" or rank is None or rank.word != "reduce":
        return None, None
    if rank.numbers:
        body, after = _pool(rank.numbers[0], flow, site)
    else:
        body, after = site.walk(site.use.reduce, flow)
    if not body or not after.known:
        return None, None
    if after.shape.channels != flow.shape.channels or after.shape.grid is None:
        site.findings.refuse(
            "reduce-channels",
            site.use.place,
            f"a reduction to {after.shape.channels} channels",
            f"a smaller map of {flow.shape.channels} channels for keys and values",
        )
    scope = Scope(
        input=flow.shape,
        output=after.shape,
        attr="reduce",
        name="reduce",
        role="reduce",
        body=named(body),
    )
    return scope, after.shape.grid


def _check_value(operator: Operator, flow: Flow, site: Site) -> None:
    connect, shape, use = operator.space.connect, flow.shape, site.use
    if connect == "point":
        return
    if shape.grid is None:
        site.findings.refuse(
            "needs-a-map",
            use.place,
            f"{use.name} on a pooled vector",
            "a map with positions; the value was pooled or selected before",
        )
    if shape.tokens and connect != "full":
        site.findings.refuse(
            "tokens-refused",
            use.place,
            f"{use.name} on a map with extra tokens ({', '.join(shape.tokens)})",
            "a map alone: only full connectivity and point connections see extra tokens",
            "put `select: map` before it",
        )


@dataclass(frozen=True)
class _Look:
    """What a connection is refused for, whether it fits its own map alone, and what it learns."""

    misfits: tuple[Misfit, ...]
    is_bound: bool
    parameters: int


@lru_cache(maxsize=1024)
def _looked_over(connection: Connection) -> _Look:
    """Blocks repeat their connections, and the same spec is assembled at several sizes."""
    found = tuple(misfits(connection))
    is_bound = _is_bound_to_map(connection) or _exceeds_map(connection)
    return _Look(found, is_bound, 0 if found else parameter_count(connection))


def _check_geometry(connection: Connection, flow: Flow, site: Site) -> None:
    use, space = site.use, connection.operator.space
    known = _looked_over(connection)
    for misfit in known.misfits:
        site.findings.refuse(
            misfit.code, use.place, misfit.found, f"{misfit.expected} ({use.name})", misfit.hint
        )
    if connection.operator.weight.position == "rotary" and flow.shape.layout == "sequence":
        site.findings.fixed = True  # how many rows a sequence has, only its builder knows
    if connection.in_grid is not None and space.connect in ("window", "stripe", "grid"):
        covered = geometry.extent(space, connection.in_grid)
        if not space.pad:
            site.findings.need_multiple(flow, covered)
    if _is_patches(connection):
        site.findings.need_multiple(flow, space.stride)
    if known.is_bound:
        site.findings.fixed = True
    if known.misfits:
        return  # no parameter has a shape
    if known.parameters > MAX_PARAMETERS:
        site.findings.refuse(
            "absurd-size",
            use.place,
            f"{known.parameters:,} parameters in one {use.name}",
            f"at most {MAX_PARAMETERS:,}",
        )


def _is_patches(connection: Connection) -> bool:
    """Whether kernels cut the map into patches, all of it."""
    space, grid = connection.operator.space, connection.in_grid
    if space.connect != "local" or space.padding != (0, 0) or space.size != space.stride:
        return False
    return grid is None or geometry.tiles(space, grid)


def _check_starts(body: Body, site: Site) -> None:
    """What an item says of its own start must mean something for its weights."""
    use = site.use
    if use.init is None or use.init_place is None:
        return
    for node in connections(body):
        if node.init is None or node.place is not use.place or misfits(node.connection):
            continue  # from a body among its arguments, or refused already
        misfit = start_misfit(node.connection, node.init)
        if misfit is not None:
            found = f"{misfit.found} ({use.name})"
            site.findings.refuse(misfit.code, use.init_place, found, misfit.expected, misfit.hint)


def _exceeds_map(connection: Connection) -> bool:
    """Whether a block is larger than its map: it shrinks to this map, but must divide larger ones,
    and no step between sizes leads from the one to the others."""
    space, grid = connection.operator.space, connection.in_grid
    if grid is None or space.pad or space.connect not in ("window", "stripe", "grid"):
        return False
    axes = (geometry.band_axis(space),) if space.connect == "stripe" else geometry.AXES
    return any(space.size[axis] > grid[axis] for axis in axes)


def _is_bound_to_map(connection: Connection) -> bool:
    """Whether some parameter has another shape on a map of another size, or the map that comes out
    is another one than comes in, of which a module sees only the latter."""
    grid = connection.in_grid
    if grid is None or connection.out_grid is None:
        return False
    if connection.operator.space.connect == "full" and connection.out_grid != grid:
        return True
    out = geometry.out_grid(connection.operator.space, (2 * grid[0], 2 * grid[1]))
    other_out = (2 * connection.out_grid[0], 2 * connection.out_grid[1])
    if connection.out_grid == geometry.out_grid(connection.operator.space, grid):
        assert out is not None
        other_out = out
    key = connection.key_grid and (2 * connection.key_grid[0], 2 * connection.key_grid[1])
    larger = replace(
        connection, in_grid=(2 * grid[0], 2 * grid[1]), out_grid=other_out, key_grid=key or None
    )
    return [p.shape for p in parameters(larger)] != [p.shape for p in parameters(connection)]
