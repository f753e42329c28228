"""Words and equations of operators: what a reader of `show` and of docstrings sees."""

from __future__ import annotations

import pytest

from relgraph.algebra.describe import describe
from relgraph.algebra.equation import equation
from relgraph.algebra.families import families
from relgraph.algebra.operator import (
    Channel,
    Frame,
    Operator,
    Predictor,
    Rank,
    Space,
    Weight,
)

LOCAL = Space("local", (7, 7), share="positions")
CASES = {
    "depthwise_conv": (
        Operator(LOCAL, Channel("separate")),
        "local 7×7 over space, shared over positions; own channel only; static",
        "y[o, c] = b[c] + Σ_{i ∈ 7×7 around o} W[i−o, c] · x[i, c]",
    ),
    "conv": (
        Operator(Space("local", (3, 3), (2, 2), share="positions"), Channel("groups", groups=2)),
        "local 3×3 over space, stride 2×2, shared over positions; channels in 2 groups; static",
        "y[o, d] = b[d] + Σ_{i ∈ 3×3 around 2·o} Σ_{c ∈ group(d)} W[i−o, d, c] · x[i, c]",
    ),
    "mlp": (
        Operator(Space("full"), bias="both"),
        "all positions over space, a weight for every entry; all channels; static",
        "y[o, d] = b[o, d] + Σ_{i ∈ all} Σ_c W[o, i, d, c] · x[i, c]",
    ),
    "pointwise": (
        Operator(Space(share="positions")),
        "own position only, shared over positions; all channels; static",
        "y[o, d] = b[d] + Σ_c W[d, c] · x[o, c]",
    ),
    "local_attention": (
        Operator(
            Space("window", (7, 7), shift=(3, 3), border="mask"),
            Channel("separate", share="heads", heads=4),
            Weight("pair", "softmax", "relative"),
            "none",
            Frame(True, True),
        ),
        "windows 7×7 over space, shifted by 3×3; own channel only, shared inside 4 heads; "
        "dynamic, from pairs (query · key), softmax, relative position bias; "
        "value and output projections",
        "y[o] = b + P z[o], z[o, c] = Σ_{i ∈ window(o)} "
        "softmax_i(q[o, head(c)] · k[i, head(c)] / √width + B[i−o, head(c)]) · (V x)[i, c]",
    ),
    "multi_query_attention": (
        Operator(
            Space("full", border="mask"),
            Channel("separate", share="heads", heads=4),
            Weight("pair", "softmax", kv_heads=1),
            "none",
            Frame(True, True),
        ),
        "all positions over space; own channel only, shared inside 4 heads; "
        "dynamic, from pairs (query · key), one key and value for all heads, softmax; "
        "value and output projections",
        "y[o] = b + P z[o], z[o, c] = Σ_{i ∈ all} "
        "softmax_i(q[o, head(c)] · k[i] / √width) · (V x)[i, c′], "
        "c′ = c in the head that its run shares",
    ),
    "grouped keys without values": (
        Operator(
            Space("full"), Channel("separate"), Weight("pair", score="cosine", kv_heads=2), "none"
        ),
        "all positions over space; own channel only; "
        "dynamic, from pairs (cosine of query and key, times a learned scale), "
        "2 keys for all heads",
        "y[o, c] = Σ_{i ∈ all} τ[c] cos(q[o, c], k[i, run(c)]) · x[i, c]",
    ),
    "dynamic_depthwise_conv": (
        Operator(LOCAL, Channel("separate"), Weight("pooled", predictor=Predictor(4))),
        "local 7×7 over space, shared over positions; own channel only; "
        "dynamic, predicted from the mean over all positions, hidden width 1/4",
        "y[o, c] = b[c] + Σ_{i ∈ 7×7 around o} W[i−o, c](mean x) · x[i, c]",
    ),
    "involution": (
        Operator(LOCAL, Channel("separate", share="all"), Weight("center", extent=3), "none"),
        "local 7×7 over space, shared over positions; own channel only, shared by all channels; "
        "dynamic, predicted from the 3×3 region at the centre",
        "y[o, c] = Σ_{i ∈ 7×7 around o} W[i−o](x[3×3 around o]) · x[i, c]",
    ),
    "average_pooling": (
        Operator(
            Space("local", (3, 3), border="mask"),
            Channel("separate"),
            Weight("fixed", fixed="average"),
            "none",
        ),
        "local 3×3 over space, cut at the border; own channel only; given weights: average",
        "y[o, c] = Σ_{i ∈ 3×3 around o} 1/|slots| · x[i, c]",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_words_and_equations(name: str) -> None:
    operator, words, formula = CASES[name]
    assert describe(operator) == words
    assert equation(operator) == formula


@pytest.mark.parametrize(
    ("rank", "words", "formula"),
    [
        (Rank("reduce", (4,)), "from a map reduced 4 times", ", i on the map reduced 4 times"),
        (Rank("reduce"), "from a reduced map", ", i on the map reduced"),
        (Rank("tokens", (8,)), "through 8 tokens", ", W = U V through 8 tokens"),
        (Rank("separable"), "rows times columns", ", W = rows ∘ columns"),
        (Rank("scales", (2, 4)), "also at scales 1/2, 1/4", " + Up_4 W_4 Down_4 x"),
        (Rank("inner", (6,)), "through 6 inner channels", ", W = A W′ B through 6 channels"),
    ],
)
def test_rank_is_said(rank: Rank, words: str, formula: str) -> None:
    inner = rank.word == "inner"
    space = Space("full", rank=None if inner else rank)
    channel = Channel("full", rank=rank if inner else None)
    assert words in describe(Operator(space, channel))
    assert equation(Operator(space, channel)).endswith(formula)


def test_the_paddings_tell_where_taps_stand() -> None:
    corner = Operator(Space("local", (4, 4), (4, 4), share="positions", padding=(0, 0)))
    assert "4×4 from 4·o" in equation(corner)


def test_different_families_read_differently() -> None:
    """Two families that say the same words and the same equation would be one to a reader."""
    said: dict[tuple[str, str], Operator] = {}
    for operator in families():
        key = (describe(operator), equation(operator))
        assert said.setdefault(key, operator) == operator, key
