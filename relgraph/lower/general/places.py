"""Lines of an emitted `tables` method that say what each slot reads.

Goes in: a form. Comes out: lines that assign `inputs` (n, k), for blocks `order`, and `centers`
where weights look at the place of the output; -1 is "nothing there". Neighbourhoods are uniform: n
of them, q outputs each, which all see the same k inputs; blocks have q = k, stencils q = 1.
"""

from __future__ import annotations

from relgraph.lower.general.form import Form
from relgraph.lower.general.functions import (
    BLOCK_PLACES,
    CROSS,
    HALO_PLACES,
    INSIDE,
    KEEP_INSIDE,
    OVERLAPPING_PLACES,
)
from relgraph.lower.module import Definition
from relgraph.lower.windows import FIT_WINDOW


def place_uses(form: Form) -> tuple[Definition, ...]:
    """The functions that the lines call."""
    connect = form.space.connect
    uses: list[Definition] = []
    if connect in ("point", "local"):
        uses += [CROSS, INSIDE[form.space.border]]
    if connect == "outlook":
        uses += [CROSS, OVERLAPPING_PLACES, INSIDE[form.space.border]]
    if form.halo:
        uses += [CROSS, BLOCK_PLACES["whole"], HALO_PLACES, INSIDE[form.space.border]]
    elif connect in ("window", "stripe", "grid"):
        uses += [CROSS, BLOCK_PLACES[_block_kind(form)]]
    if connect == "window" and not form.halo:
        uses.append(FIT_WINDOW)
    if form.has_region and (form.source == "center" or connect in ("point", "local")):
        uses += [CROSS, KEEP_INSIDE]
    return tuple(dict.fromkeys(uses))


def _block_kind(form: Form) -> str:
    if form.space.connect == "grid":
        return "grid"
    if form.space.border == "wrap":
        return "wrapped"
    return "cut" if form.cut else "whole"


# Stencils.


def taps_method(form: Form) -> list[str]:
    """The methods that place the taps of a stencil; blocks and crosses have none."""
    if form.space.connect not in ("point", "local"):
        return []
    size = "self.kernel_size[axis], self.dilation[axis]"
    if form.space.connect == "point":
        size = "1, 1"
    placing = "\n".join(f"        {line}" for line in _PLACING[form.padding])
    return [
        f'''\
    def taps(self, length: int, axis: int) -> Tensor:
        """What each output reads along an axis, possibly outside: (outputs, kernel size)."""
        size, dilation = {size}
        outputs, before = self.placing(length, axis)
        first = torch.arange(outputs, device="cpu") * self.stride[axis] - before
        return first[:, None] + torch.arange(size, device="cpu") * dilation''',
        f'''\
    def placing(self, length: int, axis: int) -> tuple[int, int]:
        """Outputs along an axis, and how far before the first one's place its first tap lies."""
        size, dilation = {size}
        stride = self.stride[axis]
{placing}
        return outputs, before''',
    ]


_PLACING = {
    "half": [
        "# Even kernels take their extra tap after the centre.",
        "outputs, before = -(-length // stride), (size - 1) // 2 * dilation",
    ],
    "number": [
        "before = self.padding[axis]",
        "outputs = (length + 2 * before - dilation * (size - 1) - 1) // stride + 1",
    ],
    "same_tf": [
        "outputs = -(-length // stride)",
        "missing = (outputs - 1) * stride + dilation * (size - 1) + 1 - length",
        "before = max(missing, 0) // 2",
    ],
}


def _local(form: Form) -> list[str]:
    inside = INSIDE[form.space.border].name
    lines = [
        "rows, columns = self.taps(h, 0), self.taps(w, 1)",
        f"inputs = cross({inside}(rows, h), {inside}(columns, w), w)",
    ]
    if form.tokens:
        lines += [
            "# Tokens stand in front of the positions, each its own neighbourhood.",
            'tokens = torch.arange(self.num_tokens, device="cpu")[:, None]',
            "inputs = torch.cat([tokens, inputs + self.num_tokens])",
        ]
    if not form.needs_centers:
        return lines
    if form.tokens:
        return [*lines, "centers = inputs"]
    return [*lines, *_stencil_centers(form)]


def _stencil_centers(form: Form) -> list[str]:
    if form.space.connect == "point":
        lines = ["middle_rows, middle_columns = rows, columns"]
    else:
        lines = [
            "middle = [(size - 1) // 2 for size in self.kernel_size]",
            "middle_rows, middle_columns = rows[:, middle[:1]], columns[:, middle[1:]]",
        ]
    return [*lines, *_region("middle_rows", "middle_columns", form)]


def _region(rows: str, columns: str, form: Form) -> list[str]:
    """The region around centres (outputs, 1) on each axis; without one, the centre itself."""
    last = "centers = cross(keep_inside(near_rows, h), keep_inside(near_columns, w), w)"
    if form.source != "center":
        return [f"near_rows, near_columns = {rows}, {columns}", last]
    return [
        'reach = torch.arange(self.extent, device="cpu") - (self.extent - 1) // 2',
        f"near_rows = {rows} + reach",
        f"near_columns = {columns} + reach",
        last,
    ]


