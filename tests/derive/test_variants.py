"""Variants are what their edits make, each model once, counted before they are made."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from relgraph.algebra.operator import Operator
from relgraph.derive.answer import Derived
from relgraph.derive.budgets import Budget, Limit, amount
from relgraph.derive.contexts import contexts, numbers
from relgraph.derive.matching import Match
from relgraph.derive.models import fingerprint
from relgraph.derive.ranking import apart
from relgraph.derive.sites import sites
from relgraph.derive.source import source
from relgraph.derive.steps import Allowed, merged
from relgraph.derive.store import store
from relgraph.derive.variants import Request, derive
from relgraph.derive.widths import widths
from relgraph.errors import RelgraphError
from relgraph.graph.bodies import core_of
from relgraph.graph.uses import uses
from relgraph.relations.numbers import GENERIC
from relgraph.relations.table import edits
from relgraph.resolved import OperatorUse
from relgraph.understanding import understand


@cache
def derived(backbone: str, **words: object) -> Derived:
    return derive(Request(backbone, **words))  # type: ignore[arg-type]


def kernels(*sizes: int) -> dict[str, object]:
    return {
        "said": replace(GENERIC, kernel=tuple((n, n) for n in sizes)),
        "kinds": ("kernel",),
    }


def cores(word: str) -> list[Operator]:
    """The depth-wise convolutions of a backbone."""
    made = [used.use for used in uses(understand(word).resolution.backbone)]
    found = [core_of(use) for use in made if isinstance(use, OperatorUse)]
    return [one for one in found if (one.space.connect, one.channel.connect) == _DEPTHWISE]


_DEPTHWISE = ("local", "separate")


def test_progress_tells_how_far_it_went() -> None:
    told: list[tuple[str, int, int]] = []
    request = Request("vit_fashion", allowed=Allowed(frozenset({"freeze", "sparsify"})))
    found = derive(request, lambda *now: told.append(now))
    assembled = [now for now in told if now[0] == "assembling"]
    assert [done for _, done, _ in assembled] == list(range(found.considered))
    assert {total for *_, total in assembled} == {found.considered}
    written = told[len(assembled) :]
    assert {what for what, *_ in written} == {variant.name for variant in found.variants}
    assert [done for _, done, _ in written] == list(range(len(written)))
    assert {total for *_, total in written} == {len(written)}


def test_every_edit_of_the_operator_is_a_variant() -> None:
    text = source("dwnet_fashion")
    (site,) = sites(text.understood.resolution.backbone, stages=(0,))
    places = contexts((site,), text.understood.program)
    (place,), (own,) = places, numbers(places)
    made = {edit.words for edit in edits(place.core, own)}
    found = derived("dwnet_fashion", stages=(0,))
    assert {variant.words for variant in found.variants} == made
    assert len(made) > 15


def test_written_variants_are_the_edited_model(tmp_path: Path) -> None:
    found = derived("dwnet_fashion", **kernels(3, 5))
    (variant,) = (one for one in found.variants if one.name == "dwnet_fashion_local5")
    store([variant], source("dwnet_fashion"), tmp_path)
    made = cores(str(tmp_path / "dwnet_fashion_local5.yaml"))
    old = cores("dwnet_fashion")
    wanted = [replace(core, space=replace(core.space, size=(5, 5))) for core in old]
    assert made == wanted
    assert len(made) == 4


def test_a_published_variant_is_told() -> None:
    found = derived("dwnet_fashion", allowed=Allowed(frozenset(["make dynamic"])))
    known = {variant.name: variant.known for variant in found.variants}
    assert known["dwnet_fashion_pooled"] == "dynamic_dwnet_fashion"
    assert "dynamic_dwnet_fashion" in dict(found.siblings)
    assert "mixer_fashion" not in dict(found.siblings)


def test_two_edits_that_give_one_model_are_one_variant(tmp_path: Path) -> None:
    found = derived(
        "dwnet_fashion",
        steps=range(1, 3),
        allowed=Allowed(
            frozenset(["share", "lower rank", "resize"]), frozenset(["space", "channel"])
        ),
        **kernels(5),
    )
    text = source("dwnet_fashion")
    marks = []
    for number, variant in enumerate(found.variants):
        folder = tmp_path / str(number)
        store([variant], text, folder)
        marks.append(fingerprint(understand(str(folder / f"{variant.name}.yaml")).program))
    assert len(set(marks)) == len(marks) == len(found.variants) > 5
    assert fingerprint(text.understood.program) not in marks
    assert len({variant.name for variant in found.variants}) == len(found.variants)


def test_blocks_that_are_the_map_are_no_variant() -> None:
    """Stage 2 of swin_fashion is 7×7, one window: attending to all of it is what it does."""
    found = derived("swin_fashion", stages=(1,), allowed=Allowed(frozenset({"densify"})))
    assert found.variants == ()
    assert found.lost.duplicates == 1
    assert "1 is the same model at this size" in " ".join(found.lost.lines())
    both = derived("swin_fashion", allowed=Allowed(frozenset({"densify"})))
    assert [one.cost != both.cost for one in both.variants] == [True], "stage 1 is larger"


def test_shifted_windows_stay_shifted(tmp_path: Path) -> None:
    found = derived("swin_fashion", allowed=Allowed(frozenset(["freeze"])))
    (variant,) = found.variants
    store([variant], source("swin_fashion"), tmp_path)
    backbone = understand(str(tmp_path / "swin_fashion_frozen.yaml")).resolution.backbone
    own = [u.use.operator for u in uses(backbone) if u.use.name == "swin_fashion_frozen_mixer"]  # type: ignore[union-attr]
    assert [o.space.shift for o in own] == [(0, 0), (3, 3)] * 2
    assert [o.channel.heads for o in own] == [2, 2, 4, 4]
    assert {o.weight.source for o in own} == {"static"}
    assert {(o.frame.value, o.frame.output) for o in own} == {(True, True)}


def test_only_the_stages_that_were_asked_for_change(tmp_path: Path) -> None:
    found = derived("swin_fashion", stages=(1,), allowed=Allowed(frozenset(["freeze"])))
    (variant,) = found.variants
    store([variant], source("swin_fashion"), tmp_path)
    stages = understand(str(tmp_path / f"{variant.name}.yaml")).resolution.backbone.stages
    old = source("swin_fashion").understood.resolution.backbone.stages
    assert stages[0].blocks == old[0].blocks
    assert stages[1].blocks != old[1].blocks
    assert variant.name == "swin_fashion_frozen_stage2"


def test_bodies_of_rank_words_are_carried() -> None:
    found = derived("mixer_fashion", allowed=Allowed(frozenset(["share"])))
    (variant,) = found.variants
    (operator,) = (text for path, text in variant.draft.files("x").items() if "operators" in path)
    assert "rank: {tokens: 32, between: $act}" in operator
    assert (
        "mixer_fashion_one_weight_mixer: {act: gelu}"
        in variant.draft.files("x")["mixer_fashion_one_weight.yaml"]
    )


def test_budgets_leave_out_what_is_outside() -> None:
    limits = (Limit("macs", amount("12M")), Limit("parameters", 125_000, least=True))
    found = derived("dwnet_fashion", budget=Budget(limits), **kernels(3, 5))
    every = derived("dwnet_fashion", **kernels(3, 5))
    inside = [
        one.name
        for one in every.variants
        if one.cost.macs <= 12_000_000 and one.cost.parameters >= 125_000
    ]
    assert [one.name for one in found.variants] == inside
    assert found.lost.over_budget == len(every.variants) - len(inside) > 0


def test_a_budget_that_nothing_meets_names_the_closest() -> None:
    request = Request("dwnet_fashion", budget=Budget((Limit("macs", 1000),)))
    with pytest.raises(RelgraphError) as caught:
        derive(request)
    (problem,) = caught.value.problems
    least = min(derived("dwnet_fashion").variants, key=lambda one: one.cost.macs)
    assert problem.code == "over-budget"
    assert least.name in problem.expected
    assert f"{least.cost.macs:,}" in problem.expected


def test_too_many_are_counted_and_refused() -> None:
    request = Request("dwnet_fashion", steps=range(1, 3))
    with pytest.raises(RelgraphError, match=r"\d+ variants") as caught:
        derive(replace(request, limit=100))
    (problem,) = caught.value.problems
    count = int(problem.hint.rpartition(" ")[2])
    assert problem.found.startswith(f"{count:,} ")
    with pytest.raises(RelgraphError, match="at most"):
        derive(replace(request, limit=count - 1))


@pytest.mark.parametrize("rank", ["parameters", "macs"])
def test_ranks(rank: str) -> None:
    found = derived("dwnet_fashion", rank=rank)
    costs = [getattr(one.cost, rank) for one in found.variants]
    assert costs == sorted(costs)


def test_the_first_variants_are_whole_and_near_in_cost_and_mix_positions() -> None:
    found = derived("pvt_fashion")
    partly = [any(step.stages for step in one.steps) for one in found.variants if one.mixes]
    assert partly == sorted(partly)
    away = [apart(one.cost, found.cost) for one in found.variants if one.mixes]
    whole = partly.count(False)
    assert away[:whole] == sorted(away[:whole])
    assert away[whole:] == sorted(away[whole:])


def test_what_mixes_no_positions_comes_last() -> None:
    found = derived("dwnet_fashion")
    assert [one.mixes for one in found.variants] == [True] * (len(found.variants) - 1) + [False]
    assert found.variants[-1].name == "dwnet_fashion_point"


@pytest.mark.parametrize("measure", ["macs", "parameters"])
def test_width_is_matched(measure: str) -> None:
    match = Match(measure, "width", 0.1)  # type: ignore[arg-type]
    found = derived("swin_fashion", allowed=Allowed(frozenset(["densify", "freeze"])), match=match)
    assert found.variants
    for variant in found.variants:
        assert variant.adjusted is not None
        made, goal = (getattr(cost, measure) for cost in (variant.cost, found.cost))
        assert made / goal - 1 == pytest.approx(variant.adjusted.remains)
        assert abs(variant.adjusted.remains) <= 0.1
        ((key, column),) = variant.adjusted.columns
        assert key == "channels"
        assert all(width % 8 == 0 for width in column)
        text = variant.draft.files("x")[f"{variant.name}.yaml"]
        line = f"channels: [{', '.join(map(str, column))}]"
        assert (line in text) == variant.adjusted.changed == (column != (32, 64))
    assert found.lost.unmatched + len(found.variants) == 2


WIDENING = """backbone: widening
input: {size: 32}
classes: 10
stem: [patchify: 4]
stages: [{depth: 1, channels: 32}, {depth: 1, channels: 64}]
downsample: [patchify: 2]
block:
  - pointwise: {ratio: 0.5}
  - {conv: {size: 3, channels: WIDTH, bias: false}, label: spatial}
