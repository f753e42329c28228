"""A file whose spec is nowhere at hand: what it carries is enough to prove it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from relgraph.errors import RelgraphError
from relgraph.pipeline import compile_backbone
from relgraph.shipped import shipped
from relgraph.verify import verify_file
from tests.verify.models import emitted

SMALL = [name for name in shipped("backbones") if name.endswith("_fashion")]

# A backbone that extends another one, and an operator composed of others, both somebody's own.
OWN = {
    "operators/gated_mixer.yaml": """\
operator: gated_mixer
params: {size: 3}
body:
  - product:
      - [depthwise_conv: {size: $size}, gelu]
      - [pointwise, narrow_attention: {heads: 2}]
  - pointwise
""",
    "operators/narrow_attention.yaml": """\
operator: narrow_attention
params: {heads: 2}
space: {connect: stripe, size: 2, border: mask}
channel: {connect: separate, heads: $heads}
weight: {dynamic: pair, normalize: softmax, position: relative}
frame: {value: true, output: true}
""",
    "backbones/parent_net.yaml": """\
backbone: parent_net
input: {size: 16}
classes: 5
stem: [conv: {size: 3, channels: 8, stride: 2}, batch_norm]
stages: [{depth: 2, channels: 8}, {depth: 1, channels: 12}]
block: [{residual: [layer_norm, gated_mixer], label: mixer}]
downsample: [patchify: {size: 2, channels: $channels}]
head: [global_pool, classifier]
""",
    "backbones/child_net.yaml": """\
backbone: child_net
extends: parent_net
classes: 7
replace:
  stage2.mixer: {residual: [layer_norm, bottleneck: {inner: 4}, squeeze_excite]}
""",
}


@pytest.fixture
def text(name: str) -> str:
    """The emitted text of a shipped backbone, while its spec is there."""
    return emitted(name)


@pytest.fixture
def nowhere(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder on a machine without specs."""
    empty, work = tmp_path / "no_specs", tmp_path / "elsewhere"
    empty.mkdir()
    work.mkdir()
    monkeypatch.setattr("relgraph.shipped.specs_folder", lambda: empty)
    monkeypatch.setattr("relgraph.resolve.library.specs_folder", lambda: empty)
    monkeypatch.chdir(work)
    return work


def _has_no_spec(name: str) -> bool:
    try:
        compile_backbone(name)
    except RelgraphError:
        return True
    return False


@pytest.mark.parametrize("name", SMALL)
def test_every_small_backbone_is_proved_by_its_file_alone(
    name: str, text: str, nowhere: Path
) -> None:
    assert _has_no_spec(name)
    (nowhere / "copied.py").write_text(text)
    report = verify_file("copied.py")
    assert report.failures == ()
    assert report.name == name
    assert not report.edited
    made = {check.name for check in report.checks}
    assert {"parameters", "logits", "gradients", "training", "cost", "connectivity"} <= made
    assert {"sizes", "shifts", "state", "large values"} <= made


def test_own_operators_are_proved_when_their_specs_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, work = tmp_path / "own", tmp_path / "work"
    work.mkdir()
    for name, text in OWN.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text(text)
    text = compile_backbone(str(own / "backbones" / "child_net.yaml")).text
    shutil.rmtree(own)
    (work / "child_net.py").write_text(text)
    monkeypatch.setattr("relgraph.shipped.specs_folder", lambda: work)
    monkeypatch.setattr("relgraph.resolve.library.specs_folder", lambda: work)
    monkeypatch.chdir(work)
    report = verify_file("child_net.py")
    assert report.failures == ()
    subjects = " ".join(check.subject for check in report.checks)
    assert "narrow_attention" in subjects
    assert "bottleneck" in subjects
    # What it carries is what it is held against.
    (work / "child_net.py").write_text(text.replace("F.gelu(", "F.relu("))
    assert not verify_file("child_net.py").ok
