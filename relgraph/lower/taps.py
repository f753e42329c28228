"""What each tap of a kernel sees: views of a padded map. And text shared by predicted kernels."""

from __future__ import annotations

import textwrap

from relgraph.algebra.operator import Normalize, Space
from relgraph.lower.fields import Arguments
from relgraph.lower.module import Definition

TAP_VIEWS = Definition(
    "tap_views",
    '''\
def tap_views(x: Tensor, kernel_size: int, stride: int, dilation: int) -> list[Tensor]:
    """A padded map (..., H + 2p, W + 2p) as each tap of a k×k kernel sees it: k² views.

    Row by row, each (..., ⌈H/stride⌉, ⌈W/stride⌉), with p = dilation · (k - 1) / 2.
    """
    offsets = [dilation * tap for tap in range(kernel_size)]
    height, width = x.shape[-2] - offsets[-1], x.shape[-1] - offsets[-1]
    return [
        x[..., top : top + height : stride, left : left + width : stride]
        for top in offsets
        for left in offsets
    ]''',
)

NORMALIZED: dict[Normalize, str] = {"none": "", "softmax": "Softmax", "sigmoid": "Sigmoid"}


def spacing_arguments(space: Space) -> Arguments:
    """`stride` and `dilation` where they are not 1."""
    written = (("stride", space.stride[0]), ("dilation", space.dilation[0]))
    return tuple((name, value) for name, value in written if value != 1)


def indented(lines: list[str], depth: int = 2) -> str:
    """Lines of a method's body, or of an argument list."""
    return textwrap.indent("\n".join(lines), "    " * depth)