head: [global_pool, classifier]
"""


@pytest.mark.parametrize(("width", "said"), [("$channels", "$channels"), ("48", "48")])
def test_operators_that_change_the_width_ask_for_it(width: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "widening.yaml"
    path.write_text(WIDENING.replace("WIDTH", width))
    found = derive(Request(str(path), allowed=Allowed(frozenset(["share", "make dynamic"]))))
    assert found.lost.unwritten == 0
    assert "widening_one_weight" in [one.name for one in found.variants]
    for variant in found.variants:
        text = variant.draft.files("widening")[f"{variant.name}.yaml"]
        assert f"spatial: {{{variant.name}_mixer: {{channels: {said}}}}}" in text


def test_a_stage_s_width_follows_a_match(tmp_path: Path) -> None:
    path = tmp_path / "widening.yaml"
    path.write_text(WIDENING.replace("WIDTH", "$channels"))
    allowed = Allowed(frozenset(["share"]))
    (one,) = derive(Request(str(path), allowed=allowed, match=Match("parameters"))).variants
    assert one.adjusted is not None
    store([one], source(str(path)), tmp_path / "out")
    program = understand(str(tmp_path / "out" / f"{one.name}.yaml")).program
    assert tuple(stage.output.channels for stage in program.stages) == one.adjusted.columns[0][1]


def test_widths_inside_of_blocks_follow_a_match() -> None:
    """A bottleneck's own width is a column beside `channels`; both grow, and parameters with them
    as multiply-adds do."""
    found = derived("resnet_fashion", allowed=Allowed(frozenset(["resize"])), match=Match("macs"))
    assert found.variants
    for variant in found.variants:
        assert variant.adjusted is not None
        columns = dict(variant.adjusted.columns)
        assert list(columns) == ["channels", "width"]
        scales = {new / old for new, old in zip(columns["channels"], (64, 128), strict=True)}
        scales |= {new / old for new, old in zip(columns["width"], (32, 48), strict=True)}
        assert max(scales) - min(scales) < 0.3
        assert max(scales) < 1
        text = variant.draft.files("x")[f"{variant.name}.yaml"]
        assert f"  width: [{', '.join(map(str, columns['width']))}]\n" in text
        assert "#   and channels and width so that it has about as many multiply-adds" in text


@pytest.mark.parametrize(
    ("backbone", "columns"),
    [
        ("resnet50", ("channels", "width")),
        ("swin_tiny", ("channels",)),
        ("pvt_v2_b2", ("channels",)),
        ("mixer_base", ("channels",)),
    ],
)
def test_what_is_a_width(backbone: str, columns: tuple[str, ...], tmp_path: Path) -> None:
    """Heads, ratios and tokens are none."""
    assert widths(source(backbone), tmp_path) == columns


def test_what_costs_the_same_keeps_its_widths() -> None:
    """One part in a hundred is no reason for other widths."""
    found = derived("dwnet_fashion", allowed=Allowed(frozenset(["move"])), match=Match("macs"))
    changed = {one.name: one.adjusted.changed for one in found.variants if one.adjusted}
    assert changed["dwnet_fashion_stripe7rows_same_macs"]
    assert not changed["dwnet_fashion_window7_same_macs"]
    for one in found.variants:
        text = one.draft.files("x")[f"{one.name}.yaml"]
        assert ("stages:" in text) == changed[one.name]


def test_a_head_for_every_channel_follows_a_match() -> None:
    allowed = Allowed(frozenset(["untie"]), frozenset(["channel"]))
    (one,) = derived(
        "swin_fashion", allowed=allowed, match=Match("parameters", "width", 0.2)
    ).variants
    assert "local_attention: {heads: $channels}" in one.draft.files("x")[f"{one.name}.yaml"]
    assert one.adjusted is not None
    assert one.adjusted.changed


def test_what_cannot_be_matched_says_how_near_it_came() -> None:
    request = Request(
        "swin_fashion",
        allowed=Allowed(frozenset(["freeze"])),
        match=Match("macs", "width", 0.001),
    )
    with pytest.raises(RelgraphError) as caught:
        derive(request)
    (problem,) = caught.value.problems
    assert problem.code == "no-match"
    assert "swin_fashion_frozen_same_macs, is off with channels " in problem.expected
    enough = float(problem.hint.split()[1].rstrip(","))
    found = derive(replace(request, match=Match("macs", "width", enough)))
    assert [one.name for one in found.variants] == ["swin_fashion_frozen_same_macs"]


def test_depth_is_matched() -> None:
    match = Match("macs", "depth", 0.2)
    found = derived("mixer_fashion", allowed=Allowed(frozenset(["densify"])), match=match)
    (variant,) = found.variants
    assert variant.adjusted is not None
    assert variant.adjusted.by == "depth"
    assert dict(variant.adjusted.columns)["depth"][0] < 4


def test_operators_are_found_by_address() -> None:
    found = derived(
        "resnet_fashion", operators=("stage2.spatial",), allowed=Allowed(frozenset(["share"]))
    )
    assert found.sites == ("stage2.spatial",)
    (variant,) = found.variants
    text = variant.draft.files("resnet_fashion")[f"{variant.name}.yaml"]
    assert "stage2.spatial:" in text
    assert "stage1" not in text


@pytest.mark.parametrize(
    ("said", "together"),
    [
        (["heads 2 → all", "heads 4 → all"], "heads 2/4 → all"),
        (["a 3×3", "a 3×3"], "a 3×3"),
        (["all → none", "heads 2 → none"], "all → none or heads 2 → none"),
    ],
)
def test_words_of_several_stages(said: list[str], together: str) -> None:
    assert merged(said) == together


@pytest.mark.parametrize(
    ("text", "number"), [("25M", 25_000_000), ("4.5G", 4_500_000_000), ("960", 960), ("1k", 1000)]
)
def test_amounts(text: str, number: int) -> None:
    assert amount(text) == number


@pytest.mark.parametrize("text", ["", "M", "-1", "1.5.2", "3X", "1e6"])
def test_bad_amounts(text: str) -> None:
    with pytest.raises(RelgraphError, match="25M"):
        amount(text)
