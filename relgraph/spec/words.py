"""The words of the language: structure words and elements, with every field they declare.

One literal table. What a word *does* is `relgraph.resolve`'s and the compiler's affair; this table
says what may be written, what holds where nothing is, and what it means in a sentence.
"""

from __future__ import annotations

from typing import Final

from relgraph.spec.field import REQUIRED, Field, Word, by_name
from relgraph.spec.inits import INIT

BIAS = Field("bias", "boolean", "whether a bias per channel is learned", True)


def _eps(default: float) -> Field:
    return Field("eps", "number", "added to the variance", default, minimum=0, maximum=1)


def _count(name: str, meaning: str) -> Field:
    return Field(name, "integer", meaning, REQUIRED, minimum=1, maximum=1 << 20)


def _rate(name: str, meaning: str, default: object = REQUIRED) -> Field:
    chosen = REQUIRED if default is REQUIRED else None
    return Field(name, "number", meaning, chosen, minimum=0, below=1)


def _pool_fields() -> tuple[Field, ...]:
    return (
        Field("size", "size", "side of the window that is read", REQUIRED, minimum=1, maximum=4096),
        Field("stride", "size", "step between windows", same_as="size", minimum=1, maximum=4096),
        Field("padding", "size", "places added outside each border", 0, minimum=0, maximum=4096),
        Field("ceil", "boolean", "keep a last window that only partly lies on the map", False),
    )


FOURIER = ("kind", "fourier")
BRANCHES = Field("branches", "bodies", "one body for each branch", REQUIRED)
COMBINE = ("concat", "sum", "product")

STRUCTURE: Final = (
    Word(
        "residual",
        "structure",
        "x + scale · body(x). `shortcut` replaces x only where the shape changes.",
        "residual: [layer_norm, feed_forward]",
        (
            Field("body", "body", "what is added to x", REQUIRED),
            Field(
                "shortcut",
                "body",
                "stands for x where the shape changes; `none` drops the sum there",
                none=True,
            ),
            Field("scale", "number", "start of a learned scale per channel on the body", none=True),
            Field(
                "drop_path",
                "number",
                "chance to skip the body in training; the block's rate where not written",
                minimum=0,
                below=1,
                none=True,
            ),
        ),
        "body",
    ),
    Word(
        "sum",
        "structure",
        "The sum of several bodies that all read the same value.",
        "sum: [[conv: 3], [conv: 5]]",
        (BRANCHES,),
        "branches",
    ),
    Word(
        "product",
        "structure",
        "The product of several bodies: a gate. Broadcasts over space or channels.",
        "product: [[], [global_pool, pointwise, sigmoid]]",
        (BRANCHES,),
        "branches",
    ),
    Word(
        "concat",
        "structure",
        "The channels of several bodies, one after the other.",
        "concat: [[], [conv: 3]]",
        (BRANCHES,),
        "branches",
    ),
    Word(
        "split",
        "structure",
        "Channels cut into parts, one body for each part, combined again.",
        "split: {sizes: [rest, 0.25], bodies: [[], [conv: 3]]}",
        (
            Field("sizes", "sizes", "whole numbers, fractions of the width, one `rest`", REQUIRED),
            Field("bodies", "bodies", "one body for each part", REQUIRED),
            Field("combine", "choice", "how the parts come together", "concat", choices=COMBINE),
        ),
    ),
    Word(
        "tap",
        "structure",
        "Remembers the value under a name, for a later `from` in the same block.",
        "concat: [[conv: 3, tap: first], [from: first, conv: 3]]",
        (Field("name", "name", "what the value is called", REQUIRED),),
        "name",
    ),
    Word(
        "from",
        "structure",
        "Goes on from the value that `tap` remembered.",
        "concat: [[conv: 3, tap: first], [from: first, conv: 3]]",
        (Field("name", "name", "the name of a `tap` that stands before", REQUIRED),),
        "name",
    ),
    Word(
        "fit",
        "structure",
        "A point-wise layer to the given width, or nothing where it is already that wide.",
        "fit: $channels",
        (Field("channels", "width", "the width to reach", REQUIRED, minimum=1), INIT),
        "channels",
    ),
)

_NORM_INIT: Final = Field("init", "number", "start of the learned scale", 1.0)

NORMS: Final = (
    Word(
        "layer_norm",
        "norm",
        "Normalises the channels of each position.",
        "layer_norm: {eps: 1e-6}",
        (_eps(1e-5), BIAS, _NORM_INIT),
    ),
    Word(
        "batch_norm",
        "norm",
        "Normalises each channel over the batch and all positions.",
        "batch_norm: {init: 0}",
        (
            _eps(1e-5),
            Field("momentum", "number", "weight of a new statistic", 0.1, minimum=0, maximum=1),
            _NORM_INIT,
        ),
    ),
    Word(
        "group_norm",
        "norm",
        "Normalises each contiguous group of channels over all positions.",
        "group_norm: 8",
        (
            Field("groups", "integer", "number of groups", 32, minimum=1, maximum=1 << 20),
            _eps(1e-5),
        ),
        "groups",
    ),
    Word(
        "rms_norm",
        "norm",
        "Divides the channels of each position by their root mean square.",
        "rms_norm: {eps: 1e-5}",
        (_eps(1e-6),),
    ),
    Word("affine", "norm", "A learned scale and shift per channel: a norm without one.", "affine"),
)

