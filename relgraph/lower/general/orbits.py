"""Lines of an emitted `tables` method that say which learned thing stands at each entry.

Goes in: a form. Comes out: lines that assign `orbits` (n or 1, q, k) from `inputs` (n, k) and, for
blocks, `order`; where no learned thing stands, -1. How these things are
learned or predicted is not known here.
"""

from __future__ import annotations

from relgraph.lower.general.form import Form
from relgraph.lower.general.functions import BLOCK_OFFSETS, HALO_OFFSETS, NUMBER_LIVE, RING_OFFSETS
from relgraph.lower.module import Definition


def orbit_uses(form: Form) -> tuple[Definition, ...]:
    """The functions that the lines call."""
    uses: list[Definition] = []
    if form.orbit_share == "positions" and form.halo:
        uses.append(HALO_OFFSETS)
    elif form.orbit_share == "positions" and not form.is_stencil:
        uses.append(RING_OFFSETS if form.space.border == "wrap" else BLOCK_OFFSETS)
    if form.orbit_share == "none" and (
        form.cut or form.halo or form.space.connect in ("local", "axial")
    ):
        uses.append(NUMBER_LIVE)
    return tuple(uses)


def orbit_lines(form: Form) -> list[str]:
    """Lines that assign `orbits`; none where nothing is learned per entry."""
    share = form.orbit_share
    if share is None:
        return []
    if form.space.connect == "full":
        return _full_orbits(form)
    if form.is_stencil:
        return _stencil_orbits(form)
    if form.halo:
        return _surrounded_orbits(form)
    if share == "all":
        return [
            "k = inputs.shape[1]",
            'orbits = torch.zeros(1, k, k, dtype=torch.long, device="cpu")',
        ]
    return _block_orbits(form)


def _stencil_orbits(form: Form) -> list[str]:
    connect = form.space.connect
    if form.orbit_share == "all" or (form.orbit_share, connect) == ("positions", "point"):
        return ["orbits = torch.zeros_like(inputs[:1, None])"]
    if form.orbit_share == "none":
        if connect == "point":
            return ['orbits = torch.arange(len(inputs), device="cpu")[:, None, None]']
        return ["orbits = number_live(inputs >= 0)[:, None]"]
    if connect == "local":
        return ['orbits = torch.arange(inputs.shape[1], device="cpu")[None, None]']
    if form.space.border == "wrap":
        return [
            "column, row = (rows - y) % h, (columns - x) % w",
            "orbits = torch.cat([column, h + row - 1], dim=1)[:, None]",
        ]
    return [
        "# Column offsets come first, then row offsets; 0 stands among the columns'.",
        "column, row = rows - y + h - 1, columns - x + w - 1 - (columns > x).long()",
        "orbits = torch.cat([column, 2 * h - 1 + row], dim=1)[:, None]",
    ]


_ROUND = (
    "# Offsets count modulo an axis that one window covers: h - 1 stands for 0 there.",
    "dy = (dy + 1) % h if block_h == h else dy",
    "dx, count = ((dx + 1) % w, w) if block_w == w else (dx, count)",
)


