"""Maps moved by an offset: a connection without a parameter or a product.

Goes in: a `local` connection whose given weight is 1 at one tap. Comes out: a class that pads and
cuts, or rolls where the map goes round.
"""

from __future__ import annotations

from dataclasses import dataclass

from relgraph.algebra.operator import Border
from relgraph.lower.borders import padding_call
from relgraph.lower.guards import is_map_to_map, is_unframed
from relgraph.lower.module import Definition, Module
from relgraph.program import Connect


def accepts_shift(node: Connect) -> bool:
    """Shifts of a map to one of the same size, whatever stands outside."""
    operator = node.connection.operator
    return (
        operator.weight.fixed == "shift"
        and operator.space.stride == operator.space.dilation == (1, 1)
        and operator.space.padding == "half"
        and operator.bias == "none"
        and is_map_to_map(node)
        and is_unframed(node.connection)
    )


def lower_shift(node: Connect) -> Module:
    """The class of the border, with the offset as its argument."""
    operator = node.connection.operator
    definition = _definition(operator.space.border)
    return Module(definition.name, (("offset", operator.weight.offset),), definition=definition)


@dataclass(frozen=True)
class _Outside:
    """What a border puts outside the map: the class's name, its words, its lines of `forward`."""

    name: str
    words: str
    lines: tuple[str, ...]


def _padded(call: str) -> tuple[str, ...]:
    return (
        "down, right = self.offset",
        "h, w = x.shape[2:]",
        f"x = {call}(x, (max(-right, 0), max(right, 0), max(-down, 0), max(down, 0)))",
        "down, right = max(down, 0), max(right, 0)",
        "return x[:, :, down : down + h, right : right + w]",
    )


_OUTSIDE = {
    "zero": _Outside("Shift", "zeros come in from outside", ()),
    "wrap": _Outside(
        "WrappedShift",
        "what leaves it comes in on the other side",
        ("return x.roll((-self.offset[0], -self.offset[1]), dims=(2, 3))",),
    ),
    "clamp": _Outside("ClampedShift", "the last row or column is repeated outside", ()),
    "reflect": _Outside("ReflectedShift", "the map is mirrored outside", ()),
}


def _definition(border: Border) -> Definition:
    outside = _OUTSIDE["zero" if border == "mask" else border]
    call, uses = padding_call(border)
    lines, uses = (outside.lines, ()) if outside.lines else (_padded(call), uses)
    body = "\n".join(f"        {line}" for line in lines)
    text = f'''\
class {outside.name}(nn.Module):
    """Every position reads the one `offset` rows and columns from its own.

    y[o] = x[o + offset], channel by channel; {outside.words}.
    Shapes: (B, C, H, W) -> (B, C, H, W).
    """

    def __init__(self, offset: tuple[int, int]) -> None:
        super().__init__()
        self.offset = offset

    def forward(self, x: Tensor) -> Tensor:
{body}'''
    return Definition(outside.name, text, uses)
