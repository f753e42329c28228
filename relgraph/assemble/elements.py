"""Elements with sizes: the shape that each makes, and the parameters that it keeps.

Each row of `SHAPES` maps a word to the rule for its output; words that keep the shape stand in
`KEEPING`. Refusals go into the findings and the rule returns its best guess, so that the walk goes
on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil

from relgraph.algebra.operator import Size
from relgraph.algebra.parameters import Parameter
from relgraph.assemble.flow import Findings, Flow
from relgraph.program import Element, Shape
from relgraph.resolved import Argument
from relgraph.resolved import Element as Use

ShapeRule = Callable[[Use, Flow, Findings], Flow]

ACTIVATIONS = frozenset(
    [
        "relu",
        "relu6",
        "gelu",
        "gelu_tanh",
        "silu",
        "sigmoid",
        "tanh",
        "hardswish",
        "hardsigmoid",
        "leaky_relu",
        "elu",
        "softplus",
        "mish",
    ]
)
KEEPING = ACTIVATIONS | frozenset(
    [
        "layer_norm",
        "batch_norm",
        "group_norm",
        "rms_norm",
        "affine",
        "scale",
        "dropout",
        "drop_path",
        "channel_shuffle",
        "position",
    ]
)


def output_flow(use: Use, flow: Flow, findings: Findings, classes: int) -> Flow:
    """The value after an element. Records what cannot be."""
    if use.word == "classifier":
        return _classifier(use, flow, findings, classes)
    if use.word in SHAPES:
        return SHAPES[use.word](use, flow, findings)
    assert use.word in KEEPING, f"no shape rule for the element {use.word}"
    _check_kept(use, flow, findings)
    return flow


def pair(value: Argument) -> Size:
    """A size written as one number or as rows and columns."""
    if isinstance(value, tuple):
        rows, columns = value
        assert isinstance(rows, int) and isinstance(columns, int)
        return rows, columns
    assert isinstance(value, int)
    return value, value


def whole(value: Argument) -> int:
    """A whole number, as the language's table promises it."""
    assert isinstance(value, int)
    return value


def _check_kept(use: Use, flow: Flow, findings: Findings) -> None:
    channels = flow.shape.channels
    if use.word in ("group_norm", "channel_shuffle"):
        groups = whole(use["groups"])
        if channels % groups:
            findings.refuse(
                "groups-divide",
                use.place,
                f"{groups} groups",
                f"the number of groups must divide the {channels} channels",
            )
        elif use.word == "group_norm" and _values(flow.shape) == groups:
            findings.refuse(
                "group-of-one",
                use.place,
                f"{groups} groups of {_values(flow.shape)} values",
                "groups of several values: one alone is its own mean, and nothing is left of it",
                "normalise before the map is pooled, or take fewer groups",
            )
    if use.word == "channel_shuffle":
        _refuse_tokens(use, flow, findings)
    if use.word == "position":
        _check_position(use, flow, findings)


def _values(shape: Shape) -> int:
    return shape.channels * (shape.positions + len(shape.tokens))


def _check_position(use: Use, flow: Flow, findings: Findings) -> None:
    if flow.shape.grid is None:
        _needs_map(use, flow, findings)
    elif use["kind"] == "learned" or flow.shape.tokens:
        # A sequence does not tell its map's sides: the built ones hold.
        findings.fixed = True
    if use["kind"] == "fourier":
        if whole(use["hidden"]) % 2:
            findings.refuse(
                "position-hidden",
                use.place,
                f"hidden: {use['hidden']}",
                "an even number: half the waves are sines, half cosines",
            )
    elif use["kind"] == "sincos" and flow.shape.channels % 4:
        findings.refuse(
            "position-channels",
            use.place,
            f"{flow.shape.channels} channels",
            "a sincos position needs a multiple of 4 (sine and cosine, rows and columns)",
            "`position: fourier` fits any width",
        )


