"""Edits of emitted text: what changes the meaning fails the right check, the rest passes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pytest

from relgraph.verify import Report, verify_text
from tests.verify.models import emitted, until


@dataclass(frozen=True)
class Edit:
    """Replace `old` by `new` in the emitted text of `model`; `caught` are checks that must fail."""

    name: str
    model: str
    old: str
    new: str
    caught: frozenset[str]


def edit(name: str, model: str, old: str, new: str, *caught: str) -> Edit:
    return Edit(name, model, old, new, frozenset(caught))


MEANINGFUL = (
    edit(
        "shift the other way",
        "tiny_swin",
        "position.roll((-shift_size[0], -shift_size[1])",
        "position.roll((shift_size[0], shift_size[1])",
        # Half a window is half a window both ways: only windows of odd size tell.
        "connectivity",
        "values",
    ),
    edit(
        "no cut at the border",
        "tiny_swin",
        "return cut_mask(order, map_size, shift_size).to(self.qkv.weight.dtype)",
        "return None",
        "logits",
        "connectivity",
    ),
    edit(
        "softmax over outputs, where gradients are on",
        "tiny_swin",
        ".softmax(dim=-1)",
        ".softmax(dim=-2)",
        "gradients",
        "training",
        "values",
    ),
    edit(
        "no bias in the fused kernel",
        "tiny_swin",
        "attn_mask=bias.to(q.dtype)",
        "attn_mask=None",
        "logits",
    ),
    edit("no 1/√d", "tiny_swin", "q * self.scale @", "q @", "gradients", "composition"),
    edit(
        "offsets output - input",
        "tiny_swin",
        "dy = y[None, :] - y[:, None]",
        "dy = y[:, None] - y[None, :]",
        "logits",
        "values",
    ),
    edit(
        "one bias for all offsets of a row",
        "tiny_swin",
        "return dy * (2 * table_size[1] - 1) + dx",
        "return dy * (2 * table_size[1] - 1) + 0 * dx",
        "logits",
        "sharing",
    ),
    edit(
        "query and key change places",
        "tiny_swin",
        "q, k, v = split_heads(self.qkv(window_partition(x, order)), 3, self.num_heads)",
        "k, q, v = split_heads(self.qkv(window_partition(x, order)), 3, self.num_heads)",
        "logits",
        "composition",
    ),
    edit(
        "no residual sum",
        "tiny_swin",
        "return x + self.drop_path2(",
        "return self.drop_path2(",
        "logits",
        "features",
    ),
    edit(
        "another eps",
        "tiny_swin",
        "LayerNorm2d(4 * dim)",
        "LayerNorm2d(4 * dim, eps=1e-6)",
        "logits",
    ),
    edit(
        "the wrong norm",
        "tiny_swin",
        "self.local_attention(self.norm1(x))",
        "self.local_attention(self.norm2(x))",
        "logits",
        "gradients",
    ),
    edit("another activation", "tiny_swin", "F.gelu(", "F.relu(", "logits"),
    edit(
        "gelu by its approximation",
        "tiny_swin",
        "F.gelu(self.pointwise1(x))",
        'F.gelu(self.pointwise1(x), approximate="tanh")',
        "logits",
    ),
    edit(
        "another order of neighbours",
        "tiny_swin",
        "x.permute(0, 1, 3, 4, 2, 5)",
        "x.permute(0, 1, 3, 2, 4, 5)",
        "logits",
        "features",
    ),
    edit(
        "no output bias",
        "tiny_swin",
        "bias=proj_bias)",
        "bias=False)",
        "parameters",
        "runs",
    ),
    edit(
        "one head more than declared",
        "tiny_swin",
        "split_heads(qk, 2, self.num_heads), bias)",
        "split_heads(qk, 2, self.num_heads), bias.flip(1))",
        "values",
    ),
    edit("maximum for mean", "tiny_swin", ".mean((2, 3))", ".amax((2, 3))", "logits"),
    edit(
        "kept values not scaled up",
        "tiny_swin",
        "return x * keep.div_(keep_prob)",
        "return x * keep",
        "drop path",
    ),
    edit(
        "a constant rate",
        "tiny_swin",
        "rates = iter([drop_path_rate * i / 2",
        "rates = iter([drop_path_rate",
        "drop path",
    ),
    edit(
        "only the checkpointed form differs",
        "tiny_swin",
        "x = checkpoint(block, x, use_reentrant=False)",
        "x = x + checkpoint(block, x, use_reentrant=False)",
        "training",
    ),
    edit(
        "a map too few",
        "tiny_swin",
        "        return maps",
        "        return maps[1:]",
        "features",
    ),
    edit(
        "another width in feature_info",
        "tiny_swin",
        '{"num_chs": 8, "reduction": 2',
        '{"num_chs": 8, "reduction": 4',
        "interface",
    ),
    edit(
        "wrong at other sizes only",
        "tiny_swin",
        "tables = self.tables((x.shape[2], x.shape[3]))",
        "tables = self.tables((x.shape[3], x.shape[2]))",
        "second size",
    ),
    edit(
        "zeros around the map become a torus",
        "tiny_depthwise",
        "kernel_size=3, padding=1, groups=dim)",
        'kernel_size=3, padding=1, groups=dim, padding_mode="circular")',
        "logits",
    ),
    edit(
        "another padding",
        "tiny_depthwise",
        "kernel_size=3, padding=1, groups=dim)",
        "kernel_size=3, padding=2, dilation=2, groups=dim)",
        "logits",
    ),
    edit(
        "all channels mixed",
        "tiny_depthwise",
        "kernel_size=3, padding=1, groups=dim)",
        "kernel_size=3, padding=1)",
        "parameters",
        "cost",
    ),
    edit(
        "the stride a layer later",
        "tiny_depthwise",
        "return self.norm(self.conv(x))",
        "return F.interpolate(self.norm(self.conv(x[:, :, ::2, ::2])), scale_factor=2.0)",
        "logits",
    ),
    edit(
        "another momentum",
        "tiny_depthwise",
        "self.norm1 = nn.BatchNorm2d(dim)",
        "self.norm1 = nn.BatchNorm2d(dim, momentum=0.01)",
        "training",
    ),
    edit(
        "statistics of the batch in inference",
        "tiny_depthwise",
        "self.norm2 = nn.BatchNorm2d(dim)",
        "self.norm2 = nn.BatchNorm2d(dim, track_running_stats=False)",
        "parameters",
    ),
    edit(
        "a kernel from one pixel",
        "tiny_dynamic",
        "x.mean((2, 3))",
        "x[:, :, 0, 0]",
        "logits",
        "values",
    ),
    edit(
        "a predictor without its activation",
        "tiny_dynamic",
        "hidden = F.relu(self.norm(",
        "hidden = (self.norm(",
        "logits",
        "values",
    ),
    edit(
        "another momentum inside the predictor",
        "tiny_dynamic",
        "nn.BatchNorm1d(dim // reduction)",
        "nn.BatchNorm1d(dim // reduction, momentum=0.2)",
        "training",
    ),
    edit(
        "only the exported form differs",
        "tiny_dynamic",
        "taps = tap_views(x, size, stride, dilation)\n        for",
        "taps = tap_views(x.flip(2), size, stride, dilation)\n        for",
        "forms",
    ),
    edit(
        "a wrong gradient written by hand",
        "tiny_inhomogeneous",
        "grad_taps[j].addcmul_(grad, kernel[:, :, None])",
        "grad_taps[j].addcmul_(grad, kernel[:, :, None], value=2.0)",
        "gradients",
    ),
    edit(
        "one kernel for all positions",
        "tiny_inhomogeneous",
        "hidden = F.relu(self.norm(self.squeeze(x)))",
        "hidden = F.relu(self.norm(self.squeeze(x.mean((2, 3), keepdim=True).expand_as(x))))",
        "dynamism",
        "logits",
    ),
    edit(
        "the halves apart do not make the whole",
        "tiny_vit",
        "return self.proj(merge_heads(w @ v))",
        "return self.proj(merge_heads(w @ v)) + x",
        "composition",
    ),
    edit(
        "attention that cannot look back",
        "tiny_vit",
        "F.scaled_dot_product_attention(q, k, v)",
        "F.scaled_dot_product_attention(q, k, v, is_causal=True)",
        "logits",
        "composition",
    ),
    edit("another token", "tiny_vit", "self.norm(x)[:, 0]", "self.norm(x)[:, 1]", "logits"),
    edit(
        "decay for positions",
        "tiny_vit",
        'spared = ("stem.class_token.weight", "stem.position.weight")',
        'spared = ("stem.class_token.weight",)',
        "interface",
    ),
)

FORWARD = "return self.forward_head(self.forward_features(x))"
LINEAR = "nn.init.trunc_normal_(self.weight, std=0.02)\n        if self.bias is not None"
RESET = 'hasattr(module, "reset_parameters")'

# What is equal in one call in float64 and different in another one.
ELSEWHERE = (
    edit(
        "features that forward does not use",
        "tiny_swin",
        FORWARD,
        "x = self.forward_stem(x)\n        for stage in self.stages:\n            x = stage(x)\n"
        "        return self.forward_head(x)\n\n"
        "    def forward_features(self, x: Tensor) -> Tensor:\n        return self.stem(x)",
        "calls",
    ),
    edit(
        "what the classifier reads, without its norm",
        "tiny_swin",
        "return x if pre_logits else self.classifier(x)",
        "return 2 * x if pre_logits else self.classifier(x)",
        "calls",
    ),
    edit(
        "more images than two",
        "tiny_swin",
        FORWARD,
        f"x = x.flip(0) if x.shape[0] > 2 else x\n        {FORWARD}",
        "calls",
    ),
    edit(
        "a single image",
        "tiny_vit",
        FORWARD,
        f"x = x / 2 if x.shape[0] == 1 else x\n        {FORWARD}",
        "calls",
    ),
    edit(
        "halves that differ at the real size alone",
        "tiny_vit",
        "return self.proj(merge_heads(w @ v))",
        "return self.proj(merge_heads(w @ v)) * (1 if x.shape[1] < 16 else 2)",
        "calls",
    ),
    edit(
        "images changed in place",
        "tiny_depthwise",
        FORWARD,
        f"x.clamp_(-1e3, 1e3).add_(1e-4).sub_(1e-4 + 1e-7)\n        {FORWARD}",
        "calls",
    ),
    edit(
        "float32 alone",
        "tiny_vit",
        "return self.pointwise2(F.gelu(",
        "act = F.gelu if x.dtype == torch.float64 else F.relu\n        return self.pointwise2(act(",
        "precision",
    ),
    edit(
        "float64 alone",
        "tiny_vit",
        "return self.pointwise2(F.gelu(self.pointwise1(x)))",
        "return self.pointwise2(F.gelu(self.pointwise1(x)).double())",
        "runs",
    ),
    edit(
        "autocast alone",
        "tiny_vit",
        "return self.pointwise2(F.gelu(",
        "act = torch.tanh if torch.is_autocast_enabled('cpu') else F.gelu\n"
        "        return 1 * self.pointwise2(act(",
        "precision",
    ),
    edit(
        "exporting, by an imported name",
        "tiny_swin",
        "return x if pre_logits else self.classifier(x)",
        "from torch.compiler import is_exporting as asked\n"
        "        return x if pre_logits else self.classifier(2 * x if asked() else x)",
        "forms",
    ),
    edit(
        "ONNX",
        "tiny_swin",
        FORWARD,
        f"x = 2 * x if torch.onnx.is_in_onnx_export() else x\n        {FORWARD}",
        "forms",
    ),
    edit(
        "gradients while training",
        "tiny_vit",
        FORWARD,
        "x = self.forward_features(x)\n"
        "        return self.forward_head(x.detach() if self.training else x)",
        "training",
    ),
    edit(
        "no gradient through a checkpoint",
        "tiny_swin",
        "checkpoint(block, x, use_reentrant=False)",
        "checkpoint(block, x.detach(), use_reentrant=False)",
        "training",
    ),
    edit(
        "checkpointing that keeps everything",
        "tiny_swin",
        "stage.grad_checkpointing = enable",
        "stage.grad_checkpointing = False",
        "training",
    ),
)

BEGINNING = (
    edit("ten times as wide", "tiny_vit", LINEAR, LINEAR.replace("0.02", "0.2"), "start"),
    edit(
        "biases at one",
        "tiny_vit",
        "nn.init.zeros_(self.bias)",
        "nn.init.ones_(self.bias)",
        "start",
    ),
    edit("reset_parameters that forgets", "tiny_swin", RESET, f"False and {RESET}", "start"),
    edit(
        "tables that are not filled again",
        "tiny_swin",
        "tables = self.tables(self.map_size)\n",
        "tables = self.tables(self.map_size)\n        if self.order is not None:\n"
        "            return\n",
        "start",
    ),
)

OFFERED = (
    edit("num_features", "tiny_vit", "num_features = 12", "num_features = 9", "interface"),
    edit(
        "the size by default",
        "tiny_swin",
        "    img_size: int | tuple[int, int] = 16,\n    drop_path_rate: float = 0.2,\n) ->",
        "    img_size: int | tuple[int, int] = 32,\n    drop_path_rate: float = 0.2,\n) ->",
        "sizes",
    ),
    edit(
        "the class by default",
        "tiny_swin",
        "        num_classes: int = 5,",
        "        num_classes: int = 6,",
        "interface",
    ),
    edit("a size lost on the way", "tiny_swin", "img_size=img_size", "img_size=16", "sizes"),
    edit(
        "sizes that do not fit are accepted",
        "tiny_vit",
        'raise ValueError(f"img_size',
        'str(f"img_size',
        "sizes",
    ),
    edit(
        "a fresh classifier without bias",
        "tiny_swin",
        "fresh = Linear(16, num_classes)",
        "fresh = Linear(16, num_classes, bias=False)",
        "interface",
    ),
    edit(
        "a fresh classifier of another dtype",
        "tiny_swin",
        "fresh.to(like.device, like.dtype)",
        "fresh.to(like.device)",
        "interface",
    ),
    edit(
        "another classifier",
        "tiny_swin",
        "        return self.classifier\n",
        "        return self.norm\n",
        "interface",
    ),
    edit(
        "the spec beside the code",
        "tiny_swin",
        '"cite": "A test"',
        '"cite": "Another test"',
        "spec",
    ),
)

HARMLESS = (
    edit(
        "a class that builds at its own width alone",
        "tiny_vit",
        "        self.dim = dim\n",
        "        if dim != 12:\n            raise ValueError('only 12')\n        self.dim = dim\n",
    ),
    edit("a local renamed", "tiny_swin", "offsets", "number_of_offsets"),
    edit("a class renamed", "tiny_swin", "WindowAttention", "AttentionInWindows"),
    edit(
        "reformatted",
        "tiny_swin",
        "return self.norm(self.patchify(x))",
        "y = self.patchify(x)\n        return self.norm(y)",
    ),
    edit("a comment", "tiny_swin", "    def forward", "    # By hand.\n    def forward"),
    edit(
        "the same gelu",
        "tiny_swin",
        "F.gelu(self.pointwise1(x))",
        "F.gelu(self.pointwise1(x).clone())",
    ),
    edit(
        "the same product",
        "tiny_vit",
        "(q * self.scale @ k.transpose(-2, -1))",
        'torch.einsum("bhqc,bhkc->bhqk", q, k).mul(self.scale)',
    ),
    edit(
        "mean by sum",
        "tiny_depthwise",
        ".mean((2, 3))",
        ".sum((2, 3)).div(self.norm(x)[0, 0].numel())",
    ),
)


def verified(text: str, caught: Collection[str] = ()) -> Report:
    """The proof of a text; only as far as it needs to fail in all the ways that are `caught`."""
    return verify_text(text, "edited.py", until=until(caught) if caught else None)


@pytest.mark.parametrize(
    "change", (*MEANINGFUL, *ELSEWHERE, *BEGINNING, *OFFERED), ids=lambda change: change.name
)
def test_an_edit_that_changes_the_meaning_is_rejected(change: Edit) -> None:
    text = emitted(change.model)
    assert change.old in text, "the emitted text has changed: mend the edit"
    report = verified(text.replace(change.old, change.new), change.caught)
    failed = {check.name for check in report.failures}
    assert report.edited
    assert change.caught <= failed
    assert all(check.counter_example or check.measured for check in report.failures)


@pytest.mark.parametrize("change", HARMLESS, ids=lambda change: change.name)
def test_an_edit_that_keeps_the_meaning_is_said_and_accepted(change: Edit) -> None:
    text = emitted(change.model)
    assert change.old in text, "the emitted text has changed: mend the edit"
    report = verified(text.replace(change.old, change.new))
    assert report.edited
    assert report.failures == ()


def test_a_question_under_an_imported_name_is_answered() -> None:
    text = emitted("tiny_swin").replace(
        "import math\n", "import math\nfrom torch.compiler import is_exporting as asked\n"
    )
    text = text.replace(FORWARD, f"x = 2 * x if asked() else x\n        {FORWARD}")
    assert {check.name for check in verified(text).failures} == {"forms"}


def test_a_fresh_file_is_not_said_to_be_edited() -> None:
    report = verified(emitted("tiny_vit"))
    assert not report.edited
    assert report.ok


def test_counter_examples_name_the_entry() -> None:
    change = next(one for one in MEANINGFUL if one.name == "no cut at the border")
    report = verified(emitted(change.model).replace(change.old, change.new))
    found = next(check for check in report.failures if check.name == "connectivity")
    assert "depends on input pixel" in found.counter_example
    assert found.subject.startswith("stages.0.blocks.1.local_attention")


class TestThePapersOfficialCode:
    """In its published code the pooled-dynamic convolution is overwritten by a static one, so the
    model it calls dynamic is not: the counts agree with the static model, the text does not."""

    def test_a_static_convolution_in_place_of_the_dynamic_one(self) -> None:
        text = emitted("tiny_dynamic")
        dynamic = "DynamicDepthwiseConv2d(dim, kernel_size=3, reduction=4)"
        assert dynamic in text
        static = "Conv2d(dim, dim, kernel_size=3, padding=1, groups=dim)"
        report = verified(text.replace(dynamic, static))
        assert {"parameters", "runs", "cost"} <= {check.name for check in report.failures}
        seen = next(check for check in report.failures if check.name == "runs")
        assert "pooled" in seen.declared
        assert "static: one W for every image" in seen.measured

    def test_a_static_kernel_behind_the_dynamic_ones_parameters(self) -> None:
        """The same mistake where every parameter is still there: only its use is gone."""
        text = emitted("tiny_dynamic")
        predicted = "return self.expand(hidden).unflatten("
        assert predicted in text
        static = "return self.expand.bias.expand(x.shape[0], -1).unflatten("
        report = verified(text.replace(predicted, static))
        assert next(check for check in report.checks if check.name == "parameters").ok
        found = next(check for check in report.failures if check.name == "dynamism")
        assert found.declared == "dynamic: W changes with the image, not with the position"
        assert found.measured == "static: one W for every image"
