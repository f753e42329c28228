"""The keys of spec files: backbones, stage rows, operators and their property sections.

The other half of the language's table (`relgraph.spec.words` has the words): what may stand at
which level of a file, of what kind, and what holds where it is not written.
"""

from __future__ import annotations

from typing import Final

from relgraph.spec.field import REQUIRED, Field

MAX_SIDE = 1 << 14
MAX_CHANNELS = 1 << 20
MAX_DEPTH = 1000


def _body(name: str, meaning: str, example: str, none: bool = False) -> Field:
    return Field(name, "body", meaning, none=none, example=example)


CITE = Field(
    "cite", "text", "where it was published", example='cite: "Liu et al., Swin, ICCV 2021"'
)
DOC = Field("doc", "text", "a sentence for the emitted file", example='doc: "A plain network."')

BACKBONE: Final = (
    Field("backbone", "name", "the model's name", REQUIRED, example="backbone: my_net"),
    CITE,
    DOC,
    Field(
        "extends",
        "text",
        "a backbone (name or path) that this one starts from",
        example="extends: swin_tiny",
    ),
    Field("input", "table", "the images", example="input: {size: 224, channels: 3}"),
    Field(
        "classes",
        "integer",
        "number of classes",
        1000,
        minimum=1,
        maximum=MAX_CHANNELS,
        example="classes: 10",
    ),
    Field(
        "define",
        "table",
        "named bodies, with or without params",
        example="define: {mixer: [layer_norm, global_attention: {heads: 4}]}",
    ),
    Field(
        "defaults",
        "table",
        "fields of words that hold in the whole file where not written",
        example="defaults: {layer_norm: {eps: 1e-6}, conv: {bias: false}}",
    ),
    Field(
        "params",
        "table",
        "values of stage variables where a stage is silent",
        example="params: {act: gelu}",
    ),
    _body("stem", "runs first; sees stage 1's `$channels`", "stem: [patchify: 4, layer_norm]"),
    Field(
        "stages",
        "value",
        "a list of rows; with `extends` also a map that patches the inherited rows' columns",
        REQUIRED,
        example="stages: [{depth: 2, channels: 64}, {depth: 2, channels: 128, stride: 2}]",
    ),
    _body("block", "every block", "block: [{residual: [layer_norm, feed_forward]}]"),
    Field(
        "cycle",
        "bodies",
        "blocks taken in turn, anew in each stage",
        example="cycle: [[residual: [conv: 3]], [residual: [feed_forward]]]",
    ),
    _body(
        "first",
        "a stage's first block, counted in `depth`; `none` for no special one",
        "first: [conv: {size: 3, channels: $channels, stride: $stride}]",
        none=True,
    ),
    _body(
        "downsample",
        "enters stages 2..n; a stage's own key overrides",
        "downsample: [conv: {size: 3, channels: $channels, stride: 2}]",
        none=True,
    ),
    _body(
        "after", "ends each stage; its feature map is taken after it", "after: [layer_norm]", True
    ),
    _body("head", "from the last map to the classes", "head: [global_pool, classifier]"),
    Field(
        "drop_path",
        "value",
        "stochastic depth: a rate that rises linearly over depth, or {rate, schedule}",
        0.0,
        example="drop_path: {rate: 0.2, schedule: constant}",
    ),
    Field(
        "replace",
        "table",
        "puts an item or body where the addressed inherited item stood",
        example="replace: {channel_mixer.layer_norm: batch_norm}",
    ),
    Field(
        "set",
        "table",
        "changes arguments of the addressed inherited item",
        example="set: {local_attention: {window: 14}}",
    ),
)

DEFINITION: Final = (
    Field(
        "params",
        "table",
        "what a use may set, with defaults; the first one is the main one",
        example="params: {ratio: 4}",
    ),
    _body("body", "what stands for the name", "body: [layer_norm, feed_forward: $ratio]"),
)

INPUT: Final = (
    Field(
        "size",
        "size",
        "height and width in pixels; needed where a parameter depends on it",
        minimum=1,
        maximum=MAX_SIDE,
        none=True,
        example="size: [224, 192]",
    ),
    Field(
        "channels",
        "integer",
        "channels of an image",
        3,
        minimum=1,
        maximum=4096,
        example="channels: 1",
    ),
)

DROP_PATH: Final = (
    Field(
        "rate", "number", "the last block's rate", REQUIRED, minimum=0, below=1, example="rate: 0.2"
    ),
    Field(
        "schedule",
        "choice",
        "rising linearly from 0 over depth, or the same everywhere",
        "linear",
        choices=("linear", "constant"),
        example="schedule: constant",
    ),
)

