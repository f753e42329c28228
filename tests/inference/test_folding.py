"""What is folded into what, and that it stays the same function with any weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from relgraph.emit import emit
from relgraph.emitted import load_text
from relgraph.inference import for_inference
from relgraph.inference.steps import IntoColumns, IntoRows
from relgraph.inference.weights import inference_tensors
from relgraph.pipeline import compile_backbone
from relgraph.program import Program
from relgraph.verify.inference import check_inference
from relgraph.verify.report import Check
from tests.designs import write_spec

MODEL = """
backbone: t
cite: A test
input: {{size: {size}, channels: 3}}
classes: 5
stem: [{stem}]
stages: [{{depth: 1, channels: 8}}]
block: [{block}]
head: [{head}]
"""
STEM = "conv: {size: 3, channels: $channels, stride: 2}"
HEAD = "global_pool, classifier"


def spec(folder: Path, block: str, stem: str = STEM, head: str = HEAD, size: int = 8) -> str:
    return str(write_spec(folder, MODEL.format(block=block, stem=stem, head=head, size=size), "t"))


SHIFTED = "local_attention: {window: 2, shift: 1, heads: 2}"

# What a model makes of one image by itself.
ONE_WRONG = "super().forward(x) * 2\n        return F.conv2d"

PREDICTED = "inhomogeneous_depthwise_conv: {size: 3, group_channels: 4}"

# What stands in the block (or the head), how many are folded, kept and baked.
CASES = {
    "conv, batch_norm, relu": ("conv: 3, batch_norm, relu", 1, 0, 0),
    "grouped": ("conv: {size: 3, groups: 2}, batch_norm", 1, 0, 0),
    "depth-wise without bias": ("depthwise_conv: {size: 3, bias: false}, batch_norm", 1, 0, 0),
    "two in a row": ("conv: 3, batch_norm, scale: 0.5, affine", 3, 0, 0),
    "before a point": ("relu, batch_norm, pointwise: {bias: false}", 1, 0, 0),
    "before a padded kernel": ("relu, batch_norm, conv: 3", 0, 1, 0),
    "before a point with zeros around": ("relu, batch_norm, conv: {size: 1, padding: 1}", 0, 1, 0),
    "before a kernel that goes round": ("batch_norm, conv: {size: 3, border: wrap}", 1, 0, 0),
    "a factor before a padded kernel": ("rms_norm, conv: 3", 1, 0, 0),
    "layer norm before a point": ("layer_norm: {eps: 1e-3}, pointwise", 1, 0, 0),
    "without a shift": ("layer_norm: {bias: false}, pointwise: {bias: false}", 1, 0, 0),
    "rms norm into attention": ("rms_norm, global_attention: {heads: 2}", 1, 0, 0),
    "nothing behind": ("layer_norm, relu", 0, 1, 0),
    "at the start of a sum": ("batch_norm, residual: [relu, pointwise]", 0, 1, 0),
    "layer scale": ("residual: {body: [relu, pointwise], scale: 0.1}", 1, 0, 0),
    "into a body's last layer": ("feed_forward: 2, batch_norm", 1, 0, 0),
    "into a body's first layer": ("relu, affine, feed_forward: 2", 1, 0, 0),
    "in branches": ("sum: [[conv: 3, batch_norm], [], [pointwise, batch_norm]]", 2, 0, 0),
    "into a projection": ("local_attention: {window: 2, heads: 2}, batch_norm", 1, 0, 1),
    "shifted windows": ("layer_norm, local_attention: {window: 2, shift: 1, heads: 2}", 1, 0, 1),
    "one window": ("layer_norm, local_attention: {window: 4, heads: 4}", 1, 0, 1),
    "a network's bias": ("local_attention: {window: 2, heads: 2, position: continuous}", 0, 0, 1),
    "a network's bias without keys': a table": (
        "cosine_attention: {window: 2, shift: 1, heads: 2, position: continuous, key_bias: false}",
        0,
        0,
        1,
    ),
    "keys without a bias": (
        "layer_norm, local_attention: {window: 2, shift: 1, heads: 2, key_bias: false}",
        0,
        1,
        1,
    ),
    "a factor before keys without a bias": (
        "rms_norm, global_attention: {heads: 2, key_bias: false}",
        1,
        0,
        0,
    ),
    "attention without any bias": (
        "layer_norm, global_attention: {heads: 2, qkv_bias: false, key_bias: false}",
        1,
        0,
        0,
    ),
    "a factor before windows of a completed map": (
        "rms_norm, local_attention: {window: 3, heads: 2, pad: true}",
        1,
        0,
        0,
    ),
    "turned": ("layer_norm, global_attention: {heads: 2, position: rotary}", 1, 0, 0),
    "heads that talk": ("layer_norm, talking_heads_attention: {heads: 2}, batch_norm", 2, 0, 0),
    "keys that heads share": (
        "layer_norm, multi_query_attention: {heads: 4, kv_heads: 2}, batch_norm",
        2,
        0,
        0,
    ),
    "a network's bias beside one key": (
        "multi_query_attention: {heads: 4, position: continuous, key_bias: false}",
        0,
        0,
        0,
    ),
    "predicted kernels": ("dynamic_depthwise_conv: 3, batch_norm", 0, 1, 0),
    "shared heads": (
        "relu, inhomogeneous_depthwise_conv: {size: 3, group_channels: 4}, affine",
        0,
        1,
        0,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_fold_is_the_same_function(tmp_path: Path, case: str) -> None:
    block, folded, kept, baked = CASES[case]
    program = compile_backbone(spec(tmp_path, block)).program
    made = for_inference(program)
    assert (made.folded, made.kept, made.baked) == (folded, kept, baked)
    checks = _checks(emit(made.program), program)
    assert [check.name for check in checks if not check.ok] == []
    assert {"parameters", "logits", "features", "second size"} == {check.name for check in checks}


@pytest.mark.parametrize(
    ("head", "folded"),
    [
        ("layer_norm, global_pool, classifier: {bias: false}", 1),
        ("layer_norm, {global_pool: max}, classifier", 0),
        ("global_pool, batch_norm, classifier", 1),
    ],
)
def test_a_mean_is_passed_and_a_maximum_is_not(tmp_path: Path, head: str, folded: int) -> None:
    program = compile_backbone(spec(tmp_path, "relu", head=head)).program
    made = for_inference(program)
    assert made.folded == folded
    assert all(check.ok for check in _checks(emit(made.program), program))


def test_a_network_gives_less_than_its_table_on_smaller_maps(tmp_path: Path) -> None:
    """A window that is larger than a completed map shrinks, and with it the network's offsets."""
    block = "window_attention_v2: {window: 4, heads: 2, pad: true}"
    compiled = compile_backbone(spec(tmp_path, block))
    made = for_inference(compiled.program)
    torch.manual_seed(0)
    before = load_text(compiled.text, "t.py").t().double().eval()
    after = load_text(emit(made.program), "folded.py").t().double().eval()
    after.load_state_dict(inference_tensors(made.steps, before.state_dict()))
    for side in (4, 6, 8, 10):
        images = torch.randn(2, 3, side, side, dtype=torch.float64)
        torch.testing.assert_close(after(images), before(images), rtol=0, atol=1e-9)