ACTIVATIONS: Final = (
    Word("relu", "activation", "max(x, 0).", "relu"),
    Word("relu6", "activation", "min(max(x, 0), 6).", "relu6"),
    Word("gelu", "activation", "x · Φ(x), Φ the normal distribution.", "gelu"),
    Word("gelu_tanh", "activation", "gelu by its approximation with tanh.", "gelu_tanh"),
    Word("silu", "activation", "x · sigmoid(x).", "silu"),
    Word("sigmoid", "activation", "1 / (1 + exp(-x)).", "sigmoid"),
    Word("tanh", "activation", "The hyperbolic tangent.", "tanh"),
    Word("hardswish", "activation", "x · relu6(x + 3) / 6.", "hardswish"),
    Word("hardsigmoid", "activation", "relu6(x + 3) / 6.", "hardsigmoid"),
    Word(
        "leaky_relu",
        "activation",
        "x where positive, slope · x elsewhere.",
        "leaky_relu: 0.1",
        (Field("slope", "number", "slope below zero", 0.01),),
        "slope",
    ),
    Word("elu", "activation", "x where positive, exp(x) - 1 elsewhere.", "elu"),
    Word("softplus", "activation", "log(1 + exp(x)).", "softplus"),
    Word("mish", "activation", "x · tanh(softplus(x)).", "mish"),
)

POOLING: Final = (
    Word(
        "avg_pool",
        "pooling",
        "The mean of each window.",
        "avg_pool: {size: 3, stride: 1, padding: 1, count_padding: false}",
        (
            *_pool_fields(),
            Field("count_padding", "boolean", "whether padding counts as zeros", True),
        ),
        "size",
    ),
    Word(
        "max_pool",
        "pooling",
        "The largest value of each window.",
        "max_pool: {size: 3, stride: 2, padding: 1}",
        _pool_fields(),
        "size",
    ),
    Word(
        "global_pool",
        "pooling",
        "One vector for the whole map (extra tokens left out).",
        "global_pool: max",
        (Field("kind", "choice", "what is taken", "average", choices=("average", "max")),),
        "kind",
    ),
    Word(
        "upsample",
        "pooling",
        "Enlarges the map by a whole factor.",
        "upsample: {factor: 2, mode: bilinear}",
        (
            Field("factor", "size", "how many times larger", 2, minimum=1, maximum=64),
            Field("mode", "choice", "how", "nearest", choices=("nearest", "bilinear")),
        ),
        "factor",
    ),
    Word(
        "space_to_depth",
        "pooling",
        "Moves each square of positions into channels, in the order (0,0), (1,0), (0,1), (1,1) of "
        "(row, column): columns outermost, then rows, then channels.",
        "space_to_depth: 2",
        (Field("size", "integer", "side of the square", 2, minimum=1, maximum=64),),
        "size",
    ),
)

TOKENS: Final = (
    Word(
        "position",
        "token",
        "Adds a vector that tells each position where it stands.",
        "position: {kind: sincos, tokens: false}",
        (
            Field(
                "kind",
                "choice",
                "`learned`: a vector for each position; `sincos`: fixed sines and cosines of column"
                " and row; `fourier`: those of row and column as parts of the map's sides, and a "
                "learned linear layer from them to the width",
                "learned",
                choices=("learned", "fourier", "sincos"),
            ),
            Field("tokens", "boolean", "whether extra tokens get a learned one too", True),
            Field(
                "hidden",
                "integer",
                "waves on each axis, half sines and half cosines: an even number",
                32,
                minimum=2,
                maximum=1 << 20,
                only=FOURIER,
            ),
            Field(
                "temperature",
                "number",
                "the slowest wave is about this many times slower than the fastest",
                10000.0,
                minimum=1,
                maximum=1e9,
                only=FOURIER,
            ),
            INIT,
        ),
        "kind",
    ),
    Word(
        "add_token",
        "token",
        "Puts learned tokens in front of the positions.",
        "add_token: {kind: register, count: 4}",
        (
            Field(
                "kind",
                "choice",
                "what the token is for",
                "class",
                choices=("class", "distill", "register"),
            ),
            Field("count", "integer", "how many of them", 1, minimum=1, maximum=1024),
            INIT,
        ),
        "kind",
    ),
    Word(
        "select",
        "token",
        "Goes on with one token as a vector, or with the map without its tokens.",
        "select: class",
        (
            Field(
                "kind",
                "choice",
                "what is taken",
                REQUIRED,
                choices=("class", "distill", "map"),
            ),
        ),
        "kind",
    ),
)

OTHER: Final = (
    Word(
        "scale",
        "other",
        "Multiplies by a number per channel, learned or fixed.",
        "scale: {init: 1e-5}",
        (
            Field("init", "number", "the number, or its start", 1.0),
            Field("learned", "boolean", "whether it is learned", True),
        ),
        "init",
    ),
    Word(
        "channel_shuffle",
        "other",
        "Interleaves the channels of the groups (a transpose of groups × width).",
        "channel_shuffle: 4",
        (_count("groups", "number of groups"),),
        "groups",
    ),
    Word(
        "dropout",
        "other",
        "Zeroes single values in training.",
        "dropout: 0.1",
        (_rate("rate", "chance of each value to be zeroed"),),
        "rate",
    ),
    Word(
        "drop_path",
        "other",
        "Zeroes the whole value of an image in training, placed by hand.",
        "drop_path: 0.1",
        (_rate("rate", "chance of each image to be zeroed"),),
        "rate",
    ),
    Word(
        "classifier",
        "other",
        "A linear layer from a vector to the classes.",
        "classifier: {bias: false}",
        (BIAS, INIT),
    ),
)

ELEMENTS: Final = by_name((*NORMS, *ACTIVATIONS, *POOLING, *TOKENS, *OTHER))
WORDS: Final = by_name((*STRUCTURE, *ELEMENTS.values()))
NOT_YET: Final = ("streams", "merge")