STAGE: Final = (
    Field(
        "depth",
        "integer",
        "number of blocks",
        REQUIRED,
        minimum=1,
        maximum=MAX_DEPTH,
        example="depth: 2",
    ),
    Field(
        "channels",
        "integer",
        "the stage's width, `$channels`",
        REQUIRED,
        minimum=1,
        maximum=MAX_CHANNELS,
        example="channels: 96",
    ),
    Field(
        "stride",
        "integer",
        "`$stride` in the stage's first block",
        1,
        minimum=1,
        maximum=64,
        example="stride: 2",
    ),
    *(
        field
        for field in BACKBONE
        if field.name in ("block", "cycle", "first", "downsample", "after")
    ),
)

OPERATOR: Final = (
    Field("operator", "name", "the operator's name", REQUIRED, example="operator: my_mixer"),
    CITE,
    DOC,
    Field(
        "params",
        "table",
        "what a use may set, with defaults; the first one is the main one",
        example="params: {size: 7, stride: 1}",
    ),
    Field(
        "space",
        "table",
        "the properties over positions",
        example="space: {connect: local, size: 3}",
    ),
    Field(
        "channel", "table", "the properties over channels", example="channel: {connect: separate}"
    ),
    Field(
        "weight",
        "value",
        "`static`, or {fixed: …}, or {dynamic: …} with its source, and a normalisation",
        "static",
        example="weight: {dynamic: pair, normalize: softmax}",
    ),
    Field(
        "bias",
        "value",
        "true, false, or what has a number of its own: channels, positions, both",
        True,
        example="bias: positions",
    ),
    Field(
        "frame",
        "table",
        "projections around the core",
        example="frame: {value: true, output: true}",
    ),
    _body(
        "body",
        "what it does, instead of properties",
        "body: [pointwise: {ratio: 4}, gelu, pointwise: $in]",
    ),
)

SPACE: Final = (
    Field(
        "connect",
        "choice",
        "which inputs an output sees",
        "point",
        choices=("point", "window", "stripe", "grid", "full", "local", "axial"),
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
        "input step per output step (point, local, axial)",
        1,
        minimum=1,
        maximum=4096,
        example="stride: 2",
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
        "what stands outside the map; not written: `mask` where weights are normalised, else `zero`",
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
        choices=("full", "groups", "separate"),
        example="connect: separate",
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
        "what predicts the weights: the mean of the map, the place of the output, or query · key",
        choices=("pooled", "center", "pair"),
        none=True,
        example="dynamic: pooled",
    ),
    Field(
        "fixed",
        "choice",
        "given weights, nothing learned",
        choices=("average", "identity"),
        none=True,
        example="fixed: average",
    ),
    Field(
        "normalize",
        "choice",
        "over the slots of an output",
        "none",
        choices=("none", "softmax", "sigmoid"),
        example="normalize: softmax",
    ),
    Field(
        "position",
        "choice",
        "a bias on query · key: per offset, per pair of places, or none",
        "none",
        choices=("none", "relative", "absolute"),
        example="position: relative",
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

SPACE_RANK: Final = (
    Field(
        "reduce",
        "value",
        "read a map reduced by a factor, or by a body",
        none=True,
        example="reduce: 4",
    ),
    Field(
        "tokens",
        "integer",
        "through that many mixtures of positions",
        minimum=1,
        maximum=MAX_CHANNELS,
        none=True,
        example="tokens: 64",
    ),
    Field("separable", "boolean", "rows, then columns", False, example="separable: true"),
    Field(
        "scales",
        "value",
        "a sum over maps reduced by these factors",
        none=True,
        example="scales: [2, 4]",
    ),
    Field("between", "body", "elements between the factors", none=True, example="between: [gelu]"),
)

CHANNEL_RANK: Final = (
    Field(
        "inner",
        "integer",
        "through that many channels",
        minimum=1,
        maximum=MAX_CHANNELS,
        none=True,
        example="inner: 64",
    ),
    Field(
        "between",
        "body",
        "elements between the factors",
        none=True,
        example="between: [batch_norm, relu]",
    ),
)

WIDTH: Final = (
    Field(
        "channels",
        "width",
        "output width: a number, or a list that adds up; what comes in where not written",
        minimum=1,
        maximum=MAX_CHANNELS,
        example="channels: [$in, 3]",
    ),
    Field(
        "ratio",
        "number",
        "times this; must come out whole",
        1,
        minimum=0,
        maximum=4096,
        example="ratio: 4",
    ),
    Field(
        "divisor",
        "integer",
        "rounds to the nearest multiple, at least 0.9 of it",
        1,
        minimum=1,
        maximum=4096,
        example="divisor: 8",
    ),
)


def named(fields: tuple[Field, ...]) -> dict[str, Field]:
    """Fields by name, in the table's order."""
    return {field.name: field for field in fields}
