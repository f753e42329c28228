"""The methods of talking heads, which are mixed before the softmax, behind it, or both.

Goes in: an attention's parts. Comes out: the layers that mix, and the text of `weights`, of
`forward`, and of `talked`, from logits to weights (Shazeer et al., Talking-Heads Attention, 2020).
No fused kernel knows of it: the weights of all pairs are made.
"""

from __future__ import annotations

from dataclasses import replace

from relgraph.algebra.operator import Talking
from relgraph.lower.attention.code import method
from relgraph.lower.attention.methods import located, merged, pairs, prepared, read
from relgraph.lower.attention.parts import Parts
from relgraph.lower.attention.place import Place
from relgraph.lower.attention.windowed import APART, window_methods

LAYERS: dict[Talking, tuple[str, ...]] = {
    "none": (),
    "logits": ("self.proj_l = Linear(num_heads, num_heads)",),
    "weights": ("self.proj_w = Linear(num_heads, num_heads)",),
    "both": (
        "self.proj_l = Linear(num_heads, num_heads)",
        "self.proj_w = Linear(num_heads, num_heads)",
    ),
}
"""Lines of the constructor."""

SAID: dict[Talking, str] = {
    "logits": "proj_l mixes the heads.",
    "weights": "proj_w mixes the heads.",
    "both": "proj_l and proj_w mix the heads.",
}


def with_mask(place: Place, biased: bool) -> Place:
    """Where windows are cut, the bias is mixed and the mask is not: they are fetched apart."""
    if not place.locate:
        return place
    found = "{bias}, {mask}" if biased else "{mask}"
    return replace(
        place,
        before=lambda bias: window_methods(bias, APART),
        locate=f"{{order}}, {{inverse}}, {found} = self.locate(x)",
    )


def equation(parts: Parts, entry: str) -> str:
    """What makes the weights of a pair from its `entry`."""
    logit = f"proj_l({entry})" if parts.talking != "weights" else entry
    return f"proj_w(softmax_j({logit}))" if parts.talking != "logits" else f"softmax_j({logit})"


def _talked(parts: Parts) -> str:
    """The call that makes weights of queries and keys."""
    bias = "bias" if parts.place.locate else "self.position_bias_of(x)"
    logits = parts.score.product + ("" if parts.bias is None else f" + {bias}")
    return f"self.talked({logits}{', mask' if parts.place.locate else ''})"


def weights(parts: Parts) -> str:
    """The weights alone."""
    added = "" if parts.bias is None else " + bias"
    doc = f"talked({parts.score.matrix}{added}): {parts.place.rows}."
    lines = [*located(parts, inverse=False), *prepared(parts, pairs(parts))]
    lines.append(f"return {_talked(parts)}")
    return method("weights", ("x: Tensor",), "Tensor", doc, lines)


def forward(parts: Parts) -> str:
    """Weights and values from one product."""
    prepare = parts.score.prepare
    lines = [
        *located(parts),
        *read(parts, parts.projections.all),
        *([f"q, k = {prepare}q, k)"] if prepare else []),
        f"w = {_talked(parts)}",
    ]
    return method("forward", ("x: Tensor",), "Tensor", "", [*lines, *merged(parts, "w @ v")])


def talked(parts: Parts) -> str:
    """From logits to weights. Where a window is cut, nothing is heard."""
    masked = bool(parts.place.locate)
    w = "logits" if parts.talking == "weights" else "mix_heads(self.proj_l, logits)"
    lines = [f"logits = {w}"] if masked and w != "logits" else []
    if masked:
        lines += ["if mask is not None:", "    logits = logits + mask"]
    w = f"{'logits' if masked else w}.softmax(dim=-1)"
    if parts.talking != "logits":
        w = f"mix_heads(self.proj_w, {w})"
    if masked and parts.talking != "logits":
        lines += [
            f"w = {w}",
            "# What a head adds to its weights is not for pairs that are cut apart.",
            "return w if mask is None else w * (mask == 0)",
        ]
    else:
        lines.append(f"return {w}")
    given = ("logits: Tensor", *(("mask: Tensor | None",) if masked else ()))
    doc = "Weights of logits, for each head from those of all."
    return method("talked", given, "Tensor", doc, lines)
