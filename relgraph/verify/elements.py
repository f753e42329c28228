"""What every element of the language means, one obvious line each.

In: the element with its shapes, the tensors of its module by name, and a value `(B, T + H·W, C)`.
Out: the value after it. Stochastic elements (dropout, drop path) are the identity: a proof compares
the deterministic part. Nothing of the compiler is imported; the words are GRAMMAR's, the numbers
torch's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from relgraph.program import Element, Shape
from relgraph.resolved import Argument
from relgraph.verify.values import Tensors, from_map, positions, to_map

Rule = Callable[[Element, Tensors, Tensor], Tensor]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": lambda x: x.clamp(min=0),
    "relu6": lambda x: x.clamp(0, 6),
    "gelu": lambda x: x * 0.5 * (1 + torch.erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": lambda x: x * torch.sigmoid(x),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "hardswish": lambda x: x * (x + 3).clamp(0, 6) / 6,
    "hardsigmoid": lambda x: (x + 3).clamp(0, 6) / 6,
    "elu": lambda x: torch.where(x > 0, x, torch.expm1(x.clamp(max=0))),
    "softplus": F.softplus,
    "mish": lambda x: x * torch.tanh(F.softplus(x)),
}


def apply_element(element: Element, tensors: Tensors, x: Tensor, training: bool) -> Tensor:
    """The value after `element`. `training` makes batch norm take this batch's statistics and
    update the running ones in `tensors` in place, as torch does."""
    if element.word in ACTIVATIONS:
        return ACTIVATIONS[element.word](x)
    if element.word == "batch_norm":
        return _batch_norm(element, tensors, x, training)
    return ELEMENTS[element.word](element, tensors, x)


def _batch_norm(element: Element, tensors: Tensors, x: Tensor, training: bool) -> Tensor:
    eps, momentum = _number(element["eps"]), _number(element["momentum"])
    mean, var = tensors["running_mean"], tensors["running_var"]
    if training:
        rows = x.flatten(0, 1)
        batch_mean, batch_var = rows.mean(0), rows.var(0, unbiased=False)
        mean.lerp_(batch_mean.detach(), momentum)
        # The running variance is the unbiased one, the one used to normalise is not.
        var.lerp_(rows.detach().var(0, unbiased=True), momentum)
        mean, var = batch_mean, batch_var
    return (x - mean) / torch.sqrt(var + eps) * tensors["weight"] + tensors["bias"]


def _layer_norm(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    variance = centred.square().mean(-1, keepdim=True)
    normed = centred / torch.sqrt(variance + _number(element["eps"])) * tensors["weight"]
    return normed + tensors["bias"] if element["bias"] else normed


def _group_norm(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    grouped = x.transpose(1, 2)
    groups, eps = _whole(element["groups"]), _number(element["eps"])
    return F.group_norm(grouped, groups, tensors["weight"], tensors["bias"], eps).transpose(1, 2)


def _rms_norm(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    mean_square = x.square().mean(-1, keepdim=True)
    return x / torch.sqrt(mean_square + _number(element["eps"])) * tensors["weight"]


def _affine(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    return x * tensors["weight"] + tensors["bias"]


def _scale(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    return x * (tensors["weight"] if element["learned"] else _number(element["init"]))


def _identity(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    return x


def _avg_pool(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    size, stride, padding = (_pair(element[name]) for name in ("size", "stride", "padding"))
    up, counted = bool(element["ceil"]), bool(element["count_padding"])
    grid = to_map(x, element.input)
    return from_map(F.avg_pool2d(grid, size, stride, padding, up, counted))


def _max_pool(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    size, stride, padding = (_pair(element[name]) for name in ("size", "stride", "padding"))
    grid = to_map(x, element.input)
    return from_map(F.max_pool2d(grid, size, stride, padding, ceil_mode=bool(element["ceil"])))


def _global_pool(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    on_map = positions(x, element.input)
    if element["kind"] == "max":
        return on_map.amax(1, keepdim=True)
    return on_map.mean(1, keepdim=True)


def _upsample(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    assert element.output.grid is not None
    grid, mode = to_map(x, element.input), str(element["mode"])
    corners = None if mode == "nearest" else False
    return from_map(F.interpolate(grid, element.output.grid, mode=mode, align_corners=corners))


def _space_to_depth(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    side, _ = _pair(element["size"])
    grid = to_map(x, element.input)
    # Swin's order: the row offset runs fastest, (0, 0), (1, 0), (0, 1), (1, 1).
    offsets = [(dy, dx) for dx in range(side) for dy in range(side)]
    return from_map(torch.cat([grid[:, :, dy::side, dx::side] for dy, dx in offsets], 1))


def _channel_shuffle(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    groups = _whole(element["groups"])
    grouped = x.reshape(*x.shape[:2], groups, x.shape[2] // groups)
    return grouped.transpose(2, 3).flatten(2)


def _position(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    if element["kind"] == "learned":
        table = tensors["weight"]
    elif element["kind"] == "fourier":
        waves = fourier(element.input, _whole(element["hidden"]), _number(element["temperature"]))
        table = F.linear(waves.to(x), tensors["projection.weight"], tensors["projection.bias"])
    else:
        table = sincos(element.input).to(x)
    missing = x.shape[1] - table.shape[1]
    return x + F.pad(table, (0, 0, missing, 0))


def sincos(shape: Shape) -> Tensor:
    """Fixed positions (1, H·W, C): the first half of the channels tells the column, the second the
    row; each half sin(p / 10000^(i/n)) for i < n = C/4, then the cosines (Chen et al., ICCV 2021).
    """
    assert shape.grid is not None
    quarter = shape.channels // 4
    omega = 10000.0 ** (-torch.arange(quarter, dtype=torch.float64) / quarter)
    rows, columns = (
        torch.arange(side, dtype=torch.float64)[:, None] * omega for side in shape.grid
    )
    height, width = shape.grid
    column = torch.cat([columns.sin(), columns.cos()], 1).expand(height, width, -1)
    row = torch.cat([rows.sin(), rows.cos()], 1)[:, None].expand(height, width, -1)
    return torch.cat([column, row], 2).flatten(0, 1)[None]


def fourier(shape: Shape, waves: int, temperature: float) -> Tensor:
    """Features of positions (1, H·W, 2·waves), rows first: with p = 1 … n on a side of n, wave k is
    the sine (k even) or cosine (k odd) of 2π p / (n + 1e-6) / temperature^(2⌊k/2⌋/waves) (El-Nouby
    et al., XCiT, NeurIPS 2021)."""
    assert shape.grid is not None

    def wave(place: int, side: int, k: int) -> float:
        angle = 2 * math.pi * (place + 1) / (side + 1e-6) / temperature ** (2 * (k // 2) / waves)
        return math.cos(angle) if k % 2 else math.sin(angle)

    height, width = shape.grid
    rows = [[wave(place, height, k) for k in range(waves)] for place in range(height)]
    columns = [[wave(place, width, k) for k in range(waves)] for place in range(width)]
    features = [row + column for row in rows for column in columns]
    return torch.tensor(features, dtype=torch.float64)[None]


def _add_token(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    return torch.cat([tensors["weight"].expand(len(x), -1, -1), x], 1)


def _select(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    kind = str(element["kind"])
    if kind == "map":
        return positions(x, element.input)
    place = element.input.tokens.index(kind)
    return x[:, place : place + 1]


def _classifier(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    return F.linear(x, tensors["weight"], tensors.get("bias"))


def _leaky_relu(element: Element, tensors: Tensors, x: Tensor) -> Tensor:
    return torch.where(x > 0, x, _number(element["slope"]) * x)


ELEMENTS: dict[str, Rule] = {
    "add_token": _add_token,
    "affine": _affine,
    "avg_pool": _avg_pool,
    "channel_shuffle": _channel_shuffle,
    "classifier": _classifier,
    "drop_path": _identity,
    "dropout": _identity,
    "global_pool": _global_pool,
    "group_norm": _group_norm,
    "layer_norm": _layer_norm,
    "leaky_relu": _leaky_relu,
    "max_pool": _max_pool,
    "position": _position,
    "rms_norm": _rms_norm,
    "scale": _scale,
    "select": _select,
    "space_to_depth": _space_to_depth,
    "upsample": _upsample,
}


def _number(value: Argument) -> float:
    assert isinstance(value, int | float)
    return float(value)


def _whole(value: Argument) -> int:
    assert isinstance(value, int)
    return value


def _pair(value: Argument) -> tuple[int, int]:
    if isinstance(value, tuple):
        rows, columns = value
        return _whole(rows), _whole(columns)
    return _whole(value), _whole(value)
