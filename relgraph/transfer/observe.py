"""Two models on the same images: what enters a layer, and how far each layer's outputs are apart.

In: models with their weights, in evaluation mode, and images. Out: values by path, relative errors.
A layer of the target is given what enters its counterpart in the source, so that one layer's error
is its own and not what came before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from relgraph.train.model import Backbone
from relgraph.transfer.layer import TOGETHER, Layer
from relgraph.transfer.pictures import Pictures

Modules: TypeAlias = tuple[nn.Module, ...]


def entering(model: Backbone, pictures: Pictures) -> Callable[[str], Tensor | None]:
    """What enters the module at a path, (B, T + P, C); None where there is no such module."""

    def values(path: str) -> Tensor | None:
        module = _module(model, path)
        if module is None:
            return None
        seen: list[Tensor] = []
        handle = module.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        try:
            _run(model, pictures)
        finally:
            handle.remove()
        return torch.cat([_rows(one) for one in seen]) if seen else None

    return values


def with_output_errors(
    source: Backbone, target: Backbone, pictures: Pictures, layers: Iterable[Layer]
) -> tuple[Layer, ...]:
    """The rows with ‖y_target − y_source‖ / ‖y_source‖ over all outputs and images, where both are
    modules of one shape."""
    listed = tuple(layers)
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    handles = []
    for layer in listed:
        one, other = _modules(source, layer.source), _modules(target, layer.path)
        if one and other and layer.method != "dropped":
            handles += _compared(one, other, sums[layer.path])
    try:
        _run(source, pictures)
    finally:
        for handle in handles:
            handle.remove()
    return tuple(_told(layer, _ratio(sums.get(layer.path))) for layer in listed)


def largest_logit_difference(source: Backbone, target: Backbone, pictures: Pictures) -> float:
    """max |Δ logit| over the images."""
    with torch.no_grad():
        return max(
            float((source(batch) - target(batch)).abs().max()) for batch in pictures.batches()
        )


def _told(layer: Layer, error: float | None) -> Layer:
    """What was not measured here may have been where the weights were calibrated."""
    return layer if error is None else replace(layer, error_outputs=error)


def _compared(one: Modules, other: Modules, sums: list[float]) -> list[RemovableHandle]:
    """Hooks that add up the squared difference and the square of what comes out of each `one`."""
    given: list[Tensor] = []

    def enter(module: nn.Module, values: tuple[Tensor, ...]) -> None:
        given[:] = values

    def leave(module: nn.Module, values: tuple[Tensor, ...], output: Tensor) -> None:
        try:
            made = given[0]
            for each in other:
                made = each(made)
        except (RuntimeError, TypeError, ValueError):
            return  # layers of another shape have no common input
        if made.shape == output.shape:
            sums[0] += float((made - output).double().square().sum())
            sums[1] += float(output.double().square().sum())

    return [one[0].register_forward_pre_hook(enter), one[-1].register_forward_hook(leave)]


def _ratio(sums: list[float] | None) -> float | None:
    if sums is None or sums[1] == 0:
        return None
    return float((sums[0] / sums[1]) ** 0.5)


def _modules(model: nn.Module, path: str) -> Modules:
    """The modules of a row, one after the other; empty where not all of them are modules."""
    found = tuple(_module(model, one) for one in path.split(TOGETHER))
    return tuple(one for one in found if one is not None) if None not in found else ()


def _module(model: nn.Module, path: str) -> nn.Module | None:
    if not path:
        return None
    try:
        return model.get_submodule(path)
    except AttributeError:
        return None  # written inline in the file


def _run(model: Backbone, pictures: Pictures) -> None:
    with torch.no_grad():
        for batch in pictures.batches():
            model(batch)


def _rows(x: Tensor) -> Tensor:
    """A map, a sequence or a vector as (B, places, channels)."""
    if x.ndim == 4:
        return x.flatten(2).transpose(1, 2)
    return x[:, None] if x.ndim == 2 else x
