"""Edits of emitted text that change what a connection computes, each with the checks that tell."""

from __future__ import annotations

from dataclasses import dataclass


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
