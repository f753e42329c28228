"""Two backbones of operators that no spec ships, block by block a special case of the other: the
logits of the emitted files are the same, in float64."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from relgraph.pipeline import compile_backbone
from relgraph.train.model import Architecture, Backbone, build
from relgraph.transfer import TransferRequest, transfer

FRAMED = (
    "channel: {{connect: separate, heads: {}}}\nbias: false\nframe: {{value: true, output: true}}\n"
)
PAIRS = "{dynamic: pair, normalize: softmax"
OPERATORS = {
    "overlapping": (
        "space: {connect: outlook, size: 3, share: windows}\n" + FRAMED.format(2),
        "space: {connect: outlook, size: 3, share: windows}\nweight: {dynamic: center}\n"
        + FRAMED.format(4),
    ),
    "banded": (
        "space: {connect: local, size: 3, share: positions}\nchannel: {connect: local, size: 3}\n",
        "space: {connect: local, size: 3, share: positions}\n",
    ),
    "moved": (
        "space: {connect: local, size: 3}\nchannel: {connect: separate}\nbias: false\n"
        "weight: {fixed: shift, offset: [0, 1]}\n",
        "space: {connect: local, size: 3, share: positions}\nchannel: {connect: separate}\n"
        "bias: false\n",
    ),
    "around": (
        f"space: {{connect: window, size: 4, halo: 1}}\nweight: {PAIRS}, position: relative}}\n"
        + FRAMED.format(2),
        f"space: {{connect: full}}\nweight: {PAIRS}, position: absolute}}\n" + FRAMED.format(2),
    ),
    "cosines": (
        f"space: {{connect: window, size: 4}}\nweight: {PAIRS}, score: cosine}}\n"
        + FRAMED.format(2),
        f"space: {{connect: window, size: 4}}\n"
        f"weight: {PAIRS}, score: cosine, position: relative}}\n" + FRAMED.format(2),
    ),
    "turned": (
        "space: {connect: full}\n" + f"weight: {PAIRS}, position: rotary}}\n" + FRAMED.format(2),
    )
    * 2,
    "compared": (
        "space: {connect: point, share: positions}\nchannel: {connect: groups, groups: 2}\n"
        "weight: {dynamic: channels, score: cosine, normalize: softmax}\n"
        "bias: false\nframe: {value: true, output: true}\n",
    )
    * 2,
    "tapped": (
        "space: {connect: point, share: positions}\n"
        "channel: {connect: local, size: 3, share: all}\n",
        "space: {connect: point, share: positions}\nchannel: {connect: local, size: 5}\n",
    ),
}


def emitted(folder: Path, name: str, which: int) -> tuple[Path, Backbone]:
    """A backbone of a block that has all operators, and its model with random numbers."""
    items = "".join(f"  - residual: [layer_norm, {one}_{name}]\n" for one in OPERATORS)
    for one, texts in OPERATORS.items():
        (folder / f"{one}_{name}.yaml").write_text(f"operator: {one}_{name}\n{texts[which]}")
    spec = folder / f"{name}.yaml"
    spec.write_text(
        f"backbone: {name}\ninput: {{size: 8}}\nclasses: 3\nstem: [pointwise: 8]\n"
        f"stages: [{{depth: 1, channels: 8}}]\nblock:\n{items}head: [global_pool, classifier]\n"
    )
    file = folder / f"{name}_model.py"
    file.write_text(compile_backbone(str(spec)).text)
    torch.manual_seed(0)
    model = build(file, Architecture(num_classes=3, in_chans=3)).double().eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return spec, model


def test_a_model_of_new_words_goes_into_one_of_which_it_is_a_special_case(tmp_path: Path) -> None:
    (before, source), (after, target) = (
        emitted(tmp_path, name, which) for which, name in enumerate(("narrow", "wide"))
    )
    weights, out = tmp_path / "weights.safetensors", tmp_path / "out.safetensors"
    safetensors.torch.save_file(source.state_dict(), weights)
    told = transfer(
        TransferRequest(checkpoint=weights, before=str(before), after=str(after), out=out)
    )
    assert all(layer.is_exact for layer in told.layers)
    target.load_state_dict(safetensors.torch.load_file(out))
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        one, other = source(images), target(images)
    assert one.std() > 0.1
    assert (one - other).abs().max() <= 1e-10 * one.abs().max()
