"""Emitted window attention against timm's and against the forms that were not chosen.

    python benchmarks/window_attention.py [--rounds 15] [--batch 8] [--threads 2]

One table for each stage of Swin-T, shifted windows (the masked case, which is the slower one):
inference and a training step. `timm` is timm's own block without norms, feed-forward and residual.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
from timing import interleaved, table
from timm.models.swin_transformer import SwinTransformerBlock
from torch import Tensor, nn

from relgraph.algebra.operator import Channel, Connection, Frame, Operator, Space, Weight
from relgraph.emitted import load_text
from relgraph.lower import lower
from relgraph.lower.module import Module, in_reading_order
from relgraph.program import Connect, Shape

STAGES = ((56, 96, 3), (28, 192, 6), (14, 384, 12))
IMPORTS = (
    "import math\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn"
)


def emitted(side: int, dim: int, heads: int) -> nn.Module:
    """Swin's shifted window attention as the compiler lowers it."""
    operator = Operator(
        Space("window", (7, 7), shift=(3, 3), border="mask"),
        Channel("separate", share="heads", heads=heads),
        Weight("pair", "softmax", "relative"),
        "none",
        Frame(value=True, output=True),
    )
    shape = Shape(dim, (side, side))
    connection = Connection(operator, dim, dim, (side, side), (side, side))
    lowered = lower(Connect(input=shape, output=shape, name="mixer", connection=connection))
    assert isinstance(lowered, Module) and lowered.definition is not None
    definitions = in_reading_order([lowered.definition])
    text = "\n\n\n".join([IMPORTS, *(definition.text for definition in definitions)])
    constructor = getattr(load_text(text, "window_attention.py"), lowered.constructor)
    sizes = {"map_size": (side, side)}
    made = constructor(**{**dict(lowered.arguments), **sizes})
    assert isinstance(made, nn.Module)
    return made


def always_fused(attention: nn.Module) -> Callable[[Tensor], Tensor]:
    """The fused kernel in training too."""

    def forward(x: Tensor) -> Tensor:
        return _run(attention, x, fused=True)

    return forward


def always_explicit(attention: nn.Module) -> Callable[[Tensor], Tensor]:
    """Stored softmax weights in inference too."""

    def forward(x: Tensor) -> Tensor:
        return _run(attention, x, fused=False)

    return forward


def _run(attention: Any, x: Tensor, *, fused: bool) -> Tensor:
    """The emitted forward with its one choice made by the caller."""
    call = attention.forward.__globals__
    order, inverse, bias = attention.locate(x)
    windows = attention.qkv(call["window_partition"](x, order))
    q, k, v = call["split_heads"](windows, 3, attention.num_heads)
    y = attention.fused(q, k, v, bias) if fused else attention.softmax(q, k, bias) @ v
    y = call["window_reverse"](call["merge_heads"](y), inverse, x.shape[2:])
    y = attention.proj(y).permute(0, 3, 1, 2)
    assert isinstance(y, Tensor)
    return y


def step(forward: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], None]:
    """Forward and backward, to the input and the parameters."""

    def run() -> None:
        forward(x.detach().requires_grad_()).sum().backward()

    return run


def stage(side: int, dim: int, heads: int, batch: int, rounds: int) -> None:
    """Print the two tables of one stage."""
    ours = emitted(side, dim, heads)
    block = SwinTransformerBlock(dim, (side, side), heads, window_size=7, shift_size=3)
    x = torch.randn(batch, side, side, dim)
    image = x.permute(0, 3, 1, 2)  # channels_last memory, as between emitted blocks
    forms: dict[str, tuple[Callable[[Tensor], Tensor], Tensor]] = {
        "timm": (block._attn, x),
        "emitted": (ours, image),
        "always fused": (always_fused(ours), image),
        "always explicit": (always_explicit(ours), image),
    }
    with torch.no_grad():
        calls = {name: (lambda f=f, a=a: f(a)) for name, (f, a) in forms.items()}
        print(table(f"inference, {side}x{side}x{dim}", interleaved(calls, rounds), "timm"))
    steps = {name: step(f, a) for name, (f, a) in forms.items()}
    print(table(f"training step, {side}x{side}x{dim}", interleaved(steps, rounds), "timm"))


def main() -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    for side, dim, heads in STAGES:
        stage(side, dim, heads, arguments.batch, arguments.rounds)


if __name__ == "__main__":
    main()
