"""An operator as a point of the algebra: connectivity, sharing, rank and dynamism on two axes.

These frozen values are what an operator spec *means* (Han et al., ICLR 2022, generalised): which
entries of the weight tensor W[o, d, i, c] exist, which are one learned thing, of what smaller
connections W is made, and where its values come from. An `Operator` carries no sizes of a map; a
`Connection` is an atom (no rank words left) between two typed ends. Nothing here knows YAML, Python
text or torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Size = tuple[int, int]

SpaceConnect = Literal["point", "window", "stripe", "grid", "full", "local", "axial", "outlook"]
SpaceShare = Literal["none", "windows", "positions", "all"]
ChannelConnect = Literal["full", "groups", "separate", "local"]
ChannelShare = Literal["none", "heads", "all"]
Border = Literal["zero", "mask", "wrap", "reflect", "clamp"]
Source = Literal["static", "fixed", "pooled", "center", "pair", "channels"]
Normalize = Literal["none", "softmax", "sigmoid", "l1"]
Score = Literal["dot", "cosine", "relu", "elu"]
Position = Literal["none", "relative", "absolute", "continuous", "rotary"]
Talking = Literal["none", "logits", "weights", "both"]
Given = Literal["average", "identity", "shift"]
RankWord = Literal["reduce", "tokens", "separable", "scales", "inner"]
Padding = Literal["half", "same_tf"] | Size

HIDDEN = 512
"""Hidden units of the network behind a continuous position bias, as in Swin v2."""
TEMPERATURE = 10000.0
"""Of rotary positions: how much slower the slowest plane turns than the fastest, nearly."""

BLOCKS: tuple[SpaceConnect, ...] = ("point", "window", "stripe", "grid", "full")
STENCILS: tuple[SpaceConnect, ...] = ("local", "axial")
# Neither: the windows of `outlook` overlap, and an output is the sum over those that it lies in.
KEEPING: tuple[ChannelConnect, ...] = ("separate", "local")
"""Connectivities by which a core has as many channels out as in."""
TOGETHER: tuple[Normalize, ...] = ("softmax", "l1")
"""Normalisations of all weights of an output together: they tell an absent slot from one that
reads 0, and have nothing to say where there is one slot."""
BY_OFFSET: tuple[Position, ...] = ("relative", "continuous", "rotary")
"""What pairs know of places as a function of the offset alone: keys need a place on the map of the
queries."""


def position_share(position: Position) -> SpaceShare | None:
    """How what pairs know of places is shared over space; None where they know none."""
    if position in BY_OFFSET:
        return "positions"
    return "none" if position == "absolute" else None


FEATURES: tuple[Score, ...] = ("relu", "elu")
"""Scores that are products of features of a query and of a key, none of them negative: they are
weights as they are, and sums over slots may be taken before the query is known."""


@dataclass(frozen=True)
class Rank:
    """A rank word and its number: `reduce` ratio, `tokens` count, `scales` coarse factors,
    `inner` width. `separable` takes none."""

    word: RankWord
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Space:
    """The four properties over positions, with the geometry that connectivity needs.

    `size` is the kernel (local), the window, the number of cells (grid) or the band (stripe: rows
    in `size[0]`, columns where `along` is `columns` in `size[1]`). `padding` places the taps:
    `half` centres them (even sizes take the extra tap after the centre; output grid ⌈H/s⌉), a
    number n starts them n before the corner and keeps whole kernels only, `same_tf` is
    TensorFlow's SAME. `halo` is how many rows and columns around its window a window reads: then
    its outputs share inputs that are more than their own. `border` says what stands outside the
    map. `pad` completes a map that blocks do not divide with zero positions that take part.

    `outlook` (Yuan et al., VOLO, TPAMI 2022) has a window of `size` around every `step`-th place.
    In each, every place reads all; an output is the sum over the windows N(p) that it lies in:

        y[o] = Σ_{p: o ∈ N(p)} Σ_{i ∈ N(p)} A_p[o − p, i − p] v[i]

    so its slots are pairs of such a window and a place in it, its orbits (`share: windows`) pairs
    of places, its normalisations over one window each; a `center` source reads x averaged over the
    step × step cell that begins at the window's centre.
    """

    connect: SpaceConnect = "point"
    size: Size = (1, 1)
    stride: Size = (1, 1)
    dilation: Size = (1, 1)
    shift: Size = (0, 0)
    halo: Size = (0, 0)
    along: Literal["rows", "columns"] = "rows"
    share: SpaceShare = "none"
    border: Border = "zero"
    padding: Padding = "half"
    pad: bool = False
    rank: Rank | None = None
    step: Size = (1, 1)


@dataclass(frozen=True)
class Channel:
    """The properties over channels. `groups` counts contiguous groups; `heads` counts contiguous
    runs of channels that share one weight (`share: heads`). `size` is the width of a band (local):
    output channel d reads the channels from d − ⌊(size − 1)/2⌋ on, 0 beyond the first and the last;
    `share: all` is then one number for each tap of the band, `none` one for each entry."""

    connect: ChannelConnect = "full"
    groups: int = 1
    share: ChannelShare = "none"
    heads: int = 1
    rank: Rank | None = None
    size: int = 1


@dataclass(frozen=True)
class Predictor:
    """How pooled and center sources make weights: linear, or through hidden units.

    context → [Linear(C, width, bias) → norm → act →] Linear(width, orbits)

    The hidden width is C/`reduction`, and the last layer has a bias; or it is `experts`, and the
    last layer has none: its columns are that many static kernels, of which the context mixes W
    (Yang et al., CondConv, NeurIPS 2019). At most one of the two is a number.
    """

    reduction: int | None = None
    bias: bool = False
    norm: Literal["none", "batch_norm"] = "none"
    act: str = "relu"
    experts: int | None = None

    def width(self, channels: int) -> int | None:
        """Hidden units where `channels` come in; None where there is no hidden layer."""
        if self.experts is not None:
            return self.experts
        return None if self.reduction is None else channels // self.reduction


@dataclass(frozen=True)
class Weight:
    """Where the values of W come from (dynamism) and what normalises them over the slots.

    `softmax` makes the weights of an output positive with sum 1, `l1` divides them by the sum of
    their magnitudes and keeps their signs, `sigmoid` bounds them one by one.
    `pair` logits are a score plus a position bias. The score is `dot`, q·k / sqrt(head width), or
    `cosine`, τ cos(q, k) with τ = exp(min(logit_scale, log 100)) learned for each head, or without
    any factor φ(q)·φ(k), φ = `relu` (Cai et al., EfficientViT, ICCV 2023) or elu + 1 (`elu`;
    Katharopoulos et al., ICML 2020). Keys, and behind a value projection values, are made once for
    each of `kv_heads` equal runs of heads (one: Shazeer, multi-query, 2019; some: Ainslie et al.,
    grouped-query, EMNLP 2023), or for every head. The bias is
    `relative` (one value per offset and head), `absolute` (one per pair of places and head),
    `continuous` (16 σ(W₂ relu(W₁ c + b₁)) of an offset's coordinates c, through `hidden` units: Liu
    et al., Swin v2, CVPR 2022) or none. With `rotary` positions there is none, but queries and keys
    are turned by where they stand (Su et al., RoFormer, 2021; in two axes as in Heo et al., ECCV
    2024): of a head of width d the features 2i and 2i + 1 form a plane, those of the first half
    turn by the row, those of the second by the column, the i-th plane of a half by
    `temperature`^(−4i/d) for each place. A score is a function of query, key and offset; extra
    tokens are not turned, as if they stood at the first place.

    With talking heads (Shazeer et al., Talking-Heads Attention, 2020) each head learns what it
    hears of the others: `logits` are mixed before the normalisation, position bias included,
    `weights` behind it, each by a matrix over the heads and a number of each head's own:

        W[h, o, j] = m_h + Σ_g M[h, g] softmax_j(l_g + Σ_f L[g, f] logit[f, o, j])

    at slots that are there: what a border cuts away stays 0. The sum of mixed weights is what M and
    m make of it, and not 1.

    `channels` compares channels instead of places: W[d, c] = τ cos(q_d, k_c) inside each group of
    channels (a head), where q_d and k_c are what the projections make of the whole map on these
    channels, and τ = `temperature` is learned for each head; one W serves all positions, and its
    softmax runs over the channels c of the head.

    Offsets are input − output, counted in taps of a kernel, places of a block, cells of a grid. A
    coordinate is sign(d) log₂(1 + 8|d|/D) / 3, D the largest |d| of its axis; on a ring d is the
    shorter way round. `qkv_bias` gives all projections a bias; without `key_bias` the keys have
    none. `extent` is the side of the region that a `center` source reads. `fixed` values:
    `average`, `identity` or `shift`, which reads one tap of a kernel: the one that stands `offset`
    rows and columns from its centre.
    """

    source: Source = "static"
    normalize: Normalize = "none"
    position: Position = "none"
    predictor: Predictor | None = None
    extent: int = 1
    qkv_bias: bool = True
    fixed: Given | None = None
    score: Score = "dot"
    kv_heads: int | None = None
    offset: Size = (0, 0)
    key_bias: bool = True
    hidden: int = HIDDEN
    temperature: float = TEMPERATURE
    talking_heads: Talking = "none"

    @property
    def mixes_logits(self) -> bool:
        """Whether heads are mixed before the normalisation."""
        return self.talking_heads in ("logits", "both")

    @property
    def mixes_weights(self) -> bool:
        """Whether heads are mixed behind the normalisation."""
        return self.talking_heads in ("weights", "both")

    @property
    def keyless(self) -> bool:
        """Whether queries and values have a bias and keys have none."""
        return self.qkv_bias and not self.key_bias


@dataclass(frozen=True)
class Frame:
    """Projections around a core: y = output(core(value(x))), each a point connection."""

    value: bool = False
    output: bool = False
    value_bias: bool = True
    output_bias: bool = True


BiasShare = Literal["none", "channels", "positions", "both"]


@dataclass(frozen=True)
class Operator:
    """A consistent point of the algebra. `bias` is added to the core's output: one number per
    output channel, per output position, or per both."""

    space: Space = field(default_factory=Space)
    channel: Channel = field(default_factory=Channel)
    weight: Weight = field(default_factory=Weight)
    bias: BiasShare = "channels"
    frame: Frame = field(default_factory=Frame)


def keeps_width(operator: Operator) -> bool:
    """Whether a core has as many channels out as in: each reads those around it, or queries are
    made of the channels that come in."""
    return operator.channel.connect in KEEPING or operator.weight.source == "channels"


def compares(operator: Operator) -> bool:
    """Whether weights come from queries and keys, which are projected together with the values."""
    return operator.weight.source in ("pair", "channels")


@dataclass(frozen=True)
class Connection:
    """An atom between typed ends: `in_channels` on `in_grid` to `out_channels` on `out_grid`.

    y[b,o,d] = bias + Σ_j Σ_m f[orbit(o,j), corbit(d,m)](context) · v[b, slot(o,j), cslot(d,m)]

    `operator` has no rank words left. `tokens` extra tokens stand in front of the positions and
    take part only in `full` and `point` connections. A grid of None is a pooled vector: one place.
    `key_grid` is where keys and values live when a pair source reads a reduced map, else in_grid.
    """

    operator: Operator
    in_channels: int
    out_channels: int
    in_grid: Size | None
    out_grid: Size | None
    tokens: int = 0
    key_grid: Size | None = None
