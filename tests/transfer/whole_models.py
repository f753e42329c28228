"""Transfers from file to file: specs on disk, emitted models, a checkpoint, real images."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from relgraph.pipeline import compile_backbone
from relgraph.spec.recipe import find_recipe, load_recipe
from relgraph.train.images import ImagesInMemory, open_images
from relgraph.train.model import Architecture, Backbone, build
from relgraph.transfer import Transferred, TransferRequest, transfer

SPEC = """
backbone: {name}
cite: A test
input: {{size: 24, channels: 1}}
classes: 10
stem: {stem}
stages: {stages}
downsample: [patchify: 2, layer_norm]
block:
{block}
head: {head}
drop_path: 0.1
"""
STAGES = (
    "[{depth: 2, channels: 16, heads: 2, window: 3}, {depth: 1, channels: 32, heads: 4, window: 3}]"
)


@dataclass(frozen=True)
class Design:
    """A backbone of two stages on 6×6 and 3×3 positions: its block, and what is not as usual."""

    block: tuple[str, ...]
    stem: str = "[patchify: 4, layer_norm]"
    head: str = "[layer_norm, global_pool, classifier]"
    stages: str = STAGES
    define: str = ""

    def written(self, folder: Path, name: str) -> Path:
        """The spec file."""
        stages = self.stages
        for variable in ("heads", "window"):
            if not any(f"${variable}" in item for item in self.block):
                stages = re.sub(rf", {variable}: \d+", "", stages)
        block = "\n".join(f"  - {item}" for item in self.block)
        text = SPEC.format(name=name, stem=self.stem, head=self.head, stages=stages, block=block)
        path = folder / f"{name}.yaml"
        path.write_text(text + self.define)
        return path


@dataclass(frozen=True, eq=False)
class Carried:
    """Both models after a transfer, in evaluation mode, and what was told."""

    told: Transferred
    source: Backbone
    target: Backbone
    paths: tuple[Path, Path, Path] = field(repr=False)  # both specs and the checkpoint

    def difference(self) -> float:
        """max |Δ logit| on 16 images."""
        dtype = next(self.source.parameters()).dtype
        images, _ = pictures(16, 1000)
        with torch.no_grad():
            one, other = self.source(images.to(dtype)), self.target(images.to(dtype))
        assert float(one.abs().max()) > 0.05, "logits that say something"
        return float((one - other).abs().max())


def mixer(operator: str, ending: str = "feed_forward: 2", scale: str = "") -> Design:
    """Blocks of two residuals behind layer norms, as transformers have them."""
    scaled = f", scale: {scale}" if scale else ""
    return Design(
        (
            f"residual: {{body: [layer_norm, {operator}]{scaled}}}",
            f"residual: [layer_norm, {ending}]",
        )
    )


def normed(operator: str) -> Design:
    """Blocks with batch norms and an activation, as convolutional networks have them."""
    return Design((f"residual: [{operator}, batch_norm, relu, pointwise, batch_norm]", "relu"))


@cache
def embedded() -> ImagesInMemory:
    """The embedded training images, read once."""
    images = open_images(load_recipe(find_recipe("fashion_demo")).data).train
    assert isinstance(images, ImagesInMemory)
    return images


def pictures(count: int, first: int = 0) -> tuple[Tensor, Tensor]:
    """Embedded training images from `first` on, at 24×24, and their classes."""
    images = embedded()
    chosen = slice(first, first + count)
    pixels = torch.as_tensor(images.pixels[chosen]).reshape(-1, 1, 28, 28).float() / 255
    return (pixels[..., 2:26, 2:26] - 0.3) / 0.35, torch.as_tensor(images.labels[chosen]).long()


def model(spec: Path, seed: int) -> Backbone:
    """The emitted model of a spec, as it starts."""
    path = spec.with_name(f"{spec.stem}_model.py")
    path.write_text(compile_backbone(str(spec)).text)
    torch.manual_seed(seed)
    return build(path, Architecture(num_classes=10, in_chans=1))


def randomise(made: Backbone) -> None:
    """All weights and statistics other than they start, so that each of them tells."""
    generator = torch.Generator().manual_seed(5)
    for name, tensor in made.state_dict().items():
        if not tensor.dtype.is_floating_point:
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if "running_var" in name:
            tensor.copy_(noise.abs() + 0.3)
        else:
            tensor.add_(noise * (0.3 if tensor.ndim < 2 else max(0.05, float(tensor.std()))))


def train(made: Backbone, steps: int = 3) -> None:
    """A few steps on real images."""
    images, labels = pictures(32 * steps)
    optimizer = torch.optim.AdamW(made.parameters(), lr=3e-3)
    made.train()
    for x, y in zip(images.split(32), labels.split(32), strict=True):
        loss = torch.nn.functional.cross_entropy(made(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def carried(
    folder: Path,
    before: Design,
    after: Design,
    trained: bool = False,
    dtype: torch.dtype = torch.float64,
) -> Carried:
    """The weights of a model of `before`, random or trained, in one of `after`."""
    specs = before.written(folder, "model_before"), after.written(folder, "model_after")
    source = model(specs[0], 1)
    (train if trained else randomise)(source)
    source = source.to(dtype).eval()
    weights = folder / f"weights_{trained}.safetensors"
    safetensors.torch.save_file(source.state_dict(), weights)
    out = folder / f"carried_{trained}.safetensors"
    told = transfer(
        TransferRequest(checkpoint=weights, before=str(specs[0]), after=str(specs[1]), out=out)
    )
    target = model(specs[1], 7).to(dtype).eval()
    target.load_state_dict(safetensors.torch.load_file(out))
    return Carried(told, source, target, (*specs, weights))
