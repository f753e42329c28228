"""Equivariance: true claims hold for emitted classes, planted ones fail with a counter-example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from relgraph.algebra import geometry
from relgraph.algebra.equivariance import AxisShifts, Shifts, shifts
from relgraph.algebra.operator import Channel, Connection, Operator, Predictor, Space, Weight
from relgraph.verify.alone import kind_of
from relgraph.verify.report import Check
from relgraph.verify.shifts import check_shifts

DEPTHWISE = Channel("separate")
SPATIAL = Space("local", size=(3, 3), share="positions")
WINDOW = Space("window", size=(3, 3), share="windows")
STATIC = Weight()
PAIR = Weight("pair", normalize="softmax")

EVERYWHERE = AxisShifts(1, "any", "everywhere")
INSIDE = AxisShifts(1, "any", "inside the map")


def _connection(space: Space, weight: Weight = STATIC, bias: str = "channels") -> Connection:
    grid = (12, 12)
    operator = Operator(space, DEPTHWISE, weight, bias)  # type: ignore[arg-type]
    return Connection(operator, 4, 4, grid, geometry.out_grid(space, grid))


def _check(
    connection: Connection,
    claims: Callable[[Connection], Shifts] = shifts,
    cls: type[nn.Module] | None = None,
) -> Check:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        kind = kind_of(connection)
        check = check_shifts("core", cls or kind.cls, kind.node, claims)
    finally:
        torch.set_default_dtype(before)
    assert check is not None
    return check


STRIDED = replace(SPATIAL, stride=(2, 2))
HOLDS: dict[str, tuple[Connection, str]] = {
    "a torus": (_connection(replace(SPATIAL, border="wrap")), "by any shift, everywhere"),
    "zeros outside": (_connection(SPATIAL), "by any shift, inside the map"),
    "a stride": (_connection(STRIDED), "by multiples of the stride, inside the map"),
    "a stride on a torus": (
        _connection(replace(STRIDED, border="wrap")),
        "by multiples of the stride, everywhere",
    ),
    "windows": (_connection(WINDOW), "by whole blocks, everywhere"),
    "windows that the border cuts": (
        _connection(replace(WINDOW, shift=(1, 1), border="mask")),
        "by whole blocks, inside the map",
    ),
    "moved windows on a torus": (
        _connection(replace(WINDOW, shift=(1, 1), border="wrap")),
        "by whole blocks, everywhere",
    ),
    "own weights": (
        _connection(Space("local", size=(3, 3))),
        "not claimed: own weights per position",
    ),
    "an own bias": (
        _connection(SPATIAL, bias="positions"),
        "not claimed: own bias per position",
    ),
    "attention to everything": (
        _connection(Space("full"), PAIR, "none"),
        "by any shift, everywhere",
    ),
    "attention with a position for every pair": (
        _connection(Space("full"), replace(PAIR, position="absolute"), "none"),
        "not claimed: own position bias per pair of places",
    ),
    "a softmax over a single place": (
        _connection(Space("window", size=(1, 1)), replace(PAIR, position="absolute"), "none"),
        "by whole blocks, everywhere",
    ),
    "attention with a bias by offset": (
        _connection(Space("full"), replace(PAIR, position="relative"), "none"),
        "not claimed: what an output reads ends at the border",
    ),
    "attention with a bias by offset on a torus": (
        _connection(Space("full", border="wrap"), replace(PAIR, position="relative"), "none"),
        "by any shift, everywhere",
    ),
    "one kernel for the image": (
        _connection(replace(SPATIAL, border="wrap"), Weight("pooled", predictor=Predictor())),
        "by any shift, everywhere",
    ),
    "a kernel read from a region": (
        _connection(
            replace(SPATIAL, border="wrap"), Weight("center", predictor=Predictor(), extent=3)
        ),
        "by any shift, inside the map",
    ),
    "overlapping windows of one column": (
        _connection(Space("outlook", size=(3, 1), share="windows")),
        "rows by any shift, inside the map; columns by any shift, everywhere",
    ),
    "a grid of lines": (
        _connection(Space("grid", size=(2, 1), share="positions")),
        "rows by any shift, inside the map; columns by any shift, everywhere",
    ),
    "bands": (
        _connection(Space("stripe", size=(2, 1), share="positions")),
        "rows by whole blocks, everywhere; "
        "columns not claimed: what an output reads ends at the border",
    ),
}


@pytest.mark.parametrize("what", HOLDS)
def test_what_is_claimed_is_measured(what: str) -> None:
    connection, words = HOLDS[what]
    check = _check(connection)
    assert check.ok, check
    assert check.declared == check.measured == words


@pytest.mark.parametrize(
    ("what", "claim"),
    [
        ("zeros outside", EVERYWHERE),
        ("windows", EVERYWHERE),
        ("windows", INSIDE),
        ("windows that the border cuts", AxisShifts(3, "block", "everywhere")),
        ("own weights", INSIDE),
        ("own weights", EVERYWHERE),
        ("an own bias", EVERYWHERE),
        ("attention with a position for every pair", EVERYWHERE),
        ("attention with a bias by offset", EVERYWHERE),
        ("a kernel read from a region", EVERYWHERE),
        ("a stride", AxisShifts(2, "stride", "everywhere")),
    ],
)
def test_a_claim_of_too_much_fails(what: str, claim: AxisShifts) -> None:
    check = _check(HOLDS[what][0], lambda _: Shifts(claim, claim))
    assert not check.ok
    assert check.counter_example


def test_the_counter_example_names_the_shift_and_the_output() -> None:
    claim = Shifts(EVERYWHERE, EVERYWHERE)
    check = _check(HOLDS["zeros outside"][0], lambda _: claim)
    assert check.counter_example.startswith("shifted by 1 row, output pixel (0, 0) channel 0 is ")


@pytest.mark.parametrize(
    ("what", "claim"),
    [
        ("a torus", INSIDE),
        ("a torus", AxisShifts(2, "any", "everywhere")),
        ("zeros outside", AxisShifts(0, "any", "nowhere", "nothing")),
        ("attention to everything", AxisShifts(0, "any", "nowhere", "nothing")),
    ],
)
def test_a_claim_of_too_little_fails(what: str, claim: AxisShifts) -> None:
    check = _check(HOLDS[what][0], lambda _: Shifts(claim, claim))
    assert not check.ok
    assert "the smallest shift found is 1" in check.counter_example


def test_a_class_that_knows_where_it_is_fails() -> None:
    """The claim is true of the connection, and the class adds the row's number."""
    connection = HOLDS["a torus"][0]
    kind = kind_of(connection)

    class Placed(kind.cls):  # type: ignore[name-defined, misc]
        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = super().forward(x)
            return y + 1e-6 * torch.arange(y.shape[2], dtype=y.dtype)[:, None]

    check = _check(connection, cls=Placed)
    assert not check.ok
    assert check.measured.startswith("rows not claimed")
    assert check.counter_example.startswith("shifted by 1 row, output pixel (0, 0) ")


def test_a_vector_has_no_shifts() -> None:
    connection = Connection(Operator(), 4, 6, None, None)
    assert str(shifts(connection)) == "not claimed: a vector has no positions"
    kind = kind_of(connection)
    assert check_shifts("core", kind.cls, kind.node) is None
