"""The order of nodes is computed: what was found by hand comes out, and nothing contradicts it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from relgraph.algebra.geometry import out_grid
from relgraph.algebra.operator import (
    Channel,
    Connection,
    Frame,
    Operator,
    Rank,
    Space,
    Weight,
)
from relgraph.algebra.orbits import StaticClass, static_class
from relgraph.relations.node import IDENTITY, Composite, as_given, core
from relgraph.relations.order import compare, direction
from relgraph.relations.table import edits
from tests.relations.listed import MLP, closure
from tests.relations.spaces import local, window


def atom(space: Space, weight: Weight | None = None, heads: str = "none") -> Operator:
    channel = Channel("separate", share=heads, heads=2 if heads == "heads" else 1)  # type: ignore[arg-type]
    return core(Operator(space, channel, weight or Weight()))


def masked(space: Space) -> Space:
    return replace(space, border="mask")


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        # static ≤ pooled, center, pair where the biases of the predictor are as fine
        (atom(local(3)), atom(local(3), Weight("pooled")), "up"),
        (atom(local(3)), atom(local(3), Weight("center")), "up"),
        (atom(local(3, "none")), atom(local(3), Weight("center")), "sideways"),
        (atom(local(3)), atom(local(3, "none"), Weight("pooled")), "up"),
        (atom(local(3)), atom(local(3, "none"), Weight("pair", position="relative")), "up"),
        (atom(local(3)), atom(local(3, "none"), Weight("pair")), "sideways"),
        (atom(local(3, "all")), atom(local(3, "none"), Weight("pair")), "up"),
        (atom(local(3, "none")), atom(local(3, "none"), Weight("pair", position="absolute")), "up"),
        (
            atom(local(3, "none")),
            atom(local(3, "none"), Weight("pair", position="relative")),
            "sideways",
        ),
        # more channels' own weights than the predictor has heads
        (atom(local(3)), atom(local(3), Weight("center"), "heads"), "sideways"),
        # contexts that are no function of each other
        (atom(local(3), Weight("pooled")), atom(local(3), Weight("center")), "sideways"),
        (
            atom(local(3), Weight("center")),
            atom(local(3, "none"), Weight("pair", position="relative")),
            "sideways",
        ),
        # normalisations
        (atom(local(3)), atom(masked(local(3)), Weight("static", "softmax")), "sideways"),
        (atom(Space("full"), Weight("static", "softmax")), atom(Space("full")), "up"),
        (
            atom(masked(local(3)), Weight("static", "softmax")),
            atom(masked(local(3)), Weight("pooled", "softmax")),
            "up",
        ),
        (atom(local(3), Weight("pooled")), atom(local(3), Weight("pooled", "sigmoid")), "sideways"),
        # supports: generators grow, query · key only by a bias under a softmax
        (atom(local(3), Weight("pooled")), atom(local(5), Weight("pooled")), "up"),
        (atom(window(2), Weight("pair")), atom(Space("full"), Weight("pair")), "sideways"),
        (
            atom(window(2), Weight("pair", "softmax", "absolute")),
            atom(Space("full"), Weight("pair", "softmax", "absolute")),
            "up",
        ),
        (
            atom(masked(local(3, "none")), Weight("pair", "softmax", "relative")),
            atom(Space("full"), Weight("pair", "softmax", "relative")),
            "up",
        ),
        (
            atom(window(2), Weight("pair", "softmax", "relative")),
            atom(Space("full"), Weight("pair", "softmax", "relative")),
            "sideways",
        ),
        # heads at the same total width
        (
            atom(Space("full"), Weight("pair"), "heads"),
            atom(Space("full"), Weight("pair"), "all"),
            "sideways",
        ),
        (atom(Space("full"), Weight("pooled"), "all"), atom(Space("full"), Weight("pooled")), "up"),
        # a reduced map under a softmax
        (
            atom(replace(Space("full"), rank=Rank("reduce", (2,))), Weight("pair", "softmax")),
            atom(Space("full"), Weight("pair", "softmax")),
            "sideways",
        ),
        # position biases
        (
            atom(Space("full"), Weight("pair")),
            atom(Space("full"), Weight("pair", position="relative")),
            "up",
        ),
        # given weights are points
        (atom(local(3), Weight("fixed", fixed="average")), atom(local(3, "all")), "up"),
        (
            atom(masked(local(3)), Weight("fixed", fixed="average")),
            atom(local(3)),
            "sideways",
        ),
        (
            atom(masked(local(3)), Weight("fixed", fixed="average")),
            atom(masked(local(3)), Weight("static", "softmax")),
            "up",
        ),
        (IDENTITY, atom(local(3)), "up"),
        (IDENTITY, MLP, "up"),
    ],
)
def test_what_predictors_can_produce(a: Operator, b: Operator, expected: str) -> None:
    assert direction(a, b) == expected
    opposite = {"up": "down", "sideways": "sideways"}
    assert direction(b, a) == opposite[expected]


def test_a_larger_region_knows_the_smaller() -> None:
    small, large = (atom(local(3), Weight("center", extent=n)) for n in (1, 3))
    assert direction(small, large) == "up"


def test_a_projection_may_be_the_identity() -> None:
    plain = atom(local(3))
    framed = replace(plain, frame=Frame(value=True, output=True))
    assert direction(plain, framed) == "up"
    assert direction(replace(plain, frame=Frame(value=True)), framed) == "up"


def test_families_hold_on_all_sizes_tried() -> None:
    near, far = atom(window(2)), atom(Space("stripe", (2, 1)))
    found = compare(near, far)
    assert found.direction == "sideways"
    assert "but at window 2, stripe 2" in found.reason
    assert found.sizes == ("window 2, stripe 1", "window 2, stripe 2", "window 3, stripe 1",
                           "window 3, stripe 2")  # fmt: skip
    assert compare(near, far, instances=True).direction == "up"


def test_terms_are_compared_part_by_part() -> None:
    point, depthwise, dense = (
        core(Operator(Space("point", share="positions"))),
        atom(local(3)),
        core(Operator(local(3))),
    )
    separable = Composite("chain", (depthwise, point))
    assert direction(separable, Composite("chain", (dense, point))) == "up"
    assert direction(depthwise, separable) == "up"
    assert direction(separable, depthwise) == "down"
    gate = core(
        Operator(
            Space("point", share="positions"), Channel("separate"), Weight("pooled", "sigmoid")
        )
    )
    gated = Composite("product", (IDENTITY, gate))
    assert direction(separable, gated) == "sideways"


@pytest.mark.parametrize(
    ("relation", "axis", "expected"),
    [
        ("share", "space", {"down"}),
        ("untie", "space", {"up"}),
        ("lower rank", "channel", {"down", "sideways"}),
        ("densify", "channel", {"up"}),
        ("sparsify", "channel", {"down"}),
        ("move", "space", {"sideways"}),
        ("learn", "weight", {"up"}),
        ("make dynamic", "weight", {"up", "sideways"}),
        ("change source", "weight", {"sideways"}),
        ("share position", "weight", {"down"}),
    ],
)
def test_directions_of_the_rows(relation: str, axis: str, expected: set[str]) -> None:
    """Over every third family, averages by another name aside; names say no direction, but what
    these edit has few. What changes nothing is the next test's."""
    found = {
        direction(operator, edit.target)
        for operator in list(closure())[::3]
        for edit in closure()[operator]
        if (edit.relation, edit.axis) == (relation, axis)
        and all(as_given(one) == one for one in (operator, edit.target))
    }
    assert found - {"equal"} == expected


