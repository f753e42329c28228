"""The methods that compute an attention: weights, aggregate, and forward, which fuses the two.

Goes in: an attention's parts. Comes out: the text of each method, empty where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable

from relgraph.lower.attention.code import fits, method
from relgraph.lower.attention.parts import Parts
from relgraph.lower.attention.place import SEQUENCE


def located(parts: Parts, *, inverse: bool = True, summand: bool = True) -> list[str]:
    """The line that fetches tables, and those of them that are read."""
    if not parts.place.locate:
        return []
    names = {"inverse": "inverse" if inverse else "_", "bias": parts.summand if summand else "_"}
    mask = "mask" if summand else "_"
    return [parts.place.locate.format(order="order", mask=mask, **names)]


def read(parts: Parts, lines: Iterable[str]) -> list[str]:
    """Lines of a projection, with what is projected."""
    return [line.format(tokens=parts.place.tokens) for line in lines]


def merged(parts: Parts, heads: str) -> list[str]:
    """Heads to the result; side by side in a line of their own where one is too long."""
    inside = [line.format(y=f"merge_heads({heads})") for line in parts.place.back]
    if all(fits(line) for line in inside):
        return inside
    return [f"y = merge_heads({heads})", *(line.format(y="y") for line in parts.place.back)]


def weights(parts: Parts) -> str:
    """The weights alone."""
    place, score = parts.place, parts.score
    added = "" if parts.bias is None else " + bias"
    return method(
        "weights",
        ("x: Tensor",),
        "Tensor",
        f"softmax({score.matrix}{added}): {place.rows}.",
        [*located(parts, inverse=False), *_weight_lines(parts)],
    )


def _weight_lines(parts: Parts) -> list[str]:
    lines = prepared(parts, pairs(parts))
    if parts.summand == "mask":
        both = "(logits if mask is None else logits + mask)"
        return [*lines, f"logits = {parts.score.product}", f"return {both}.softmax(dim=-1)"]
    if not parts.summand:
        return [*lines, f"return ({parts.score.product}).softmax(dim=-1)"]
    bias = "bias" if parts.place.locate else "self.position_bias_of(x)"
    if not parts.has_softmax:
        return [*lines, f"return ({parts.score.product} + {bias}).softmax(dim=-1)"]
    if parts.shared:
        return [*lines, f"return self.softmax(q, k, {bias})"]
    pair = lines[-1].removeprefix("q, k = ")
    return [*lines[:-1], f"return self.softmax(*{pair}, {bias})"]


def pairs(parts: Parts) -> list[str]:
    """Queries and keys; in one line where it is not too long."""
    lines = read(parts, parts.projections.pairs)
    whole = lines[1].replace("qk", lines[0].removeprefix("qk = "))
    return [whole, *lines[2:]] if lines[0].startswith("qk = ") and fits(whole) else lines


def prepared(parts: Parts, lines: list[str]) -> list[str]:
    """Queries and keys, and what is done with them before they are compared."""
    prepare = parts.score.prepare
    if not prepare:
        return lines
    inside = lines[-1].replace("q, k = ", f"q, k = {prepare}*") + ")"
    if lines[-1].startswith("q, k = ") and fits(inside):
        return [*lines[:-1], inside]
    return [*lines, f"q, k = {prepare}q, k)"]


def aggregate(parts: Parts) -> str:
    """Values summed with weights that are given."""
    doc = f"Sum the values with weights w and project: {parts.place.output}."
    values = read(parts, parts.projections.values)
    lines = [*located(parts, summand=False), *values, *merged(parts, "w @ v")]
    return method("aggregate", ("w: Tensor", "x: Tensor"), "Tensor", doc, lines)


def forward(parts: Parts) -> str:
    """Both, by a fused kernel where one serves."""
    place, prepare = parts.place, parts.score.prepare
    lines = [
        *located(parts),
        *([place.comment] if place.comment and not _comments_late(parts) else []),
        *read(parts, parts.projections.all),
        *([f"q, k = {prepare}q, k)"] if prepare else []),
    ]
    if parts.bias is not None:
        lines += [*_chosen(parts), *merged(parts, "y")]
    elif parts.summand == "mask":
        lines += [*_fused_windows(parts), *merged(parts, "y")]
    else:
        lines = [*lines, *_fused_whole(parts)]
    return method("forward", ("x: Tensor",), "Tensor", "", lines)


_EXPLICIT = "# A CPU's fused kernel cannot differentiate the bias, and its fallback is slow."


def _chosen(parts: Parts) -> list[str]:
    """With a bias: the weights themselves where there are gradients, else a fused kernel."""
    logits = "self.softmax(q, k, bias)"
    if not parts.has_softmax:
        logits = f"({parts.score.product} + bias).softmax(dim=-1)"
    fused, first = "self.fused(q, k, v, bias)", []
    if not parts.place.locate:
        fused = f"{_KERNEL}(q, k, v, attn_mask=bias[None]{parts.score.fused})"
        first = ["bias = self.position_bias_of(x).to(q.dtype)"]
    elif parts.has_softmax:
        return [
            _EXPLICIT,
            "explicit = torch.is_grad_enabled()",
            f"y = {logits} @ v if explicit else {fused}",
        ]
    return [
        *first,
        "if torch.is_grad_enabled():",
        f"    {_EXPLICIT}",
        f"    y = {logits} @ v",
        "else:",
        f"    y = {fused}",
    ]


_KERNEL = "F.scaled_dot_product_attention"


def _comments_late(parts: Parts) -> bool:
    """Whether the comment, which is about the kernel, would stand away from it."""
    return parts.place is SEQUENCE and bool(parts.score.prepare)


def _fused_whole(parts: Parts) -> list[str]:
    call = f"{_KERNEL}(q, k, v{parts.score.fused})"
    if not parts.score.prepare:
        return merged(parts, call)
    comment = [parts.place.comment] if _comments_late(parts) else []
    return [*comment, f"y = {call}", *merged(parts, "y")]


def _fused_windows(parts: Parts) -> list[str]:
    return [
        "batch = q.shape[:2]",
        "if mask is not None:",
        "    mask = mask.to(q.dtype).expand(batch[0], -1, -1, -1, -1).flatten(0, 1)",
        "# The fused kernel wants one batch dimension: images and windows together.",
        "q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)",
        f"y = {_KERNEL}(q, k, v, attn_mask=mask{parts.score.fused}).unflatten(0, batch)",
    ]


def softmax(parts: Parts) -> str:
    """Weights of queries and keys, where two methods make them."""
    if not parts.has_softmax:
        return ""
    lines = [f"return ({parts.score.product} + bias).softmax(dim=-1)"]
    pair = ("q: Tensor", "k: Tensor", "bias: Tensor")
    return method("softmax", pair, "Tensor", "", lines)


def fused(parts: Parts) -> str:
    """The kernel on windows with a bias, where it is called."""
    if parts.bias is None or not parts.place.locate:
        return ""
    return method(
        "fused",
        ("q: Tensor", "k: Tensor", "v: Tensor", "bias: Tensor"),
        "Tensor",
        "The same without storing weights; the kernel wants a batch and a bias of 4 dimensions.",
        [
            "batch = q.shape[:2]",
            "if bias.shape[0] > 1:",
            "    bias = bias.expand(batch[0], -1, -1, -1, -1).flatten(0, 1)",
            "q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)",
            f"y = {_KERNEL}(q, k, v, attn_mask=bias.to(q.dtype){parts.score.fused})",
            "return y.unflatten(0, batch)",
        ],
    )
