"""Emitted Swin-T and DWNet-T against what they are compared with, in one process.

    python benchmarks/models.py [--rounds 10] [--batch 8] [--threads 2]

Swin-T: timm's eager model, forward and training step. DWNet-T: the same modules written the
straightforward way, channels first, with a permute before every linear and norm. Both forward also
as `relgraph optimize` makes them.
"""

from __future__ import annotations

import argparse
import types
from collections.abc import Callable

import timm
import torch
from timing import interleaved, table
from torch import Tensor, nn

from relgraph.emit import emit
from relgraph.emitted import load_text
from relgraph.inference import for_inference
from relgraph.inference.weights import inference_tensors
from relgraph.pipeline import compile_backbone


def emitted(name: str) -> nn.Module:
    """A fresh emitted model."""
    module: types.ModuleType = load_text(compile_backbone(name).text, f"{name}.py")
    model = getattr(module, name)()
    assert isinstance(model, nn.Module)
    return model


def optimized(name: str, model: nn.Module) -> nn.Module:
    """The inference version of an emitted model."""
    made = for_inference(compile_backbone(name).program)
    module: types.ModuleType = load_text(emit(made.program), f"{name}_inference.py")
    folded = getattr(module, name)()
    assert isinstance(folded, nn.Module)
    folded.load_state_dict(inference_tensors(made.steps, model.state_dict()))
    return folded


class PermutedLinear(nn.Linear):
    """A linear layer on a contiguous channels-first map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).contiguous()


class PermutedNorm(nn.LayerNorm):
    """A layer norm on a contiguous channels-first map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).contiguous()


class Residual(nn.Sequential):
    """x + body(x)."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


def straightforward_dwnet() -> nn.Module:
    """DWNet-T as the paper's repository arranges it, every module on contiguous NCHW maps."""
    layers: list[nn.Module] = [nn.Conv2d(3, 96, 4, 4), PermutedNorm(96)]
    for stage, depth in enumerate((2, 2, 6, 2)):
        dim = 96 * 2**stage
        if stage:
            layers += [nn.PixelUnshuffle(2), PermutedNorm(2 * dim)]
            layers += [PermutedLinear(2 * dim, dim, bias=False)]
        for _ in range(depth):
            layers += [Residual(*mixer(dim)), Residual(*feed_forward(dim))]
    head = [PermutedNorm(768), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(768, 1000)]
    return nn.Sequential(*layers, *head)


def mixer(dim: int) -> list[nn.Module]:
    """1×1, depth-wise 7×7, 1×1, each with its norm."""
    return [
        nn.Conv2d(dim, dim, 1, bias=False),
        nn.BatchNorm2d(dim),
        nn.ReLU(),
        nn.Conv2d(dim, dim, 7, padding=3, groups=dim),
        nn.BatchNorm2d(dim),
        nn.ReLU(),
        nn.Conv2d(dim, dim, 1, bias=False),
        nn.BatchNorm2d(dim),
    ]


def feed_forward(dim: int) -> list[nn.Module]:
    """Norm, two linears on permuted maps."""
    return [
        nn.BatchNorm2d(dim),
        PermutedLinear(dim, 4 * dim),
        nn.GELU(),
        PermutedLinear(4 * dim, dim),
    ]


def forward(model: nn.Module, x: Tensor) -> Callable[[], object]:
    """Inference on one batch."""
    model.eval()

    def run() -> None:
        with torch.inference_mode():
            model(x)

    return run


def step(model: nn.Module, x: Tensor) -> Callable[[], object]:
    """Forward, backward and an update of the weights."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    target = torch.zeros(len(x), dtype=torch.long)

    def run() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), target).backward()
        optimizer.step()

    return run


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="tables whose title has this in it")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    x = torch.randn(arguments.batch, 3, 224, 224)
    swin = {
        # The same stochastic depth as the emitted model's, since each drop costs a product.
        "timm, eager": timm.create_model(
            "swin_tiny_patch4_window7_224", pretrained=False, drop_path_rate=0.2
        ),
        "emitted swin_tiny": emitted("swin_tiny"),
    }
    dwnet = {
        "module by module": straightforward_dwnet(),
        "emitted dwnet_tiny": emitted("dwnet_tiny"),
    }
    used = {"optimized swin_tiny": optimized("swin_tiny", swin["emitted swin_tiny"])}
    used_dwnet = {"optimized dwnet_tiny": optimized("dwnet_tiny", dwnet["emitted dwnet_tiny"])}
    for title, make, models in (
        ("Swin-T forward", forward, {**swin, **used}),
        ("Swin-T training step", step, swin),
        ("DWNet-T forward", forward, {**dwnet, **used_dwnet}),
        ("DWNet-T training step", step, dwnet),
    ):
        if arguments.only not in title:
            continue
        times = interleaved({name: make(m, x) for name, m in models.items()}, arguments.rounds)
        print(table(title, times, next(iter(models))), flush=True)


if __name__ == "__main__":
    main()
