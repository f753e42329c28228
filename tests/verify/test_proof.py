"""The proof of files on disk, of shipped specs, and of text that is no model."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.errors import RelgraphError
from relgraph.shipped import shipped
from relgraph.verify import calls, verify_backbone, verify_file, verify_operator, verify_text
from tests.verify.models import emitted


@pytest.mark.parametrize("name", shipped("operators"))
def test_every_shipped_operator_is_proved(name: str) -> None:
    report = verify_operator(name)
    assert report.failures == ()
    assert {"composition", "connectivity", "dynamism"} <= {c.name for c in report.checks}


def test_the_bytes_on_disk_are_what_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "tiny_vit.py"
    path.write_text(emitted("tiny_vit"))
    assert verify_file(path).ok
    path.write_text(emitted("tiny_vit").replace("F.gelu(", "F.relu("))
    report = verify_file(path)
    assert report.edited
    assert not report.ok
    assert report.file == str(path)


def test_a_name_means_the_generated_file_where_there_is_one(tmp_path: Path) -> None:
    fresh = verify_backbone("vit_fashion", generated=tmp_path)
    assert fresh.ok
    assert "fresh" in fresh.file
    path = tmp_path / "vit_fashion.py"
    path.write_text(emitted("vit_fashion"))
    report = verify_backbone("vit_fashion", generated=tmp_path)
    assert report.ok
    assert report.file == str(path)
    assert report.checks[0].name == "spec"


def test_a_generated_file_of_another_spec_is_stale(tmp_path: Path) -> None:
    stale = emitted("vit_fashion").replace('"cite": "', '"cite": "Not ')
    (tmp_path / "vit_fashion.py").write_text(stale)
    report = verify_backbone("vit_fashion", generated=tmp_path)
    assert [check.name for check in report.failures] == ["spec"]


def test_progress_names_every_step() -> None:
    seen: list[tuple[str, int, int]] = []
    verify_text(emitted("tiny_vit"), "tiny_vit.py", lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == list(range(len(seen)))
    assert {total for _, _, total in seen} == {len(seen)}
    assert any("global_attention" in what for what, _, _ in seen)


def test_another_spec_than_the_code_is_noticed() -> None:
    text = emitted("tiny_swin")
    written = '"shift": [2, 2]'
    assert written in text
    report = verify_text(text.replace(written, '"shift": [1, 1]'), "tiny_swin.py")
    assert "logits" in {check.name for check in report.failures}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def broken(:\n", "not-python"),
        ("import os\n", "not-a-model"),
        ("x = 1\n", "not-emitted"),
        ('BUILDER = "x"\nSPEC = {}\n', "not-emitted"),
    ],
)
def test_text_that_is_no_emitted_model_is_the_users_mistake(text: str, code: str) -> None:
    with pytest.raises(RelgraphError) as raised:
        verify_text(text, "strange.py")
    assert raised.value.problems[0].code == code
    assert raised.value.problems[0].place is not None


def test_a_file_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(RelgraphError):
        verify_file(tmp_path / "nowhere.py")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.stem = Stem(", "self.trunk = Stem("),
        ("return self.forward_head(self.forward_features(x))", "return self.missing(x)"),
        ("        super().__init__()\n", "        raise RuntimeError('no')\n"),
    ],
)
def test_a_model_that_breaks_is_a_finding_not_a_crash(old: str, new: str) -> None:
    text = emitted("tiny_vit")
    assert old in text
    report = verify_text(text.replace(old, new), "tiny_vit.py")
    assert not report.ok
    broken = [check for check in report.failures if check.name in ("runs", "parameters")]
    assert broken
    assert broken[0].counter_example


@pytest.mark.parametrize("old", ["", "F.gelu("])
def test_a_name_missing_in_our_own_code_is_our_bug(
    old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = emitted("tiny_vit")
    monkeypatch.delattr(calls, "spread")
    with pytest.raises(NameError):
        verify_text(text.replace(old, "F.relu(") if old else text, "tiny_vit.py")


def test_what_breaks_on_our_own_text_is_our_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    text = emitted("tiny_vit")
    monkeypatch.setattr(calls, "spread", None)
    with pytest.raises(TypeError):
        verify_text(text, "tiny_vit.py")


def test_a_name_missing_in_the_file_is_a_finding() -> None:
    text = emitted("tiny_vit").replace("F.gelu(", "F.gelu(approximate + ")
    report = verify_text(text, "tiny_vit.py")
    assert "NameError" in next(c for c in report.failures if c.name == "runs").counter_example


def test_a_damaged_spec_is_the_users_mistake() -> None:
    text = emitted("tiny_vit").replace('"stages": [', '"stagez": [')
    with pytest.raises(RelgraphError) as raised:
        verify_text(text, "tiny_vit.py")
    assert raised.value.problems[0].place is not None
