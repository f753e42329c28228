"""Lines of an emitted general lowering about what pairs know of places, and keys without a bias.

Goes in: a form. Comes out: lines of `tables` that assign `offsets` (things, 2), the offset of each
learned thing, or `places`, where queries and keys stand; and lines that use them; projections. The
tables of slots and orbits are others' affairs.
"""

from __future__ import annotations

from relgraph.lower.general.form import Form
from relgraph.lower.module import Definition
from relgraph.lower.pair_positions import BLOCK_GRID, POSITION_NETWORK, SIGNED_OFFSETS, TURNED


def position_tables(form: Form) -> tuple[str, ...]:
    """The table that the position needs."""
    return {"continuous": ("offsets",), "rotary": ("places",)}.get(_position(form), ())


def position_uses(form: Form) -> tuple[Definition, ...]:
    """The functions and classes that the lines call."""
    if _position(form) == "continuous":
        taps = form.space.connect == "local"
        return (POSITION_NETWORK,) if taps else (POSITION_NETWORK, SIGNED_OFFSETS)
    if _position(form) == "rotary":
        return (TURNED,) if form.is_stencil else (TURNED, BLOCK_GRID)
    return ()


def position_lines(form: Form) -> list[str]:
    """Lines of `tables`."""
    if _position(form) == "continuous":
        return _offset_lines(form)
    return _place_lines(form) if _position(form) == "rotary" else []


def _position(form: Form) -> str:
    return form.operator.weight.position


_TAPS = [
    'taps = [torch.arange(size, device="cpu") - (size - 1) // 2 for size in self.kernel_size]',
]


def _offset_lines(form: Form) -> list[str]:
    connect, wraps = form.space.connect, form.space.border == "wrap"
    if connect == "local":
        return [*_TAPS, "offsets = torch.cartesian_prod(*taps)"]
    size, ring = {"full": "map_size", "axial": "map_size"}.get(connect, "(block_h, block_w)"), ""
    if wraps:
        moves = connect in ("window", "stripe")
        ring = ", (block_h == h, block_w == w)" if moves else ", (True, True)"
    first = f"steps = signed_offsets({size}{ring})"
    if connect != "axial":
        return [first, "offsets = torch.cartesian_prod(*steps)"]
    return [
        first,
        "down, right = (F.pad(steps[axis][:, None], (axis, 1 - axis)) for axis in (0, 1))",
        "offsets = torch.cat([down, right[right[:, 1] != 0]])",
    ]


def _place_lines(form: Form) -> list[str]:
    connect = form.space.connect
    if connect == "local":
        return ["# Where each tap stands, from the query.", *_TAPS, _CROSSED]
    if connect == "axial":
        return [
            "# Where each slot stands, from the query.",
            "places = torch.stack([inputs // w - y, inputs % w - x], dim=-1)",
        ]
    if connect == "full":
        lines = ['places = block_grid(map_size, "cpu")']
        if form.tokens:
            lines.append("places = F.pad(places, (0, 0, self.num_tokens, 0))  # tokens do not turn")
        return lines
    return ['places = block_grid((block_h, block_w), "cpu")']


_CROSSED = "places = torch.cartesian_prod(*taps)"


def turning_lines(form: Form) -> list[str]:
    """Queries and keys turned, once they are gathered; at a stencil's centre nothing turns."""
    if _position(form) != "rotary":
        return []
    if form.is_stencil:
        return ["k = turned(k, places, self.temperature)"]
    return ["q, k = (turned(side, places, self.temperature) for side in (q, k))"]


def keyless_layers(form: Form) -> list[str]:
    """Lines of the constructor: what makes queries, keys and values where keys have no bias."""
    valued = form.operator.frame.value
    made, width = "KeylessLinear(dim", "dim"
    if form.operator.weight.kv_heads is not None:
        made, width = "SharedKeylessLinear(dim, self.kv_dim", "self.kv_dim"
    if not form.reduced:
        parts = "" if valued else ', "qk"'
        return [f"self.qkv = {made}{parts})"]
    keys = f'{made}, "kv")' if valued else f"Linear(dim, {width}, bias=False)"
    return ["self.reduce = reduce", "self.q = Linear(dim, dim)", f"self.kv = {keys}"]
