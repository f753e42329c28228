"""Sizes that cannot work are named, with numbers that can; those that work are not."""

from __future__ import annotations

from typing import Any

import pytest

from relgraph.algebra.families import connection, families
from relgraph.algebra.fit import cautions, misfits
from relgraph.algebra.operator import (
    Channel,
    Connection,
    Frame,
    Operator,
    Predictor,
    Space,
    Weight,
)

SEPARATE = Channel("separate")
FULL = Space("full")


def at(operator: Operator, c: int = 8, d: int = 8, grid: Any = (12, 18), **more: Any) -> Connection:
    return Connection(operator, c, d, grid, more.pop("out_grid", grid), **more)


def window(size: tuple[int, int], **more: Any) -> Operator:
    return Operator(Space("window", size, **more), SEPARATE)


MISFITS = {
    "heads-divide": at(Operator(FULL, Channel("separate", share="heads", heads=5))),
    "groups-divide": at(Operator(Space(), Channel("groups", groups=3)), 9, 8),
    "reduction-divides": at(Operator(FULL, SEPARATE, Weight("pooled", predictor=Predictor(3)))),
    "widths-differ": at(Operator(FULL, SEPARATE), 8, 16),
    "window-divides": at(window((7, 7))),
    "stripe-divides": at(Operator(Space("stripe", (5, 1)), SEPARATE)),
    "grid-divides": at(Operator(Space("grid", (6, 4)), SEPARATE)),
    "kernel-outside": at(Operator(Space("local", (15, 3), padding=(0, 0)))),
    "reflects-too-far": at(Operator(Space("local", (27, 27), border="reflect"))),
    "tokens-have-no-offset": at(Operator(Space("full", share="positions"), SEPARATE), tokens=1),
    "keys-have-no-offset": at(
        Operator(FULL, SEPARATE, Weight("pair", position="relative")), key_grid=(6, 9)
    ),
    "tokens-have-no-region": at(Operator(FULL, SEPARATE, Weight("center", extent=3)), tokens=1),
    "tokens-cannot-move": at(Operator(Space(stride=(2, 2))), tokens=1, out_grid=(6, 9)),
}


@pytest.mark.parametrize("code", MISFITS)
def test_each_misfit_is_named_once(code: str) -> None:
    found = misfits(MISFITS[code])
    assert [misfit.code for misfit in found] == [code]
    assert found[0].found and found[0].expected


def test_hints_name_numbers_that_work() -> None:
    (heads,) = misfits(MISFITS["heads-divide"])
    assert heads.found == "heads 5 over 8 channels"
    assert heads.hint == "use 2, 4, 8"
    (windows,) = misfits(MISFITS["window-divides"])
    assert windows.found == "windows of 7×7 on a map of 12×18"
    assert windows.hint.startswith("use 2, 3, 6, or `pad: true`")
    for size in (2, 3, 6):
        assert misfits(at(window((size, size)))) == ()
    assert misfits(at(window((7, 7), pad=True))) == ()


@pytest.mark.parametrize(
    "fine",
    [
        at(window((20, 20))),
        at(window((20, 6), shift=(3, 3))),
        at(Operator(FULL, SEPARATE, frame=Frame(output=True)), 8, 16),
        at(Operator(Space("local", (15, 3)))),
        at(Operator(Space("local", (23, 23), border="reflect"))),
        at(Operator(Space(share="positions")), 8, 16, None),
        at(Operator(FULL, SEPARATE, Weight("pair", position="absolute")), tokens=2),
        at(Operator(FULL, SEPARATE, Weight("center")), tokens=2),
    ],
)
def test_what_works_is_left_alone(fine: Connection) -> None:
    assert misfits(fine) == ()


def test_families_fit_their_small_maps() -> None:
    assert not any(misfits(connection(operator)) for operator in families())


def test_a_band_is_no_wider_than_what_it_can_reach() -> None:
    def band(size: int) -> Connection:
        return at(Operator(Space(share="positions"), Channel("local", size=size)), 4, 4)

    assert cautions(band(7)) == ()
    assert [c.code for c in cautions(band(8))] == ["band-beyond-channels"]
    wider = at(Operator(Space(share="positions"), Channel("local", size=3)), 4, 6)
    assert [m.code for m in misfits(wider)] == ["widths-differ"]


def test_channels_are_compared_over_a_map_and_among_several() -> None:
    def heads(groups: int, **ends: Any) -> Connection:
        weight = Weight("channels", "softmax", score="cosine")
        channel = Channel("groups", groups=groups)
        operator = Operator(Space(share="positions"), channel, weight, "none")
        return at(operator, **ends)

    assert cautions(heads(2)) == ()
    assert [c.code for c in cautions(heads(8))] == ["softmax-of-one"]
    assert [c.code for c in cautions(heads(2, grid=None))] == ["cosine-of-one"]
    assert [m.code for m in misfits(heads(2, d=12))] == ["widths-differ"]


def test_a_softmax_over_one_slot_is_surely_not_meant() -> None:
    softmax = Weight("pair", "softmax")
    single = at(Operator(Space("window", (1, 1)), SEPARATE, softmax))
    assert [c.code for c in cautions(single)] == ["softmax-of-one"]
    assert cautions(at(Operator(FULL, SEPARATE, softmax), grid=(1, 1))) != ()
    assert cautions(at(Operator(Space("window", (1, 2)), SEPARATE, softmax))) == ()
    magnitudes = Operator(Space("window", (1, 1)), SEPARATE, Weight("pair", "l1"))
    assert [c.code for c in cautions(at(magnitudes))] == ["l1-of-one"]
    signs = Operator(FULL, SEPARATE, Weight("pair", score="cosine"))
    assert [c.code for c in cautions(at(signs))] == ["cosine-of-one"]
