"""The table that chooses: one row per lowering, the first whose guard accepts a node is taken.

A row is a name, a guard (does this lowering mean exactly what the node says?) and a build. Fast
forms stand before the general ones, which accept everything; a family is one file beside this.
Elements have one form each, by their word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from relgraph.lower import (
    attention,
    average,
    baked,
    banded,
    center,
    circular,
    conv,
    cross_covariance,
    elements,
    general,
    halo,
    matrix,
    mixing,
    outlook,
    pointwise,
    pooled,
    pooled_dense,
    shift,
)
from relgraph.lower.module import Lowered, Module
from relgraph.program import Connect, Element


@dataclass(frozen=True)
class Pattern:
    """One row: `build` may be called where `accepts` says yes, and only there."""

    name: str
    accepts: Callable[[Connect], bool]
    build: Callable[[Connect], Module]


CONNECTIONS: tuple[Pattern, ...] = (
    Pattern("baked attention", baked.accepts_baked, baked.lower_baked),
    Pattern("pointwise", pointwise.accepts_pointwise, pointwise.lower_pointwise),
    Pattern(
        pointwise.POINTWISE_CONV,
        pointwise.accepts_pointwise_conv,
        pointwise.lower_pointwise_conv,
    ),
    Pattern("conv", conv.accepts_conv, conv.lower_conv),
    Pattern("banded", banded.accepts_banded, banded.lower_banded),
    Pattern("average", average.accepts_average, average.lower_average),
    Pattern("shift", shift.accepts_shift, shift.lower_shift),
    Pattern("pooled depth-wise", pooled.accepts_pooled, pooled.lower_pooled),
    Pattern("pooled", pooled_dense.accepts_pooled_dense, pooled_dense.lower_pooled_dense),
    Pattern("center depth-wise", center.accepts_center, center.lower_center),
    Pattern("attention", attention.accepts_attention, attention.lower_attention),
    Pattern(
        "window attention", attention.accepts_window_attention, attention.lower_window_attention
    ),
    Pattern("outlook attention", outlook.accepts_outlook, outlook.lower_outlook),
    Pattern(
        "reduced attention", attention.accepts_reduced_attention, attention.lower_reduced_attention
    ),
    Pattern(
        "cross-covariance attention",
        cross_covariance.accepts_cross_covariance,
        cross_covariance.lower_cross_covariance,
    ),
    Pattern("halo attention", halo.accepts_halo_attention, halo.lower_halo_attention),
    Pattern("circular", circular.accepts_circular, circular.lower_circular),
    Pattern("matrix", matrix.accepts_matrix, matrix.lower_matrix),
    Pattern("window mixing", mixing.accepts_window_mixing, mixing.lower_window_mixing),
    Pattern("general", general.accepts_anything, general.lower_general),
)

ELEMENTS: dict[str, Callable[[Element], Lowered]] = elements.BUILDS
