"""The text of the window attention classes, put together from what their structure decides.

Goes in: which position bias there is and whether the border cuts windows. Comes out: the source of
one class, or of its relative that pads the map. Which connections they fit is `window`'s affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from relgraph.lower.module import Definition

PADDED_SIZE = Definition(
    "padded_size",
    '''\
def padded_size(map_size: tuple[int, int], window_size: tuple[int, int]) -> tuple[int, int]:
    """The next size that windows divide; a window no smaller than the map is the map."""
    h, w = map_size
    return h + -h % min(window_size[0], h), w + -w % min(window_size[1], w)''',
)


@dataclass(frozen=True)
class Form:
    """What decides the text of a window attention; sizes and biases are arguments.

    `cut`: windows that a shift moves over the border end there, otherwise they wrap round.
    """

    position: Literal["none", "relative", "absolute"]
    cut: bool

    @property
    def name(self) -> str:
        border = "" if self.cut else "Wrapped"
        position = {"none": "Plain", "relative": "", "absolute": "Absolute"}[self.position]
        return f"{border}{position}WindowAttention"


def window_text(form: Form) -> str:
    """The source of the class that `form` names."""
    return "\n\n".join(
        [
            f"class {form.name}(nn.Module):\n{_docstring(form)}",
            _attributes(form),
            _init(form),
            *_reset(form),
            _tables(form),
            _LOCATE[form.position](form.cut),
            _WEIGHTS + _AGGREGATE,
            _FORWARD + (_FUSED if form.position == "none" else _FUSED_OR_EXPLICIT) + _RETURN,
            _softmax(form),
        ]
    )


def padded_text(form: Form) -> str:
    """The source of `form`'s relative for maps that windows do not divide."""
    return _PADDED.format(name=form.name)


def _docstring(form: Form) -> str:
    bias = {"none": "", "relative": " + bias[j - o]", "absolute": " + bias[window, o, j]"}
    logit = f"q[o] · k[j] / √head_dim{bias[form.position]}"
    border = _CUT if form.cut else _WRAP
    sizes = "window_size must divide (H, W)"
    if form.position == "absolute":
        sizes = "(H, W) = map_size"
    return f'''\
    """Multi-head self-attention inside windows, shifted or not (Swin).

    y[o] = proj(Σ_j softmax_j({logit}) v[j]), j in the window of o
    {border}
    Shapes: (B, C, H, W) -> (B, C, H, W); {sizes}.
    """'''


_CUT = "Windows that a shift moves over the border are cut there: their pieces stay apart."
_WRAP = "Windows that a shift moves over the border wrap round to the other side."


def _buffers(form: Form) -> tuple[str, ...]:
    mask = ("mask",) if form.cut else ()
    index = ("relative_position_index",) if form.position == "relative" else ()
    return ("order", "inverse", *mask, *index)


def _attributes(form: Form) -> str:
    types = {"mask": "Tensor | None"}
    return "\n".join(f"    {name}: {types.get(name, 'Tensor')}" for name in _buffers(form))


def _init(form: Form) -> str:
    names = ", ".join(f'"{name}"' for name in _buffers(form))
    return f"""\
    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: tuple[int, int],
        map_size: tuple[int, int],
        shift_size: tuple[int, int] = (0, 0),
        qkv_bias: bool = True,
        proj_bias: bool = True,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.num_heads = num_heads
        self.window_size = window_size
        self.map_size = map_size
        self.shift_size = shift_size
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = Linear(dim, dim, bias=proj_bias)
{_PARAMETER[form.position]}\
        for name in ({names}):
            self.register_buffer(name, None, persistent=False)
        self.reset_parameters()"""


_PARAMETER = {
    "none": "",
    "relative": """\
        offsets = (2 * window_size[0] - 1) * (2 * window_size[1] - 1)
        self.relative_position_bias_table = nn.Parameter(torch.empty(offsets, num_heads))
""",
    "absolute": """\
        places = min(window_size[0], map_size[0]) * min(window_size[1], map_size[1])
        windows = map_size[0] * map_size[1] // places
        self.position_bias = nn.Parameter(torch.empty(num_heads, windows, places, places))
""",
}


def _reset(form: Form) -> list[str]:
    table = {"relative": "relative_position_bias_table", "absolute": "position_bias"}
    parameter = table.get(form.position)
    start = f"        nn.init.trunc_normal_(self.{parameter}, std=0.02)\n" if parameter else ""
    return [
        f"""\
    def reset_parameters(self) -> None:
{start}        tables = self.tables(self.map_size)
        {_built(form)} = tables"""
    ]


def _built(form: Form) -> str:
    return ", ".join(f"self.{name}" for name in _buffers(form))


def _tables(form: Form) -> str:
    kinds = ", ".join("Tensor | None" if name == "mask" else "Tensor" for name in _buffers(form))
    values = {
        "mask": "cut_mask(order, map_size, shift) if any(shift) else None",
        "relative_position_index": (
            "relative_position_index(window, self.window_size, order.device)"
        ),
    }
    extra = [name for name in _buffers(form) if name in values]
    lines = "".join(f"        {_short(name)} = {values[name]}\n" for name in extra)
    result = ", ".join(["order", "order.flatten().argsort()", *map(_short, extra)])
    return f'''\
    def tables(self, map_size: tuple[int, int]) -> tuple[{kinds}]:
        """How windows lie on a map: {_TABLES[form.position, form.cut]}."""
        window, shift = fit_window(map_size, self.window_size, self.shift_size)
        order = window_order(map_size, window, shift, self.qkv.weight.device)
{lines}        return {result}'''


def _short(name: str) -> str:
    return "index" if name == "relative_position_index" else name


_TABLES = {
    ("relative", True): "gather index, its inverse, cut mask, relative index",
    ("relative", False): "gather index, its inverse, relative index",
    ("none", True): "gather index, its inverse, cut mask",
    ("none", False): "gather index and its inverse",
    ("absolute", True): "gather index, its inverse, cut mask",
    ("absolute", False): "gather index and its inverse",
}
