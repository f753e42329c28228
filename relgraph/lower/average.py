"""Fixed averages over stencils as torch's average pooling: a connection without a parameter.

Goes in: a `local` connection whose weights are given, 1 over the number of slots. Comes out: an
`nn.AvgPool2d`, which counts the zeros around the map where the border is `zero` and leaves them out
where it is `mask`.
"""

from __future__ import annotations

from relgraph.lower.borders import static_pad
from relgraph.lower.fields import Arguments
from relgraph.lower.guards import is_map_to_map, is_unframed, square
from relgraph.lower.module import Module
from relgraph.program import Connect


def accepts_average(node: Connect) -> bool:
    """Undilated averages of each channel whose padding is the same on both sides."""
    operator = node.connection.operator
    space = operator.space
    return (
        operator.weight.fixed == "average"
        and operator.channel.connect == "separate"
        and space.connect == "local"
        and space.dilation == (1, 1)
        and space.border in ("zero", "mask")
        and is_map_to_map(node)
        and is_unframed(node.connection)
        and operator.bias == "none"
        and _padding(node) is not None
    )


def _padding(node: Connect) -> tuple[int, int] | None:
    """Rows and columns added on each side; torch wants them within half the window."""
    space = node.connection.operator.space
    pad = static_pad(space)
    if pad is None:
        return None
    left, right, top, bottom = pad
    fits = 2 * top <= space.size[0] and 2 * left <= space.size[1]
    return (top, left) if (left, top) == (right, bottom) and fits else None


def lower_average(node: Connect) -> Module:
    """torch's average pooling; its stride is always written, since it defaults to the window."""
    space, padding = node.connection.operator.space, _padding(node)
    assert padding is not None, "the guard refuses other paddings"
    arguments: Arguments = (("kernel_size", square(space.size)), ("stride", square(space.stride)))
    if padding != (0, 0):
        arguments += (("padding", square(padding)),)
        if space.border == "mask":
            arguments += (("count_include_pad", False),)
    return Module("nn.AvgPool2d", arguments)
