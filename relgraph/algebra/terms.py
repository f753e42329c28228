"""Rank words written out: an operator as a term of atoms, in this one place.

In: an operator as the spec says it. Out: what `assemble` walks, without rank words. Numbers of a
map are not known here; an atom says where its output stands only if that is not what its geometry
makes of its input.

    inner r      point ∘ C on r channels ∘ point (two points where C is a point itself)
    tokens n     U ∘ V, through n places
    separable    rows ∘ columns
    reduce       C ∘ Pool; a pair source's queries stay on the full map, only its keys are pooled
    scales f,…   C + Up ∘ C′ ∘ Down for each factor f

So that a rank bounds what DESIGN 6 says it bounds, the first factor of `tokens` and `separable`
works on each channel by itself where the operator mixes channels. Every factor has a bias of the
operator's kind where elements stand between them; without them an inner bias would say nothing
that the last one does not, and only the last factor has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from relgraph.algebra.operator import Channel, Frame, Operator, Rank, Size, Space, Weight


@dataclass(frozen=True)
class Atom:
    """A connection without rank words. `role` names its part in a longer term.

    Its output stands on `out_tokens` places, or `to_origin` where the whole term began, or else
    where the geometry of its space puts it."""

    operator: Operator
    in_channels: int
    out_channels: int
    role: str = ""
    out_tokens: int | None = None
    to_origin: bool = False


@dataclass(frozen=True)
class Between:
    """Where the elements stand that the spec puts between the factors."""


@dataclass(frozen=True)
class ReduceBody:
    """Where the body of `rank: {reduce: body}` stands."""


@dataclass(frozen=True)
class Pool:
    """Average over squares of `factor` × `factor` positions, which must divide the map."""

    factor: int


@dataclass(frozen=True)
class Up:
    """Every position repeated `factor` × `factor` times."""

    factor: int


@dataclass(frozen=True)
class Chain:
    """Composition, the first term first."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Sum:
    """Terms that read the same value and are added."""

    terms: tuple[Term, ...]


Term: TypeAlias = Atom | Between | ReduceBody | Pool | Up | Chain | Sum
POINT = Space(connect="point", share="positions")


def expand(operator: Operator, in_channels: int, out_channels: int, between: bool = False) -> Term:
    """The term that the operator stands for; one atom where no rank word is left to write out.

    `between` tells whether elements stand between the factors. The operator is consistent
    (`rules.check`); at most one of its axes carries a rank word.
    """
    rank = operator.channel.rank or operator.space.rank
    plain = Atom(_without_rank(operator), in_channels, out_channels)
    if rank is None or (rank.word == "reduce" and operator.weight.source == "pair"):
        return plain
    return _EXPANSIONS[rank.word](plain, rank, between)


def _without_rank(operator: Operator) -> Operator:
    if operator.space.rank is None and operator.channel.rank is None:
        return operator
    space, channel = replace(operator.space, rank=None), replace(operator.channel, rank=None)
    return replace(operator, space=space, channel=channel)


def _chain(first: Atom, *rest: Atom, between: bool, frame: Frame) -> Chain:
    """Factors with what stands between them; only the last keeps its bias if nothing does. A frame
    of the whole is the value projection of the first and the output projection of the last."""
    factors = [first, *rest]
    for at, factor in enumerate(factors):
        last = at == len(factors) - 1
        operator = replace(
            factor.operator,
            bias=factor.operator.bias if between or last else "none",
            frame=replace(frame, value=frame.value and at == 0, output=frame.output and last),
        )
        factors[at] = replace(factor, operator=operator)
    gap: tuple[Term, ...] = (Between(),) if between else ()
    terms: tuple[Term, ...] = (factors[0],)
    for factor in factors[1:]:
        terms = (*terms, *gap, factor)
    return Chain(terms)


def _inner(atom: Atom, rank: Rank, between: bool) -> Term:
    width, operator = rank.numbers[0], atom.operator
    bias = operator.bias
    squeeze = Atom(_point(bias), atom.in_channels, width, "squeeze")
    expand_ = Atom(_point(bias), width, atom.out_channels, "expand")
    if operator.space.connect == "point":
        expand_ = replace(expand_, operator=replace(operator, bias=bias))
        return _chain(squeeze, expand_, between=between, frame=operator.frame)
    core = replace(atom, in_channels=width, out_channels=width, role="core")
    return _chain(squeeze, core, expand_, between=between, frame=operator.frame)


def _point(bias: str) -> Operator:
    return Operator(space=POINT, bias=bias)  # type: ignore[arg-type]


