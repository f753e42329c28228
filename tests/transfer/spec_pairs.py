"""Two small backbones that differ in one block, with random float64 weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from relgraph.program import Program
from relgraph.transfer.bodies import Bodies
from relgraph.transfer.layer import Layer, Outcome
from relgraph.transfer.models import match_programs
from relgraph.verify.draws import draw, inventory
from relgraph.verify.reference import run
from tests.designs import program, small


@dataclass(frozen=True)
class Pair:
    """What became of the weights, and the largest difference of a logit."""

    outcome: Outcome
    difference: float

    @property
    def changed(self) -> tuple[Layer, ...]:
        """Rows of what is not the same in both."""
        return tuple(layer for layer in self.outcome.layers if layer.method != "copy")


def carried(folder: Path, before: str, after: str, size: int = 12) -> Pair:
    """The weights of a model with block `before`, carried to one with block `after`."""
    source = program(small(folder, before, size, "trained"))
    target = program(small(folder, after, size, "wanted"))
    weights, fresh = draw(inventory(source), 1), draw(inventory(target), 2)
    outcome = match_programs(source, target, Bodies(weights, fresh))
    return Pair(outcome, difference(source, weights, target, {**fresh, **outcome.tensors}))


def difference(
    source: Program,
    weights: dict[str, torch.Tensor],
    target: Program,
    made: dict[str, torch.Tensor],
) -> float:
    """max |Δ logit| of the reference interpreter on random images of the source's size."""
    generator = torch.Generator().manual_seed(3)
    assert source.input.grid is not None
    shape = (2, source.input.channels, *source.input.grid)
    images = torch.randn(shape, generator=generator, dtype=torch.float64)
    one, other = run(source, weights, images), run(target, made, images)
    return float((one.logits - other.logits).abs().max())
