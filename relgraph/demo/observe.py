"""What a trained model shows of itself: its answers, its kernels, where its attention looks.

In: the folder of a finished run. Out: the plain values of `relgraph.demo.result`. Models are known
by what their modules offer (a depth-wise kernel, a table of relative biases), not by class names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from relgraph.demo.result import Gallery, Guess, Picture, Table
from relgraph.train.finished import Finished, load_finished
from relgraph.train.images import ImagesInMemory, open_images

KERNELS_SHOWN = 24  # two whole rows of the page
IMAGES_SHOWN = 6


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished run with its test images: `pixels` (N, 1, H, W) bytes, `labels` (N,), and the
    number of images that it was trained on."""

    finished: Finished
    training_images: int
    pixels: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    @property
    def model(self) -> nn.Module:
        """The trained model, in evaluation mode."""
        return self.finished.model

    def inputs(self, count: int) -> Tensor:
        """The first `count` test images as the model gets them (count, C, H, W)."""
        prepared: Tensor = self.finished.run.preparation.batch(self.pixels[:count])
        return prepared.to(self.finished.device)


def open_trained(run: Path) -> Trained:
    """The model of a run as its last update left it, and the images that it was tested on."""
    # The last weights, not the best on the test images: choosing by those would flatter.
    finished = load_finished(run, "last", "cpu")
    images = open_images(finished.recipe.data)
    assert isinstance(images.test, ImagesInMemory), "the demo trains on the embedded images"
    test = images.test
    return Trained(finished, len(images.train), test.pixels, test.labels, images.classes)


def guesses(trained: Trained, name: str, count: int) -> list[Guess]:
    """The most probable class of each of the first `count` test images."""
    with torch.inference_mode():
        probabilities = trained.model(trained.inputs(count)).softmax(1)
    best = probabilities.max(1)
    pairs = zip(best.values.tolist(), best.indices.tolist(), strict=True)
    return [Guess(name, trained.classes[index], probability) for probability, index in pairs]


def galleries(trained: Trained, name: str) -> tuple[Gallery, ...]:
    """Pictures of what a model learned: kernels, position biases, attention, whichever it has."""
    return (
        *_kernels(trained.model, name),
        *_position_biases(trained.model, name),
        *_attention(trained, name),
    )


def _kernels(model: nn.Module, name: str) -> Iterator[Gallery]:
    """The kernels of the first and of the last depth-wise convolution."""
    layers = [
        (path, module)
        for path, module in model.named_modules()
        if isinstance(module, nn.Conv2d)
        and module.groups == module.in_channels > 1
        and module.kernel_size != (1, 1)
    ]
    for path, layer in _ends(layers):
        kernels = layer.weight.detach()[:KERNELS_SHOWN, 0]
        side = f"{kernels.shape[1]}×{kernels.shape[2]}"
        yield Gallery(
            f"{name}: depth-wise kernels of {path}",
            f"One {side} kernel per channel, the same at every position: red adds, blue takes "
            f"away, each kernel on its own scale. {len(kernels)} of {layer.out_channels} channels.",
            tuple(Picture(f"channel {c}", _table(kernel)) for c, kernel in enumerate(kernels)),
        )


def _position_biases(model: nn.Module, name: str) -> Iterator[Gallery]:
    """The relative position biases of the first and of the last attention."""
    layers = [
        (path, module.relative_position_bias_table)
        for path, module in model.named_modules()
        if isinstance(getattr(module, "relative_position_bias_table", None), Tensor)
    ]
    for path, table in _ends(layers):
        side = math.isqrt(len(table))
        biases = table.detach().T.reshape(-1, side, side)
        yield Gallery(
            f"{name}: relative position bias of {path}",
            "What each head adds to its logits for an input at this offset from the output, which "
            "stands in the middle: the part of attention that does not look at the image.",
            tuple(
                Picture(f"head {head}", _table(bias), marked=((side // 2, side // 2),))
                for head, bias in enumerate(biases)
            ),
        )


def _attention(trained: Trained, name: str) -> Iterator[Gallery]:
    """Where the first windowed attention looks on test images, one query in every window."""
    layer = next(
        ((p, m) for p, m in trained.model.named_modules() if hasattr(m, "window_size")), None
    )
    if layer is None:
        return
    path, module = layer
    seen = _input_of(trained, module)
    with torch.inference_mode():
        weights = module.weights(seen)
    order, heads = module.order, weights.shape[2]
    query = order.shape[1] // 2
    pictures = tuple(
        _attention_map(weights[image, :, head, query], order, query, seen.shape[-1], image, head)
        for image in range(len(seen))
        for head in range(heads)
    )
    yield Gallery(
        f"{name}: attention of {path}",
        f"Weights of one query in the middle of each window (white frames), on the first "
        f"{len(seen)} test images below, for each of the {heads} heads; bright is more. Unlike a "
        f"kernel they change from image to image.",
        pictures,
    )


def _attention_map(
    weights: Tensor, order: Tensor, query: int, width: int, image: int, head: int
) -> Picture:
    """Weights (windows, places) put back on the map by `order` (windows, places)."""
    spread = torch.zeros(order.numel())
    spread[order.flatten()] = weights.flatten()
    marked = tuple(divmod(int(place), width) for place in order[:, query])
    return Picture(f"image {image + 1}, head {head}", _table(spread.view(-1, width)), False, marked)


def _input_of(trained: Trained, module: nn.Module) -> Tensor:
    """What reaches `module` when the model sees the first test images."""
    caught: list[Tensor] = []
    hook = module.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    try:
        with torch.inference_mode():
            trained.model(trained.inputs(IMAGES_SHOWN))
    finally:
        hook.remove()
    return caught[0]


def _ends(layers: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return layers if len(layers) < 2 else [layers[0], layers[-1]]


def _table(values: Tensor) -> Table:
    return tuple(tuple(round(float(v), 4) for v in row) for row in values)
