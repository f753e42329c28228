"""Edits of emitted text beside the connections: how it begins, what it offers, what is harmless."""

from __future__ import annotations

from tests.verify.edits import edit

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
