"""Attention of windows to themselves and what stands around them: more keys than queries.

Goes in: a `window` connection with a halo whose weights come from pairs under a softmax. Comes out:
a module on maps that projects every position once and gathers queries by window, keys and values
by window with its halo. What the border adds is a table and, under `mask`, a summand of the logits.
"""

from __future__ import annotations

from relgraph.algebra.operator import Border
from relgraph.lower.attention_parts import (
    MERGE_HEADS,
    PARTIAL_LINEAR,
    SPLIT_HEADS,
    bias_arguments,
    heads,
    is_framed_softmax,
)
from relgraph.lower.general.form import block_halo, block_size
from relgraph.lower.general.functions import (
    BLOCK_PLACES,
    CROSS,
    GATHER,
    HALO_OFFSETS,
    HALO_PLACES,
    INSIDE,
)
from relgraph.lower.guards import is_map_to_map
from relgraph.lower.layers import LINEAR
from relgraph.lower.module import Argument, Definition, MapSize, Module
from relgraph.lower.windows import as_grid
from relgraph.program import Connect


def accepts_halo_attention(node: Connect) -> bool:
    """Windows that divide the map and read around themselves, with a bias per offset or none."""
    connection = node.connection
    space, position = connection.operator.space, connection.operator.weight.position
    return (
        is_framed_softmax(connection)
        and connection.operator.weight.score == "dot"
        and connection.operator.weight.kv_heads is None
        and connection.operator.weight.talking_heads == "none"
        and space.connect == "window"
        and block_halo(connection) != (0, 0)
        and not space.pad
        and position in ("none", "relative")
        and (position == "none" or space.border != "wrap")  # else offsets may go round
        and is_map_to_map(node)
        and node.reduce is None
        and connection.in_grid == connection.out_grid
    )


def lower_halo_attention(node: Connect) -> Module:
    """`HaloAttention`, its relatives without a position bias or with another border."""
    connection = node.connection
    operator = connection.operator
    made = _definition(operator.space.border, biased=operator.weight.position == "relative")
    arguments: tuple[tuple[str, Argument], ...] = (
        ("dim", connection.in_channels),
        ("num_heads", heads(operator.channel, connection.in_channels)),
        ("window_size", block_size(connection)),
        ("halo_size", block_halo(connection)),
        ("map_size", MapSize(*as_grid(connection.in_grid))),
        *bias_arguments(connection),
    )
    return Module(made.name, arguments, definition=made)


_NAMES = {"mask": "", "zero": "ZeroPadded", "wrap": "Wrapped"}
_BORDERS = {
    "mask": "; nothing stands outside the map",
    "zero": ";\n    outside the map stand keys and values of 0",
    "wrap": "; the map goes round",
}


def _definition(border: Border, *, biased: bool) -> Definition:
    name = f"{'' if biased else 'Plain'}{_NAMES[border]}HaloAttention"
    text = "\n\n".join(
        [
            _head(name, border, biased),
            _constructor(biased),
            _tables(border, biased),
            _locate(border, biased),
            _weights(border, biased),
            _AGGREGATE,
            _forward(border, biased),
        ]
    )
    uses = (
        LINEAR,
        SPLIT_HEADS,
        MERGE_HEADS,
        PARTIAL_LINEAR,
        CROSS,
        GATHER,
        BLOCK_PLACES["whole"],
        HALO_PLACES,
        HALO_OFFSETS,
        INSIDE[border],
    )
    called = tuple(function for function in uses if f"{function.name}(" in text)
    return Definition(name, text, called, ("import math",) if "math." in text else ())