def test_tokens_are_passed(tmp_path: Path) -> None:
    stem = "patchify: {size: 4, channels: $channels}, add_token: class, position"
    head = "layer_norm, select: class, classifier"
    block = "residual: [layer_norm, {global_attention: {heads: 2}}]"
    program = compile_backbone(spec(tmp_path, block, stem, head)).program
    made = for_inference(program)
    assert (made.folded, made.kept) == (2, 0)
    assert all(check.ok for check in _checks(emit(made.program), program))


@pytest.mark.parametrize(
    "name",
    [
        "swin_fashion",
        "swinv2_fashion",
        "dwnet_fashion",
        "vit_fashion",
        "pvt_fashion",
        "resnet_fashion",
    ],
)
def test_shipped_backbones(name: str) -> None:
    program = compile_backbone(name).program
    checks = _checks(emit(for_inference(program).program), program)
    assert [check.name for check in checks if not check.ok] == []


@pytest.mark.parametrize(
    ("block", "before", "after", "failed"),
    [
        ("conv: 3, batch_norm, relu", "padding=1", "padding=1, bias=False", ["parameters"]),
        ("layer_norm: {eps: 1e-3}, pointwise", "eps=0.001", "eps=0.002", ["logits", "features"]),
        (SHIFTED, ", scale=1.0)", ")", ["logits", "features"]),
        (SHIFTED, "attn_mask=bias, ", "", ["logits", "features"]),
        ("pointwise", "super().forward(x)\n        return F.conv2d", ONE_WRONG, ["logits"]),
    ],
)
def test_the_proof_notices(
    tmp_path: Path, block: str, before: str, after: str, failed: list[str]
) -> None:
    """It is held against the unfolded reference, so what a fold or an edit gets wrong shows."""
    program = compile_backbone(spec(tmp_path, block)).program
    text = emit(for_inference(program).program)
    assert before in text
    checks = _checks(text.replace(before, after), program)
    found = dict.fromkeys(check.name for check in checks if not check.ok)
    assert list(found)[: len(failed)] == failed