def test_edits_that_change_nothing_are_told() -> None:
    """One number for all of space: normalised it is the average, whatever it comes from; a product
    of factors is one matrix; between the points of an inner width it says nothing."""
    equal = [
        operator
        for operator in list(closure())[::3]
        for edit in closure()[operator]
        if direction(operator, edit.target) == "equal"
    ]
    assert equal
    for operator in equal:
        given = operator.weight.fixed == "average"
        assert given or operator.space.share == "all"


SEPARATE = Channel("separate")
MASKED = Space("local", (3, 3), share="positions", border="mask")
AVERAGES = [
    core(Operator(replace(MASKED, share="all"), channel, Weight(source, "softmax")))
    for source in ("static", "pooled", "center")
    for channel in (SEPARATE, Channel("separate", share="all"))
]


def test_a_softmax_of_one_number_is_the_average() -> None:
    average = core(Operator(MASKED, SEPARATE, Weight("fixed", fixed="average")))
    for one, other in itertools.product((average, *AVERAGES), repeat=2):
        assert direction(one, other) == "equal"
    counted = core(Operator(local(3), SEPARATE, Weight("fixed", fixed="average")))
    assert direction(counted, AVERAGES[0]) == "sideways"
    assert direction(AVERAGES[0], core(Operator(replace(MASKED, share="none"), SEPARATE))) == "up"