def _head(name: str, border: Border, biased: bool) -> str:
    title = ", biased by offset" if biased else ""
    added = " + bias[j - o]" if biased else ""
    index = "\n    relative_position_index: Tensor" if biased else ""
    return f'''\
class {name}(nn.Module):
    """Multi-head attention of windows to what is in and around them (HaloNet){title}.

    y[o] = proj(Σ_j softmax_j(q[o] · k[j] / √head_dim{added}) v[j]), j in the window of o or
    no more than halo_size from it{_BORDERS[border]}
    Shapes: (B, C, H, W) -> (B, C, H, W); window_size divides (H, W) or is no smaller.
    """

    outputs: Tensor
    inputs: Tensor{index}'''


def _constructor(biased: bool) -> str:
    table = """
        offsets_h = 2 * (window_size[0] + halo_size[0]) - 1
        offsets_w = 2 * (window_size[1] + halo_size[1]) - 1
        table = torch.empty(offsets_h * offsets_w, num_heads)
        self.relative_position_bias_table = nn.Parameter(table)"""
    reset = """
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)"""
    names = ("outputs", "inputs", *(("relative_position_index",) if biased else ()))
    quoted, made = (", ".join(form.format(n) for n in names) for form in ('"{}"', "self.{}"))
    return f"""\
    def __init__(
        self,
        dim: int,
        num_heads: int,
        window_size: tuple[int, int],
        halo_size: tuple[int, int],
        map_size: tuple[int, int],
        qkv_bias: bool = True,
        proj_bias: bool = True,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.num_heads = num_heads
        self.window_size = window_size
        self.halo_size = halo_size
        self.map_size = map_size
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = Linear(dim, dim, bias=proj_bias){table if biased else ""}
        for name in ({quoted}):
            self.register_buffer(name, None, persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:{reset if biased else ""}
        {made} = self.tables(self.map_size)"""


_OFFSETS = """
        dy = halo_offsets(window_h, halo_h, self.window_size[0], self.halo_size[0])
        dx = halo_offsets(window_w, halo_w, self.window_size[1], self.halo_size[1])
        count = 2 * (self.window_size[1] + self.halo_size[1]) - 1
        index = (dy[:, None, :, None] * count + dx[None, :, None, :]).flatten(2).flatten(0, 1)"""


def _tables(border: Border, biased: bool) -> str:
    inside = INSIDE[border].name
    index = "; rows of the table" if biased else ""
    types = ", Tensor" if biased else ""
    last = "outputs.to(device), inputs.to(device)" + (", index.to(device)" if biased else "")
    return f'''\
    def tables(self, map_size: tuple[int, int]) -> tuple[Tensor, Tensor{types}]:
        """Positions of outputs and what they read (-1 outside), by window{index}."""
        h, w = map_size
        window_h, window_w = min(self.window_size[0], h), min(self.window_size[1], w)
        # Around a window that covers the map there is nothing.
        halo_h = self.halo_size[0] if window_h < h else 0
        halo_w = self.halo_size[1] if window_w < w else 0
        outputs = cross(block_places(h, window_h), block_places(w, window_w), w)
        rows = {inside}(halo_places(h, window_h, halo_h), h)
        columns = {inside}(halo_places(w, window_w, halo_w), w)
        inputs = cross(rows, columns, w){_OFFSETS if biased else ""}
        device = self.qkv.weight.device
        return {last}'''


def _locate(border: Border, biased: bool) -> str:
    """`locate`, which adds to the places what is added to the logits, if anything is."""
    masks, names = border == "mask", "outputs, inputs" + (", index" if biased else "")
    own = "self.outputs, self.inputs" + (", self.relative_position_index" if biased else "")
    summand = biased or masks
    lines = [
        f"{names} = {own}",
        "if x.shape[2:] != self.map_size:",
        f"    {names} = self.tables((x.shape[2], x.shape[3]))",
    ]
    if masks:
        lines += [
            "outside = torch.zeros(inputs.shape, dtype=self.qkv.weight.dtype, device=x.device)",
            "outside = outside.masked_fill(inputs < 0, -math.inf)[:, None]",
        ]
    if biased:
        lines.append("bias = self.relative_position_bias_table[index].permute(2, 0, 1)[:, None]")
    added = {(True, True): "bias + outside", (True, False): "bias", (False, True): "outside"}
    result = added.get((biased, masks), "")
    added_to = "bias (num_heads, windows or 1, q, k)" if biased else "mask (windows, 1, k)"
    told = f", and a {added_to} of the logits" if summand else ""
    lines.append(f"return outputs, inputs{', ' + result if summand else ''}")
    kinds = ", ".join(["Tensor"] * (3 if summand else 2))
    body = "\n".join(f"        {line}" for line in lines)
    return f'''\
    def locate(self, x: Tensor) -> tuple[{kinds}]:
        """Places for the size of x{told}."""
{body}'''


