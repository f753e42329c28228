"""The resolution contract: every size treated otherwise than the spec says is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from relgraph.assemble import assemble
from relgraph.emit import emit
from relgraph.emitted import load_text
from relgraph.resolve import resolve_backbone
from relgraph.resolve.literal import parse
from relgraph.verify.report import Check
from relgraph.verify.sizes import accepted, check_sizes, refused
from tests.verify.models import emitted, verified

BUILT = '        if height % 16 or width % 16:\n            raise ValueError(f"img_size:'
CALLED = BUILT.replace("img_size", "images")


def checked(text: str) -> Check:
    module = load_text(text, "edited.py")
    return check_sizes(module, assemble(parse(module.SPEC)))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("tiny_swin", "images: multiples of 16, from 16×16 on; no parameter depends on the size"),
        ("tiny_depthwise", "images: multiples of 4, from 4×4 on; no parameter depends on the size"),
        (
            "tiny_vit",
            "images of img_size alone, multiples of 4; "
            "1 parameter depends on the size, stem.position.weight first",
        ),
    ],
)
def test_the_contract_is_said_and_holds(model: str, words: str) -> None:
    check = checked(emitted(model))
    assert check.ok, check
    assert check.declared == words


@pytest.mark.parametrize(
    ("model", "old", "new", "found"),
    [
        # Half a multiple: a window shrinks to its map, and no other error tells.
        ("tiny_swin", BUILT, BUILT.replace("16", "8"), "img_size of 8×16 is accepted"),
        (
            "tiny_depthwise",
            CALLED.replace("16", "4"),
            CALLED.replace("16", "4").replace("ValueError", "IndexError"),
            "images of 17×16: refused by torch, not by an error of the file's own (IndexError)",
        ),
        (
            "tiny_vit",
            "if tuple(x.shape[-2:]) != tuple(self.img_size):",
            "if x.shape[-2] * x.shape[-1] != self.img_size[0] * self.img_size[1]:",
            "images of 8×32 is accepted",
        ),
        (
            "tiny_vit",
            "img_size=img_size, drop",
            "img_size=16, drop",
            "img_size of a model built for 4×4: (16, 16)",
        ),
        (
            "tiny_vit",
            "num_places = num_tokens + map_size[0] * map_size[1]",
            "num_places = num_tokens + 16",
            "stem.position.weight has shape (1, 17, 12), the spec's (1, 2, 12)",
        ),
        ("tiny_swin", "maps.append(x)", "maps.append(x[:, :, :7])", "the feature maps are"),
    ],
)
def test_a_size_that_is_treated_otherwise_is_named(
    model: str, old: str, new: str, found: str
) -> None:
    text = emitted(model)
    assert old in text, "the emitted text has changed: mend the edit"
    check = checked(text.replace(old, new))
    assert not check.ok
    assert found in check.counter_example


def test_a_least_size_is_refused_below(tmp_path: Path) -> None:
    path = tmp_path / "pooled.yaml"
    path.write_text(
        "backbone: pooled\ninput: {size: 20}\n"
        "stem: [conv: {size: 3, channels: 8, padding: 0}, relu, max_pool: 2]\n"
        "stages: [{depth: 1, channels: 8}, {depth: 1, channels: 12}]\n"
        "block: [residual: [conv: 3]]\n"
        "downsample: [pointwise: $channels, avg_pool: 2]\nhead: [global_pool, classifier]\n"
    )
    program = assemble(resolve_backbone(path).backbone)
    text = emit(program)
    assert (6, 6) in list(accepted(program))
    assert (5, 6) in list(refused(program))
    assert checked(text).ok
    guard = "height < 6 or width < 6"
    assert guard in text
    check = checked(text.replace(guard, "height < 6 or width < 5"))
    assert "6×5" in check.counter_example


def test_a_model_built_for_another_size_is_compared_by_value() -> None:
    """A call accepts the model's own size alone: only a model built for another one can tell."""
    old = "return self.position(self.class_token(self.patchify(x)))"
    text = emitted("tiny_vit")
    assert old in text, "the emitted text has changed: mend the edit"
    report = verified(text.replace(old, f"{old} * x.shape[3] / x.shape[2]"))
    assert {check.name for check in report.failures} == {"second size"}
