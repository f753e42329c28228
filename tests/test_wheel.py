"""The wheel carries all it needs: built, installed elsewhere, and used on a spec of one's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

OWN_OPERATOR = """\
operator: wide_depthwise
params: {size: 5}
space: {connect: local, size: $size, share: positions}
channel: {connect: separate}
weight: static
"""

OWN_BACKBONE = """\
backbone: tiny_own
input: {size: 32}
classes: 5
stem: [patchify: 4, layer_norm]
stages:
  - {depth: 1, channels: 16}
  - {depth: 2, channels: 32}
downsample: [conv: {size: 3, channels: $channels, stride: 2}]
block:
  - {residual: [layer_norm, wide_depthwise], label: token_mixer}
  - {residual: [layer_norm, feed_forward: 2], label: channel_mixer}
head: [layer_norm, global_pool, classifier]
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    # Without isolation nothing is fetched: the build backend is among the test requirements.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(wheel)], check=True, capture_output=True)
    return target


def relgraph(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed copy, from a folder that knows nothing of the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-m", "relgraph", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_wheel_holds_specs_images_and_pages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("operators", "backbones", "recipes"):
        shipped = {f"relgraph/{p.relative_to(ROOT)}" for p in ROOT.glob(f"specs/{kind}/*.yaml")}
        assert shipped
        assert shipped <= names
    data = "relgraph/data/fashion_mnist/"
    assert {data + "train-images-idx3-ubyte.gz", data + "LICENSE"} <= names
    assert {"relgraph/py.typed", "relgraph/demo/page.css"} <= names
    assert not [name for name in names if name.startswith(("tests/", "generated/", "specs/"))]


def test_installed_copy_is_the_one_that_runs(installed: Path, tmp_path: Path) -> None:
    listed = relgraph(installed, tmp_path, "list", "backbones", "--json")
    assert listed.returncode == 0, listed.stderr
    entries = json.loads(listed.stdout)
    assert "swin_tiny" in {entry["name"] for entry in entries}
    assert all(Path(entry["path"]).is_relative_to(installed) for entry in entries)


def test_own_spec_is_checked_and_generated(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "operators").mkdir()
    (tmp_path / "operators" / "wide_depthwise.yaml").write_text(OWN_OPERATOR)
    (tmp_path / "tiny_own.yaml").write_text(OWN_BACKBONE)
    checked = relgraph(installed, tmp_path, "check", "tiny_own.yaml", "operators")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    made = relgraph(installed, tmp_path, "generate", "tiny_own.yaml", "--out", "models")
    assert made.returncode == 0, made.stderr
    text = (tmp_path / "models" / "tiny_own.py").read_text()
    assert "relgraph" not in {line.split()[1] for line in text.splitlines() if "import " in line}
    again = relgraph(installed, tmp_path, "generate", "tiny_own.yaml", "--out", "models", "--check")
    assert again.returncode == 0, again.stdout


def test_broken_spec_is_refused(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny_own.yaml").write_text(OWN_BACKBONE.replace("patchify", "patchfy"))
    checked = relgraph(installed, tmp_path, "check", "tiny_own.yaml")
    assert checked.returncode == 2
    assert "patchify" in checked.stderr
    assert "Traceback" not in checked.stderr