def _summand(border: Border, biased: bool) -> str:
    """The name of what is added to the logits, if anything is."""
    if biased:
        return "bias"
    return "mask" if border == "mask" else ""


def _weights(border: Border, biased: bool) -> str:
    name = _summand(border, biased)
    located, added = (f", {name}", f" + {name}") if name else ("", "")
    matrix = "q kᵀ / √head_dim" + (" + bias" if biased else "")
    return f'''\
    def weights(self, x: Tensor) -> Tensor:
        """softmax({matrix}): (B, num_heads, windows, q, k)."""
        outputs, inputs{located} = self.locate(x)
        qk = partial_linear(self.qkv, x.flatten(2).transpose(1, 2), 0, 2 * self.dim)
        q, k = split_heads(qk, 2, self.num_heads)
        logits = gather(q * self.scale, outputs) @ gather(k, inputs).transpose(-2, -1)
        return {f"(logits{added})" if added else "logits"}.softmax(dim=-1)'''


_AGGREGATE = '''\
    def aggregate(self, w: Tensor, x: Tensor) -> Tensor:
        """Sum the values with weights w and project: (B, C, H, W)."""
        outputs, inputs = self.locate(x)[:2]
        v = partial_linear(self.qkv, x.flatten(2).transpose(1, 2), 2 * self.dim, 3 * self.dim)
        (v,) = split_heads(v, 1, self.num_heads)
        return self.finish(w @ gather(v, inputs), outputs, x)

    def finish(self, y: Tensor, outputs: Tensor, x: Tensor) -> Tensor:
        """Windows (B, num_heads, windows, q, head_dim) back on the map, and projected."""
        y = y.flatten(2, 3).index_select(2, outputs.flatten().argsort())
        return self.proj(merge_heads(y)).transpose(1, 2).unflatten(2, x.shape[2:])'''


def _forward(border: Border, biased: bool) -> str:
    name = _summand(border, biased)
    located = f", {name}" if name else ""
    lines = [
        f"outputs, inputs{located} = self.locate(x)",
        "q, k, v = split_heads(self.qkv(x.flatten(2).transpose(1, 2)), 3, self.num_heads)",
        "q, k, v = gather(q, outputs), gather(k, inputs), gather(v, inputs)",
    ]
    if biased:
        lines += [
            "# A CPU's fused kernel cannot differentiate the bias, and its fallback is slow.",
            "if torch.is_grad_enabled():",
            "    w = (q * self.scale @ k.transpose(-2, -1) + bias).softmax(dim=-1)",
            "    return self.finish(w @ v, outputs, x)",
            "bias = bias.to(q.dtype).expand(x.shape[0], -1, -1, -1, -1).flatten(0, 1)",
        ]
    given = {"bias": ", attn_mask=bias", "mask": ", attn_mask=mask.to(q.dtype)", "": ""}[name]
    lines += [
        "# The fused kernel wants two dimensions in front: images with heads, and windows.",
        "q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)",
        f"y = F.scaled_dot_product_attention(q, k, v{given})",
        "return self.finish(y.unflatten(0, (-1, self.num_heads)), outputs, x)",
    ]
    body = "\n".join(f"        {line}" for line in lines)
    return f"    def forward(self, x: Tensor) -> Tensor:\n{body}"
