"""The class of a general lowering: neighbourhood x weights x contraction, put together as text.

Goes in: a form. Comes out: the source of its class. Values are (B, P, C) inside, whatever layout
stands outside; N[b,n,k,c] are the values of n neighbourhoods, w[b,u,n,q,k] their weights, and
y[b,n,q,c] what is summed. Which sizes a connection has is `general`'s affair.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from relgraph.algebra.operator import compares, keeps_width
from relgraph.lower.general.form import Form, class_name
from relgraph.lower.general.tables import table_names, tables_text
from relgraph.lower.general.weights import (
    count_lines,
    head_count,
    init_lines,
    predict_method,
    reset_lines,
    unit_lines,
    weight_lines,
)
from relgraph.lower.general.words import docstring, weights_doc


def class_text(form: Form, signature: str) -> str:
    """The source of the class; `signature` are the lines of the constructor's parameters."""
    sections = [
        f"{_class_line(class_name(form))}\n{docstring(form)}",
        "\n".join(f"    {name}: Tensor" for name in table_names(form)),
        _init(form, signature),
        _reset(form),
        tables_text(form),
        _locate(form),
        _weights(form),
        *predict_method(form),
        _aggregate(form),
        _REDUCED_FORWARD if form.reduced else _FORWARD,
        _complete(form),
        _out_size(form),
        _REDUCED if form.reduced else "",
    ]
    return "\n\n".join(section for section in sections if section)


def _class_line(name: str) -> str:
    line = f"class {name}(nn.Module):"
    return line if len(line) <= 100 else f"class {name}(\n    nn.Module\n):"


_FORWARD = """\
    def forward(self, x: Tensor) -> Tensor:
        return self.aggregate(self.weights(x), x)"""

_REDUCED_FORWARD = """\
    def forward(self, x: Tensor) -> Tensor:
        keys = self.reduced(x)
        return self.aggregate(self.weights(x, keys), x, keys)"""

_REDUCED = '''\
    def reduced(self, x: Tensor) -> Tensor:
        """What keys and values read: (B, keys, C)."""
        return self.reduce(x).flatten(2).transpose(1, 2)'''


def _indented(lines: list[str]) -> str:
    return "\n".join(f"        {line}" for line in lines)


def _tuple(parts: Iterable[str]) -> str:
    listed = list(parts)
    return f"({listed[0]},)" if len(listed) == 1 else f"({', '.join(listed)})"


def _quoted(names: Iterable[str]) -> str:
    return _tuple(f'"{name}"' for name in names)


# Arguments that only the constructor reads.
_SPENT = ("reduce", "reduction", "num_experts", "hidden")


def _init(form: Form, signature: str) -> str:
    names = [line.split(":")[0].strip() for line in signature.splitlines()]
    kept = [n for n in names if n not in _SPENT and not n.endswith("_bias")]
    lines = ["super().__init__()", *(f"self.{name} = {name}" for name in kept)]
    if form.space.pad:
        block = _block_size(form)
        lines[lines.index("self.map_size = map_size")] = (
            f"self.map_size = padded_size(map_size, {block})"
        )
    tables = table_names(form)
    if tables:
        made = [f"names, tables = {_quoted(tables)}, self.tables(self.map_size)"]
        if len(made[0]) > 92:
            made = [f"names = {_quoted(tables)}", "tables = self.tables(self.map_size)"]
        lines += [
            *made,
            "for name, table in zip(names, tables, strict=True):",
            "    table = table.to(torch.get_default_device())",
            "    self.register_buffer(name, table, persistent=False)",
        ]
    lines += [*unit_lines(form), *count_lines(form), *init_lines(form), *_frame_init(form)]
    if reset_lines(form) or tables or form.operator.bias != "none":
        lines.append("self.reset_parameters()")
    return f"    def __init__(\n        self,\n{signature}\n    ) -> None:\n{_indented(lines)}"


def _frame_init(form: Form) -> list[str]:
    operator, lines = form.operator, []
    if operator.frame.value and not compares(operator):
        lines.append("self.value = Linear(dim, dim, bias=value_bias)")
    core = "dim" if keeps_width(operator) else "out_dim"
    tokens = "num_tokens + " if form.tokens else ""
    if operator.bias in ("positions", "both"):
        lines.append(f"outputs = {tokens}math.prod(self.out_size(map_size))")
    shape = {"channels": core, "positions": "outputs", "both": f"{core}, outputs"}
    if operator.bias != "none":
        lines.append(f"self.bias = nn.Parameter(torch.empty({shape[operator.bias]}))")
    if operator.frame.output:
        lines.append(f"self.proj = Linear({core}, out_dim, bias=proj_bias)")
    return lines


