"""Output grids, blocks and what is settled on a map, against torch's own arithmetic."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from relgraph.algebra import geometry
from relgraph.algebra.operator import Channel, Connection, Operator, Size, Space
from relgraph.algebra.orbits import static_class

LENGTH = st.integers(1, 30)


def local(k: int, s: int, d: int, padding: str | int) -> Space:
    placed = padding if isinstance(padding, str) else (padding, padding)
    return Space("local", (k, k), (s, s), (d, d), share="positions", padding=placed)  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None)
@given(LENGTH, LENGTH, st.integers(1, 7), st.integers(1, 4), st.integers(1, 3), st.integers(0, 5))
def test_whole_kernels_only(h: int, w: int, k: int, s: int, d: int, n: int) -> None:
    found = geometry.out_grid(local(k, s, d, n), (h, w))
    span = (k - 1) * d + 1
    fits = min(h, w) + 2 * n >= span
    if fits:
        x = torch.empty(1, 1, h, w, device="meta")
        y = torch.nn.functional.conv2d(x, torch.empty(1, 1, k, k, device="meta"), None, s, n, d)
        assert found == tuple(y.shape[2:])
    else:
        assert min(found or (1,)) == 0


@settings(max_examples=200, deadline=None)
@given(LENGTH, st.integers(1, 7), st.integers(1, 4), st.integers(1, 3))
def test_centred_taps(h: int, k: int, s: int, d: int) -> None:
    for padding in ("half", "same_tf"):
        space = local(k, s, d, padding)
        taps = geometry.first_taps(space, h, 0)
        assert len(taps) == -(-h // s) == (geometry.out_grid(space, (h, h)) or (0,))[0]
        assert taps.step == s
        assert -taps[0] == geometry.before(space, h, 0) >= 0
        last = taps[-1] + (k - 1) * d
        assert geometry.after(space, h, 0) == max(0, last - h + 1)
    before, behind = (f(local(k, s, d, "same_tf"), h, 0) for f in (geometry.before, geometry.after))
    assert behind - before in (0, 1) or before == 0  # the odd place comes behind


def test_a_vector_stays_a_vector() -> None:
    assert geometry.out_grid(Space("point", stride=(2, 2)), None) is None
    assert geometry.area(None) == 1
    assert geometry.completed(Space("window", (2, 2), pad=True), None) is None


def test_completion_is_the_next_map_that_blocks_divide() -> None:
    for space, expected in (
        (Space("window", (7, 7), pad=True), (35, 42)),
        (Space("window", (7, 7)), (30, 40)),
        (Space("window", (50, 7), pad=True), (30, 42)),
        (Space("stripe", (7, 7), pad=True), (35, 40)),
        (Space("stripe", (7, 7), along="columns", pad=True), (30, 42)),
        (Space("grid", (7, 7), pad=True), (35, 42)),
    ):
        assert geometry.completed(space, (30, 40)) == expected


def test_a_shift_is_void_along_an_axis_that_one_block_covers() -> None:
    space = Space("window", (7, 7), shift=(3, 3))
    assert geometry.shift(space, (14, 14)) == (3, 3)
    assert geometry.shift(space, (7, 14)) == (0, 3)
    assert geometry.shift(space, (7, 4)) == (0, 0)
    assert geometry.shift(Space("window", (7, 7), shift=(10, 7)), (14, 14)) == (3, 0)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["window", "stripe", "grid"]),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.sampled_from(["zero", "mask", "wrap"]),
    st.sampled_from(["none", "windows", "positions"]),
    st.sampled_from([(2, 4), (4, 4), (6, 4)]),
)
def test_settling_changes_nothing_on_this_map(
    connect: str, size: Size, shift: Size, border: str, share: str, grid: Size
) -> None:
    if connect != "window":
        shift = (shift[0], 0) if connect == "stripe" else (0, 0)
    space = Space(connect, size, shift=shift, border=border, share=share)  # type: ignore[arg-type]
    if any(length % n for length, n in zip(grid, geometry.extent(space, grid), strict=True)):
        return
    before, after = (
        static_class(Connection(Operator(s, Channel("separate")), 1, 1, grid, grid))
        for s in (space, geometry.settled(space, grid))
    )
    assert before.equals(after)
    assert geometry.settled(geometry.settled(space, grid), grid) == geometry.settled(space, grid)


def test_a_block_as_large_as_the_map_is_full() -> None:
    for space in (
        Space("window", (9, 9), shift=(2, 2), share="windows", pad=True),
        Space("stripe", (6, 1)),
        Space("grid", (8, 8)),
    ):
        assert geometry.settled(space, (6, 4)) == Space("full")
    partly = Space("window", (9, 2), shift=(3, 1), border="mask")
    expected = Space("window", (6, 2), shift=(0, 1), border="mask")
    assert geometry.settled(partly, (6, 4)) == expected
    conv = Space("local", (9, 9))
    assert geometry.settled(conv, (6, 4)) is conv
