"""The property sections of an operator file: the four properties on two axes, and their frame.

The third part of the language's table. Each section is a tuple of fields; `relgraph.resolve` makes
a point of the algebra of what a file writes.
"""

from __future__ import annotations

from typing import Final

from relgraph.algebra.operator import HIDDEN, TEMPERATURE
from relgraph.spec.field import Field
from relgraph.spec.keys import MAX_CHANNELS

SPACE: Final = (
    Field(
        "connect",
        "choice",
        "which inputs an output sees",
        "point",
        choices=("point", "window", "stripe", "grid", "full", "local", "axial", "outlook"),
        example="connect: window",
    ),
    Field(
        "size",
        "size",
        "side of the kernel or window, cells of the grid, width of the stripe",
        minimum=1,
        maximum=4096,
        example="size: [7, 5]",
    ),
    Field(
        "stride",
        "size",
        "input step per output step (point, local)",
        1,
        minimum=1,
        maximum=4096,
        example="stride: 2",
    ),
    Field(
        "step",
        "size",
        "how far apart windows that overlap stand (outlook); every output is the sum over the "
        "windows that it lies in, and `center` reads the mean of step × step places",
        1,
        minimum=1,
        maximum=4096,
        example="step: 2",
    ),
    Field(
        "dilation",
        "size",
        "step between a kernel's taps (local)",
        1,
        minimum=1,
        maximum=4096,
        example="dilation: 2",
    ),
    Field(
        "shift",
        "shift",
        "how far the windows are moved (window, stripe); `half` is half a window, rounded down",
        0,
        minimum=0,
        maximum=4096,
        example="shift: half",
    ),
    Field(
        "halo", "size", "places read around a window", 0, minimum=0, maximum=4096, example="halo: 3"
    ),
    Field(
        "along",
        "choice",
        "direction of a stripe",
        "rows",
        choices=("rows", "columns"),
        example="along: columns",
    ),
    Field(
        "share",
        "choice",
        "which entries are one learned thing",
        "none",
        choices=("none", "windows", "positions", "all"),
        example="share: positions",
    ),
    Field(
        "border",
        "choice",
        "what stands outside the map; `mask` where weights are normalised, else `zero`",
        choices=("zero", "mask", "wrap", "reflect", "clamp"),
        example="border: wrap",
    ),
    Field(
        "anchor",
        "choice",
        "where the taps stand (local): `corner` is padding 0, `center` is padding half",
        choices=("center", "corner"),
        example="anchor: corner",
    ),
    Field(
        "padding",
        "padding",
        "where the taps start (local): `half` centres them, n starts them n outside the corner and "
        "keeps whole kernels only, `same_tf` is TensorFlow's SAME",
        "half",
        minimum=0,
        maximum=4096,
        example="padding: 0",
    ),
    Field(
        "pad",
        "boolean",
        "complete a map that blocks do not divide with zero positions",
        False,
        example="pad: true",
    ),
    Field(
        "rank",
        "table",
        "a low rank: reduce, tokens, separable or scales",
        none=True,
        example="rank: {tokens: 64}",
    ),
)

CHANNEL: Final = (
    Field(
        "connect",
        "choice",
        "which input channels an output channel sees",
        "full",
        choices=("full", "groups", "separate", "local"),
        example="connect: separate",
    ),
    Field(
        "size",
        "integer",
        "width of the band that an output channel sees around its own (local); outside are zeros",
        minimum=1,
        maximum=MAX_CHANNELS,
        none=True,
        example="size: 3",
    ),
    Field(
        "groups",
        "integer",
        "number of contiguous groups",
        minimum=1,
        maximum=MAX_CHANNELS,
        none=True,
        example="groups: 4",
    ),
    Field(
        "share",
        "choice",
        "which channels have one weight; follows from `heads` where that is written",
        choices=("none", "heads", "all"),
        example="share: all",
    ),
    Field(
        "heads",
        "integer",
        "number of contiguous runs that share one weight",
        minimum=1,
        maximum=MAX_CHANNELS,
        none=True,
        example="heads: 4",
    ),
    Field(
        "head_channels",
        "integer",
        "channels of a head, instead of `heads`",
        minimum=1,
        maximum=MAX_CHANNELS,
        none=True,
        example="head_channels: 32",
    ),
    Field(
        "group_channels",
        "integer",
        "the same under the name that convolutions use",
        minimum=1,
        maximum=MAX_CHANNELS,
        none=True,
        example="group_channels: 16",
    ),
    Field("rank", "table", "a low rank: inner", none=True, example="rank: {inner: 64}"),
)

