"""How weights may be told to start: the rules behind every key `init`, and that key of an item.

A part of the language's table. What a rule does to which tensor is `relgraph.algebra.starts`'.
"""

from __future__ import annotations

from typing import Final

from relgraph.spec.field import REQUIRED, Field

MAX_STD = 10

RULES: Final = (
    Field(
        "default",
        "alone",
        "the compiler's table: linear layers truncated normal with deviation 0.02, kernels normal "
        "with variance 2 / fan-out, matrices over positions normal with variance 1 / fan-in",
        example="init: default",
    ),
    Field(
        "xavier",
        "alone",
        "uniform within ±√(6 / (fan-in + fan-out)) (Glorot and Bengio, 2010)",
        example="init: xavier",
    ),
    Field(
        "kaiming",
        "choice",
        "normal with variance 2 / fan (He et al., 2015); the word alone takes fan-in",
        "fan_in",
        choices=("fan_in", "fan_out"),
        example="init: {kaiming: fan_out}",
    ),
    Field(
        "trunc_normal",
        "number",
        "normal with this deviation, cut at ±2 as torch does it (the value, not the deviation)",
        REQUIRED,
        minimum=1e-8,
        maximum=MAX_STD,
        example="init: {trunc_normal: 0.01}",
    ),
    Field(
        "normal",
        "number",
        "normal with this deviation",
        REQUIRED,
        minimum=1e-8,
        maximum=MAX_STD,
        example="init: {normal: 0.01}",
    ),
    Field(
        "zeros",
        "alone",
        "the item's last layer starts at 0, and so the item as nothing; what stands before the "
        "last layer starts as it would have",
        example="init: zeros",
    ),
)

INIT: Final = Field(
    "init",
    "init",
    "how its weights start: a rule, or {rule: value}",
    example="init: {normal: 0.01}",
)
