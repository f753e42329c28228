"""What stands outside the map, as text: one padding function per border that is not zero.

Goes in: a border and how far taps reach. Comes out: the expression that pads a map and the function
it calls. The index forms follow the border however small the map is, where `F.pad` would refuse.
"""

from __future__ import annotations

from relgraph.algebra.operator import Border, Size, Space
from relgraph.lower.module import Definition

Pad = tuple[int, int, int, int]
"""Left, right, top, bottom, in the order of `F.pad`."""

_BODY = """\
    left, right, top, bottom = pad
    x = x.permute(0, 2, 3, 1)  # maps lie in channels_last memory: rows and columns stay cheap
    rows = torch.arange(-top, x.shape[1] + bottom, device=x.device)
    columns = torch.arange(-left, x.shape[2] + right, device=x.device)
    {bring_inside}
    return x[:, rows][:, :, columns].permute(0, 3, 1, 2)"""

_WRAP = Definition(
    "wrap_pad",
    '''\
def wrap_pad(x: Tensor, pad: tuple[int, int, int, int]) -> Tensor:
    """Continue a map (B, C, H, W) as on a torus by `pad` = left, right, top, bottom positions."""
'''
    + _BODY.format(
        bring_inside="rows, columns = rows % x.shape[1], columns % x.shape[2]",
    ),
)

_CLAMP = Definition(
    "clamp_pad",
    '''\
def clamp_pad(x: Tensor, pad: tuple[int, int, int, int]) -> Tensor:
    """Repeat the edge of a map (B, C, H, W) for `pad` = left, right, top, bottom positions."""
'''
    + _BODY.format(
        bring_inside="rows, columns = rows.clamp(0, x.shape[1] - 1), "
        "columns.clamp(0, x.shape[2] - 1)",
    ),
)

_REFLECT_INDEX = Definition(
    "reflect_index",
    '''\
def reflect_index(index: Tensor, size: int) -> Tensor:
    """Bring an index back into 0 … size - 1 by mirroring at the two edge positions."""
    last = size - 1
    # Back and forth over the map has period 2 · last; a map of one position mirrors to itself.
    return last - (index % max(2 * last, 1) - last).abs()''',
)

_REFLECT = Definition(
    "reflect_pad",
    '''\
def reflect_pad(x: Tensor, pad: tuple[int, int, int, int]) -> Tensor:
    """Mirror a map (B, C, H, W) at its edges for `pad` = left, right, top, bottom positions."""
'''
    + _BODY.format(
        bring_inside="rows, columns = reflect_index(rows, x.shape[1]), "
        "reflect_index(columns, x.shape[2])",
    ),
    uses=(_REFLECT_INDEX,),
)

_FUNCTIONS: dict[Border, Definition] = {"wrap": _WRAP, "clamp": _CLAMP, "reflect": _REFLECT}


def padding_call(border: Border) -> tuple[str, tuple[Definition, ...]]:
    """The name of the function that pads, called as `f(x, pad)`, and what it needs.

    Without a normalisation a masked slot adds nothing, so `mask` pads zeros as `zero` does.
    """
    if border in ("zero", "mask"):
        return "F.pad", ()
    function = _FUNCTIONS[border]
    return function.name, (function,)


def centred_pad(size: Size, dilation: Size) -> Pad:
    """How far centred taps reach: an even kernel takes its extra tap after the centre."""
    top, left = ((k - 1) // 2 * d for k, d in zip(size, dilation, strict=True))
    bottom, right = (k // 2 * d for k, d in zip(size, dilation, strict=True))
    return (left, right, top, bottom)


def static_pad(space: Space) -> Pad | None:
    """The padding of a stencil, None where it depends on the size of the map (`same_tf`)."""
    if space.padding == "same_tf":
        return None
    if space.padding == "half":
        return centred_pad(space.size, space.dilation)
    rows, columns = space.padding
    return (columns, columns, rows, rows)