WEIGHT: Final = (
    Field(
        "dynamic",
        "choice",
        "what predicts the weights: the mean of the map, the place of the output, query · key, or "
        "that of channels over the whole map",
        choices=("pooled", "center", "pair", "channels"),
        none=True,
        example="dynamic: pooled",
    ),
    Field(
        "fixed",
        "choice",
        "given weights, nothing learned",
        choices=("average", "identity", "shift"),
        none=True,
        example="fixed: average",
    ),
    Field(
        "offset",
        "size",
        "of a shift: how many rows below and columns to the right an output reads (local)",
        0,
        minimum=-4096,
        maximum=4096,
        example="offset: [0, -1]",
    ),
    Field(
        "normalize",
        "choice",
        "over the slots of an output: positive with sum 1 (`softmax`), one by one between 0 and 1 "
        "(`sigmoid`), over the sum of their magnitudes (`l1`); of `channels` over those of a head",
        "none",
        choices=("none", "softmax", "sigmoid", "l1"),
        example="normalize: softmax",
    ),
    Field(
        "score",
        "choice",
        "how a query and a key are compared: by their product over √width (`dot`), by the "
        "`cosine` between them, times a scale that every head learns and that stays below 100, or "
        "by a product of features, relu(q) · relu(k) (`relu`) or (elu(q) + 1) · (elu(k) + 1) "
        "(`elu`), with `normalize: l1` linear attention; `channels` are compared by the cosine, "
        "times a temperature",
        "dot",
        choices=("dot", "cosine", "relu", "elu"),
        example="score: cosine",
    ),
    Field(
        "kv_heads",
        "integer",
        "keys, and projected values, are made once for each of that many equal runs of heads: 1 is "
        "multi-query, a few grouped-query attention; otherwise once for every head",
        minimum=1,
        maximum=MAX_CHANNELS,
        none=True,
        example="kv_heads: 1",
    ),
    Field(
        "talking_heads",
        "choice",
        "of pairs, what each head hears of all heads: their `logits`, position bias included, "
        "mixed by a learned matrix before the normalisation, their `weights` behind it, or "
        "`both`; mixed weights sum to what the matrix makes of 1",
        "none",
        choices=("none", "logits", "weights", "both"),
        example="talking_heads: both",
    ),
    Field(
        "position",
        "choice",
        "what pairs know of places: a bias per offset (`relative`) or per pair of places "
        "(`absolute`), a bias that a small network makes of the offset (`continuous`), queries and "
        "keys turned by row and column (`rotary`), or nothing",
        "none",
        choices=("none", "relative", "absolute", "continuous", "rotary"),
        example="position: relative",
    ),
    Field(
        "hidden",
        "integer",
        "hidden units of the network behind a continuous position",
        HIDDEN,
        minimum=1,
        maximum=4096,
        example="hidden: 256",
    ),
    Field(
        "temperature",
        "number",
        "of rotary positions: plane i of a half of d channels turns by temperature^(-2i / d) for "
        "each place",
        TEMPERATURE,
        minimum=1,
        maximum=1e9,
        example="temperature: 100.0",
    ),
    Field(
        "reduction",
        "integer",
        "hidden width of the predictor is channels / reduction",
        minimum=1,
        maximum=MAX_CHANNELS,
        none=True,
        example="reduction: 4",
    ),
    Field(
        "experts",
        "integer",
        "that many static kernels, summed with gates sigmoid(linear(context)): a pooled or center "
        "source instead of a predictor of its own",
        minimum=1,
        maximum=4096,
        none=True,
        example="experts: 4",
    ),
    Field(
        "predictor",
        "table",
        "how a pooled or center source makes weights",
        example="predictor: {norm: batch_norm}",
    ),
    Field(
        "extent",
        "integer",
        "side of the region that a center source reads",
        1,
        minimum=1,
        maximum=63,
        example="extent: 3",
    ),
    Field(
        "qkv_bias",
        "boolean",
        "whether query, key and value have a bias",
        True,
        example="qkv_bias: false",
    ),
    Field(
        "key_bias",
        "boolean",
        "whether keys have a bias where queries and values have one",
        True,
        example="key_bias: false",
    ),
)

PREDICTOR: Final = (
    Field("bias", "boolean", "a bias in the hidden layer", False, example="bias: true"),
    Field(
        "norm",
        "choice",
        "after the hidden layer",
        "none",
        choices=("none", "batch_norm"),
        example="norm: batch_norm",
    ),
    Field(
        "act",
        "choice",
        "the activation between the layers",
        "relu",
        choices=("relu", "gelu", "silu", "sigmoid", "tanh"),
        example="act: gelu",
    ),
)

FRAME: Final = (
    Field("value", "boolean", "project the values first", False, example="value: true"),
    Field("output", "boolean", "project the result", False, example="output: true"),
    Field(
        "value_bias", "boolean", "a bias in the value projection", True, example="value_bias: false"
    ),
    Field(
        "output_bias",
        "boolean",
        "a bias in the output projection",
        True,
        example="output_bias: false",
    ),
)
