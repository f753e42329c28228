"""Elements without state as expressions, and the table of all elements by word.

Goes in: an element with its sizes. Comes out: an expression in `{x}` (activations, pooling, changes
of resolution), or a module (norms, factors, positions, tokens, dropout, classifier).
"""

from __future__ import annotations

from collections.abc import Callable

from relgraph.lower import norms, positions
from relgraph.lower.fields import Arguments, flag, number, pair, whole
from relgraph.lower.guards import square
from relgraph.lower.layers import DROP_PATH, LINEAR
from relgraph.lower.module import Definition, DropPathRate, Inline, Lowered, Module
from relgraph.program import Element

ACTIVATIONS: dict[str, str] = {
    "elu": "F.elu({x})",
    "gelu": "F.gelu({x})",
    "gelu_tanh": 'F.gelu({x}, approximate="tanh")',
    # F.hardsigmoid's gradient is float32's 1/6 even in float64.
    "hardsigmoid": "F.relu6({x} + 3.0) / 6.0",
    "hardswish": "F.hardswish({x})",
    "mish": "F.mish({x})",
    "relu": "F.relu({x})",
    "relu6": "F.relu6({x})",
    "sigmoid": "torch.sigmoid({x})",
    "silu": "F.silu({x})",
    "softplus": "F.softplus({x})",
    "tanh": "torch.tanh({x})",
}

_SPACE_TO_DEPTH = Definition(
    "space_to_depth",
    '''\
def space_to_depth(x: Tensor, size: int) -> Tensor:
    """Gather size × size neighbours into channels: (B, C, H, W) -> (B, size²·C, H/size, W/size).

    The parts stand in the order (0, 0), (1, 0), (0, 1), (1, 1): the row runs fastest, as in Swin.
    """
    height, width = x.shape[2:]
    if height % size or width % size:
        raise ValueError(f"both sides must be multiples of {size}, found {height}×{width}")
    x = x.permute(0, 2, 3, 1).unflatten(2, (-1, size)).unflatten(1, (-1, size))
    # (B, H/s, row, W/s, column, C) -> (B, H/s, W/s, column, row, C)
    return x.permute(0, 1, 3, 4, 2, 5).flatten(3).permute(0, 3, 1, 2)''',
)


def lower_avg_pool(element: Element) -> Lowered:
    """The mean over a window of the map, its zero padding counted or not."""
    counted = flag(element["count_padding"])
    return Inline(_pool("F.avg_pool2d", element, "" if counted else ", count_include_pad=False"))


def lower_max_pool(element: Element) -> Lowered:
    """The largest value in a window of the map; padding never wins."""
    return Inline(_pool("F.max_pool2d", element, ""))


def _pool(function: str, element: Element, extra: str) -> str:
    size, stride, padding = (pair(element[name]) for name in ("size", "stride", "padding"))
    words = [f"{{x}}, {square(size)}"]
    if stride != size:
        words.append(f"stride={square(stride)}")
    if padding != (0, 0):
        words.append(f"padding={square(padding)}")
    if flag(element["ceil"]):
        words.append("ceil_mode=True")
    counts = extra if padding != (0, 0) else ""
    return f"{function}({', '.join(words)}{counts})"


def lower_global_pool(element: Element) -> Lowered:
    """Mean or maximum over all positions of the map, extra tokens left out: a vector."""
    function = "amax" if element["kind"] == "max" else "mean"
    if element.input.layout == "map":
        return Inline(f"{{x}}.{function}((2, 3))")
    return Inline(f"{{x}}[:, {len(element.input.tokens)}:].{function}(1)")


def lower_upsample(element: Element) -> Lowered:
    """A larger map by whole factors."""
    factor, mode = square(pair(element["factor"])), str(element["mode"])
    written = "" if mode == "nearest" else f', mode="{mode}"'
    return Inline(f"F.interpolate({{x}}, scale_factor={factor}{written})")


def lower_space_to_depth(element: Element) -> Lowered:
    """Neighbouring positions side by side in the channels."""
    size, columns = pair(element["size"])
    assert size == columns, "parts are square"
    return Inline(f"space_to_depth({{x}}, {size})", uses=(_SPACE_TO_DEPTH,))


def lower_channel_shuffle(element: Element) -> Lowered:
    """Channels of all groups interleaved (Zhang et al., ShuffleNet, CVPR 2018)."""
    groups = whole(element["groups"])
    if element.input.layout == "map":
        return Inline(f"F.channel_shuffle({{x}}, {groups})")
    return Inline(f"{{x}}.unflatten(-1, ({groups}, -1)).transpose(-1, -2).flatten(-2)")


def lower_dropout(element: Element) -> Lowered:
    """Zeros at random places while training."""
    return Module("nn.Dropout", (("p", number(element["rate"])),))


def lower_drop_path(element: Element) -> Lowered:
    """Stochastic depth, at the block's rate unless the spec wrote one."""
    fields = dict(element.arguments)
    rate = number(fields["rate"])
    follows = fields.get("follows_block", False)
    prob = DropPathRate(rate) if follows else rate
    return Module(DROP_PATH.name, (("drop_prob", prob),), definition=DROP_PATH)


def lower_classifier(element: Element) -> Lowered:
    """A linear layer from a vector to the classes."""
    bias: Arguments = () if flag(element["bias"]) else (("bias", False),)
    ends: Arguments = (
        ("in_features", element.input.channels),
        ("out_features", element.output.channels),
    )
    return Module(LINEAR.name, (*ends, *bias), positional=2, definition=LINEAR)


def lower_leaky_relu(element: Element) -> Lowered:
    """The identity above zero, a slope below."""
    slope = number(element["slope"])
    return Inline("F.leaky_relu({x})" if slope == 0.01 else f"F.leaky_relu({{x}}, {slope!r})")


def lower_activation(element: Element) -> Lowered:
    """A function of every value by itself."""
    return Inline(ACTIVATIONS[element.word])


BUILDS: dict[str, Callable[[Element], Lowered]] = {
    "add_token": positions.lower_add_token,
    "affine": norms.lower_affine,
    "avg_pool": lower_avg_pool,
    "batch_norm": norms.lower_batch_norm,
    "channel_shuffle": lower_channel_shuffle,
    "classifier": lower_classifier,
    "drop_path": lower_drop_path,
    "dropout": lower_dropout,
    "global_pool": lower_global_pool,
    "group_norm": norms.lower_group_norm,
    "leaky_relu": lower_leaky_relu,
    "layer_norm": norms.lower_layer_norm,
    "max_pool": lower_max_pool,
    "position": positions.lower_position,
    "rms_norm": norms.lower_rms_norm,
    "scale": norms.lower_scale,
    "select": positions.lower_select,
    "space_to_depth": lower_space_to_depth,
    "upsample": lower_upsample,
    **dict.fromkeys(ACTIVATIONS, lower_activation),
}