def _axial(form: Form) -> list[str]:
    lines = [
        'place = torch.arange(h * w, device="cpu")[:, None]',
        "y, x = place // w, place % w",
        "# The own column, then the rest of the own row.",
        'rows, columns = torch.arange(h, device="cpu"), torch.arange(w - 1, device="cpu")',
        "columns = columns + (columns >= x)",
        "inputs = torch.cat([rows * w + x, y * w + columns], dim=1)",
    ]
    return lines + (_own_region(form) if form.has_region else [])


def _own_region(form: Form) -> list[str]:
    """Around every position of the map itself."""
    if form.source != "center":
        return ['centers = torch.arange(h * w, device="cpu")[:, None]']
    rows = 'torch.arange(h, device="cpu")[:, None]'
    return _region(rows, rows.replace("(h", "(w"), form)


# Blocks.


def _surrounded(form: Form) -> list[str]:
    """Windows that read around themselves: their places, and what they read."""
    inside = INSIDE[form.space.border].name
    lines = [
        "block_h, block_w = min(self.window_size[0], h), min(self.window_size[1], w)",
        "# Around a window that covers the map there is nothing.",
        "halo_h = self.halo_size[0] if block_h < h else 0",
        "halo_w = self.halo_size[1] if block_w < w else 0",
        "outputs = cross(block_places(h, block_h), block_places(w, block_w), w)",
        f"rows = {inside}(halo_places(h, block_h, halo_h), h)",
        f"columns = {inside}(halo_places(w, block_w, halo_w), w)",
        "inputs = cross(rows, columns, w)",
        "order = outputs.flatten().argsort()",
    ]
    return lines + (_own_region(form) if form.has_region else [])


def _windows(form: Form) -> list[str]:
    if form.halo:
        return _surrounded(form)
    kind = _block_kind(form)
    places, shift_h, shift_w = BLOCK_PLACES[kind].name, "", ""
    if kind in ("wrapped", "cut"):
        shift_h, shift_w = ", shift_h", ", shift_w"
    lines = [
        *_block_sizes(form, kind),
        f"rows = {places}(h, block_h{shift_h})",
        f"columns = {places}(w, block_w{shift_w})",
        "inputs = cross(rows, columns, w)",
        *_order(form),
    ]
    return lines + (_own_region(form) if form.has_region else [])


def _block_sizes(form: Form, kind: str) -> list[str]:
    """Lines that assign `block_h`, `block_w` and, where blocks move, `shift_h`, `shift_w`."""
    if form.space.connect == "grid":
        return ["block_h, block_w = min(self.grid_size[0], h), min(self.grid_size[1], w)"]
    fit = "fit_window(map_size, self.window_size, self.shift_size)"
    if form.space.connect == "window" and kind == "whole":
        return [f"(block_h, block_w), _ = {fit}"]
    if form.space.connect == "window":
        return [f"block_size, (shift_h, shift_w) = {fit}", "block_h, block_w = block_size"]
    by_rows = form.space.along == "rows"
    sizes = "min(self.stripe_size, h), w" if by_rows else "h, min(self.stripe_size, w)"
    if kind == "whole":
        return [f"block_h, block_w = {sizes}"]
    length, shifts = ("h", "shift, 0") if by_rows else ("w", "0, shift")
    return [
        f"block_h, block_w = {sizes}",
        "# A stripe that covers the map has nowhere to move.",
        f"shift = self.shift_size if self.stripe_size < {length} else 0",
        f"shift_h, shift_w = {shifts}",
    ]


def _order(form: Form) -> list[str]:
    if not form.cut:
        return ["order = inputs.flatten().argsort()"]
    return [
        "# Places outside the map sort to the front, and are no outputs.",
        "order = inputs.flatten().argsort()[-h * w :]",
    ]


# Windows that overlap.


def _outlook(form: Form) -> list[str]:
    inside = INSIDE[form.space.border].name
    lines = [
        "rows = overlapping_places(h, self.window_size[0], self.step[0])",
        "columns = overlapping_places(w, self.window_size[1], self.step[1])",
        f"inputs = cross({inside}(rows, h), {inside}(columns, w), w)",
    ]
    if not form.has_region:
        return lines
    return [
        *lines,
        "# Each window has a cell, over which the map is averaged.",
        "cells_h, cells_w = len(rows), len(columns)",
        'reach = torch.arange(self.extent, device="cpu") - (self.extent - 1) // 2',
        'near_rows = torch.arange(cells_h, device="cpu")[:, None] + reach',
        'near_columns = torch.arange(cells_w, device="cpu")[:, None] + reach',
        "near_rows = keep_inside(near_rows, cells_h)",
        "near_columns = keep_inside(near_columns, cells_w)",
        "centers = cross(near_rows, near_columns, cells_w)",
    ]


def _full(form: Form) -> list[str]:
    return _own_region(form) if form.has_region and not form.tokens else []


NEIGHBOURHOODS = {
    "point": _local,
    "local": _local,
    "axial": _axial,
    "window": _windows,
    "stripe": _windows,
    "grid": _windows,
    "full": _full,
    "outlook": _outlook,
}
