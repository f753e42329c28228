"""What the command says and does with images: objectives, both errors, what would help, how far."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from relgraph.algebra.operator import Operator, Weight
from relgraph.cli.process import run
from relgraph.errors import RelgraphError
from relgraph.transfer import Transferred, TransferRequest, transfer
from relgraph.transfer.carried import Carried
from relgraph.transfer.projection import project
from relgraph.verify import oracle
from tests.designs import write_spec
from tests.transfer.projected import LOCAL, SEPARATE, item, relative, use
from tests.transfer.test_run import MODEL, as_run, specs

__all__ = ["specs"]  # the fixture

MIXERS = {
    "pooled": "dynamic_depthwise_conv: {size: 3, reduction: 4}",
    "static": "depthwise_conv: 3",
    "center": "inhomogeneous_depthwise_conv: {size: 3, group_channels: 1, bias: true}",
    "dense": "conv: 3",
    "factors": "depthwise_conv: 3, gelu, pointwise",
    "reduced": "reduced_attention: {heads: 2, reduce: [patchify: 7, layer_norm]}",
}


def spec(folder: Path, mixer: str) -> Path:
    """The spec file of a model with this mixer, one block on 7×7 positions."""
    items = ", ".join(f"{{{part}}}" if ":" in part else part for part in _items(MIXERS[mixer]))
    text = MODEL.format(name=f"t_{mixer}", mixer=items).replace("stride: 2", "stride: 4")
    return write_spec(folder, text.replace("depth: 2", "depth: 1"), mixer)


def _items(text: str) -> list[str]:
    return text.split(", ") if text.count(":") < 2 else [text]


def asked(folder: Path, before: str, after: str, **more: object) -> Transferred:
    """A transfer from a run of one mixer to another, on few images."""
    source = as_run(spec(folder, before), folder)
    out = folder / f"out{len(list(folder.glob('out*')))}"
    request = TransferRequest(
        checkpoint=source, after=str(spec(folder, after)), out=out, images=16, **more
    )  # type: ignore[arg-type]
    return transfer(request)


def test_both_objectives_and_both_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = as_run(spec(tmp_path, "pooled"), tmp_path)
    told = {}
    for objective in ("outputs", "weights"):
        asked = ["--to", str(spec(tmp_path, "static")), "--out", str(tmp_path / objective)]
        asked += ["--objective", objective, "--images", "32", "--json"]
        assert run(["transfer", str(source), *asked]) == 0
        told[objective] = json.loads(capsys.readouterr().out)
    for nearer, other in (("outputs", "weights"), ("weights", "outputs")):
        error = f"error_{nearer[0]}" if nearer == "weights" else "error_outputs"
        for one, two in zip(told[nearer]["layers"], told[other]["layers"], strict=True):
            if one["method"] == "projection":
                assert 0 < one[error] < two[error]
    assert any("others than were calibrated with" in note for note in told["outputs"]["notes"])


def test_outputs_are_compared_where_a_run_has_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = as_run(spec(tmp_path, "dense"), tmp_path)
    to = ["--to", str(spec(tmp_path, "static"))]
    assert run(["transfer", str(source), *to, "-o", str(tmp_path / "one"), "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    (first, *_) = [one for one in layers if one["method"] == "projection"]
    assert 0 < first["error_w"] < 1 and first["error_outputs"] > 0
    assert run(["transfer", str(source), *to, "-o", str(tmp_path / "two"), "--no-outputs"]) == 0
    told = capsys.readouterr()
    assert "outputs were not compared" in told.err and "largest difference" not in told.out


@pytest.mark.parametrize(("before", "after"), [("pooled", "static"), ("pooled", "center")])
def test_the_flag_that_would_help_is_named(before: str, after: str, tmp_path: Path) -> None:
    with pytest.raises(RelgraphError) as caught:
        asked(tmp_path, before, after)
    assert all("--calibrate" in problem.expected for problem in caught.value.problems)
    done = asked_again(tmp_path, before, after)
    assert {row.method for row in done.layers if row.before != row.after} == {"projection"}


def asked_again(folder: Path, before: str, after: str) -> Transferred:
    """The same with the flag, beside what is there."""
    inside = folder / "again"
    inside.mkdir()
    return asked(inside, before, after, calibrate=True)


def test_keys_on_another_map_are_fitted_by_outputs(tmp_path: Path) -> None:
    done = asked(tmp_path, "reduced", "static", calibrate=True)
    rows = [row for row in done.layers if row.method == "projection"]
    assert len(rows) == 1
    for row in rows:
        assert row.error_w is None and row.error_outputs is not None and row.error_outputs < 0.5


def test_no_row_claims_to_be_near_where_something_bends_between(tmp_path: Path) -> None:
    done = asked(tmp_path, "dense", "factors")
    kernels = [row for row in done.layers if row.path.endswith("depthwise_conv")]
    assert [row.method for row in kernels] == ["partial"]
    assert all("gelu stands between the factors" in row.reason for row in kernels)
    inside = tmp_path / "again"
    inside.mkdir()
    fitted = asked(inside, "dense", "factors", calibrate=True)
    rows = [row for row in fitted.layers if "pointwise" in row.path]
    assert {row.method for row in rows} == {"projection"}
    assert all(row.error_outputs is not None and row.error_outputs < 1 for row in rows)


def test_a_projection_that_keeps_next_to_nothing_says_so(tmp_path: Path) -> None:
    done = asked(tmp_path, "dense", "static", outputs=False)
    for row in done.layers:
        if row.method == "projection":
            assert row.error_w is not None
            little = row.error_w**2 > 0.9
            assert ("hardly nearer than zero" in row.reason) == little


def test_progress_counts_layers_then_images(tmp_path: Path) -> None:
    source = as_run(spec(tmp_path, "static"), tmp_path)
    heard: list[tuple[str, int, int]] = []
    request = TransferRequest(
        checkpoint=source,
        after=str(spec(tmp_path, "dense")),
        out=tmp_path / "out",
        recalibrate_norms=True,
        images=96,
    )
    transfer(request, lambda what, done, total: heard.append((what, done, total)))
    phases = list(dict.fromkeys(what for what, _, _ in heard))
    assert phases == ["carrying weights", "comparing outputs", "counting norm statistics"]
    layers = [done for what, done, total in heard if what == phases[0]]
    assert layers == sorted(layers) and max(layers) == heard[0][2] == 2
    assert [(done, total) for what, done, total in heard if what == phases[2]] == [
        (0, 96),
        (64, 96),
    ]


@pytest.mark.parametrize("border", ["reflect", "clamp", "wrap"])
def test_a_border_that_repeats_positions_counts_each_entry_once(border: str) -> None:
    space = replace(LOCAL, border=border)  # type: ignore[arg-type]
    source, own = item(use(Operator(space, SEPARATE, Weight("pooled")), (4, 4)), grid=(3, 2))
    target, fresh = item(use(Operator(space, SEPARATE), (4, 4)), grid=(3, 2))
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(12, 6, 4, generator=generator, dtype=torch.float64) + 0.3
    for objective in ("weights", "outputs"):
        made = project(source, target, own, fresh, x, objective)  # type: ignore[arg-type]
        assert isinstance(made, Carried), made
        w = oracle.dense(source.connection, own, x)  # type: ignore[union-attr]
        still = oracle.dense(target.connection, dict(made.tensors), x[:1])  # type: ignore[union-attr]
        assert made.error == pytest.approx(relative(still.expand_as(w), w), abs=1e-9)
