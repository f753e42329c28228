"""What happens to a model's tensors, as values: which element goes into which layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from relgraph.program import Connect


@dataclass(frozen=True)
class Source:
    """An element that is y = s · x + t for each channel once its statistics are known (of a layer
    or RMS norm: what follows the division). `path` is where its tensors are, `word` what it is;
    `shifts` says whether there is a t."""

    path: str
    word: str
    shifts: bool
    eps: float = 0.0


@dataclass(frozen=True)
class IntoRows:
    """The element after a layer: W ← diag(s) W, b ← s · b + t. `weight` and `bias` are names in
    the state dict; where an element shifts, a bias that is not there yet is 0."""

    element: Source
    weight: str
    bias: str


@dataclass(frozen=True)
class IntoColumns:
    """The element before a layer: b ← b + W t, W ← W diag(s), for W (D, C / groups, ...)."""

    element: Source
    weight: str
    bias: str
    groups: int = 1


@dataclass(frozen=True)
class Bake:
    """Attention at `path` as `node` was: the query's factor goes into its weights, the position
    bias and the mask become the table `bias`, one number for each pair of places and head."""

    path: str
    node: Connect


@dataclass(frozen=True)
class Tabulate:
    """Attention at `path` as `node` was: what a network makes of every offset becomes a table."""

    path: str
    node: Connect


Step: TypeAlias = IntoRows | IntoColumns | Bake | Tabulate