def _needs_map(use: Use, flow: Flow, findings: Findings) -> None:
    findings.refuse(
        "needs-a-map",
        use.place,
        f"{use.word} on a pooled vector",
        "a map with positions; the value was pooled or selected before",
    )


def _refuse_tokens(use: Use, flow: Flow, findings: Findings) -> None:
    if flow.shape.tokens:
        findings.refuse(
            "tokens-refused",
            use.place,
            f"{use.word} on a map with extra tokens ({', '.join(flow.shape.tokens)})",
            "a map alone",
            "put `select: map` before it",
        )


def _pool(use: Use, flow: Flow, findings: Findings) -> Flow:
    _refuse_tokens(use, flow, findings)
    if flow.shape.grid is None:
        _needs_map(use, flow, findings)
        return flow
    size, stride, padding = pair(use["size"]), pair(use["stride"]), pair(use["padding"])
    grid = tuple(
        _pooled_side(side, size[i], stride[i], padding[i], bool(use["ceil"]))
        for i, side in enumerate(flow.shape.grid)
    )
    if any(2 * p > k for p, k in zip(padding, size, strict=True)):
        findings.refuse(
            "padding-too-large",
            use.place,
            f"padding {padding[0]} with size {size[0]}",
            "at most half the size",
        )
    if min(grid) < 1:
        _too_small(use, flow, size, findings)
    shape = replace(flow.shape, grid=(max(1, grid[0]), max(1, grid[1])))
    return flow.with_shape(shape).with_stride((Fraction(stride[0]), Fraction(stride[1])))


def _pooled_side(side: int, size: int, stride: int, padding: int, up: bool) -> int:
    room = side + 2 * padding - size
    if not up:
        return room // stride + 1
    steps = ceil(Fraction(room, stride)) + 1
    # The last window must start inside the map or its left padding.
    return steps - 1 if (steps - 1) * stride >= side + padding else steps


def _too_small(use: Use, flow: Flow, size: Size, findings: Findings) -> None:
    assert flow.shape.grid is not None
    rows, columns = flow.shape.grid
    findings.refuse(
        "map-too-small",
        use.place,
        f"a map of {rows}×{columns}",
        f"at least the {size[0]}×{size[1]} that {use.word} reads",
        "enlarge the input or drop a stride before it",
    )


def _global_pool(use: Use, flow: Flow, findings: Findings) -> Flow:
    if flow.shape.grid is None:
        _needs_map(use, flow, findings)
    return flow.with_shape(Shape(flow.shape.channels, None))


def _upsample(use: Use, flow: Flow, findings: Findings) -> Flow:
    _refuse_tokens(use, flow, findings)
    if flow.shape.grid is None:
        _needs_map(use, flow, findings)
        return flow
    rows, columns = pair(use["factor"])
    height, width = flow.shape.grid
    grown = flow.with_shape(replace(flow.shape, grid=(height * rows, width * columns)))
    return grown.with_stride((Fraction(1, rows), Fraction(1, columns)))


