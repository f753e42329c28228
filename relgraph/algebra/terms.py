"""Rank words as terms of smaller connections, expanded in this one place.

Goes in: an operator with rank words and its two widths. Comes out: a term whose atoms have no rank
word left.

    inner r      point(r→D) ∘ C(r→r) ∘ point(C→r)         (two points where C itself is a point)
    tokens n     U(n→positions) ∘ V(positions→n)
    separable    rows(1×w) ∘ columns(h×1)
    scales s     C + Up_s ∘ C′ ∘ Pool_s + ...
    reduce s     C ∘ Pool_s                               (of keys and values where weights are pairs)

What stands `between` factors (norms, activations) is the caller's to place: the term says where.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from relgraph.algebra.operator import Channel, Operator, Rank, Space, Weight


@dataclass(frozen=True)
class Atom:
    """A connection without rank words, between widths. `role` names it among its siblings.

    `out_tokens` n: it ends on n places without geometry. `to_origin`: it ends on the map that the
    whole term began with.
    """

    operator: Operator
    in_channels: int
    out_channels: int
    role: str = ""
    out_tokens: int | None = None
    to_origin: bool = False


@dataclass(frozen=True)
class Pool:
    """Average pooling by a whole factor: a fixed connection without parameters."""

    factor: int


@dataclass(frozen=True)
class Up:
    """Nearest upsampling by a whole factor: the transpose of pooling, up to scale."""

    factor: int


@dataclass(frozen=True)
class Between:
    """The place of the elements between two factors."""


@dataclass(frozen=True)
class ReduceBody:
    """The place of the body that makes the smaller map."""


@dataclass(frozen=True)
class Compose:
    """Factors in the order in which they are applied."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Sum:
    """Parts that read the same value."""

    terms: tuple[Term, ...]


Term: TypeAlias = Atom | Pool | Up | Between | ReduceBody | Compose | Sum


def expand(
    operator: Operator, in_channels: int, out_channels: int, between: bool = False
) -> Term:
    """The term that `operator` stands for. `between` says that elements stand between factors:
    only then do factors other than the last have a bias of their own (else it would be redundant).
    """
    if operator.channel.rank is not None:
        return _inner(operator, in_channels, out_channels, between)
    rank = operator.space.rank
    if rank is None:
        return Atom(operator, in_channels, out_channels)
    plain = _without_space_rank(operator)
    if rank.word == "tokens":
        return _tokens(plain, rank, in_channels, out_channels, between)
    if rank.word == "separable":
        return _separable(plain, in_channels, out_channels, between)
    if rank.word == "scales":
        return _scales(plain, rank, in_channels, out_channels)
    assert rank.word == "reduce"
    if operator.weight.source == "pair":
        return Atom(plain, in_channels, out_channels)  # Its keys and values are reduced inside.
    smaller: Term = Pool(rank.numbers[0]) if rank.numbers else ReduceBody()
    return Compose((smaller, Atom(plain, in_channels, out_channels, "core", to_origin=True)))


def _without_space_rank(operator: Operator) -> Operator:
    return replace(operator, space=replace(operator.space, rank=None))


def _early(operator: Operator, between: bool) -> Operator:
    """A factor before the last: biased only where an element follows."""
    return operator if between else replace(operator, bias="none")


def _inner(operator: Operator, in_channels: int, out_channels: int, between: bool) -> Term:
    rank = operator.channel.rank
    assert rank is not None
    width = rank.numbers[0]
    core = replace(operator, channel=replace(operator.channel, rank=None))
    point = Operator(
        space=Space("point", share="positions"),
        channel=Channel("full"),
        weight=Weight(),
        bias=operator.bias,
    )
    if operator.space.connect != "point" or operator.space.stride != (1, 1):
        early = _early(replace(point, bias="channels" if between else "none"), between)
        middle = expand(_early(core, between), width, width, between)
        last = replace(point, bias="none" if operator.bias == "none" else "channels")
        return Compose(
            (
                Atom(early, in_channels, width, "squeeze"),
                Between(),
                replace(middle, role="core") if isinstance(middle, Atom) else middle,
                Between(),
                Atom(last, width, out_channels, "expand"),
            )
        )
    return Compose(
        (
            Atom(_early(core, between), in_channels, width, "squeeze"),
            Between(),
            Atom(core, width, out_channels, "expand"),
        )
    )


def _tokens(
    operator: Operator, rank: Rank, in_channels: int, out_channels: int, between: bool
) -> Term:
    count = rank.numbers[0]
    down = Atom(_early(operator, between), in_channels, out_channels, "to_tokens", count)
    up = Atom(operator, out_channels, out_channels, "from_tokens", to_origin=True)
    return Compose((down, Between(), up))


def _separable(operator: Operator, in_channels: int, out_channels: int, between: bool) -> Term:
    space = operator.space
    columns = replace(operator, space=_along(space, 0))
    rows = replace(operator, space=_along(space, 1))
    first = Atom(_early(columns, between), in_channels, out_channels, "columns")
    return Compose((first, Between(), Atom(rows, out_channels, out_channels, "rows")))


def _along(space: Space, axis: int) -> Space:
    """The kernel of one axis alone."""

    def only(size: tuple[int, int], neutral: int) -> tuple[int, int]:
        return (size[0], neutral) if axis == 0 else (neutral, size[1])

    padding = space.padding if isinstance(space.padding, str) else only(space.padding, 0)
    return replace(
        space,
        size=only(space.size, 1),
        stride=only(space.stride, 1),
        dilation=only(space.dilation, 1),
        padding=padding,
    )


def _scales(operator: Operator, rank: Rank, in_channels: int, out_channels: int) -> Term:
    coarse = replace(operator, bias="none")
    parts: list[Term] = [Atom(operator, in_channels, out_channels, "fine")]
    for factor in rank.numbers:
        atom = Atom(coarse, in_channels, out_channels, f"coarse{factor}")
        parts.append(Compose((Pool(factor), atom, Up(factor))))
    return Sum(tuple(parts))
