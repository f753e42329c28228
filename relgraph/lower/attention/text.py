"""The class of an attention, put together as text of its parts.

Goes in: a place, a score and a position bias. Comes out: a definition. Which connections have such
a class is the package's affair. A further part is a further value, not a further text.
"""

from __future__ import annotations

import re

from relgraph.lower.attention import linear, methods, talking
from relgraph.lower.attention.code import fits, indented, method, signature
from relgraph.lower.attention.parts import Parts
from relgraph.lower.attention.place import SEQUENCE
from relgraph.lower.attention.score import Score
from relgraph.lower.attention_parts import (
    ELU_PLUS_ONE,
    MERGE_HEADS,
    MIX_HEADS,
    PARTIAL_LINEAR,
    RELATIVE_POSITION_INDEX,
    SHARED_HEADS,
    SPLIT_HEADS,
)
from relgraph.lower.layers import LINEAR
from relgraph.lower.module import Definition
from relgraph.lower.pair_positions import (
    BLOCK_GRID,
    KEYLESS_LINEAR,
    POSITION_NETWORK,
    RELATIVE_OFFSETS,
    SHARED_KEYLESS_LINEAR,
    TURNED,
)
from relgraph.lower.windows import CUT_MASK, FIT_WINDOW, PARTITION, REVERSE, WINDOW_ORDER

_FUNCTIONS = (
    LINEAR,
    KEYLESS_LINEAR,
    SHARED_KEYLESS_LINEAR,
    POSITION_NETWORK,
    TURNED,
    BLOCK_GRID,
    RELATIVE_OFFSETS,
    SPLIT_HEADS,
    SHARED_HEADS,
    MERGE_HEADS,
    MIX_HEADS,
    PARTIAL_LINEAR,
    FIT_WINDOW,
    WINDOW_ORDER,
    CUT_MASK,
    RELATIVE_POSITION_INDEX,
    ELU_PLUS_ONE,
    PARTITION,
    REVERSE,
)
_PUBLISHED = {
    "Attention": " (ViT)",
    "WindowAttention": " (Swin)",
    "CosineWindowAttention": " (Swin v2)",
    "KeylessContinuousCosineWindowAttention": " (Swin v2)",
    "ReducedAttention": " (PVT's spatial reduction)",
    "ReluLinearAttention": " (EfficientViT)",
    "TalkingHeadsAttention": " (CaiT)",
}


def definition(parts: Parts) -> Definition:
    """The class, the functions that it calls and its imports."""
    sections = [
        f"class {parts.name}(nn.Module):\n{_docstring(parts)}",
        "\n".join(f"    {line}" for line in _annotations(parts)),
        _constructor(parts),
        _reset(parts),
        *parts.place.before(parts.bias),
        *parts.score.methods,
        *_methods(parts),
        *parts.place.after,
    ]
    text = "\n\n".join(section for section in sections if section)
    uses = tuple(f for f in _FUNCTIONS if re.search(rf"(?<!\w){f.name}\(", text))
    return Definition(parts.name, text, uses, ("import math",) if "math." in text else ())


def _methods(parts: Parts) -> tuple[str, ...]:
    """From queries, keys and values to the result, by the weights and with them."""
    if parts.score.features:
        return linear.weights(parts), methods.aggregate(parts), linear.forward(parts)
    if parts.talking != "none":
        own = talking.talked(parts)
        return talking.weights(parts), own, methods.aggregate(parts), talking.forward(parts)
    return (
        methods.weights(parts),
        methods.aggregate(parts),
        methods.forward(parts),
        methods.softmax(parts),
        methods.fused(parts),
    )


def _docstring(parts: Parts) -> str:
    place, score, bias = parts.place, parts.score, parts.bias
    where = place.unbiased_title if bias is None else bias.title
    heads = "Multi-head" if parts.talking == "none" else "Talking-heads"
    title = _title(heads, place.title, where, score.title, not place.locate)
    added = "" if bias is None else f" + {bias.entry}"
    return f'''\
    """{title}{_PUBLISHED.get(parts.name, "")}.

    y[o] = proj({_sum(parts, added)}){_note(parts, added)}{_shared(parts)}
    Shapes: {place.shapes}{"" if bias is None else bias.sizes}
    """'''


def _shared(parts: Parts) -> str:
    told = "each of kv_heads runs of heads shares its keys and values"
    return f"\n    where {told}" if parts.shared else ""