def _space_to_depth(use: Use, flow: Flow, findings: Findings) -> Flow:
    _refuse_tokens(use, flow, findings)
    if flow.shape.grid is None:
        _needs_map(use, flow, findings)
        return flow
    (height, width), (side, _) = flow.shape.grid, pair(use["size"])
    if height % side or width % side:
        findings.refuse(
            "map-does-not-divide",
            use.place,
            f"a map of {height}×{width}",
            f"both sides a multiple of {side}",
            "change the input size or the strides before it",
        )
    findings.need_multiple(flow, (side, side))
    grid = (max(1, height // side), max(1, width // side))
    shape = replace(flow.shape, channels=flow.shape.channels * side * side, grid=grid)
    return flow.with_shape(shape).with_stride((Fraction(side), Fraction(side)))


def _add_token(use: Use, flow: Flow, findings: Findings) -> Flow:
    if flow.shape.grid is None:
        _needs_map(use, flow, findings)
    kind, count = str(use["kind"]), whole(use["count"])
    if kind in flow.shape.tokens:
        findings.refuse("token-twice", use.place, f"a second {kind} token", "one of each kind")
    return flow.with_shape(replace(flow.shape, tokens=(kind,) * count + flow.shape.tokens))


def _select(use: Use, flow: Flow, findings: Findings) -> Flow:
    kind = str(use["kind"])
    if kind == "map":
        findings.fixed |= bool(flow.shape.tokens)  # The sides of the map were lost in the sequence.
        return flow.with_shape(replace(flow.shape, tokens=()))
    if kind not in flow.shape.tokens:
        findings.refuse(
            "no-such-token",
            use.place,
            f"select: {kind}",
            f"a token added before: {', '.join(flow.shape.tokens) or 'there is none'}",
            f"put `add_token: {kind}` into the stem",
        )
    return flow.with_shape(Shape(flow.shape.channels, None))


def _classifier(use: Use, flow: Flow, findings: Findings, classes: int) -> Flow:
    if flow.shape.grid is not None:
        findings.refuse(
            "classifier-needs-a-vector",
            use.place,
            f"a {flow.shape.layout} of {flow.shape.channels} channels",
            "a pooled or selected vector",
            "put `global_pool` or `select: class` before the classifier",
        )
    return flow.with_shape(Shape(classes, None))


SHAPES: dict[str, ShapeRule] = {
    "add_token": _add_token,
    "avg_pool": _pool,
    "global_pool": _global_pool,
    "max_pool": _pool,
    "select": _select,
    "space_to_depth": _space_to_depth,
    "upsample": _upsample,
}


def parameters(element: Element) -> tuple[Parameter, ...]:
    """What an element keeps in the state dict, buffers of norm statistics aside."""
    channels = element.input.channels
    word = element.word
    if not has_factor(element):
        return ()
    if word in ("layer_norm", "batch_norm", "group_norm", "affine"):
        weight = Parameter("weight", (channels,), "one", decay=False)
        has_bias = word != "layer_norm" or bool(element["bias"])
        bias = Parameter("bias", (channels,), "zero", decay=False)
        return (weight, bias) if has_bias else (weight,)
    if word == "rms_norm":
        return (Parameter("weight", (channels,), "one", decay=False),)
    if word == "scale" and element["learned"]:
        return (Parameter("weight", (channels,), "constant", decay=False),)
    if word == "position":
        return _position(element)
    if word == "add_token":
        shape = (1, whole(element["count"]), channels)
        return (Parameter("weight", shape, "truncated_normal", decay=False),)
    if word == "classifier":
        return _linear("", channels, element.output.channels)[: 2 if element["bias"] else 1]
    return ()


def has_factor(element: Element) -> bool:
    """Whether a norm has parameters: not where inference has moved them into the next layer."""
    return dict(element.arguments).get("affine") is not False


def _position(element: Element) -> tuple[Parameter, ...]:
    channels = element.input.channels
    if element["kind"] == "fourier":
        return _linear("projection.", 2 * whole(element["hidden"]), channels)
    if element["kind"] == "sincos":
        return ()
    assert element.input.grid is not None, "a vector has no positions"
    tokens = len(element.input.tokens) if element["tokens"] else 0
    shape = (1, tokens + element.input.positions, channels)
    return (Parameter("weight", shape, "truncated_normal", decay=False),)


def _linear(prefix: str, entering: int, leaving: int) -> tuple[Parameter, Parameter]:
    return (
        Parameter(f"{prefix}weight", (leaving, entering), "truncated_normal", decay=True),
        Parameter(f"{prefix}bias", (leaving,), "zero", decay=False),
    )


def macs(element: Element) -> int:
    """Multiply-adds: of a classifier, and of the linear layer behind fourier positions."""
    channels = element.input.channels
    if element.word == "classifier":
        return channels * element.output.channels
    if element.word == "position" and element["kind"] == "fourier":
        return element.input.positions * 2 * whole(element["hidden"]) * channels
    return 0
