"""The sections of an operator file for low ranks, and what is said of a width.

The fourth part of the language's table, beside the four properties and their frame.
"""

from __future__ import annotations

from typing import Final

from relgraph.spec.field import Field
from relgraph.spec.keys import MAX_CHANNELS

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