def _title(heads: str, place: str, where: str, score: str, both: bool) -> str:
    """In a window, and in a long line, is no room for both, and the note tells of the bias."""
    full = f"{heads} {place}{where}{score}"
    return full if both and len(full) < 92 else f"{heads} {place}{score or where}"


def _sum(parts: Parts, added: str) -> str:
    entry = parts.score.entry
    if parts.talking != "none":
        return "Σ_j w[o, j] v[j]"
    if not parts.score.features:
        return f"Σ_j softmax_j({entry}{added}) v[j]"
    numbers = f"Σ_j ({entry.format('o', 'j')}) v[j]"
    return numbers if parts.normalize == "none" else f"{numbers} / Σ_j {entry.format('o', 'j')}"


def _note(parts: Parts, added: str) -> str:
    where, has = parts.place.where, parts.score.note
    if parts.talking != "none":
        made = talking.equation(parts, parts.score.entry + added)
        return f"{where}\n    w = {made}\n    {talking.SAID[parts.talking]}"
    if parts.score.features:
        return where or ", for each head"
    if parts.place is SEQUENCE:
        return f", {f'one softmax and {has}' if has else 'with one softmax'} for each head"
    if not has:
        return where
    bias = f"{parts.bias.note} and head and " if parts.bias and parts.bias.note else ""
    return f"{where},\n    with {bias}{has} for each head"


def _annotations(parts: Parts) -> list[str]:
    tables = parts.place.tables(parts.bias)
    lines = [f"{table}: Tensor{' | None' if table == 'mask' else ''}" for table in tables]
    return [*lines, *(() if parts.bias is None else parts.bias.annotations)]


def _constructor(parts: Parts) -> str:
    place, score = parts.place, parts.score
    sizes = [size.split(":")[0] for size in place.sizes]
    bias = () if parts.bias is None else parts.bias.layers
    # What a score learned and the bias stand together.
    before, behind = (bias, ()) if score.learned else ((), bias)
    lines = [
        "super().__init__()",
        "self.dim = dim",
        "self.num_heads = num_heads",
        *(("self.kv_heads = kv_heads",) if parts.shared else ()),
        *(f"self.{size} = {size}" for size in (*sizes, *_named(score)) if size != "reduce"),
        *score.factor,
        *_projections(parts),
        *score.learned,
        *talking.LAYERS[parts.talking],
        *before,
        "self.proj = Linear(dim, dim, bias=proj_bias)",
        *behind,
    ]
    tables = place.tables(parts.bias)
    if tables:
        names = ", ".join(f'"{table}"' for table in tables)
        lines += [
            f"for name in ({names}):",
            "    self.register_buffer(name, None, persistent=False)",
        ]
    if _reset(parts):
        lines.append("self.reset_parameters()")
    return f"{signature('__init__', parts.parameters, 'None')}\n{indented(lines)}"


def _named(score: Score) -> list[str]:
    return [parameter.split(":")[0] for parameter in score.parameters]


def _projections(parts: Parts) -> tuple[str, ...]:
    """The layers that make queries, keys and values; without a bias for keys, of another class."""
    layers = parts.projections.layers
    if not parts.keyless:
        return layers
    keyless = {
        "self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)": "self.qkv = KeylessLinear(dim)",
        "self.q = Linear(dim, dim, bias=qkv_bias)": "self.q = Linear(dim, dim)",
        "self.kv = Linear(dim, 2 * dim, bias=qkv_bias)": 'self.kv = KeylessLinear(dim, "kv")',
        "self.qkv = Linear(dim, dim + 2 * self.kv_dim, bias=qkv_bias)": (
            "self.qkv = SharedKeylessLinear(dim, self.kv_dim)"
        ),
        "self.kv = Linear(dim, 2 * self.kv_dim, bias=qkv_bias)": (
            'self.kv = SharedKeylessLinear(dim, self.kv_dim, "kv")'
        ),
    }
    return tuple(keyless.get(layer, layer) for layer in layers)


def _reset(parts: Parts) -> str:
    lines = [*parts.score.reset, *(() if parts.bias is None else parts.bias.reset)]
    tables = ", ".join(f"self.{table}" for table in parts.place.tables(parts.bias))
    if tables:
        made = "self.tables(self.map_size)"
        whole = f"{tables} = {made}"
        lines += [whole] if fits(whole) else [f"tables = {made}", f"{tables} = tables"]
    return method("reset_parameters", (), "None", "", lines) if lines else ""
