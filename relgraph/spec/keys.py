"""The keys of spec files: backbones, their stage rows and definitions, operators.

The second part of the language's table (`relgraph.spec.words` has the words, `properties` the
sections of an operator): what may stand at which level of a file, of what kind, and what holds
where it is not written.
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
        "init",
        "init",
        "how linear layers start where no item says, by a rule or {rule: value}: `xavier` suits "
        "narrow models. Kernels and matrices over positions keep the table's start",
        "default",
        example="init: xavier",
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