def test_products_that_are_less_than_they_look() -> None:
    """The first factor of a product has a number for every channel; a point of an inner width may
    be another one at every place, the last point around a kernel not."""
    grouped = Channel("groups", groups=2, share="all")
    product = core(Operator(replace(local(3), rank=Rank("separable")), grouped))
    assert direction(product, core(Operator(local(3), grouped))) == "sideways"
    assert direction(product, core(Operator(local(3), replace(grouped, share="none")))) == "up"
    narrow = Channel(rank=Rank("inner", (2,)))
    places, kernel = (
        core(Operator(Space(name, size, share="none"), narrow))
        for name, size in (("point", (1, 1)), ("window", (2, 2)))
    )
    assert direction(places, kernel) == "sideways"
    one = replace(local(3), share="all")
    tied, free = (core(Operator(one, replace(c, rank=narrow.rank))) for c in (grouped, Channel()))
    assert direction(tied, free) == "equal"


STATIC = [
    o
    for o in closure()
    if (o.weight.source, o.weight.normalize) == ("static", "none")
    and o.space.rank is None
    and o.channel.rank is None
]


def test_static_families_are_compared_as_their_matrices() -> None:
    """Every pair of plain static families against partitions on the small map, at numbers 3, 2."""

    def whole(operator: Operator) -> StaticClass:
        grid = out_grid(operator.space, (6, 8))
        return static_class(Connection(operator, 8, 8, (6, 8), grid))

    sample = STATIC[::7]
    classes = [whole(operator) for operator in sample]
    for (a, one), (b, other) in itertools.permutations(zip(sample, classes, strict=True), 2):
        found = compare(a, b, instances=True).direction
        assert (found == "up") == (one <= other), (a, b)


def test_the_order_is_transitive() -> None:
    sample = list(closure())[::11]
    below = {(a, b) for a, b in itertools.permutations(sample, 2) if direction(a, b) == "up"}
    missing = [
        (a, c)
        for a, b in below
        for c in sample
        if (b, c) in below and a != c and (a, c) not in below
    ]
    assert missing == []
    assert len(below) > 100


def test_an_edit_back_has_the_opposite_direction() -> None:
    opposite = {"up": "down", "down": "up", "sideways": "sideways", "equal": "equal"}
    for operator in list(closure())[::50]:
        for edit in edits(operator):
            there, back = direction(operator, edit.target), direction(edit.target, operator)
            assert back == opposite[there]


def test_no_two_plain_static_families_are_one_class() -> None:
    """Complete: other canonical forms have other partitions, on a generic map and width."""

    def matrices(operator: Operator) -> object:
        on_map = static_class(Connection(operator, 8, 8, (6, 8), out_grid(operator.space, (6, 8))))
        return on_map.space.partition(), on_map.channel.partition()

    assert len({matrices(operator) for operator in STATIC}) == len(STATIC) == 138
