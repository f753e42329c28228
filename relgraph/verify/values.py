"""The reference interpreter's value: one plain tensor, position-major, whatever the layout.

Goes in and comes out: `(B, T + H·W, C)` with T extra tokens in front and positions in row-major
order; a pooled vector is one position. Nothing here knows elements, connections or emitted code.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from relgraph.program import Shape

Tensors = Mapping[str, Tensor]


def join(path: str, attr: str) -> str:
    """The path of attribute `attr` of the module at `path`; what is inline stays at `path`."""
    return ".".join(part for part in (path, attr) if part)


def under(tensors: Tensors, path: str) -> dict[str, Tensor]:
    """The tensors of the module at `path`, by their names inside it."""
    prefix = f"{path}." if path else ""
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}


def positions(x: Tensor, shape: Shape) -> Tensor:
    """The part of `x` that lies on the map, extra tokens dropped: (B, H·W, C)."""
    return x[:, len(shape.tokens) :]


def to_map(x: Tensor, shape: Shape) -> Tensor:
    """(B, T + H·W, C) -> (B, C, H, W), extra tokens dropped."""
    assert shape.grid is not None, "a vector has no map"
    height, width = shape.grid
    channels_first = positions(x, shape).transpose(1, 2)
    return channels_first.reshape(*channels_first.shape[:2], height, width)


def from_map(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, H·W, C)."""
    return x.flatten(2).transpose(1, 2)


def to_layout(x: Tensor, shape: Shape) -> Tensor:
    """The tensor that emitted code calls by this shape: map, sequence or vector."""
    if shape.layout == "map":
        return to_map(x, shape)
    return x[:, 0] if shape.layout == "vector" else x


def from_layout(x: Tensor, shape: Shape) -> Tensor:
    """The inverse of `to_layout`."""
    if shape.layout == "map":
        return from_map(x)
    return x[:, None] if shape.layout == "vector" else x
