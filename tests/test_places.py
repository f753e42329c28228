"""Where a mistake is told: in the file that holds it, with the user's own line that led there."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.cli.alone import alone
from relgraph.errors import Place, Problem, RelgraphError, told_once
from relgraph.understanding import understand
from tests.resolve.specs import around, write

SIZES = {"input": "{size: 16}", "classes": "10"}
MINE = """\
    operator: mine
    space: {connect: local, size: 3, share: windows}
    channel: {connect: separate}
    """


def refused(folder: Path, **files: str) -> tuple[Problem, ...]:
    """The problems of the last file."""
    with pytest.raises(RelgraphError) as caught:
        understand(str(write(folder, **files)))
    return caught.value.problems


def lines(places: tuple[Place, ...]) -> list[str]:
    return [f"{Path(place.file).stem}:{place.line}:{place.column}" for place in places]


def model(block: str, **keys: str) -> str:
    return around(block, **(SIZES | keys))


def test_a_mistake_in_an_operator_file_shows_every_line_that_uses_it(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, mine=MINE, tested=model("[mine, relu, mine]"))
    assert lines((problem.place,) if problem.place else ()) == ["mine:2:41"]
    assert lines(problem.uses) == ["tested:4:9", "tested:4:21"]
    said = str(problem)
    assert f"{tmp_path}/tested.yaml:4:9: used here\n  block: [mine, relu, mine]\n" in said
    assert said.count("^^^^\n") == 2


def test_uses_lead_through_other_files_to_the_users_own(tmp_path: Path) -> None:
    outer = "operator: outer\nbody: [relu, {residual: [mine]}]\n"
    (problem,) = refused(tmp_path, mine=MINE, outer=outer, tested=model("[outer]"))
    assert lines(problem.uses) == ["outer:2:26", "tested:4:9"]


def test_sizes_inside_an_operator_file_show_the_use(tmp_path: Path) -> None:
    outer = "operator: outer\nbody: [{local_attention: {window: 5, heads: 2}}]\n"
    (problem,) = refused(tmp_path, outer=outer, tested=model("[{residual: [outer]}]"))
    assert problem.code == "window-divides"
    assert lines(problem.uses) == ["tested:4:21"]


def test_an_argument_is_wrong_where_it_is_written(tmp_path: Path) -> None:
    outer = "operator: outer\nparams: {window: 4}\nbody: [local_attention: {window: $window}]\n"
    (problem,) = refused(tmp_path, outer=outer, tested=model("[outer: {window: big}]"))
    assert problem.place is not None and Path(problem.place.file).name == "tested.yaml"
    assert not problem.uses


def test_yaml_that_cannot_be_read_shows_who_asked(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, mine="operator: mine\nbody: [\n", tested=model("[mine]"))
    assert problem.code == "yaml-syntax"
    assert lines(problem.uses) == ["tested:4:9"]


@pytest.mark.parametrize("block", ["[cnv: 3]", "[{local_attention: {window: 5, heads: 2}}]"])
def test_a_mistake_in_a_parent_shows_the_extends_that_leads_to_it(
    block: str, tmp_path: Path
) -> None:
    child = "backbone: child\nextends: middle\n"
    middle = "backbone: middle\nextends: parent\n"
    (problem,) = refused(tmp_path, parent=model(block), middle=middle, child=child)
    assert lines(problem.uses) == ["middle:2:10", "child:2:10"]


def test_what_a_child_writes_is_its_own(tmp_path: Path) -> None:
    child = """\
        backbone: child
        extends: parent
        replace: {stage1.conv: {local_attention: {window: 5, heads: 2}}}
        """
    parent = model("[part]", define="{part: [conv: 3]}")
    (problem,) = refused(tmp_path, parent=parent, child=child)
    assert problem.place is not None and problem.place.line == 3
    assert not problem.uses


def test_a_mistake_that_repeats_in_every_stage_is_told_once(tmp_path: Path) -> None:
    stages = "[{depth: 2, channels: 8}, {depth: 3, channels: 8}]"
    block = "[{residual: [{local_attention: {window: 5, heads: 2}}]}]"
    text = model(block, stages=stages, downsample="[patchify: {size: 2, channels: 8}]")
    (problem,) = refused(tmp_path, tested=text)
    assert problem.found == "windows of 5×5 on a map of 8×8 (also 16×16)"
    assert problem.hint.startswith("use 2, 4, 8, or")  # the windows that suit both maps


def test_many_like_findings_are_counted() -> None:
    here = Place("net.yaml", 3, 1, None, "block: [relu]")
    one, *_ = told_once(Problem("odd", f"a map of {n}", place=here) for n in range(7))
    assert one.found == "a map of 0 (also 1, 2, 3, 3 more)"


def test_problems_without_a_place_stay_apart() -> None:
    assert len(told_once([Problem("odd", "this"), Problem("odd", "that")])) == 2


@pytest.mark.parametrize(
    ("weight", "channel", "expected"),
    [
        ("{dynamic: pair}", "{connect: full}", "weight.dynamic: pair with channel.connect: full"),
        ("{fixed: average}", "{connect: full}", "weight.fixed: average with channel.connect: full"),
        ("static", "{connect: full, heads: 2}", "channel.heads: 2 with channel.connect: full"),
        ("static", "{share: all}", "channel.share: all with channel.connect: full (the default)"),
        (
            "{position: relative}",
            "{connect: separate}",
            "weight.position: relative with weight: static (the default)",
        ),
    ],
)
def test_contradictions_are_told_in_the_keys_that_are_written(
    weight: str, channel: str, expected: str, tmp_path: Path
) -> None:
    text = f"operator: mine\nspace: {{connect: local, size: 3}}\nchannel: {channel}\n"
    path = write(tmp_path, mine=text + f"weight: {weight}\n")
    with pytest.raises(RelgraphError) as caught:
        alone(str(path))
    (problem,) = caught.value.problems
    assert problem.found == expected
    keys = [part.partition(":")[0] for part in expected.split(" with ")]
    assert problem.hint.endswith(f"change {keys[0]} or {keys[1]}")


def test_an_operator_tells_its_text_and_its_sizes_together(tmp_path: Path) -> None:
    text = """\
        operator: mine
        junk: 3
        body: [{local_attention: {window: 11, heads: 1}},
          {conv: {sz: 3}}, {conv: {size: 3, groups: $grups}}]
        """
    with pytest.raises(RelgraphError) as caught:
        alone(str(write(tmp_path, mine=text)))
    assert [problem.code for problem in caught.value.problems] == [
        "unknown-key",
        "window-divides",
        "unknown-field",
        "unknown-variable",
    ]


def test_properties_tell_their_text_and_their_sizes_together(tmp_path: Path) -> None:
    text = """\
        operator: mine
        space: {connect: window, size: 11, junk: 3}
        channel: {connect: separate}
        weight: {dynamic: pooled, reduction: 11}
        """
    with pytest.raises(RelgraphError) as caught:
        alone(str(write(tmp_path, mine=text)))
    found = sorted(problem.code for problem in caught.value.problems)
    assert found == ["reduction-divides", "unknown-key", "window-divides"]


def test_a_kernel_beyond_its_map_is_cautioned_with_both_numbers(tmp_path: Path) -> None:
    block = "[{depthwise_conv: {size: 7, dilation: 6}}]"
    notes = understand(str(write(tmp_path, tested=model(block)))).notes
    (caution,) = (note for note in notes if note.code == "kernel-beyond-map")
    assert caution.severity == "warning"
    assert "37×37 on a map of 16×16" in caution.found
    assert "31×31" in caution.expected


@pytest.mark.parametrize(
    ("branch", "cautioned"),
    [("pointwise: 10", True), ("classifier", False), ("pointwise: 1", False)],
)
def test_logits_beside_a_width_of_its_own_are_cautioned(
    branch: str, cautioned: bool, tmp_path: Path
) -> None:
    """A model for other classes would not run: the builder takes their number."""
    head = f"head: [global_pool, product: [[classifier], [{branch}, sigmoid]]]"
    text = model("[relu]").replace("head: [global_pool, classifier]", head)
    notes = understand(str(write(tmp_path, tested=text))).notes
    assert [note.code for note in notes] == ["classes-fixed"] * cautioned


@pytest.mark.parametrize("size", [31, "[31, 3]", "{size: 16, dilation: 2}"])
def test_a_kernel_that_meets_the_whole_map_is_not(size: object, tmp_path: Path) -> None:
    notes = understand(str(write(tmp_path, tested=model(f"[{{depthwise_conv: {size}}}]")))).notes
    assert not [note for note in notes if note.code == "kernel-beyond-map"]


def test_all_keys_that_a_stage_lacks_are_told(tmp_path: Path) -> None:
    problems = refused(tmp_path, tested=model("[conv: 3]", stages="[{stride: 2}]"))
    assert [p.found for p in problems] == ["channels is missing", "depth is missing"]


def test_a_refused_width_is_told_with_the_stage_that_lost_it(tmp_path: Path) -> None:
    problems = refused(
        tmp_path, tested=model("[local_attention: {window: 4, heads: 2}]", stem="[conv: 3]")
    )
    assert [(p.code, p.severity) for p in problems] == [
        ("stage-width", "warning"),
        ("heads-divide", "error"),
    ]


@pytest.mark.parametrize(
    ("block", "hint"),
    [
        ("[linear: 8]", "did you mean pointwise?"),
        ("[identity]", "write [] for the identity"),
        ("[conv: {size: 3, groups: $channels / 4}]", "there are no expressions"),
        ("[{conv: , size: 3}]", "indent size deeper than conv"),
    ],
)
def test_hints(block: str, hint: str, tmp_path: Path) -> None:
    problems = refused(tmp_path, tested=model(block))
    assert hint in problems[0].hint


def test_an_operator_in_a_file_of_another_name_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, other="operator: mine\nspace: {connect: full}\n")
    (note,) = alone(str(path)).notes
    assert (note.code, note.severity) == ("name-differs", "warning")