def _surrounded_orbits(form: Form) -> list[str]:
    """Of windows with a halo: q outputs and k > q inputs each."""
    if form.orbit_share == "all":
        return [
            "q, k = outputs.shape[1], inputs.shape[1]",
            'orbits = torch.zeros(1, q, k, dtype=torch.long, device="cpu")',
        ]
    if form.orbit_share == "none":
        return [
            "# One for each live entry, counted output by output in the order of the map.",
            "(n, k), q = inputs.shape, outputs.shape[1]",
            "live = (inputs >= 0).repeat_interleave(q, dim=0)",
            "orbits = torch.full_like(live, -1, dtype=torch.long)",
            "orbits[order] = number_live(live[order])",
            "orbits = orbits.view(n, q, k)",
        ]
    sizes = ["(window_h, window_w), (around_h, around_w) = self.window_size, self.halo_size"]
    if form.orbit_share == "positions":
        ring = form.space.border == "wrap"
        return [
            *sizes,
            "dy = halo_offsets(block_h, halo_h, window_h, around_h)",
            "dx = halo_offsets(block_w, halo_w, window_w, around_w)",
            "count = 2 * (window_w + around_w) - 1",
            *(_ROUND if ring else ()),
            "orbits = dy[:, None, :, None] * count + dx[None, :, None, :]",
            "orbits = orbits.flatten(2).flatten(0, 1)[None]",
        ]
    return [
        *sizes,
        "# Places keep their number where a smaller map cuts the window to its size.",
        'y, x = torch.arange(block_h, device="cpu"), torch.arange(block_w, device="cpu")',
        "place = (y[:, None] * window_w + x).flatten()",
        'y = torch.arange(-halo_h, block_h + halo_h, device="cpu") + around_h',
        'x = torch.arange(-halo_w, block_w + halo_w, device="cpu") + around_w',
        "wide = window_w + 2 * around_w",
        "near = (y[:, None] * wide + x).flatten()",
        "orbits = (place[:, None] * (window_h + 2 * around_h) * wide + near)[None]",
    ]


def _block_orbits(form: Form) -> list[str]:
    if form.orbit_share == "positions":
        return _offsets(form, "(block_h, block_w)")
    if form.orbit_share == "windows":
        return _place_pairs(form)
    if not form.cut:
        return [
            "n, k = inputs.shape",
            'orbits = torch.arange(n * k * k, device="cpu").view(n, k, k)',
        ]
    return [
        "# One for each live entry, counted output by output in the order of the map.",
        "n, k = inputs.shape",
        "live = (inputs >= 0).repeat_interleave(k, dim=0)",
        "orbits = torch.full_like(live, -1, dtype=torch.long)",
        "orbits[order] = number_live(live[order])",
        "orbits = orbits.view(n, k, k)",
    ]


def _offsets(form: Form, size: str) -> list[str]:
    if form.space.border != "wrap":
        tabled = form.operator.weight.position != "continuous"
        built = "self.window_size" if form.space.connect == "window" and tabled else size
        return [f"orbits = block_offsets({size}, {built})[None]"]
    ring = "(True, True)"
    if form.space.connect in ("window", "stripe"):
        ring = "(block_h == h, block_w == w)"
    return [f"orbits = ring_offsets({size}, {ring})[None]"]


def _place_pairs(form: Form) -> list[str]:
    if form.space.connect != "window":
        return [
            "k = inputs.shape[1]",
            'orbits = torch.arange(k * k, device="cpu").view(1, k, k)',
        ]
    return [
        "# Places keep their number where a smaller map cuts the window to its size.",
        'y, x = torch.arange(block_h, device="cpu"), torch.arange(block_w, device="cpu")',
        "place = (y[:, None] * self.window_size[1] + x).flatten()",
        "places = self.window_size[0] * self.window_size[1]",
        "orbits = (place[:, None] * places + place)[None]",
    ]


def _full_orbits(form: Form) -> list[str]:
    if form.orbit_share == "positions":
        return _offsets(form, "map_size")
    tokens = "self.num_tokens + " if form.tokens else ""
    lines = [f"outputs = inputs = {tokens}h * w"]
    if form.resized:
        lines = [
            f"outputs = {tokens}self.out_map_size[0] * self.out_map_size[1]",
            f"inputs = {tokens}h * w",
        ]
    if form.reduced:
        lines = [
            f"outputs = {tokens}h * w",
            f"inputs = {tokens}self.key_size[0] * self.key_size[1]",
        ]
    if form.orbit_share == "all":
        return [*lines, 'orbits = torch.zeros(1, outputs, inputs, dtype=torch.long, device="cpu")']
    return [
        *lines,
        'orbits = torch.arange(outputs * inputs, device="cpu").view(1, outputs, inputs)',
    ]
