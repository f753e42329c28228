"""Rank words written out: the atoms, and that the composed W has the rank that the word says."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from relgraph.algebra import geometry, terms
from relgraph.algebra.operator import (
    Channel,
    Connection,
    Frame,
    Operator,
    Rank,
    Size,
    Space,
    Weight,
)
from relgraph.algebra.parameters import parameters
from relgraph.algebra.rules import check
from relgraph.algebra.terms import Atom, Between, Chain, Pool, ReduceBody, Sum, Term, Up, expand
from relgraph.verify import oracle

SEPARATE = Channel("separate")
FULL = Space("full")
GRID: Size = (4, 6)


def ranked(space: Space, word: str, *numbers: int) -> Space:
    return replace(space, rank=Rank(word, numbers))  # type: ignore[arg-type]


def atoms(term: Term) -> list[Atom]:
    if isinstance(term, Atom):
        return [term]
    if isinstance(term, Chain | Sum):
        return [atom for part in term.terms for atom in atoms(part)]
    return []


# What stands where


def test_without_a_rank_word_the_operator_is_its_own_term() -> None:
    operator = Operator(Space("local", (3, 3), share="positions"))
    assert expand(operator, 4, 6) == Atom(operator, 4, 6)


def test_inner_is_a_bottleneck() -> None:
    conv = Space("local", (3, 3), stride=(2, 2), share="positions")
    term = expand(Operator(conv, Channel("full", rank=Rank("inner", (2,)))), 8, 6, between=True)
    assert isinstance(term, Chain)
    squeeze, first, core, second, widen = term.terms
    assert isinstance(first, Between)
    assert isinstance(second, Between)
    assert isinstance(squeeze, Atom) and isinstance(core, Atom) and isinstance(widen, Atom)
    assert [(a.in_channels, a.out_channels) for a in (squeeze, core, widen)] == [
        (8, 2),
        (2, 2),
        (2, 6),
    ]
    assert core.operator == Operator(conv)
    assert squeeze.operator.space == widen.operator.space == terms.POINT


def test_inner_of_a_point_is_two_points() -> None:
    operator = Operator(Space(share="positions"), Channel("full", rank=Rank("inner", (16,))))
    found = atoms(expand(operator, 4, 4, between=True))
    assert [(a.in_channels, a.out_channels) for a in found] == [(4, 16), (16, 4)]
    assert [a.operator.bias for a in found] == ["channels", "channels"]


def test_only_the_last_factor_has_a_bias_where_nothing_stands_between() -> None:
    operator = Operator(ranked(FULL, "tokens", 3), SEPARATE, bias="positions")
    assert [a.operator.bias for a in atoms(expand(operator, 4, 4))] == ["none", "positions"]
    assert [a.operator.bias for a in atoms(expand(operator, 4, 4, between=True))] == [
        "positions",
        "positions",
    ]


def test_tokens_leave_the_map_and_come_back() -> None:
    gather, spread = atoms(expand(Operator(ranked(FULL, "tokens", 3), SEPARATE), 4, 4))
    assert (gather.out_tokens, gather.to_origin) == (3, False)
    assert (spread.out_tokens, spread.to_origin) == (None, True)


def test_reduce_pools_first_and_a_pair_keeps_its_queries() -> None:
    operator = Operator(ranked(FULL, "reduce", 2), SEPARATE)
    pool, core = expand(operator, 4, 4).terms  # type: ignore[union-attr]
    assert pool == Pool(2)
    assert isinstance(core, Atom) and core.to_origin
    body = replace(operator, space=ranked(FULL, "reduce"))
    assert expand(body, 4, 4).terms[0] == ReduceBody()  # type: ignore[union-attr]
    pair = replace(operator, weight=Weight("pair", "softmax"), bias="none")
    assert expand(pair, 4, 4) == Atom(replace(pair, space=FULL), 4, 4)


def test_scales_are_a_sum_of_the_same_at_coarser_maps() -> None:
    conv = Space("local", (3, 3), share="positions")
    term = expand(Operator(ranked(conv, "scales", 2, 4)), 4, 6)
    assert isinstance(term, Sum)
    fine, half, quarter = term.terms
    assert fine == Atom(Operator(conv), 4, 6, "fine")
    for part, factor in ((half, 2), (quarter, 4)):
        assert isinstance(part, Chain)
        assert part.terms[0] == Pool(factor) and part.terms[2] == Up(factor)
    assert [a.operator.bias for a in atoms(term)] == ["channels", "none", "none"]
    assert len({a.role for a in atoms(term)}) == 3


def test_a_frame_stands_around_the_whole_term() -> None:
    frame = Frame(value=True, output=True)
    chained = Operator(ranked(FULL, "tokens", 3), SEPARATE, frame=frame)
    first, last = (atom.operator.frame for atom in atoms(expand(chained, 4, 6)))
    assert (first.value, first.output, last.value, last.output) == (True, False, False, True)
    conv = Space("local", (3, 3), share="positions")
    found = atoms(expand(Operator(ranked(conv, "scales", 2), frame=frame), 4, 6))
    assert [a.role for a in found] == ["value", "fine", "coarse_2", "proj"]
    assert all(a.operator.frame == Frame() for a in found)


# What the composed W is


def matrix(term: Term, c: int, d: int, grid: Size = GRID) -> Tensor:
    """W[o, d, i, c] of a linear term with random weights, by running it on unit inputs."""
    generator = torch.Generator().manual_seed(0)
    places = grid[0] * grid[1]
    units = torch.eye(places * c, dtype=torch.float64).reshape(places * c, places, c)
    y, _ = run(term, units, grid, grid, generator)
    return y.reshape(places, c, -1, d).permute(2, 3, 0, 1)


def run(
    term: Term, x: Tensor, grid: Size, origin: Size, generator: torch.Generator
) -> tuple[Tensor, Size]:
    if isinstance(term, Atom):
        return run_atom(term, x, grid, origin, generator)
    if isinstance(term, Pool):
        square = x.transpose(1, 2).reshape(len(x), -1, *grid)
        pooled = torch.nn.functional.avg_pool2d(square, term.factor)
        return pooled.flatten(2).transpose(1, 2), (grid[0] // term.factor, grid[1] // term.factor)
    if isinstance(term, Up):
        square = x.unflatten(1, grid)
        larger = square.repeat_interleave(term.factor, 1).repeat_interleave(term.factor, 2)
        return larger.flatten(1, 2), (grid[0] * term.factor, grid[1] * term.factor)
    assert isinstance(term, Chain | Sum)
    if isinstance(term, Sum):
        parts = [run(part, x, grid, origin, generator) for part in term.terms]
        return torch.stack([y for y, _ in parts]).sum(0), parts[0][1]
    for part in term.terms:
        x, grid = run(part, x, grid, origin, generator)
    return x, grid


def run_atom(
    atom: Atom, x: Tensor, grid: Size, origin: Size, generator: torch.Generator
) -> tuple[Tensor, Size]:
    out = geometry.as_map(geometry.out_grid(atom.operator.space, grid))
    out = origin if atom.to_origin else out
    out = (atom.out_tokens, 1) if atom.out_tokens else out
    operator = replace(atom.operator, bias="none")
    assert check(operator) == ()
    at = Connection(operator, atom.in_channels, atom.out_channels, grid, out)
    tensors = {
        p.name: torch.randn(p.shape, generator=generator, dtype=torch.float64)
        for p in parameters(at)
    }
    return oracle.connect(at, tensors, x), out


def rank(m: Tensor) -> int:
    return int(torch.linalg.matrix_rank(m))


@pytest.mark.parametrize("channel", [SEPARATE, Channel("separate", share="all"), Channel("full")])
def test_tokens_bound_each_channels_matrix_over_positions(channel: Channel) -> None:
    term = expand(Operator(ranked(FULL, "tokens", 3), channel), 4, 4)
    w = matrix(term, 4, 4)
    found = {rank(w[:, d, :, c]) for d in range(4) for c in range(4)}
    assert found == ({3} if channel.connect == "full" else {0, 3})


@pytest.mark.parametrize("channel", [SEPARATE, Channel("full"), Channel("groups", groups=2)])
def test_separable_kernels_have_rank_one(channel: Channel) -> None:
    conv = Space("local", (3, 3), share="positions")
    term = expand(Operator(ranked(conv, "separable"), channel), 4, 4)
    w = matrix(term, 4, 4).reshape(*GRID, 4, *GRID, 4)
    for d in range(4):
        for c in range(4):
            kernel = w[1, 2, d, 0:3, 1:4, c]
            assert rank(kernel) == (1 if kernel.abs().sum() else 0)
            outside = w[1, 2, d, :, :, c].clone()
            outside[0:3, 1:4] = 0
            assert outside.abs().sum() == 0


@pytest.mark.parametrize(
    "space",
    [
        Space("full"),
        Space("full", share="positions"),
        Space("window", (2, 3), shift=(1, 1), border="wrap", share="windows"),
        Space("stripe", (2, 1), shift=(1, 0), share="windows"),
        Space("stripe", (1, 3), along="columns", shift=(0, 2), share="positions"),
        Space("grid", (2, 3), share="windows"),
        Space("local", (3, 3), stride=(2, 3), dilation=(1, 2), share="positions"),
        Space("local", (2, 2), (2, 2), padding=(0, 0), share="positions"),
        Space("local", (3, 3), border="clamp", share="positions"),
    ],
)
def test_separable_fills_the_support_of_its_operator(space: Space) -> None:
    """rows ∘ columns reaches exactly the entries of the operator without the rank word, and what
    each output reads is the product of one row and one column."""
    separable = Operator(ranked(space, "separable"), SEPARATE)
    assert check(separable) == ()
    w = matrix(expand(separable, 1, 1), 1, 1)[:, 0, :, 0]
    plain = matrix(expand(Operator(space, SEPARATE), 1, 1), 1, 1)[:, 0, :, 0]
    assert ((w != 0) == (plain != 0)).all()
    assert all(rank(kernel) == 1 for kernel in w.reshape(-1, *GRID))


def test_inner_bounds_w_over_channels() -> None:
    conv = Space("local", (3, 3), share="positions")
    term = expand(Operator(conv, Channel("full", rank=Rank("inner", (2,)))), 4, 6)
    w = matrix(term, 4, 6)
    by_output = w.permute(1, 0, 2, 3).flatten(1)
    by_input = w.permute(3, 0, 1, 2).flatten(1)
    assert (rank(by_output), rank(by_input)) == (2, 2)


def test_reduce_ties_the_inputs_of_a_cell() -> None:
    w = matrix(expand(Operator(ranked(FULL, "reduce", 2), SEPARATE), 1, 1), 1, 1)[:, 0, :, 0]
    cells = w.reshape(24, 2, 2, 3, 2)
    assert torch.allclose(cells, cells[:, :, :1, :, :1].expand_as(cells))
    assert rank(w) == 6


def test_a_convolution_lies_inside_its_pyramid() -> None:
    conv = Space("local", (3, 3), share="positions")
    pyramid = matrix(expand(Operator(ranked(conv, "scales", 2), SEPARATE), 1, 1), 1, 1)
    reach = (pyramid[:, 0, :, 0].reshape(*GRID, *GRID)[1, 2] != 0).nonzero()
    assert len(reach) > 9  # wider than the fine kernel
