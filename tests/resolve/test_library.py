"""Names of specs: found around the file that uses them, never twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.errors import RelgraphError
from relgraph.resolve import resolve_backbone, resolve_operator
from tests.resolve.specs import around, codes, resolved, uses, words, write

MINE = """\
    operator: my_mixer
    params: {size: 3}
    space: {connect: local, size: $size, share: positions}
    channel: {connect: separate}
    """


@pytest.mark.parametrize("where", ["my_mixer", "operators__my_mixer"])
def test_an_operator_in_the_own_folder_or_inside_it(tmp_path: Path, where: str) -> None:
    body = resolved(tmp_path, **{where: MINE}, spec=around("[my_mixer: 5]")).backbone
    assert uses(body.stages[0].blocks[0], "my_mixer")[0].operator.space.size == (5, 5)


def test_an_operator_beside_the_own_folder(tmp_path: Path) -> None:
    files = {"operators__my_mixer": MINE, "backbones__spec": around("[my_mixer]")}
    body = resolved(tmp_path, **files).backbone.stages[0].blocks[0]
    assert words(body) == ["my_mixer"]


def test_operators_use_operators(tmp_path: Path) -> None:
    both = "operator: both\nbody: [my_mixer: 7, relu, pointwise: $channels]\n"
    spec = around("[both: {channels: 16}]")
    body = resolved(tmp_path, my_mixer=MINE, both=both, spec=spec).backbone.stages[0].blocks[0]
    assert words(body) == ["my_mixer", "relu", "pointwise"]
    assert uses(body, "pointwise")[0].out_channels == 16


def test_shadowing_is_an_error(tmp_path: Path) -> None:
    conv = MINE.replace("my_mixer", "conv")
    assert codes(tmp_path, conv=conv, spec=around("[relu]", stem="[conv: 3]")) == ["shadowing"]


def test_the_file_is_named_like_its_operator(tmp_path: Path) -> None:
    assert codes(tmp_path, other=MINE, spec=around("[other]")) == ["name-differs"]


def test_a_definition_may_not_take_an_operators_name(tmp_path: Path) -> None:
    spec = around("[my_mixer]", define="{my_mixer: [relu]}")
    assert codes(tmp_path, my_mixer=MINE, spec=spec) == ["name-clash"]


def test_a_bad_operator_is_told_in_its_own_file(tmp_path: Path) -> None:
    with pytest.raises(RelgraphError) as caught:
        resolved(tmp_path, my_mixer=MINE.replace("local", "locale"), spec=around("[my_mixer]"))
    (problem,) = caught.value.problems
    assert problem.place is not None
    assert problem.place.file.endswith("my_mixer.yaml")


def test_names_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, my_mixer=MINE, spec=around("[my_mixer]"))
    monkeypatch.chdir(tmp_path)
    assert resolve_backbone("spec").backbone == resolve_backbone(path).backbone
    assert resolve_backbone("./spec.yaml").backbone.name == "tested"
    assert resolve_operator("my_mixer", 8).name == "my_mixer"
    assert resolve_backbone("swin_tiny").backbone.name == "swin_tiny"
    for unknown in ("swin_tinny", "missing.yaml", "no/such.yaml"):
        with pytest.raises(RelgraphError):
            resolve_backbone(unknown)


def test_the_files_that_were_read_are_listed(tmp_path: Path) -> None:
    path = write(tmp_path, my_mixer=MINE, spec=around("[my_mixer]"))
    files = resolve_backbone(path).files
    assert files[0] == path
    assert {file.stem for file in files} == {"spec", "my_mixer", "conv"}


def test_what_lies_beside_the_folder_is_seen_from_inside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operators, backbones = tmp_path / "operators", tmp_path / "backbones"
    operators.mkdir()
    backbones.mkdir()
    (operators / "my_word.yaml").write_text("operator: my_word\nbody: [relu]\n")
    (backbones / "my_net.yaml").write_text(
        "backbone: my_net\nstem: [patchify: 4]\nstages: [{depth: 1, channels: 8}]\n"
        "block: [my_word]\nhead: [global_pool, classifier]\n"
    )
    monkeypatch.chdir(backbones)
    assert resolve_backbone("my_net.yaml").backbone.name == "my_net"
