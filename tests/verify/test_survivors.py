"""Edits that no draw at one size, on one machine, shows in a few calls: each is a finding."""

from __future__ import annotations

import pytest

from tests.verify.edits import Edit, edit
from tests.verify.edits_elsewhere import FORWARD
from tests.verify.models import emitted, verified

INIT = "        self.num_classes = num_classes\n"
SOFTMAX = "return (q * self.scale @ k.transpose(-2, -1) + bias).softmax(dim=-1)"
FUSED = "y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))"
LOGITS = "return x if pre_logits else self.classifier(x)"

FOUND = (
    edit(
        "feature maps that nothing is learned from",
        "tiny_swin",
        "maps.append(x)",
        "maps.append(x.detach())",
        "interface",
    ),
    edit(
        "keys of a map that no model is asked for, pooled before they are reduced",
        "pvt_fashion",
        "return self.reduce(x).flatten(2)",
        "x = x if x.shape[2] <= 64 else F.avg_pool2d(x, 2)\n"
        "        return self.reduce(x).flatten(2)",
        "composition",
    ),
    edit(
        "a single class taken for none",
        "tiny_vit",
        "if num_classes == 0:\n            self.classifier = nn.Identity",
        "if num_classes <= 1:\n            self.classifier = nn.Identity",
        "interface",
    ),
    edit(
        "feature maps while training",
        "tiny_swin",
        "maps.append(x)",
        "maps.append(2 * x if self.training else x)",
        "training",
    ),
    edit(
        "features while training, of a model that makes its logits without them",
        "tiny_swin",
        FORWARD,
        "x = self.forward_stem(x)\n        for stage in self.stages:\n            x = stage(x)\n"
        "        return self.forward_head(x)\n\n"
        "    def forward_features(self, x: Tensor) -> Tensor:\n        x = self.forward_stem(x)\n"
        "        for stage in self.stages:\n            x = stage(x)\n"
        "        return x.relu() if self.training else x",
        "training",
    ),
    edit(
        "maps that are larger than any tried",
        "tiny_depthwise",
        FORWARD,
        f"if x.shape[2] > 1000:\n            x = x.flip(3)\n        {FORWARD}",
        "reach",
    ),
    edit(
        "the thousandth call",
        "tiny_depthwise",
        FORWARD,
        "self.calls = self.calls + 1\n"
        f"        x = x * (1 if self.calls < 1000 else 2)\n        {FORWARD}",
        "state",
    ),
    edit(
        "the thousandth step of a training",
        "tiny_depthwise",
        FORWARD,
        f"self.steps.add_(int(self.training))\n        x = x / (1 + self.steps // 1000)\n"
        f"        {FORWARD}",
        "state",
    ),
    edit(
        "a chance in a million",
        "tiny_vit",
        FORWARD,
        f"x = x * (1 + (torch.rand(()) < 1e-6))\n        {FORWARD}",
        "state",
    ),
    edit(
        "CUDA alone", "tiny_vit", FORWARD, f"x = x * (1 + x.is_cuda)\n        {FORWARD}", "machine"
    ),
    edit(
        "CUDA alone, by a branch",
        "tiny_vit",
        FORWARD,
        f'if x.device.type == "cuda":\n            x = 2 * x\n        {FORWARD}',
        "machine",
        "reach",
    ),
    edit("logits clamped", "tiny_vit", LOGITS, f"{LOGITS}.clamp(-30, 30)", "large values"),
    edit(
        "attention's logits clamped, with gradients",
        "tiny_swin",
        SOFTMAX,
        SOFTMAX.replace(".softmax", ".clamp(-20, 20).softmax"),
        "large values",
    ),
    edit(
        "attention's queries clamped, without gradients",
        "tiny_swin",
        FUSED,
        FUSED.replace("(q, k", "(q.clamp(-20, 20), k"),
        "large values",
    ),
)

FOUND += (
    edit(
        "weights handed out without their gradient",
        "tiny_vit",
        "return self.proj(merge_heads(w @ v))",
        "return self.proj(merge_heads(w.detach() @ v))",
        "composition",
    ),
    edit(
        "drop path around the sum, not before it",
        "tiny_swin",
        "x = x + self.drop_path1(self.local_attention(self.norm1(x)))",
        "x = self.drop_path1(x + self.local_attention(self.norm1(x)))",
        "drop path",
    ),
    edit(
        "drop path left out",
        "tiny_swin",
        "return x + self.drop_path2(self.feed_forward(self.norm2(x)))",
        "return x + self.feed_forward(self.norm2(x))",
        "drop path",
    ),
    edit(
        "a spread by fan-in, of few values",
        "tiny_dynamic",
        "fan_out = math.prod(self.kernel_size) * self.out_channels // self.groups",
        "fan_out = math.prod(self.kernel_size) * self.in_channels // self.groups",
        "start",
    ),
    edit(
        "a coin for every column, which still drops the same share",
        "tiny_swin",
        "keep = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1))",
        "keep = x.new_empty((x.shape[0],))",
        "runs",
    ),
)

KEPT = (
    edit(
        "a cache of what depends on the size",
        "tiny_swin",
        "tables = self.tables((x.shape[2], x.shape[3]))",
        "size = (x.shape[2], x.shape[3])\n"
        "            if size not in self.cache:\n"
        "                self.cache[size] = self.tables(size)\n"
        "            tables = self.cache[size]",
    ),
    edit(
        "an error of one's own",
        "tiny_vit",
        FORWARD,
        f"if x.shape[2] > 1000:\n            raise ValueError('too large')\n        {FORWARD}",
    ),
)
# What the edits need elsewhere in the text: more after a line.
MORE = {
    "the thousandth call": (INIT, "        self.calls = 0\n"),
    "the thousandth step of a training": (
        INIT,
        "        self.register_buffer('steps', torch.zeros(()), persistent=False)\n",
    ),
    "a cache of what depends on the size": (
        "        self.window_size = window_size\n",
        "        self.cache = {}\n",
    ),
}


def _edited(change: Edit) -> str:
    text = emitted(change.model)
    assert change.old in text, "the emitted text has changed: mend the edit"
    text = text.replace(change.old, change.new)
    if change.name in MORE:
        line, more = MORE[change.name]
        assert line in text, "the emitted text has changed: mend the edit"
        text = text.replace(line, line + more)
    return text


@pytest.mark.parametrize("change", FOUND, ids=lambda change: change.name)
def test_what_used_to_survive_is_found(change: Edit) -> None:
    report = verified(_edited(change), change.caught)
    assert change.caught <= {check.name for check in report.failures}
    assert all(check.counter_example or check.measured for check in report.failures)


@pytest.mark.parametrize("change", KEPT, ids=lambda change: change.name)
def test_what_is_harmless_is_not_refused(change: Edit) -> None:
    report = verified(_edited(change))
    assert report.edited
    assert report.failures == ()
