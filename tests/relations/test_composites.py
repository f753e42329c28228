"""Terms of nodes: one form, edits of their parts, and what stands around a core."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from relgraph.algebra.operator import Channel, Connection, Frame, Operator, Rank, Space, Weight
from relgraph.algebra.orbits import static_class
from relgraph.algebra.rules import check
from relgraph.errors import RelgraphError
from relgraph.relations.composite import composed
from relgraph.relations.derivation import derivation, path, paths
from relgraph.relations.families import family
from relgraph.relations.frame import FRAMES, FrameRelation, frame_edits
from relgraph.relations.node import IDENTITY, SPLITS, Composite, Node, core
from relgraph.relations.order import direction
from relgraph.relations.sums import added
from relgraph.relations.table import edits
from relgraph.relations.weights import carries

SPACE = Space("point", share="positions")
POINT = core(Operator(SPACE))
DIAGONAL = core(Operator(SPACE, Channel("separate")))
SCALE = core(Operator(SPACE, Channel("separate", share="all")))
HEADS = core(Operator(SPACE, Channel("separate", share="heads", heads=2)))
GROUPS = core(Operator(SPACE, Channel("groups", groups=2)))
NARROW = core(Operator(SPACE, Channel(rank=Rank("inner", (2,)))))
CONV = core(Operator(Space("local", (3, 3), share="positions")))
DEPTHWISE = core(Operator(Space("local", (3, 3), share="positions"), Channel("separate")))
ATOMS = (POINT, DIAGONAL, SCALE, HEADS, GROUPS, NARROW, CONV, DEPTHWISE, IDENTITY)


@pytest.mark.parametrize(
    ("kind", "parts", "expected"),
    [
        ("chain", (DEPTHWISE, IDENTITY), DEPTHWISE),
        ("chain", (IDENTITY, IDENTITY), IDENTITY),
        ("chain", (POINT, POINT), POINT),
        ("chain", (DIAGONAL, POINT), POINT),
        ("chain", (GROUPS, DIAGONAL), GROUPS),
        ("chain", (HEADS, DIAGONAL), DIAGONAL),
        ("chain", (SCALE, NARROW), Composite("chain", (SCALE, NARROW))),
        ("chain", (HEADS, HEADS), HEADS),
        ("chain", (GROUPS, GROUPS), Composite("chain", (GROUPS, GROUPS))),
        (
            "chain",
            (Composite("chain", (CONV, DEPTHWISE)), POINT),
            Composite("chain", (CONV, DEPTHWISE, POINT)),
        ),
        ("sum", (DEPTHWISE, IDENTITY), Composite("sum", (IDENTITY, DEPTHWISE))),
        ("split", (POINT, IDENTITY), Composite("split", (POINT, IDENTITY))),
        ("product", (CONV,), CONV),
    ],
)
def test_canonical_terms(kind: str, parts: tuple[Node, ...], expected: Node) -> None:
    assert composed(kind, parts) == expected  # type: ignore[arg-type]


def test_the_form_is_idempotent_and_order_says_nothing_in_sums() -> None:
    for kind, parts in itertools.product(
        ("chain", "sum", "product", "split"), itertools.product(ATOMS, repeat=3)
    ):
        once = composed(kind, parts)  # type: ignore[arg-type]
        if isinstance(once, Composite):
            assert composed(once.kind, once.parts) == once
        if kind in ("sum", "product"):
            assert composed(kind, parts[::-1]) == once  # type: ignore[arg-type]
        assert family(family(once)) == family(once)


def test_fused_points_hold_the_product() -> None:
    """Each factor is a special case of the point that two make, so the point holds their product
    where it is closed under products; and it is one of the two, so nothing is added."""
    for one, other in itertools.product(ATOMS, repeat=2):
        form = composed("chain", (one, other))
        if isinstance(form, Operator) and IDENTITY not in (one, other):
            assert form in (one, other)
            assert {direction(one, form), direction(other, form)} <= {"up", "equal"}


def test_a_term_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a sum of nothing"):
        composed("sum", ())


SEPARABLE = composed("chain", (DEPTHWISE, POINT))


def test_parts_of_a_term_are_edited_one_by_one() -> None:
    found = edits(SEPARABLE)
    assert {edit.words for edit in found} >= {
        "densify channel: in part 1, separate → full",
        "make dynamic: in part 1, static → pooled",
        "densify space: in part 2, point → local",
    }
    targets = [edit.target for edit in found]
    assert len(set(targets)) == len(targets)
    assert SEPARABLE not in targets
    assert all(isinstance(target, Operator | Composite) for target in targets)


def test_paths_of_terms() -> None:
    dense, dynamic = (
        composed("chain", (part, POINT))
        for part in (CONV, core(Operator(DEPTHWISE.space, DEPTHWISE.channel, Weight("center"))))
    )
    (only,) = path(dense, SEPARABLE)
    assert [edit.words for edit in only] == ["sparsify channel: in part 1, full → separate"]
    assert paths(dense, dynamic).count == 2
    assert path(SEPARABLE, composed("sum", (DEPTHWISE, POINT))) == ()
    assert path(DEPTHWISE, SEPARABLE) == ()
    assert derivation(SEPARABLE) is None


def test_a_link_that_becomes_the_identity_falls_away() -> None:
    (first, *_) = path(SEPARABLE, POINT)
    assert [edit.words for edit in first][-1] == "sparsify space: in part 1, local → point"


@pytest.mark.parametrize("row", FRAMES, ids=lambda row: row.name)
def test_every_frame_row_is_reached_and_shows_before_and_after(row: FrameRelation) -> None:
    framed = core(Operator(DEPTHWISE.space, DEPTHWISE.channel, frame=Frame(True, True)))
    nodes: list[Node] = [DEPTHWISE, framed, *(e.target for e in frame_edits(DEPTHWISE))]
    assert any(list(row.steps(node)) for node in nodes)
    assert "→" in (row.steps.__doc__ or "")


def test_frames_are_put_on_and_taken_off() -> None:
    """Each edit has an opposite; putting on is up and carries weights exactly."""
    plain = {edit.target for edit in edits(DEPTHWISE)}
    around = [edit for edit in edits(DEPTHWISE, frames=True) if edit.target not in plain]
    assert {edit.relation for edit in around} == {"wrap", "gate", "branch"}
    for edit in around:
        assert DEPTHWISE in {back.target for back in frame_edits(edit.target)}
        assert direction(DEPTHWISE, edit.target) == "up"
        assert carries(DEPTHWISE, edit.target).kind == "embedding"
        found = paths(DEPTHWISE, edit.target, frames=True)
        assert found.listed[0] == (edit,)
    assert "wrap: core → core with value projection" in {edit.words for edit in around}


def test_results_of_frame_edits_are_canonical() -> None:
    for start in (DEPTHWISE, CONV, POINT, IDENTITY):
        for edit in frame_edits(start):
            target = edit.target
            assert family(target) == target
            if isinstance(target, Operator):
                assert not check(target)
            else:
                assert composed(target.kind, target.parts) == target


def test_parts_of_a_sum_are_compared_in_any_order() -> None:
    grid = core(Operator(Space("grid", (2, 2), share="positions")))
    narrow, wide = composed("sum", (CONV, POINT)), composed("sum", (CONV, grid))
    assert isinstance(narrow, Composite) and isinstance(wide, Composite)
    assert narrow.parts.index(CONV) != wide.parts.index(CONV), "sorted otherwise"
    assert (direction(narrow, wide), direction(wide, narrow)) == ("up", "down")


def test_parts_of_a_term_that_are_neutral_say_nothing() -> None:
    """Three branches hold what one, or two in any order, do; a softmax is never zero."""
    grid = core(Operator(Space("grid", (2, 2), share="positions")))
    three = composed("sum", (CONV, grid, NARROW))
    for parts in ((CONV,), (grid, CONV), (NARROW, grid)):
        assert direction(composed("sum", parts), three) == "up"
    soft = core(Operator(Space("window", (2, 2)), Channel("separate"), Weight("pair", "softmax")))
    assert direction(CONV, composed("sum", (CONV, grid, soft))) == "sideways"


def test_weights_of_a_sum_go_where_most_of_them_is_kept() -> None:
    """Parts are sorted by what they are, so that an edit of one may put it elsewhere."""
    soft = Weight("pair", "softmax")
    grid = core(Operator(Space("grid", (2, 2)), Channel("separate"), soft))
    stripe = core(Operator(Space("stripe", (2, 1)), Channel("separate"), soft))
    cross = core(Operator(Space("axial", share="positions"), Channel("separate")))
    one, other = composed("sum", (grid, DEPTHWISE)), composed("sum", (grid, cross))
    assert isinstance(one, Composite) and isinstance(other, Composite)
    assert one.parts.index(grid) != other.parts.index(grid), "sorted otherwise"
    assert carries(one, other).kind == "projection"
    assert carries(one, composed("sum", (stripe, cross))).kind == "none"


def test_a_sum_of_what_one_part_holds_is_that_part() -> None:
    assert added((CONV, POINT, IDENTITY)) == CONV  # RepVGG
    assert added((IDENTITY, DEPTHWISE)) == DEPTHWISE
    assert added((CONV, CONV)) == CONV
    large, flat, tall = (
        core(Operator(Space("local", size, share="positions"), Channel("separate")))
        for size in ((31, 31), (5, 1), (1, 5))
    )
    assert added((DEPTHWISE, large)) == large  # RepLKNet
    assert added((flat, DEPTHWISE, tall, SCALE)) == composed("sum", (flat, tall, DEPTHWISE))
    dynamic = core(Operator(DEPTHWISE.space, DEPTHWISE.channel, Weight("center")))
    assert added((DEPTHWISE, dynamic)) == dynamic


def test_a_sum_of_what_no_part_holds_stays_one() -> None:
    """Rank words and softmaxes are not closed under sums, nor are two predictors; and strides."""
    soft = core(Operator(DEPTHWISE.space, DEPTHWISE.channel, Weight(normalize="softmax")))
    center = core(Operator(DEPTHWISE.space, DEPTHWISE.channel, Weight("center")))
    strided = core(Operator(replace(CONV.space, stride=(2, 2))))
    framed = core(Operator(DEPTHWISE.space, DEPTHWISE.channel, frame=Frame(value=True)))
    for parts in (
        (NARROW, NARROW),
        (soft, IDENTITY),
        (center, center),
        (strided, POINT),
        (framed, IDENTITY),
        (CONV, core(Operator(replace(CONV.space, border="wrap")))),
    ):
        assert added(parts) == composed("sum", parts)
        assert isinstance(added(parts), Composite)


def test_what_a_sum_is_merged_into_computes_the_sum() -> None:
    """Kernels measured on a map, entry by entry: W of the sum is one of the merged class."""
    grid, channels = (5, 4), 2
    for parts in ((CONV, POINT, IDENTITY), (DEPTHWISE, SCALE, IDENTITY), (CONV, DEPTHWISE)):
        whole = added(parts)
        assert isinstance(whole, Operator)
        held = static_class(Connection(whole, channels, channels, grid, grid))
        for part in parts:
            assert (
                part == IDENTITY
                or static_class(Connection(part, channels, channels, grid, grid)) <= held
            )


def test_parts_of_a_split_stand_where_they_are() -> None:
    for kind in SPLITS:
        one, other = (composed(kind, parts) for parts in ((CONV, POINT), (POINT, CONV)))
        assert one != other
        assert direction(one, other) == "sideways"
        assert direction(composed(kind, (CONV, CONV)), one) == "down"


def test_a_search_among_terms_ends() -> None:
    with pytest.raises(RelgraphError) as caught:
        paths(composed("chain", (composed("sum", (IDENTITY, DEPTHWISE)), POINT)), CONV)
    assert caught.value.problems[0].code == "path-too-long"