def _tokens(atom: Atom, rank: Rank, between: bool) -> Term:
    gather, spread = _factors(atom, "gather", "spread", atom.operator.space, atom.operator.space)
    gather = replace(gather, out_tokens=rank.numbers[0])
    spread = replace(spread, to_origin=True)
    return _chain(gather, spread, between=between, frame=atom.operator.frame)


def _separable(atom: Atom, rank: Rank, between: bool) -> Term:
    """One matrix over rows for all columns and one over columns for all rows, so that what an
    output reads is the product of a row and a column: a full map shares its factors as windows."""
    space = atom.operator.space
    if space.connect == "full" and space.share == "none":
        space = replace(space, share="windows")
    columns, rows = _factors(atom, "columns", "rows", along_columns(space), along_rows(space))
    return _chain(columns, rows, between=between, frame=atom.operator.frame)


def _factors(atom: Atom, first: str, second: str, near: Space, far: Space) -> tuple[Atom, Atom]:
    operator = atom.operator
    own = operator.channel if operator.channel.connect == "separate" else Channel("separate")
    before = replace(operator, space=near, channel=own)
    after = replace(operator, space=far)
    c, d = atom.in_channels, atom.out_channels
    return Atom(before, c, c, first), Atom(after, c, d, second)


def along_columns(space: Space) -> Space:
    """The factor that mixes rows, within each column."""
    if space.connect in ("full", "stripe"):
        rows = space.size[0] if space.connect == "stripe" and space.along == "rows" else 0
        return _line(space, rows, 0)
    return _only(space, 0)


def along_rows(space: Space) -> Space:
    """The factor that mixes columns, within each row."""
    if space.connect in ("full", "stripe"):
        columns = space.size[1] if space.connect == "stripe" and space.along == "columns" else 0
        return _line(space, columns, 1)
    return _only(space, 1)


def _line(space: Space, places: int, axis: int) -> Space:
    """Pieces of `places` on one axis and one place on the other; 0: the whole axis, which is a
    stripe one place wide across it."""
    plain = replace(space, along="rows", size=(1, 1), shift=(0, 0))
    if not places:
        return replace(plain, connect="stripe", along="columns" if axis == 0 else "rows")
    return replace(
        plain, connect="window", size=_on(places, 1, axis), shift=_on(space.shift[axis], 0, axis)
    )


def _only(space: Space, axis: int) -> Space:
    """A space restricted to one axis: a single tap, one place, no stride on the other."""
    padding = space.padding
    if not isinstance(padding, str):
        padding = _on(padding[axis], 0, axis)
    return replace(
        space,
        size=_on(space.size[axis], 1, axis),
        stride=_on(space.stride[axis], 1, axis),
        dilation=_on(space.dilation[axis], 1, axis),
        shift=_on(space.shift[axis], 0, axis),
        halo=_on(space.halo[axis], 0, axis),
        padding=padding,
    )


def _on(value: int, other: int, axis: int) -> Size:
    return (value, other) if axis == 0 else (other, value)


def _reduce(atom: Atom, rank: Rank, between: bool) -> Term:
    pool: Term = Pool(rank.numbers[0]) if rank.numbers else ReduceBody()
    return Chain((pool, replace(atom, role="core", to_origin=True)))


def _scales(atom: Atom, rank: Rank, between: bool) -> Term:
    """Coarse parts are the same connection on smaller maps, each with weights of its own; the bias
    is the fine one's."""
    operator, frame = atom.operator, atom.operator.frame
    bare = replace(operator, frame=Frame())
    coarse = replace(bare, bias="none")
    branches: list[Term] = [replace(atom, operator=bare, role="fine")]
    for factor in rank.numbers:
        part = replace(atom, operator=coarse, role=f"coarse_{factor}")
        branches.append(Chain((Pool(factor), part, Up(factor))))
    return _framed(Sum(tuple(branches)), frame, atom)


def _framed(term: Term, frame: Frame, atom: Atom) -> Term:
    """Projections around a sum are point connections of their own."""
    terms: tuple[Term, ...] = (term,)
    if frame.value:
        value = Operator(POINT, Channel(), Weight(), "channels" if frame.value_bias else "none")
        terms = (Atom(value, atom.in_channels, atom.in_channels, "value"), *terms)
    if frame.output:
        output = Operator(POINT, Channel(), Weight(), "channels" if frame.output_bias else "none")
        terms = (*terms, Atom(output, atom.out_channels, atom.out_channels, "proj"))
    return term if len(terms) == 1 else Chain(terms)


_EXPANSIONS: Mapping[str, Callable[[Atom, Rank, bool], Term]] = {
    "inner": _inner,
    "tokens": _tokens,
    "separable": _separable,
    "reduce": _reduce,
    "scales": _scales,
}