def test_linear_layers_of_maps_are_convolutions_from_the_second_image_on(tmp_path: Path) -> None:
    """In eval a form of its own, with the weights of the linear layer."""
    compiled = compile_backbone(spec(tmp_path, "pointwise, feed_forward: 2"))
    made = for_inference(compiled.program)
    text = emit(made.program)
    assert "PointwiseConv2d(" in text and "PointwiseConv2d(" not in compiled.text
    models = [load_text(one, "t.py").t().eval() for one in (compiled.text, text)]
    models[1].load_state_dict(inference_tensors(made.steps, models[0].state_dict()))
    sizes = ({0: torch.export.Dim("batch", min=1)},)
    exported = torch.export.export(models[1], (torch.randn(2, 3, 8, 8),), dynamic_shapes=sizes)
    for count in (1, 2, 3):
        x = torch.randn(count, 3, 8, 8)
        for form in (models[1], exported.module()):
            torch.testing.assert_close(form(x), models[0](x))


def test_folding_keeps_the_dtype_and_costs_one_rounding(tmp_path: Path) -> None:
    compiled = compile_backbone(spec(tmp_path, "conv: 3, batch_norm, relu"))
    made = for_inference(compiled.program)
    assert isinstance(made.steps[0], IntoRows)
    module = load_text(compiled.text, "t.py")
    torch.manual_seed(0)
    state = module.t().state_dict()
    folded = inference_tensors(made.steps, state)
    assert {t.dtype for t in folded.values()} == {torch.float32}
    path, kernel = made.steps[0].element.path, made.steps[0].weight
    factor = (
        state[f"{path}.weight"].double() / (state[f"{path}.running_var"].double() + 1e-5).sqrt()
    )
    wanted = (state[kernel].double() * factor[:, None, None, None]).float()
    assert torch.equal(folded[kernel], wanted)


def test_grouped_columns(tmp_path: Path) -> None:
    """Groups read their own channels' factors, and a patch's places all the same shift."""
    block = "relu, batch_norm, grouped_pointwise: {groups: 2}"
    (tmp_path / "operators").mkdir()
    (tmp_path / "operators" / "grouped_pointwise.yaml").write_text(
        "operator: grouped_pointwise\nparams: {groups: 2}\n"
        "space: {connect: point, share: positions}\nchannel: {connect: groups, groups: $groups}\n"
    )
    program = compile_backbone(spec(tmp_path, block)).program
    made = for_inference(program)
    assert [step.groups for step in made.steps if isinstance(step, IntoColumns)] == [2]
    assert all(check.ok for check in _checks(emit(made.program), program))


def _checks(text: str, program: Program) -> list[Check]:
    module = load_text(text, "folded.py")
    assert module.INFERENCE is True
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return list(check_inference(getattr(module, module.BUILDER)(), program))
    finally:
        torch.set_default_dtype(before)
