"""Stages that are wider by whole factors: the same function, heads with keys as wide as before, and
copies that training can tell apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from relgraph.errors import RelgraphError
from tests.transfer.whole_models import Design, carried, mixer, normed, pictures


def stages(channels: tuple[int, int], heads: tuple[int, int], depth: tuple[int, int]) -> str:
    """Two stages of these."""
    rows = (
        f"{{depth: {d}, channels: {c}, heads: {h}, window: 3}}"
        for c, h, d in zip(channels, heads, depth, strict=True)
    )
    return f"[{', '.join(rows)}]"


NARROW = stages((16, 32), (2, 4), (2, 1))
TWICE = stages((32, 64), (4, 8), (2, 1))


def block(*items: str) -> Design:
    """A design of these items."""
    return Design(items)


def widened(design: Design, to: str = TWICE, after: Design | None = None) -> tuple[Design, Design]:
    """A design on narrow stages, and it or another one on wide ones."""
    return replace(design, stages=NARROW), replace(after or design, stages=to)


def with_token(channels: int, heads: int) -> Design:
    """A design of one stage that reads a class token."""
    return Design(
        mixer("global_attention: {heads: $heads}").block,
        stem="[patchify: 4, add_token: class, position: learned]",
        head="[layer_norm, select: class, classifier]",
        stages=f"[{{depth: 2, channels: {channels}, heads: {heads}}}]",
    )


WINDOWS = mixer("local_attention: {window: $window, heads: $heads}")
REDUCED = "reduced_attention: {heads: $heads, reduce: [patchify: 2, layer_norm]}"
SAME_FUNCTION = {
    "twice as many heads": widened(WINDOWS),
    "as many heads, wider": widened(WINDOWS, stages((32, 64), (2, 4), (2, 1))),
    "four times as wide, twice as many heads": widened(WINDOWS, stages((64, 128), (4, 8), (2, 1))),
    "one stage only": widened(WINDOWS, stages((16, 64), (2, 8), (2, 1))),
    "heads by cosine": widened(
        mixer("cosine_attention: {window: $window, heads: $heads, shift: 1}")
    ),
    "heads that talk": widened(mixer("talking_heads_attention: {heads: $heads}")),
    "keys that heads share": widened(
        mixer("multi_query_attention: {heads: $heads, kv_heads: 2}"),
        stages((32, 64), (2, 4), (2, 1)),
    ),
    "one key for all heads": widened(
        mixer("multi_query_attention: {heads: $heads, position: relative}"),
        stages((48, 96), (2, 4), (2, 1)),
    ),
    "keys of a reduced map": widened(mixer(REDUCED), stages((32, 32), (4, 4), (2, 1))),
    "predicted from the mean, a layer scale": widened(
        mixer("dynamic_depthwise_conv: {size: 3, reduction: 4}", scale="0.1")
    ),
    "predicted at the centre": widened(
        mixer("inhomogeneous_depthwise_conv: {size: 3, group_channels: 8}")
    ),
    "mixtures of kernels": widened(mixer("conditional_conv: {size: 3, experts: 3}")),
    "a matrix over the map": widened(mixer("mlp")),
    "groups and batch norms": widened(normed("conv: {size: 3, groups: 4}")),
    "a gate, branches and parts": widened(
        block(
            "residual: [depthwise_conv: 3, squeeze_excite: 0.25]",
            "sum: [[conv: 3, batch_norm], [pointwise, batch_norm], []]",
            "split: {sizes: [rest, 0.25], bodies: [[], [conv: 3]]}",
            "residual: [concat: [[], [conv: 3]], relu, pointwise: $channels]",
        )
    ),
    "three times as wide, deeper, larger kernels, another ratio": widened(
        mixer("depthwise_conv: 3"),
        stages((48, 96), (2, 4), (3, 2)),
        mixer("conv: 5", "feed_forward: 4"),
    ),
    "with a class token": (with_token(16, 2), with_token(48, 6)),
}


@pytest.mark.parametrize("name", SAME_FUNCTION)
def test_the_wider_model_computes_the_same(name: str, tmp_path: Path) -> None:
    made = carried(tmp_path, *SAME_FUNCTION[name])
    assert made.told.exact, [layer for layer in made.told.layers if not layer.is_exact]
    assert made.difference() <= 1e-10


def test_in_single_precision_after_training(tmp_path: Path) -> None:
    made = carried(tmp_path, *SAME_FUNCTION["twice as many heads"], True, torch.float32)
    assert made.told.exact
    assert made.difference() <= 1e-5


def test_the_rows_say_what_was_done(tmp_path: Path) -> None:
    made = carried(tmp_path, *SAME_FUNCTION["twice as many heads"])
    rows = {layer.path: layer for layer in made.told.layers}
    attention = rows["stages.0.blocks.0.local_attention"]
    assert attention.method == "embedding"
    assert "2 heads" in attention.before and "4 heads" in attention.after
    assert attention.reason == (
        "every channel 2 times, 2 heads for one, each with keys as wide as before"
    )
    assert "what reads them takes a part" in rows["classifier"].reason


def test_copies_learn_different_things(tmp_path: Path) -> None:
    """Copies of a channel with the same parts everywhere would stay the same for ever."""
    made = carried(tmp_path, *SAME_FUNCTION["twice as many heads"])
    images, labels = pictures(32)
    loss = torch.nn.functional.cross_entropy(made.target(images.double()), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    for name, weight in made.target.named_parameters():
        if name.startswith("stages.0.blocks.0") and weight.ndim == 2 and "table" not in name:
            assert weight.grad is not None
            first, second = weight.grad[::2], weight.grad[1::2]
            assert float((first - second).norm() / first.norm()) > 0.01, name


def refused(folder: Path, pair: tuple[Design, Design]) -> str:
    """What is said of a pair that has no way."""
    with pytest.raises(RelgraphError) as caught:
        carried(folder, *pair)
    return " ".join(problem.expected for problem in caught.value.problems)


def test_what_cannot_be_made_of_copies_says_so(tmp_path: Path) -> None:
    shuffled = widened(block("residual: [channel_shuffle: 4, conv: 3]"))
    assert "a shuffle takes copies apart" in refused(tmp_path, shuffled)
    banded = widened(block("residual: [product: [[], [global_pool, eca_band, sigmoid]]]"))
    (tmp_path / "eca_band.yaml").write_text(
        "operator: eca_band\nspace: {connect: point, share: positions}\n"
        "channel: {connect: local, size: 3, share: all}\nbias: false\n"
    )
    assert "a band of channels" in refused(tmp_path, banded)
    shared = widened(mixer("multi_query_attention: {heads: $heads}"))
    assert "apart to more heads" in refused(tmp_path, shared)
    half = widened(WINDOWS, stages((24, 48), (3, 6), (2, 1)))
    assert "24 is no multiple of 16" in refused(tmp_path, half)