def _reset(form: Form) -> str:
    lines = reset_lines(form)
    if form.operator.bias != "none":
        lines = [*lines, "nn.init.zeros_(self.bias)"]
    names = table_names(form)
    if names:
        lines = [
            f"buffers = {_tuple(f'self.{name}' for name in names)}",
            "for buffer, table in zip(buffers, self.tables(self.map_size), strict=True):",
            "    buffer.copy_(table)",
            *lines,
        ]
    if not lines:
        return ""
    return f"    def reset_parameters(self) -> None:\n{_indented(lines)}"


def _locate(form: Form) -> str:
    names = table_names(form)
    if not names:
        return ""
    built = _tuple(f"self.{name}" for name in names)
    size = {
        "map": "(x.shape[2], x.shape[3])",
        "sequence": "(x.shape[1] - self.num_tokens, 1)",
        "vector": "self.map_size",
    }[form.layout]
    same = "size == self.map_size"
    if form.layout == "sequence":
        same = "size[0] == self.map_size[0] * self.map_size[1]"
    lines = [f"size = {size}", f"if {same}:", f"    return {built}"]
    if form.layout == "vector":
        lines = [f"return {built}"]
    elif form.fits_any_map:
        lines.append("return tuple(table.to(x.device) for table in self.tables(size))")
    else:
        lines.append('raise ValueError(f"built for a map {self.map_size}, found {size}")')
    return f'''\
    def locate(self, x: Tensor) -> tuple[Tensor, ...]:
        """The tables for the size of x."""
{_indented(lines)}'''


def _unpacked(form: Form, lines: list[str]) -> list[str]:
    """The line that fetches those tables that `lines` read."""
    text = "\n".join(lines)
    used = [name if re.search(rf"\b{name}\b", text) else "_" for name in table_names(form)]
    if all(name == "_" for name in used):
        return []
    names = f"({used[0]},)" if len(used) == 1 else ", ".join(used)
    return [f"{names} = self.locate({_whole(form)})"]


def _whole(form: Form) -> str:
    return "self.complete(x)" if form.space.pad else "x"


def _flat(form: Form) -> list[str]:
    """From the layout outside to (B, P, C)."""
    whole = _whole(form)
    return {
        "map": [f"x = {whole}.flatten(2).transpose(1, 2)"],
        "sequence": [],
        "vector": ["x = x.unsqueeze(1)"],
    }[form.layout]


def _weights(form: Form) -> str:
    lines = _returning(weight_lines(form))
    first = []
    if form.source == "pooled":
        mean = {"map": "x.mean(dim=(2, 3))", "sequence": "x.mean(dim=1)", "vector": "x"}
        first = [f"context = {mean[form.layout]}"]
    if form.reduced:
        first = [_KEYS]
    if form.space.connect == "outlook" and form.source == "center":
        first = ["x = F.avg_pool2d(x, self.step, ceil_mode=True)"]
    reads = re.search(r"\bx\b", "\n".join(lines)) is not None
    flat = _flat(form) if reads and form.source != "pooled" else []
    return f'''\
    def weights(self, x: Tensor{_keys(form)}) -> Tensor:
        """{weights_doc(form)}"""
{_indented([*_unpacked(form, lines), *first, *flat, *lines])}'''


_KEYS = "keys = self.reduced(x) if keys is None else keys"


def _keys(form: Form) -> str:
    """The parameter that hands on what was reduced before, so that it is reduced once."""
    return ", keys: Tensor | None = None" if form.reduced else ""


def _returning(lines: list[str]) -> list[str]:
    """Lines that end in `w = ...` and `return w`, in one."""
    name = lines[-1].removeprefix("return ")
    if lines[-2].startswith(f"{name} = "):
        return [*lines[:-2], "return " + lines[-2].removeprefix(f"{name} = ")]
    return lines


def _aggregate(form: Form) -> str:
    lines = [*_values(form), *_contract(form), *_crop(form), *_bias(form)]
    if form.operator.frame.output:
        lines.append("y = self.proj(y)")
    kept = "size = (x.shape[2], x.shape[3])"
    start = [kept] if form.layout == "map" else []
    flat = [] if form.reduced else _flat(form)
    back = {
        "map": "return y.transpose(1, 2).unflatten(2, self.out_size(size))",
        "sequence": "return y",
        "vector": "return y.squeeze(1)",
    }[form.layout]
    return f'''\
    def aggregate(self, w: Tensor, x: Tensor{_keys(form)}) -> Tensor:
        """Sum each neighbourhood with weights w."""
{_indented(_returning([*start, *_unpacked(form, lines), *flat, *lines, back]))}'''


def _values(form: Form) -> list[str]:
    if form.is_framed_pair and form.operator.weight.kv_heads is not None:
        return _shared_values(form)
    if form.reduced and form.is_framed_pair:
        return [_KEYS, "x = partial_linear(self.kv, keys, self.dim, 2 * self.dim)"]
    if form.reduced:
        return [_KEYS, "x = keys"]
    if form.is_framed_pair:
        return ["x = partial_linear(self.qkv, x, 2 * self.dim, 3 * self.dim)"]
    return ["x = self.value(x)"] if form.operator.frame.value else []


