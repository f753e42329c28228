"""What the README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relgraph.cli.process import run

README = (Path(__file__).resolve().parent.parent / "README.md").read_text("utf-8")
SPECS = re.findall(r"^```yaml\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for spec in SPECS:
        name = re.search(r"^backbone: (\w+)", spec, re.MULTILINE)
        assert name is not None
        (tmp_path / f"{name[1]}.yaml").write_text(spec)
    return tmp_path


@pytest.mark.parametrize("command", ["check", "cost", "show", "generate"])
def test_shown_specs_and_commands_work(folder: Path, command: str) -> None:
    assert len(SPECS) == 2
    for path in sorted(folder.glob("*.yaml")):
        assert run([command, path.name]) == 0


def test_shown_error_is_the_real_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "tiny_mixer.yaml"
    text = path.read_text().replace("heads: 8", "heads: 6").replace("feed_forward", "feed_foward")
    path.write_text(text)
    assert run(["check", path.name]) == 2
    shown = re.search(r"^```\n(tiny_mixer.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert shown is not None
    assert capsys.readouterr().err == shown[1]


def test_commands_that_are_named_exist(capsys: pytest.CaptureFixture[str]) -> None:
    for command in set(
        re.findall(r"relgraph (check|cost|generate|verify|train|list|new|schema)", README)
    ):
        assert run([command, "--help"]) == 0
    assert (Path(__file__).resolve().parent.parent / "docs" / "architecture.md").is_file()
