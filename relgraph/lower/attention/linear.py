"""The methods of linear attention, whose weights are products of features of queries and keys.

Goes in: an attention's parts. Comes out: the text of `weights`, which makes them all, and of
`forward`, which sums over the keys first: φ(q) (φ(k)ᵀ v), as matrices may be multiplied in either
order (Katharopoulos et al., ICML 2020).
"""

from __future__ import annotations

from relgraph.lower.attention.code import method
from relgraph.lower.attention.methods import merged, pairs, read
from relgraph.lower.attention.parts import Parts


def weights(parts: Parts) -> str:
    """The weights alone."""
    score, summed = parts.score, parts.normalize == "l1"
    over = " over the sum of each row" if summed else ""
    product = f"F.normalize({score.product}, p=1.0, dim=-1)" if summed else score.product
    return method(
        "weights",
        ("x: Tensor",),
        "Tensor",
        f"{score.matrix}{over}: {parts.place.rows}.",
        [*pairs(parts), score.features, f"return {product}"],
    )


def forward(parts: Parts) -> str:
    """Keys with values first: no weights are made."""
    lines = [
        *read(parts, parts.projections.all),
        parts.score.features,
        "# In this order the weights, one for each pair of places, are never made.",
        "y = q @ (k.transpose(-2, -1) @ v)",
    ]
    if parts.normalize == "l1":
        lines += [
            "total = q @ k.sum(dim=-2).unsqueeze(-1)",
            "y = y / total.clamp(min=1e-12)",
        ]
    return method("forward", ("x: Tensor",), "Tensor", "", [*lines, *merged(parts, "y")])
