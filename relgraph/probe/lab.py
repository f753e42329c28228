"""Where a module is measured: its tape with several draws of parameters and values of every place.

In: a tape, draws, the places of the input. Out: values of all its nodes at chosen contexts, by
numbers: the draw of parameters, and the image that stands at a node. Equal numbers, equal values.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, fx

from relgraph.probe.draws import Tensors, noise
from relgraph.probe.places import Layout, Places
from relgraph.probe.reading import Reading
from relgraph.probe.tape import Tape, Values

DRAWS = 3


@dataclass(frozen=True, eq=False)
class Lab:
    """`draws` are parameters, drawn several times; `places` those of the module's input."""

    tape: Tape
    reading: Reading
    draws: tuple[Tensors, ...]
    places: Places
    layout: Layout
    _base: dict[int, Values] = field(default_factory=dict)

    def base(self, draw: int) -> Values:
        """All values at one input of the module."""
        if draw not in self._base:
            image = noise(self.places.shape, 50 + draw)
            self._base[draw] = self.tape.values(self.draws[draw], {self.tape.x: image})
        return self._base[draw]

    def at(self, draw: int, start: fx.Node, into: Places, image: Tensor) -> Values:
        """All values where `start` is `image` (P, C), what does not depend on it as in `base`."""
        given = {self.tape.x: noise(self.places.shape, 50 + draw)}
        given[start] = into.write(image[None]).view(into.shape)
        return self.tape.values(self.draws[draw], given)


def image(into: Places, seed: int) -> Tensor:
    """Random features (P, C)."""
    return noise((into.count, into.channels), 300 + seed)


def constant(into: Places, seed: int) -> Tensor:
    """The same random feature at every place (P, C)."""
    return noise((1, into.channels), 400 + seed).expand(into.count, -1).contiguous()


def disturbed(features: Tensor, place: int, seed: int = 0) -> Tensor:
    """`features` with another one at one place."""
    other = features.clone()
    other[place] = noise((features.shape[1],), 500 + seed + place)
    return other


def balanced(features: Tensor, seed: int = 0) -> Tensor:
    """Other features with the same mean over places."""
    change = noise((features.shape[0], features.shape[1]), 600 + seed)
    return features + change - change.mean(0, keepdim=True)


def sampled(count: int, most: int = 5) -> tuple[int, ...]:
    """Up to `most` of `count` places: the first, the last, and some between."""
    at = torch.linspace(0, count - 1, min(count, most)).round().long()
    return tuple(dict.fromkeys(int(i) for i in at))
