"""Where an attention's queries and keys stand, as text of its class.

Goes in: nothing. Comes out: the neighbourhoods that attention classes know: all of a sequence, all
of a map, a reduced map, windows of a map. How pairs are compared is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from relgraph.lower.attention.bias import IN_WINDOW, ON_MAP, Bias
from relgraph.lower.attention.windowed import window_methods, window_tables

Lines = tuple[str, ...]


@dataclass(frozen=True)
class Projections:
    """The layers that make queries, keys and values, and the lines that read {tokens}: pairs end
    in q and k, values in v, and `all` in the three."""

    layers: Lines
    pairs: Lines
    values: Lines
    all: Lines


QKV = Projections(
    layers=("self.qkv = Linear(dim, 3 * dim, bias=qkv_bias)",),
    pairs=(
        "qk = partial_linear(self.qkv, {tokens}, 0, 2 * self.dim)",
        "q, k = split_heads(qk, 2, self.num_heads)",
    ),
    values=(
        "v = partial_linear(self.qkv, {tokens}, 2 * self.dim, 3 * self.dim)",
        "(v,) = split_heads(v, 1, self.num_heads)",
    ),
    all=("q, k, v = split_heads(self.qkv({tokens}), 3, self.num_heads)",),
)

_Q = "(q,) = split_heads(self.q({tokens}), 1, self.num_heads)"
_Q_AND_KV = Projections(
    layers=(
        "self.reduce = reduce",
        "self.q = Linear(dim, dim, bias=qkv_bias)",
        "self.kv = Linear(dim, 2 * dim, bias=qkv_bias)",
    ),
    pairs=(
        _Q,
        "k = partial_linear(self.kv, self.reduced(x), 0, self.dim)",
        "(k,) = split_heads(k, 1, self.num_heads)",
    ),
    values=(
        "v = partial_linear(self.kv, self.reduced(x), self.dim, 2 * self.dim)",
        "(v,) = split_heads(v, 1, self.num_heads)",
    ),
    all=(_Q, "k, v = split_heads(self.kv(self.reduced(x)), 2, self.num_heads)"),
)

_SHARED_K = "k = shared_heads(k, self.kv_heads, self.num_heads // self.kv_heads)"
_SHARED_V = "v = shared_heads(v, self.kv_heads, self.num_heads // self.kv_heads)"
_OWN_Q = "(q,) = split_heads(q, 1, self.num_heads)"

SHARED_QKV = Projections(
    layers=(
        "self.kv_dim = dim // num_heads * kv_heads",
        "self.qkv = Linear(dim, dim + 2 * self.kv_dim, bias=qkv_bias)",
    ),
    pairs=(
        "qk = partial_linear(self.qkv, {tokens}, 0, self.dim + self.kv_dim)",
        "q, k = qk.split([self.dim, self.kv_dim], dim=-1)",
        _OWN_Q,
        _SHARED_K,
    ),
    values=(
        "first = self.dim + self.kv_dim",
        "v = partial_linear(self.qkv, {tokens}, first, first + self.kv_dim)",
        _SHARED_V,
    ),
    all=(
        "qkv = self.qkv({tokens})",
        "q, k, v = qkv.split([self.dim, self.kv_dim, self.kv_dim], dim=-1)",
        _OWN_Q,
        _SHARED_K,
        _SHARED_V,
    ),
)

_SHARED_Q_AND_KV = Projections(
    layers=(
        "self.reduce = reduce",
        "self.kv_dim = dim // num_heads * kv_heads",
        "self.q = Linear(dim, dim, bias=qkv_bias)",
        "self.kv = Linear(dim, 2 * self.kv_dim, bias=qkv_bias)",
    ),
    pairs=(
        _Q,
        "k = partial_linear(self.kv, self.reduced(x), 0, self.kv_dim)",
        _SHARED_K,
    ),
    values=(
        "v = partial_linear(self.kv, self.reduced(x), self.kv_dim, 2 * self.kv_dim)",
        _SHARED_V,
    ),
    all=(_Q, "k, v = self.kv(self.reduced(x)).chunk(2, dim=-1)", _SHARED_K, _SHARED_V),
)


def _no_methods(bias: Bias | None) -> Lines:
    return () if bias is None else bias.methods


def _no_tables(bias: Bias | None) -> Lines:
    return ()


@dataclass(frozen=True)
class Place:
    """A neighbourhood as text.

    `tokens` is what the projections read, `back` the lines from merged heads {y} to the result;
    `rows` is the shape of the weights, `output` that of the result. `shared` are the projections
    where heads share keys, `sizes` parameters of the constructor behind dim and num_heads. `locate`
    fetches {order}, {inverse} and {bias}; without it, biases are asked for by `position_bias_of`.
    `before` are methods that stand before `weights`, `after` those behind all; `tables` are buffers
    made by a method of that name.
    """

    name: str
    title: str
    rows: str
    output: str
    shapes: str
    back: Lines
    tokens: str = "x"
    where: str = ""
    comment: str = ""
    sizes: Lines = ()
    projections: Projections = QKV
    shared: Projections = SHARED_QKV
    biases: Mapping[str, Bias] = field(default_factory=dict)
    unbiased: str = ""
    unbiased_title: str = ""
    locate: str = ""
    tables: Callable[[Bias | None], Lines] = _no_tables
    before: Callable[[Bias | None], Lines] = _no_methods
    after: Lines = ()


_FLAT = "x.flatten(2).transpose(1, 2)"
_UNFLATTENED = "return self.proj({y}).transpose(1, 2).unflatten(2, x.shape[2:])"

_REDUCED = '''\
    def reduced(self, x: Tensor) -> Tensor:
        """What keys and values read: (B, M, C)."""
        return self.reduce(x).flatten(2).transpose(1, 2)'''

SEQUENCE = Place(
    name="Attention",
    title="self-attention of every position to every position",
    rows="(B, num_heads, N, N), rows are outputs",
    output="(B, N, C)",
    shapes="(B, N, C) -> (B, N, C); N counts extra tokens and positions alike.",
    back=("return self.proj({y})",),
    comment="# The fused kernel never stores the N x N weights.",
)

MAP = Place(
    name="Attention2d",
    title="self-attention over a whole map",
    rows="(B, num_heads, H * W, H * W), rows are outputs",
    output="(B, C, H, W)",
    shapes="(B, C, H, W) -> (B, C, H, W)",
    back=(_UNFLATTENED,),
    tokens=_FLAT,
    comment="# On channels_last memory both transposes are free views.",
    sizes=("map_size: tuple[int, int]",),
    biases=ON_MAP,
)

REDUCED = Place(
    name="ReducedAttention",
    title="attention of every position to a reduced map",
    rows="(B, num_heads, H * W, M), rows are outputs",
    output="(B, C, H, W)",
    shapes="(B, C, H, W) -> (B, C, H, W); reduce: (B, C, H, W) -> (B, C, h, w), M = h * w keys.",
    back=(_UNFLATTENED,),
    tokens=_FLAT,
    where=", q = Q x, (k, v) = KV reduce(x)",
    comment="# On channels_last memory flatten and transpose are free views.",
    sizes=("reduce: nn.Module",),
    projections=_Q_AND_KV,
    shared=_SHARED_Q_AND_KV,
    after=(_REDUCED,),
)

WINDOW = Place(
    name="WindowAttention",
    title="self-attention inside windows, shifted or not",
    rows="(B, windows, num_heads, places, places)",
    output="(B, C, H, W)",
    shapes="(B, C, H, W) -> (B, C, H, W); window_size divides (H, W) or is no smaller.",
    back=(
        "y = window_reverse({y}, inverse, x.shape[2:])",
        "return self.proj(y).permute(0, 3, 1, 2)",
    ),
    tokens="window_partition(x, order)",
    where=", j in the window of o",
    sizes=(
        "window_size: tuple[int, int]",
        "map_size: tuple[int, int]",
        "shift_size: tuple[int, int] = (0, 0)",
    ),
    biases=IN_WINDOW,
    unbiased="Plain",
    unbiased_title=", without position bias",
    locate="{order}, {inverse}, {bias} = self.locate(x)",
    tables=window_tables,
    before=window_methods,
)