def _shared_values(form: Form) -> list[str]:
    """Values that runs of heads share, once for each head: (B, P, C) again."""
    lines = [
        "first = self.dim + self.kv_dim",
        "x = partial_linear(self.qkv, x, first, first + self.kv_dim)",
    ]
    if form.reduced:
        lines = [_KEYS, "x = partial_linear(self.kv, keys, self.kv_dim, 2 * self.kv_dim)"]
    return [
        *lines,
        "x = shared_heads(x, self.kv_heads, self.num_heads // self.kv_heads)",
        "x = x.transpose(1, 2).flatten(2)",
    ]


def _contract(form: Form) -> list[str]:
    """N[b,n,k,c] and w to y[b,n,q,c], and outputs in the order of the map."""
    near = "x.unsqueeze(1)" if form.space.connect == "full" else "gather(x, inputs)"
    b = "" if form.source in ("static", "fixed") else "b"
    channel = form.operator.channel
    if channel.connect == "local":
        lines = _band(form, near, b)
    elif channel.connect == "full":
        lines = [f'y = torch.einsum("{b}dcnqk,bnkc->bnqd", w, {near}).flatten(1, 2)']
    else:
        runs = "self.groups" if channel.connect == "groups" else head_count(form)
        g = "" if channel.share == "all" else "g"
        product = f"{b}{g}dcnqk,bnkgc->bnqgd"
        if channel.connect == "separate":
            product = f"{b}hnqk,bnkhc->bnqhc"
        lines = [
            f"near = {near}.unflatten(-1, ({runs}, -1))",
            f'y = torch.einsum("{product}", w, near).flatten(3).flatten(1, 2)',
        ]
    if form.space.connect == "outlook":
        lines += _SUMMED
    if "order" in table_names(form):
        lines.append("y = y.index_select(1, order)")
    return lines


_SUMMED = [
    "# Windows overlap: an output is the sum over those that it lies in. What stands outside the",
    "# map is summed behind its end, and dropped.",
    "places = x.shape[1]",
    "summed = y.new_zeros(y.shape[0], places + 1, y.shape[2])",
    "y = summed.index_add(1, inputs.flatten() % (places + 1), y)[:, :places]",
]


def _band(form: Form, near: str, b: str) -> list[str]:
    """Every channel reads those around it, zeros beyond the first and the last."""
    size, lines = "self.band_size", []
    product = f"{b}mnqk,bnkcm->bnqc"
    if form.operator.channel.share == "none":
        entries = "[:, band]" if b else "[band]"
        lines = [f"w = F.pad(w, (0, 0, 0, 0, 0, 0, 0, 1)){entries}"]
        product = f"{b}cmnqk,bnkcm->bnqc"
    return [
        *lines,
        f"near = F.pad({near}, (({size} - 1) // 2, {size} // 2))",
        f'y = torch.einsum("{product}", w, near.unfold(-1, {size}, 1)).flatten(1, 2)',
    ]


def _crop(form: Form) -> list[str]:
    if not form.space.pad:
        return []
    block = _block_size(form)
    return [
        f"whole = padded_size(size, {block})",
        "y = y.unflatten(1, whole)[:, : size[0], : size[1]].flatten(1, 2)",
    ]


def _block_size(form: Form) -> str:
    if form.space.connect == "stripe":
        one = "(self.stripe_size, 1)"
        return one if form.space.along == "rows" else "(1, self.stripe_size)"
    return "self.window_size" if form.space.connect == "window" else "self.grid_size"


def _bias(form: Form) -> list[str]:
    term = {
        "none": "",
        "channels": "self.bias",
        "positions": "self.bias[:, None]",
        "both": "self.bias.T",
    }
    bias = term[form.operator.bias]
    return [f"y = y + {bias}"] if bias else []


def _complete(form: Form) -> str:
    if not form.space.pad:
        return ""
    return f'''\
    def complete(self, x: Tensor) -> Tensor:
        """Zeros below and to the right, so that blocks divide the map."""
        h, w = padded_size((x.shape[2], x.shape[3]), {_block_size(form)})
        return F.pad(x, (0, w - x.shape[3], 0, h - x.shape[2]))'''


def _out_size(form: Form) -> str:
    """Where outputs stand on another map than inputs, a method says on which."""
    needs = form.layout == "map" or form.operator.bias in ("positions", "both")
    if not needs:
        return ""
    body = "map_size"
    if form.space.connect in ("point", "local"):
        body = "self.placing(map_size[0], 0)[0], self.placing(map_size[1], 1)[0]"
    if form.resized:
        body = "self.out_map_size"
    return f'''\
    def out_size(self, map_size: tuple[int, int]) -> tuple[int, int]:
        """The map on which outputs stand."""
        return {body}'''
