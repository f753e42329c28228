"""Every mistake of a file at once: those of its text and those of sizes, without nonsense."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from relgraph.errors import RelgraphError
from relgraph.shipped import shipped
from relgraph.understanding import understand
from tests.resolve.specs import around, write
from tests.resolve.test_fuzz import damaged

WINDOWS = "{local_attention: {window: 5, heads: 2}}"


def told(folder: Path, **files: str) -> list[str]:
    """code:line of every problem of the last file."""
    with pytest.raises(RelgraphError) as caught:
        understand(str(write(folder, **files)))
    places = [problem.place for problem in caught.value.problems]
    assert all(places)
    return [
        f"{problem.code}:{problem.place.line}"
        for problem in caught.value.problems
        if problem.place is not None
    ]


def model(block: str, **keys: str) -> str:
    return around(block, **({"input": "{size: 16}", "classes": "10"} | keys))


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("[{local_attention: {window: 5, heads: 3}}]", ["window-divides", "heads-divide"]),
        (f"[{{residual: [layer_nrm, conv: 3]}}, {WINDOWS}]", ["unknown-word", "window-divides"]),
        (
            f"[{{residual: {{body: [cnv: 3], shortcut: [pointwise]}}}}, {WINDOWS}]",
            ["unknown-word", "window-divides"],
        ),
        (f"[{{sum: [[conv: 3], [cnv: 3]]}}, {WINDOWS}]", ["unknown-word", "window-divides"]),
        (
            f"[{{product: [[], [global_pool, cnv: 3]]}}, {WINDOWS}]",
            ["unknown-word", "window-divides"],
        ),
        (f"[{{residual: [pointwise: 16]}}, {WINDOWS}]", ["residual-width", "window-divides"]),
        (f"[{{sum: [[], [{WINDOWS}, pointwise: 4]]}}]", ["branch-widths", "window-divides"]),
        (f"[{WINDOWS}, {{conv: {{size: 3, groups: 3}}}}]", ["window-divides", "groups-divide"]),
        (f"[{WINDOWS}, cnv: 3, {WINDOWS}]", ["window-divides", "unknown-word"]),
    ],
)
def test_sizes_beside_words(block: str, expected: list[str], tmp_path: Path) -> None:
    found = told(tmp_path, tested=model(block))
    assert [one.split(":")[0] for one in found] == expected


@pytest.mark.parametrize(
    "block",
    [
        f"[cnv: {{size: 3, stride: 2}}, {WINDOWS}, max_pool: 64]",
        f"[{{concat: [[], [cnv: 3]]}}, {{group_norm: 3}}, {WINDOWS}]",
        f"[{{residual: {{body: [cnv: 3], shortcut: none}}}}, {WINDOWS}]",
        f"[{{split: {{sizes: [rest, 0.3], bodies: [[], []]}}}}, {WINDOWS}]",
    ],
)
def test_nothing_follows_from_what_is_not_known(block: str, tmp_path: Path) -> None:
    assert len(told(tmp_path, tested=model(block))) == 1


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"clases": "10"}, ["unknown-key", "window-divides"]),
        ({"drop_path": "2"}, ["bad-value", "window-divides"]),
        ({"stages": "[{depth: 1, channels: 8, hue: 3}]"}, ["unused-variable", "window-divides"]),
        ({"stages": "[{depth: 1, channels: 8, strde: 2}]"}, ["unused-variable"]),
        ({"dwnsample": "[patchify: 2]"}, ["unknown-key"]),
        ({"input": "{size: big}"}, ["bad-value"]),
    ],
)
def test_keys_of_the_file(keys: dict[str, str], expected: list[str], tmp_path: Path) -> None:
    found = told(tmp_path, tested=model(f"[{WINDOWS}]", **keys))
    assert sorted(one.split(":")[0] for one in found) == sorted(expected)


def test_a_misspelt_reference_is_one_mistake(tmp_path: Path) -> None:
    stages = "[{depth: 1, channels: 8, groups: 2}]"
    block = "[{conv: {size: 3, groups: $gropus}}]"
    assert told(tmp_path, tested=model(block, stages=stages)) == ["unknown-variable:4"]


def test_a_shape_that_was_refused_is_refused_once(tmp_path: Path) -> None:
    block = "[{residual: [avg_pool: 2]}, {local_attention: {window: 4, heads: 2}}]"
    stages = "[{depth: 6, channels: 8}]"  # 16 would be halved to nothing
    assert told(tmp_path, tested=model(block, stages=stages)) == ["residual-shapes:4"]


def test_bodies_of_edits_that_hit_nothing(tmp_path: Path) -> None:
    child = """\
        backbone: child
        extends: parent
        replace:
          token_mixr: [{residual: [depthwise_cnv: 7]}, {conv: {sz: 3}}, pointwise: $channels]
        set:
          stage9.conv: {strid: 2}
          nobody: {anything: 1}
        """
    expected = [
        "no-such-address:4",
        "unknown-word:4",
        "unknown-field:4",
        "no-such-address:6",
        "unknown-field:6",
        "no-such-address:7",
    ]
    assert told(tmp_path, parent=model("[conv: 3]"), child=child) == expected


def test_definitions_that_nothing_uses(tmp_path: Path) -> None:
    define = (
        "{lost: {params: {size: none, ratio: 2}, body: [conv: $size, cnv: 3, "
        "{feed_forward: {rato: $ratio}}, pointwise: $nobody, pointwise: 7, {scale: big}]}}"
    )
    found = told(tmp_path, tested=model("[conv: 3]", define=define))
    assert [one.split(":")[0] for one in found] == [
        "unknown-word",
        "unknown-field",
        "unknown-variable",
        "bad-value",
    ]


def test_an_unused_definition_without_mistakes_is_only_noted(tmp_path: Path) -> None:
    path = write(tmp_path, tested=model("[conv: 3]", define="{lost: [pointwise: $channels]}"))
    notes = [problem.code for problem in understand(str(path)).resolution.problems]
    assert notes == ["unused-definition"]


@pytest.mark.parametrize("seed", range(4))
def test_damaged_specs_are_understood_or_refused(seed: int, tmp_path: Path) -> None:
    chance = random.Random(100 + seed)
    path = tmp_path / "mutant.yaml"
    specs = shipped("backbones")
    for _ in range(40):
        path.write_text(damaged(specs[chance.choice(sorted(specs))].read_text(), chance))
        try:
            understand(str(path))
        except RelgraphError as error:
            assert all(problem.place is not None for problem in error.problems), str(error)
