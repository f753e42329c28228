"""A demo result made of invented numbers, to look at and test the page without training."""

from __future__ import annotations

import math

from relgraph.demo.result import (
    Baseline,
    DemoResult,
    Epoch,
    Gallery,
    Guess,
    ModelResult,
    Picture,
    Sample,
    Table,
)
from relgraph.verify.report import Check


def synthetic_result(failing: bool = False) -> DemoResult:
    """Two models, ten epochs, eight samples; one failing check where asked."""
    return DemoResult(
        models=(
            _model("swin_fashion", "local attention", 0.88, failing=failing),
            _model("dwnet_fashion", "depth-wise convolution", 0.90),
        ),
        baseline=Baseline("logistic regression", 7850, 7840, 8.0, 0.842),
        samples=tuple(_sample(index) for index in range(8)),
        images=(10_000, 2_000),
        seconds=311.0,
        facts=(("command", "relgraph demo"), ("torch", "2.15.0"), ("text", "</script><b>&amp;")),
    )


def _model(name: str, mixer: str, accuracy: float, failing: bool = False) -> ModelResult:
    checks = (
        Check("logits", "model", "equal to 1e-9", "1.2e-13", True),
        Check("sharing", "stages.0.blocks.0.spatial (Conv2d)", "49 values", "49 values", True),
        Check(
            "connectivity",
            "stages.0.blocks.1.spatial",
            "local 7x7, zero border",
            "local 7x7" if not failing else "local 5x5",
            not failing,
            "output pixel (2,3) channel 4 does not depend on input (2,0)" if failing else "",
            covers=4,
        ),
    )
    return ModelResult(
        name=name,
        mixer=mixer,
        mixer_path="stages.0.blocks.0.spatial",
        spec=f"backbone: {name}\nstem: [patchify: 2]\n# <b>not markup</b>\n",
        excerpt="class Block(nn.Module):\n    def forward(self, x):\n        return x < 1\n",
        emitted=f"generated/{name}.py",
        run=f"{name}/",
        parameters=151_234,
        macs=12_345_678,
        training_rate=812.0,
        inference_rate=2512.0,
        seconds=120.0,
        accuracy=accuracy,
        epochs=tuple(_epoch(index, accuracy) for index in range(1, 11)),
        proof=checks,
        galleries=(Gallery(f"{name}: kernels", "red adds, blue takes away.", _pictures()),),
    )


def _epoch(index: int, accuracy: float) -> Epoch:
    gap = math.exp(-index / 2)
    return Epoch(index, 0.6 + 1.5 * gap, 0.5 + 1.2 * gap, accuracy - 0.3 * gap, 12.0 * index)


def _pictures() -> tuple[Picture, ...]:
    kernels = tuple(Picture(f"channel {c}", _wave(7, c), True) for c in range(12))
    return (*kernels, Picture("attention", _wave(7, 3), False, marked=((3, 3),)))


def _wave(size: int, phase: int) -> Table:
    return tuple(
        tuple(math.sin(0.8 * row + phase) * math.cos(0.7 * column) for column in range(size))
        for row in range(size)
    )


def _sample(index: int) -> Sample:
    image = tuple(tuple(float((r * c + 40 * index) % 256) for c in range(28)) for r in range(28))
    guesses = (Guess("swin_fashion", "coat", 0.71), Guess("dwnet_fashion", "shirt", 0.93))
    return Sample(image, "shirt", guesses)
